"""Which names may mean one party: identifiers first, then how alike the names are once spelling is put aside.

Nothing is merged here. What is beyond doubt is proposed as a decision of its own kind, what is likely waits for
somebody to look at it, and the rest is left alone.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache

import pycountry
from rapidfuzz import fuzz, process

from services.intake.spelling import Plain, plain

SURE = Decimal(97)
"""At this likeness names may be matched by themselves, if nothing speaks against it."""
FLOOR = Decimal(85)
"""Below it they are not even looked at."""
APART = 3
"""A second candidate so near the first makes both doubtful."""
_BLOCK = 500
_SHORT = 5
_SEEN = 5


@dataclass(frozen=True, slots=True)
class Named:
    """A party by its id, with the name it is known by (default: the words of its id) and its country, if known."""

    party: str
    name: str | None = None
    country: str | None = None

    @property
    def told(self) -> str:
        return self.name or self.party.rpartition(":")[2].replace("-", " ")

    @property
    def code(self) -> tuple[str, str]:
        """The scheme and the official identifier in the id; without a scheme the whole id may be one."""
        scheme, _, code = self.party.rpartition(":")
        return scheme, "".join(letter for letter in code.casefold() if letter.isalnum())


@dataclass(frozen=True, slots=True)
class Candidate:
    """Two names that may mean one party. ``doubts``: why nobody but a person can say so; none: beyond doubt."""

    party: Named
    same_as: Named
    score: Decimal
    doubts: tuple[str, ...] = ()

    @property
    def sure(self) -> bool:
        return not self.doubts


@dataclass(frozen=True)
class Decided:
    """What has been decided: the name each party is compared by, and pairs of which somebody said yes or no."""

    names: Mapping[str, str] = field(default_factory=dict)
    pairs: Collection[frozenset[str]] = frozenset()

    def settled(self, one: str, other: str) -> bool:
        same = self.names.get(one, one) == self.names.get(other, other)
        return same or frozenset((one, other)) in self.pairs


def candidates(
    parties: Sequence[Named], registered: Sequence[Named], decided: Decided | None = None
) -> list[Candidate]:
    """Pairs of a party and a registered one, the likeliest first; what has been decided is left out."""
    of = Decided() if decided is None else decided
    by_code = list(_same_code(parties, registered, of))
    coded = {frozenset((one.party.party, one.same_as.party)) for one in by_code}
    alike = [
        one
        for one in _alike(parties, registered, of)
        if frozenset((one.party.party, one.same_as.party)) not in coded
    ]
    found = [*by_code, *_judged(alike)]
    return sorted(found, key=lambda one: (-one.score, one.party.party, one.same_as.party))


def _same_code(parties: Sequence[Named], registered: Sequence[Named], of: Decided) -> Iterator[Candidate]:
    """Pairs with one official identifier, at least one of them under its scheme, and never under two."""
    holders = defaultdict[str, list[Named]](list)
    for one in registered:
        if any(letter.isdigit() for letter in one.code[1]):
            holders[one.code[1]].append(one)
    for one in parties:
        for other in holders.get(one.code[1], ()):
            schemes = {one.code[0], other.code[0]} - {""}
            if len(schemes) == 1 and not of.settled(one.party, other.party):
                yield Candidate(one, other, Decimal(100))


def _alike(parties: Sequence[Named], registered: Sequence[Named], of: Decided) -> Iterator[Candidate]:
    """Pairs whose names are alike, found among names that share the beginning or the end of some word."""
    others = [(one, plain(one.told)) for one in registered]
    blocks = defaultdict[str, list[int]](list)
    for number, (_, made) in enumerate(others):
        for key in _keys(made):
            blocks[key].append(number)
    for one in parties:
        made = plain(one.told)
        near = {number: others[number][1] for number in _near(made, blocks)}
        for number, score in _scores(made, near):
            other = others[number][0]
            if one.party != other.party and not of.settled(one.party, other.party):
                yield Candidate(one, other, score, tuple(_doubts(one, made, other, others[number][1])))


def _keys(of: Plain) -> set[str]:
    joined = "".join(of.words)
    return {f"^{word[:4]}" for word in (*of.words, joined)} | {f"{joined[-4:]}$"}


def _near(of: Plain, blocks: Mapping[str, Sequence[int]]) -> set[int]:
    """The numbers of names that share a key: of all keys that are not too common, else of the rarest."""
    found = sorted((blocks[key] for key in _keys(of) if key in blocks), key=len)
    chosen = [block for block in found if len(block) <= _BLOCK] or found[:1]
    return {number for block in chosen for number in block}


def _scores(of: Plain, near: Mapping[int, Plain]) -> Iterator[tuple[int, Decimal]]:
    """The most alike: words in any order, or letters where words are put apart otherwise."""
    best: dict[int, float] = {}
    for scorer, text in ((fuzz.token_sort_ratio, " "), (fuzz.ratio, "")):
        choices = {number: text.join(one.words) for number, one in near.items()}
        found = process.extract(
            text.join(of.words), choices, scorer=scorer, score_cutoff=float(FLOOR), limit=_SEEN
        )
        for _, score, number in found:
            best[number] = max(score, best.get(number, 0))
    for number, score in best.items():
        yield number, Decimal(str(round(score, 1)))


def _doubts(one: Named, made: Plain, other: Named, its: Plain) -> Iterator[str]:
    """What speaks against it, whatever the score says."""
    if made.numbers != its.numbers:
        yield "numbers differ"
    if one.country and other.country and one.country != other.country:
        yield "countries differ"
    mine, theirs = (of.forms | ({"limited"} if "company" in of.forms else set()) for of in (made, its))
    if mine and theirs and not mine & theirs:
        yield "legal forms differ"
    if len(made.words) == 1 and bool(mine) != bool(theirs):
        yield "one word, and only one of them says its legal form"
    apart = set(made.words) ^ set(its.words) if "".join(made.words) != "".join(its.words) else set()
    if places := apart & _places():
        yield f"places differ: {', '.join(sorted(places))}"
    elif any(len(word) < _SHORT for word in apart):
        yield f"short words differ: {', '.join(sorted(apart))}"


@cache
def _places() -> frozenset[str]:
    """Words of the names of countries and of their provinces: firms of one name differ by nothing else."""
    told = [*(one.name for one in pycountry.countries), *(one.name for one in pycountry.subdivisions)]
    return frozenset(word for name in told for word in plain(name).words if len(word) > 3)


def _judged(found: Iterable[Candidate]) -> list[Candidate]:
    """The candidates with the doubts that come from the others: too little alike, or another as much so."""
    pairs = list(found)
    scores = defaultdict[str, list[tuple[Decimal, str]]](list)
    for one in pairs:
        scores[one.party.party].append((one.score, one.same_as.party))
        scores[one.same_as.party].append((one.score, one.party.party))
    return [_with_rivals(one, scores) for one in pairs]


def _with_rivals(one: Candidate, scores: Mapping[str, Sequence[tuple[Decimal, str]]]) -> Candidate:
    own = {one.party.party, one.same_as.party}
    rivals = {
        name
        for party in own
        for score, name in scores[party]
        if name not in own and score > one.score - APART
    }
    doubts = list(one.doubts)
    if one.score < SURE:
        doubts.insert(0, "not alike enough")
    if rivals:
        doubts.append(f"as like {', '.join(sorted(rivals)[:3])}")
    return Candidate(one.party, one.same_as, one.score, tuple(doubts))
