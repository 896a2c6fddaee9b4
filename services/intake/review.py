"""Which names wait for somebody to say whether they mean one party, and the decisions as facts to be told."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import polars as pl
from rapidfuzz import fuzz, process

from events.envelope import Event
from events.values import plain as digits
from services.domain.book import Book
from services.intake.matching import candidates
from services.intake.named import Candidate, Decided, Named
from services.intake.rows import fact
from services.runtime.settings import NeedsAction

SOURCE = "urn:contract-impact-tracker:review"
BY_NAME = "name match"
"""Who decides where the names are beyond doubt."""


@dataclass(frozen=True)
class Parties:
    """Whom the store knows by name: ``told`` by exporters, with how many of them, ``registered``, and what is decided.

    ``decisions``: the events of both kinds, and withdrawals (``EVENT_SCHEMA``).
    """

    told: Mapping[str, int]
    registered: frozenset[str]
    names: Mapping[str, tuple[str, str | None]]
    decisions: pl.DataFrame

    def decided(self) -> Decided:
        """What holds, and the pairs of which somebody has said yes or no."""
        book = Book(self.decisions).known(None)
        pairs = pl.concat(book.told(name).select("party", "same_as") for name in _KINDS).rows()
        return Decided(book.names, frozenset(frozenset(pair) for pair in pairs))

    def queue(self) -> list[Candidate]:
        """Pairs that may be one party, the likeliest first: those beyond doubt among them."""
        sides = [[self._named(name) for name in sorted(names)] for names in (self.told, self.registered)]
        found: dict[frozenset[str], Candidate] = {}
        for one in candidates(sides[0], sides[1], self.decided()):
            found.setdefault(frozenset((one.party.party, one.same_as.party)), one)
        return list(found.values())

    def is_known(self, name: str) -> None:
        """Raises NeedsAction for a name that nothing is told of: it says which are near."""
        every = {*self.told, *self.registered, *self.decided().names}
        if name in every:
            return
        near = [
            one
            for one, *_ in process.extract(name, sorted(every), scorer=fuzz.WRatio, limit=3, score_cutoff=60)
        ]
        there = f"There is {', '.join(near)}." if near else "See tracker review for names that are known."
        raise NeedsAction(f"{name!r}: no fact names a party so. {there}")

    def matched(self, one: str, other: str) -> None:
        """Raises NeedsAction where the two are not matched with one another: it says with whom the first is."""
        decided = self.decided()
        holding = [frozenset(row[:2]) for row in history(self.decisions) if row[2] == "matched" and row[6]]
        if frozenset((one, other)) in holding:
            return
        own = sorted(name for pair in holding if one in pair for name in pair - {one})
        way = f"{one} is matched with {', '.join(own)}." if own else "See tracker review decided."
        same = decided.names.get(one, one) == decided.names.get(other, other)
        how = "count as one only by way of others" if same else "are not matched"
        raise NeedsAction(f"{one} and {other} {how}. {way}")

    def _named(self, party: str) -> Named:
        return Named(party, *self.names.get(party, (None, None)))


_KINDS = ("party.matched", "party.unmatched")
Row = tuple[str, str, str, str, str | None, str | None, bool, datetime]


def history(decisions: pl.DataFrame) -> list[Row]:
    """All decisions in their order: party, same_as, what, by, score, reason, whether it holds, when it was taken."""
    schema = dict.fromkeys(("party", "same_as", "by", "score", "reason"), pl.String)
    told = decisions.filter(pl.col("type").is_in(_KINDS)).sort("time", "recorded_at", "source", "id")
    data = told["data"].str.json_decode(pl.Struct(schema)).struct.unnest()
    standing = set(Book(decisions).known(None).events.select("source", "id").iter_rows())
    names = told.select("source", "id").rows()
    pairs = [frozenset(pair) for pair in data.select("party", "same_as").iter_rows()]
    last = {pair: name for pair, name in zip(pairs, names, strict=True) if name in standing}
    rows = zip(data.iter_rows(named=True), told["type"], told["time"], pairs, names, strict=True)
    return [
        (row["party"], row["same_as"], kind.removeprefix("party."), row["by"], row["score"], row["reason"],
         last.get(pair) == name, at)
        for row, kind, at, pair, name in rows
    ]  # fmt: skip


def decision(
    kind: str,
    party: str,
    same_as: str,
    *,
    by: str,
    at: datetime,
    score: Decimal | None = None,
    reason: str | None = None,
) -> Event:
    """The decision as a fact, learnt when it is taken. Raises ValueError as ``events.envelope.event``."""
    told = {"party": party, "same_as": same_as, "at": at.isoformat(), "by": by,
            "score": None if score is None else digits(score), "reason": reason}  # fmt: skip
    given = {name: value for name, value in told.items() if value is not None}
    return fact(f"party.{kind}", given, source=SOURCE, recordedat=at)


def by_themselves(queue: Iterable[Candidate], at: datetime) -> Sequence[Event]:
    """The matches beyond doubt, as facts."""
    return [
        decision("matched", one.party.party, one.same_as.party, by=BY_NAME, at=at, score=one.score)
        for one in queue
        if one.sure
    ]
