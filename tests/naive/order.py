"""Who draws first: uses elsewhere, then shipments as they left, then lines by their planned export; as read one way."""

from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction
from typing import Any

from events.envelope import Event
from events.rule_document import RuleDocument
from tests.naive.facts import Facts, Key, Line, line_order
from tests.naive.law import Binding, bindings
from tests.naive.measures import convert, measure
from tests.naive.proof import Case
from tests.naive.routes import ZERO, Drawn, Reached
from tests.naive.scope import Taxonomy
from tests.naive.verdict import Judged, Left, draws, judge, reached

Place = tuple[Any, ...]


@dataclass(frozen=True)
class Draw:
    """What one shipment or one line draws; ``place`` orders the lines (a shipment has none: it comes before all)."""

    key: Key
    place: Place | None
    large: Drawn
    small: Drawn


def place(line: Line) -> Place:
    """Planned export, exporter, contract, line with numbers by number."""
    return line.export_at, line.key[0], line.key[1], line_order(line.key[2])


class Reading:
    """The book under one combination of readings."""

    def __init__(self, facts: Facts, acts: tuple[RuleDocument, ...]) -> None:
        self.facts, self.acts, self.taxonomy = facts, acts, Taxonomy(facts)
        self._reached: dict[tuple[Line, datetime], list[Reached]] = {}
        self._law: dict[datetime, list[Binding]] = {}
        self._scans: dict[datetime, list[Draw]] = {}
        self._judged: dict[tuple[Any, ...], Judged] = {}

    def reached(self, line: Line, at: datetime) -> list[Reached]:
        key = (line, at)
        if key not in self._reached:
            if at not in self._law:
                self._law[at] = bindings(self.acts, at)
            self._reached[key] = reached(Case(self.facts, self.taxonomy, self.acts, line, at), self._law[at])
        return self._reached[key]

    def judged(self, line: Line, at: datetime, left: Left) -> Judged:
        """The line at an instant, with what others left of the balances."""
        key = (line, at, tuple(sorted(left.large.items())), tuple(sorted(left.small.items())))
        if key not in self._judged:
            self._judged[key] = judge(self.reached(line, at), line.open, left)
        return self._judged[key]

    def left(self, line: Line, now: datetime, at: datetime | None) -> Left:
        """What is drawn before the line: uses and its own shipments as of its fold, all other draws as of ``now``."""
        if at is None or at == now:
            ahead = [d for d in self.scan(now) if d.place is None or d.place < place(line)]
            return _after(_used(self.facts, now), ahead)
        left = _used(self.facts, at)
        for event in self.facts.named("goods.shipped"):
            if event.time <= (at if _of(event) == line.key else now):
                left = _after(left, [self._shipment(event, left)])
        as_now = self.facts.line(line.key, now)
        mine = place(as_now if as_now is not None else line)
        return _after(
            left, [d for d in self.scan(now) if d.place is not None and d.place < mine and d.key != line.key]
        )

    def scan(self, now: datetime) -> list[Draw]:
        """All draws as of ``now``, in order."""
        if now not in self._scans:
            left, found = _used(self.facts, now), list[Draw]()
            for event in self.facts.named("goods.shipped"):
                if event.time <= now:
                    found.append(self._shipment(event, left))
                    left = _after(left, found[-1:])
            for line in sorted(self.facts.lines(now), key=place):
                clauses = self.reached(line, max(line.export_at, now))
                large, small = draws(clauses, judge(clauses, line.open, left), left)
                found.append(Draw(line.key, place(line), large, small))
                left = _after(left, found[-1:])
            self._scans[now] = found
        return self._scans[now]

    def _shipment(self, event: Event, left: Left) -> Draw:
        """A shipment draws on the licence it names, else what its line would have drawn at its instant."""
        data: Any = event.data
        line = self.facts.line(_of(event), event.time)
        if line is None:
            return Draw(_of(event), None, {}, {})
        if data.licence is not None:
            named = _named(line, data)
            return Draw(line.key, None, named, named)
        amount = convert(data.quantity, data.unit, line.unit) or ZERO
        parcel = replace(line, open=amount, shipped=line.shipped - amount)
        clauses = self.reached(parcel, event.time)
        if amount == 0:
            return Draw(line.key, None, {}, {})
        return Draw(line.key, None, *draws(clauses, judge(clauses, amount, left), left))


def _of(event: Event) -> Key:
    data: Any = event.data
    return data.exporter, data.contract, data.line


def _named(line: Line, data: Any) -> Drawn:
    family, size = measure(data.unit)
    drawn = {("licence", data.scheme, data.licence, family): Fraction(data.quantity) * size}
    amount = convert(data.quantity, data.unit, line.unit)
    if amount is not None:
        drawn["licence", data.scheme, data.licence, line.currency] = amount * line.unit_price
    return drawn  # type: ignore[return-value]


def _used(facts: Facts, moment: datetime) -> Left:
    """What was drawn elsewhere by the instant."""
    drawn: Drawn = {}
    for data in facts.of("licence.used"):
        if data.at > moment:
            continue
        if data.quantity is not None:
            family, size = measure(data.unit)
            pool, amount = ("licence", data.scheme, data.licence, family), Fraction(data.quantity) * size
        else:
            pool, amount = ("licence", data.scheme, data.licence, data.currency), Fraction(data.value)
        drawn[pool] = drawn.get(pool, ZERO) + amount
    return Left(drawn, dict(drawn))


def _after(left: Left, taken: list[Draw]) -> Left:
    large, small = dict(left.large), dict(left.small)
    for draw in taken:
        for into, of in ((large, draw.large), (small, draw.small)):
            for pool, amount in of.items():
                into[pool] = into.get(pool, ZERO) + amount
    return Left(large, small)
