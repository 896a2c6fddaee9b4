"""What a text says: words at the beginning of its words, within them or whole, whatever accents and case they have."""

import re
import unicodedata
from functools import cache, lru_cache

from services.intake.mapping import Rule


@lru_cache(maxsize=8192)  # the same title stands on many rows of most tables
def first_of(rules: tuple[Rule, ...], said: str, hs: str) -> Rule | None:
    """The first rule that fits a text and the tariff code beside it (empty: none)."""
    plain = plainly(said)
    for rule in rules:
        if not says(plain, rule.none) and (says(plain, rule.any) or (hs and hs.startswith(rule.hs))):
            return rule
    return None


def plainly(text: str) -> str:
    """The text in small letters, without accents."""
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in folded if not unicodedata.combining(letter)).casefold()


def says(said: str, words: tuple[str, ...]) -> bool:
    """Whether a plain text says one of the words, as ``Rule`` writes them."""
    return bool(words) and _pattern(words).search(said) is not None


@cache
def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    within = [re.escape(plainly(one[1:])) for one in words if one.startswith("*")]
    whole = [rf"{re.escape(plainly(one[1:]))}(?!\w)" for one in words if one.startswith("=")]
    begin = [re.escape(plainly(one)) for one in words if not one.startswith(("*", "="))]
    at_start = [rf"(?<!\w)(?:{'|'.join(begin + whole)})"] if begin or whole else []
    return re.compile("|".join(at_start + within))
