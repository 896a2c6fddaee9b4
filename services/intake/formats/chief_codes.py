"""What CHIEF's codes mean here: its units in UN/ECE Recommendation 20, and its licence types as schemes.

Units: "UK Trade Tariff: quantity codes" (GOV.UK), and three codes beyond it (110, 111, 116) that the Department for
Business and Trade's licence service sends. Codes 002 and 094 stand for a litre or cubic metre with that service and
for something else in the tariff: they are in no table, so they are refused.
"""

import re

UNITS = {
    "011": "ONZ", "012": "LBR", "014": "CWI", "016": "LTN", "017": "APZ", "018": "LBT", "021": "GRM",
    "022": "HGM", "023": "KGM", "024": "DTN", "025": "TNE", "026": "CTM", "030": "H87", "031": "PR",
    "032": "DZN", "033": "DPR", "034": "CEN", "036": "GRO", "037": "MIL", "041": "INK", "042": "FTK",
    "043": "YDK", "044": "DMK", "045": "MTK", "050": "INH", "051": "FOT", "052": "YRD", "054": "MMT",
    "055": "CMT", "056": "DMT", "057": "MTR", "059": "HMT", "071": "PTI", "072": "GLI", "074": "MLT",
    "075": "CLT", "076": "LTR", "078": "HLT", "079": "GLL", "081": "INQ", "082": "FTQ", "083": "YDQ",
    "086": "DMQ", "087": "MTQ", "096": "KWT", "097": "KWH", "110": "4G", "111": "MGM", "116": "MC",
}  # fmt: skip
"""CHIEF quantity unit → UN/ECE Recommendation 20."""

NAMED_UNITS = {
    "NAR": "H87", "ITG": "H87", "GRM": "GRM", "KGM": "KGM", "MTK": "MTK", "MTR": "MTR", "LTR": "LTR", "MTQ": "MTQ",
    "MLT": "MLT", "MIR": "MLT", "MGM": "MGM", "MIM": "MGM", "TON": "TNE", "MCG": "MC", "MCM": "MC", "MCL": "4G",
    "MCR": "4G",
}  # fmt: skip
"""Unit of a licence payload → UN/ECE Recommendation 20. Its TON is the metric tonne."""

_EXPORT = {"SIE": ("siel", "sicl", "sitl"), "OIE": ("oiel", "oicl"), "OGE": ("ogel", "ogcl", "ogtl")}
_IMPORT = ("SIL", "OIL", "SAN")
_NUMBERED = re.compile(r"GB([A-Z]{3,4})[/0-9]")


def scheme(kind: str, reference: str) -> str:
    """The scheme of an export licence: ``gb-siel`` for type SIE (or siel), unless its number says ``gb-sicl``.

    One type of CHIEF holds several kinds of licence, told apart by their numbers (GBSIEL/…, GBSICL/…).
    Raises ValueError where type and number belong to different ones, or the type is not known.
    """
    types = {
        name: family for family, names in _EXPORT.items() for name in (family, *(n.upper() for n in names))
    }
    family = types.get(kind.upper())
    if family is None:
        raise ValueError(f"licence type {kind!r}: expected one of {', '.join(sorted(types))} for export")
    found = _NUMBERED.match(reference)
    numbered = found.group(1) if found else ""
    if types.get(numbered, family) != family:
        raise ValueError(f"licence type {kind}: the number {reference} is one of {numbered}")
    exact = [name for name in (numbered, kind.upper()) if name.lower() in _EXPORT[family]]
    return f"gb-{exact[0].lower() if exact else _EXPORT[family][0]}"


def import_scheme(kind: str, origin: str) -> str:
    """The scheme of an import licence with the one country goods may come from: ``gb-import-sil-from-us``.

    Raises ValueError for a type that is not known.
    """
    if kind not in _IMPORT:
        raise ValueError(f"licence type {kind!r}: expected one of {', '.join(_IMPORT)} for import")
    return f"gb-import-{kind.lower()}-from-{origin.lower()}"


def unit(code: str) -> str:
    """The unit of a CHIEF code. Raises ValueError where the table does not know it."""
    if code not in UNITS:
        raise ValueError(
            f"quantity unit {code!r}: expected a code of the UK tariff, such as 030 (number) or 023 (kg)"
        )
    return UNITS[code]


def named_unit(name: str) -> str:
    """The unit of a licence payload. Raises ValueError where the table does not know it."""
    if name not in NAMED_UNITS:
        raise ValueError(f"unit {name!r}: expected one of {', '.join(NAMED_UNITS)}")
    return NAMED_UNITS[name]
