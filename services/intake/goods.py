"""A goods class proposed for what a paper calls the goods, from the words and codes of the published taxonomy.

A proposal carries a score and is unknown below it: a wrong class would give a wrong verdict, an unknown one a question.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from rapidfuzz.fuzz import ratio

from events.rules import GoodsPublished
from services.domain.goods import Taxonomy, united
from services.runtime import packs

THRESHOLD = 0.6
_WORDS, _CODE, _OTHER_CODE, _ELSEWHERE = 0.75, 0.25, 0.35, 0.4
_ALIKE = 90
_LONG = 7
_ENDINGS = ("", "s", "es", "n", "en", "e", "i", "y")
# What stands behind one of these is what the goods are for, and before one of those what they belong to.
_FOR = frozenset({"for", "fur", "para", "pour", "per", "pro", "voor", "dla", "do", "zu", "zum", "zur"})
_PART = frozenset({"accessories", "component", "components", "dispenser", "filter", "filters", "part", "parts",
                   "spare", "valve", "valves"})  # fmt: skip
_TOKEN = re.compile(r"\w+")
_IDEOGRAPH = re.compile(r"[\u3400-\u9fff]")


@dataclass(frozen=True, slots=True)
class Proposal:
    """A class (None: unknown), how sure that is between 0 and 1, and what speaks for and against it."""

    goods_class: str | None
    score: float
    because: str


@dataclass(frozen=True, slots=True)
class _Phrase:
    goods_class: str
    words: tuple[str, ...]
    text: str


@dataclass(frozen=True, eq=False)
class Words:
    """The taxonomy as words to look for, and the headings of each class by nomenclature year."""

    taxonomy: Taxonomy
    phrases: tuple[_Phrase, ...]
    headings: dict[tuple[str, int], tuple[str, ...]]

    @classmethod
    def of(cls, goods: Iterable[GoodsPublished]) -> "Words":
        """The words of published taxonomies together: they add to one another (``services.domain.goods.united``).

        A class without keywords is never proposed, whatever its codes: it is a heading of somebody's nomenclature,
        which no rule names, and goods of such a class would be judged as none that a rule speaks of.
        """
        told = list(goods)
        classes = {name: one for name, one in united(told).items() if any(one.keywords.values())}
        phrases = tuple(
            _Phrase(name, tuple(_words(text)), text)
            for name, one in classes.items()
            for texts in one.keywords.values()
            for text in texts
        )
        headings = {
            (name, int(year)): codes for name, one in classes.items() for year, codes in one.hs.items()
        }
        return cls(Taxonomy.of(told, ()), phrases, headings)


@cache
def shipped() -> Words:
    """The taxonomy that the program ships."""
    return Words.of(fact.data for fact in packs.shared_facts() if isinstance(fact.data, GoodsPublished))


@lru_cache(maxsize=50_000)
def propose(words: Words, text: str, hs: str | None = None, hs_year: int | None = None) -> Proposal:
    """The class a text and, where given, a tariff code of a nomenclature year speak of.

    Words count for 0.75, a code that fits adds 0.25, one that does not takes 0.35; a code alone is never enough.
    Where a text speaks of several kinds of goods, what they have in common is proposed if the text says that too.
    """
    spoken = _spoken(words, text)
    if not spoken:
        return Proposal(None, 0.0, "no word of the taxonomy stands in the text")
    name, others = _meant(words.taxonomy, spoken)
    sure, phrase = spoken[name]
    score, because = _WORDS * sure, [f"says {phrase}"]
    fits = _fits(words, name, hs, hs_year)
    if fits is not None:
        score += _CODE if fits else -_OTHER_CODE
        because.append(f"code {hs} {'fits' if fits else 'does not fit'}")
    if others:
        score -= _ELSEWHERE
        because.append(f"but says {', '.join(spoken[one][1] for one in others)} as well")
    score = round(max(score, 0.0), 2)
    return Proposal(name if score >= THRESHOLD else None, score, "; ".join(because))


def _spoken(words: Words, text: str) -> dict[str, tuple[float, str]]:
    """The classes whose words stand in the text: how surely, and by which words."""
    plain = _plain(text)
    tokens = _words(text)
    found: dict[str, tuple[float, str]] = {}
    for phrase in words.phrases:
        sure = (
            1.0 if _IDEOGRAPH.search(phrase.text) and phrase.text in plain else _stands(phrase, tokens, text)
        )
        if sure > 0:
            found[phrase.goods_class] = max(found.get(phrase.goods_class, (0.0, "")), (sure, phrase.text))
    return {name: one for name, one in found.items() if not _swallowed(words.taxonomy, name, found)}


def _swallowed(taxonomy: Taxonomy, name: str, found: Mapping[str, tuple[float, str]]) -> bool:
    """Whether its phrase is a part of what was said of other goods: wipes with disinfectant are not disinfectant."""
    phrase = f" {found[name][1].casefold()} "
    return any(
        phrase in f" {said.casefold()} "
        and phrase.strip() != said.casefold()
        and name not in taxonomy.ancestors(other)
        for other, (_, said) in found.items()
    )


def _stands(phrase: _Phrase, tokens: Sequence[str], text: str) -> float:
    """How surely the phrase stands in the text: 1 as written, less where spelled otherwise or said of other goods."""
    size = len(phrase.words)
    if phrase.text != phrase.text.lower() and size == 1 and len(phrase.text) <= 4:
        return 1.0 if re.search(rf"(?<!\w){re.escape(phrase.text)}(?!\w)", text) else 0.0
    best = 0.0
    for first in range(len(tokens) - size + 1):
        alike = min(map(_alike, phrase.words, tokens[first : first + size]))
        last = first + size
        beside = _FOR.intersection(tokens[max(0, first - 2) : first]) or _PART.intersection(
            tokens[last : last + 1]
        )
        best = max(best, alike * 0.5 if beside else alike)
    return best


@lru_cache(maxsize=500_000)
def _alike(word: str, token: str) -> float:
    """1 for the word, in singular or plural, or as the end of a compound; 0.9 for a slip of the pen in a long one."""
    shorter, longer = sorted((word, token), key=len)
    if len(shorter) >= 3 and any(longer == shorter + ending for ending in _ENDINGS):
        return 1.0
    if len(word) >= 5 and any(token.endswith(word + ending) for ending in ("", "n", "e")):
        return 1.0
    return 0.9 if len(word) >= _LONG and ratio(word, token) >= _ALIKE else 0.0


def _meant(taxonomy: Taxonomy, spoken: Mapping[str, tuple[float, str]]) -> tuple[str, list[str]]:
    """The narrowest class, all others being wider; else the one all others are kinds of; else one, and the others."""
    surest = max(sure for sure, _ in spoken.values())
    names = [name for name, (sure, _) in spoken.items() if sure > surest / 2]
    lines = {name: {name, *taxonomy.ancestors(name)} for name in names}
    names.sort(key=lambda name: (-len(lines[name]), name))
    for name in names:
        if lines[name].issuperset(names) or all(name in line for line in lines.values()):
            return name, []
    return names[0], [one for one in names if one not in lines[names[0]]]


def _fits(words: Words, name: str, hs: str | None, year: int | None) -> bool | None:
    """Whether the code is under a heading of the class; unknown without a code or where no heading is published."""
    headings = words.headings.get((name, year)) if year is not None else None
    if not hs or not headings:
        return None
    return any(hs.startswith(one) or one.startswith(hs) for one in headings)


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in folded if not unicodedata.combining(letter)).casefold()


def _words(text: str) -> list[str]:
    return _TOKEN.findall(_plain(text))
