"""Which names may mean one party: identifiers first, then how alike the names are once spelling is put aside.

Nothing is merged here. What is beyond doubt is proposed as a decision of its own kind, what is likely waits for
somebody to look at it, and the rest is left alone.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from rapidfuzz import fuzz, process

from services.intake.doubts import doubts, judged
from services.intake.named import Candidate, Decided, Named
from services.intake.spelling import Plain, plain

FLOOR = Decimal(85)
"""Below this likeness names are not even looked at."""
_BLOCK = 500
_SEEN = 5


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
    found = [*by_code, *judged(alike)]
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
                yield Candidate(one, other, score, tuple(doubts(one, made, other, others[number][1])))


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
