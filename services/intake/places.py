"""Countries and customs unions by the names that papers give them, in any language ISO 3166 is translated to.

A name is looked up, never guessed: one that the tables do not hold, or that means two countries, is unknown.
"""

import gettext
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import pycountry

# Names in everyday and statistical use beside those of ISO 3166, already made plain; and two codes that are reserved.
_ALSO = {
    "uk": "GB", "el": "GR", "great britain": "GB", "usa": "US", "united states of america": "US", "russia": "RU",
    "south korea": "KR", "republic of korea": "KR", "korea rep": "KR", "korea republic of": "KR",
    "north korea": "KP", "dpr korea": "KP", "korea dem rep": "KP", "vietnam": "VN", "laos": "LA", "lao pdr": "LA",
    "iran": "IR", "iran islamic rep": "IR", "egypt arab rep": "EG", "syria": "SY", "yemen rep": "YE",
    "venezuela rb": "VE", "turkey": "TR", "czech republic": "CZ", "slovak republic": "SK", "macedonia": "MK",
    "fyr macedonia": "MK", "republic of moldova": "MD", "kyrgyz republic": "KG", "tanzania": "TZ",
    "republic of sudan": "SD", "dr congo": "CD", "congo dem rep": "CD", "democratic republic of congo": "CD",
    "congo rep": "CG", "republic of congo": "CG", "cote divoire": "CI", "ivory coast": "CI", "cape verde": "CV",
    "swaziland": "SZ", "burma": "MM", "brunei": "BN", "east timor": "TL", "bahamas": "BS", "gambia": "GM",
    "gambia rep": "GM", "micronesia": "FM", "micronesia fed states": "FM", "palestine": "PS",
    "state of palestine": "PS", "taiwan": "TW", "taiwan china": "TW", "chinese taipei": "TW",
    "separate customs territory of taiwan penghu kinmen and matsu": "TW", "hong kong sar": "HK",
    "hong kong china": "HK", "hong kong sar china": "HK", "macau": "MO", "macau china": "MO", "macao china": "MO",
    "macao sar china": "MO", "st kitts and nevis": "KN", "st lucia": "LC", "st helena": "SH",
    "st vincent and grenadines": "VC", "united kingdom": "GB", "england": "GB", "scotland": "GB", "wales": "GB",
    "northern ireland": "GB", "holland": "NL", "uae": "AE", "prc": "CN", "pr china": "CN", "mainland china": "CN",
    "korea south": "KR", "korea north": "KP", "vatican": "VA",
}  # fmt: skip
_UNION = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"
_APART = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Union:
    """A customs union with one rule at its outer border: who belonged to it, each since and until a day."""

    members: Mapping[str, tuple[date, date]]

    def on(self, day: date) -> tuple[str, ...]:
        """The members on that day."""
        return tuple(sorted(name for name, (since, until) in self.members.items() if since <= day < until))


def _members(always: str, **dated: tuple[date, date]) -> Union:
    return Union(dict.fromkeys(always.split(), (date.min, date.max)) | dated)


# The United Kingdom was treated as a member state until the end of its transition; Croatia joined on 1 July 2013.
_EU = _members(_UNION.replace("HR ", ""), HR=(date(2013, 7, 1), date.max), GB=(date.min, date(2021, 1, 1)))
_EAEU = _members("BY KZ RU", AM=(date(2015, 1, 2), date.max), KG=(date(2015, 8, 12), date.max))
_UNIONS: Mapping[str, Union] = {
    "european union": _EU,
    "eu": _EU,
    "eurasian economic union": _EAEU,
    "southern african customs union": _members("BW LS NA SZ ZA"),
    "sacu": _members("BW LS NA SZ ZA"),
}


def country(name: str) -> str | None:
    """The ISO 3166-1 code of a country that is written as its code of two or three letters, or by a name of it."""
    plain = _plain(name)
    return _english().get(plain) or (_translated().get(plain) if plain else None)


def union(name: str) -> Union | None:
    """The customs union of this name."""
    return _UNIONS.get(_plain(name))


@cache
def _english() -> Mapping[str, str]:
    told = {_plain(name): code for code, name in _official()}
    return told | _ALSO


def _official() -> Iterator[tuple[str, str]]:
    for one in pycountry.countries:
        names = (
            one.alpha_2,
            one.alpha_3,
            one.name,
            getattr(one, "official_name", ""),
            getattr(one, "common_name", ""),
        )
        yield from ((one.alpha_2, name) for name in names if name)


@cache
def _translated() -> Mapping[str, str]:
    """The names of countries in all languages, less those that mean one country here and another there."""
    found: dict[str, set[str]] = {}
    for language in sorted(path.name for path in Path(pycountry.LOCALES_DIR).iterdir()):
        told = gettext.translation("iso3166-1", pycountry.LOCALES_DIR, [language], fallback=True)
        for code, name in _official():
            found.setdefault(_plain(told.gettext(name)), set()).add(code)
    return {name: codes.pop() for name, codes in found.items() if name and len(codes) == 1}


def _plain(name: str) -> str:
    """Small letters without accents, signs and articles."""
    folded = unicodedata.normalize("NFKD", name.replace("&", " and ").replace("’", "").replace("'", ""))
    bare = "".join(letter for letter in folded if not unicodedata.combining(letter)).casefold()
    return " ".join(word for word in _APART.split(bare) if word and word != "the")
