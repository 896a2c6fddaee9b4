"""What speaks against it that two names mean one party, however alike they are: then only a person can say so."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cache

import pycountry

from services.intake.named import Candidate, Named
from services.intake.spelling import Plain, plain

SURE = Decimal(97)
"""At this likeness names may be matched by themselves, if nothing speaks against it."""
APART = 3
"""A second candidate so near the first makes both doubtful."""
_SHORT = 5


def doubts(one: Named, made: Plain, other: Named, its: Plain) -> Iterator[str]:
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


def judged(found: Iterable[Candidate]) -> list[Candidate]:
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
    told = list(one.doubts)
    if one.score < SURE:
        told.insert(0, "not alike enough")
    if rivals:
        told.append(f"as like {', '.join(sorted(rivals)[:3])}")
    return Candidate(one.party, one.same_as, one.score, tuple(told))
