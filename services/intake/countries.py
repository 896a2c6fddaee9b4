"""Countries by the names people write: codes of ISO 3166-1, its names, and the short forms everybody uses."""

import unicodedata
from difflib import get_close_matches
from functools import cache, lru_cache

import pycountry

# Names that ISO 3166-1 does not have, or has in another form only; each can mean one country alone.
_ALIASES = {
    "uk": "GB", "great britain": "GB", "england": "GB", "scotland": "GB", "wales": "GB", "northern ireland": "GB",
    "el": "GR", "usa": "US", "u.s.": "US", "u.s.a.": "US", "united states of america": "US",
    "south korea": "KR", "korea (south)": "KR", "north korea": "KP", "russia": "RU", "turkey": "TR", "vietnam": "VN",
    "czech republic": "CZ", "holland": "NL", "the netherlands": "NL", "macedonia": "MK", "fyrom": "MK",
    "ivory coast": "CI", "cape verde": "CV", "swaziland": "SZ", "burma": "MM", "syria": "SY", "iran": "IR",
    "laos": "LA", "moldova": "MD", "tanzania": "TZ", "venezuela": "VE", "bolivia": "BO", "brunei": "BN",
    "taiwan": "TW", "hong kong": "HK", "hong kong sar": "HK", "macau": "MO", "macao": "MO", "palestine": "PS",
    "vatican": "VA", "kosovo": "XK", "uae": "AE", "mainland china": "CN", "people's republic of china": "CN",
    "pr china": "CN", "p.r. china": "CN", "prc": "CN",
}  # fmt: skip


@lru_cache(maxsize=4096)
def country(name: str) -> str:
    """The ISO 3166-1 alpha-2 code of a country, or a territory such as ES-CE as it is. Raises ValueError."""
    plainly = _plain(name)
    found = _names().get(plainly)
    if found is not None:
        return found
    if len(name) > 3 and name[2] == "-" and name[:2] in _names().values():
        return name
    close = get_close_matches(plainly, list(_names()), 1, 0.8)
    meant = f"; did you mean {close[0]} ({_names()[close[0]]})?" if close and len(plainly) > 3 else ""
    raise ValueError(f"expected a country by its ISO code or English name{meant}")


@cache
def _names() -> dict[str, str]:
    found = {}
    for one in pycountry.countries:
        for key in ("alpha_2", "alpha_3", "name", "official_name", "common_name"):
            if written := getattr(one, key, None):
                found[_plain(written)] = one.alpha_2
    known = {one.alpha_2 for one in pycountry.countries}
    return found | {name: code for name, code in _ALIASES.items() if code in known}


def _plain(name: str) -> str:
    folded = unicodedata.normalize("NFKD", name)
    return " ".join("".join(one for one in folded if not unicodedata.combining(one)).casefold().split())
