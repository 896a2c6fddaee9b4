"""A second, naive interpreter of the design: plain Python, one line and one instant at a time, by brute force.

It shares no code with the program. Where the two differ on a generated book, one of them has misread the design.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from events.envelope import Event
from events.values import decimals_of
from tests.naive.clock import boundaries
from tests.naive.facts import Facts, Line, line_order
from tests.naive.law import readings
from tests.naive.order import Reading
from tests.naive.verdict import EXPORTABLE, ORDER, Judged

Row = dict[str, Any]
_DRIFTS = ("at", "now", "next_change_at")


def assess(
    events: Iterable[Event],
    *,
    now: datetime,
    at: datetime | None = None,
    known: datetime | None = None,
    reading: str | None = None,
) -> list[Row]:
    """One row per open line, in order of exporter, contract and line: may it be exported, and what would change that."""
    now, at = now.astimezone(UTC), None if at is None else at.astimezone(UTC)
    book = _Book(Facts(events, known), reading)
    rows = book.rows(now, at)
    for key, row in rows.items():
        row["next_change_at"] = book.next_change(key, row, now, at)
    return [rows[key] for key in sorted(rows, key=lambda k: (k[0], k[1], line_order(k[2])))]


def balances(
    events: Iterable[Event], *, now: datetime, known: datetime | None = None
) -> dict[str, set[tuple[str, ...]]]:
    """The finite balances that each open line could draw from where it is judged, by ``ref``."""
    facts = Facts(events, known)
    now = now.astimezone(UTC)
    found: dict[str, set[tuple[str, ...]]] = {line.ref: set() for line in facts.lines(now)}
    for _, acts in readings(facts):
        reading = Reading(facts, acts)
        for line in facts.lines(now):
            for clause in reading.reached(line, max(line.export_at, now)):
                sources = [s for one in clause.routes for a in one.asks for s in a.all_sources()]
                found[line.ref] |= {pool for s in sources for pool, _, _ in s.pools if pool[0] != "lot"}
    return found


class _Book:
    def __init__(self, facts: Facts, reading: str | None) -> None:
        self.facts = facts
        self.ticks = boundaries(facts)
        self.readings = [(names, Reading(facts, acts)) for names, acts in readings(facts, reading)]
        self._rows: dict[tuple[datetime, datetime | None], dict[tuple[str, str, str], Row]] = {}
        self._windows: dict[Any, list[Row]] = {}

    def rows(self, now: datetime, at: datetime | None) -> dict[tuple[str, str, str], Row]:
        """All rows but for when they change."""
        if (now, at) not in self._rows:
            lines = self.facts.lines(now if at is None else at)
            self._rows[now, at] = {line.key: self._row(line, now, at) for line in lines}
        return {key: dict(row) for key, row in self._rows[now, at].items()}

    def next_change(
        self, key: tuple[str, str, str], row: Row, now: datetime, at: datetime | None
    ) -> datetime | None:
        """The first instant ahead that changes the row, without a new event, into another one than this."""
        start = now if at is None else max(at, now)
        before = self.rows(start, None if at is None else start).get(key)
        for tick in self.ticks:
            if tick > start:
                after = self.rows(tick, None if at is None else tick).get(key)
                if _differ(after, row) and _differ(after, before):
                    return tick
                before = after
        return None

    def _row(self, line: Line, now: datetime, at: datetime | None) -> Row:
        moment = max(line.export_at, now) if at is None else at
        judged, named = self._judge(line, moment, now, at)
        blocked = line.open - judged.high
        return {
            "ref": line.ref, "exporter": line.key[0], "contract": line.key[1], "line": line.key[2], "buyer": line.buyer,
            "at": moment, "now": now, "verdict": judged.verdict, "rule": judged.rule, "clause": judged.clause,
            "route": judged.route, "missing": list(judged.missing), "readings": named,
            "open_quantity": _decimal(line.open, 6), "covered_quantity": _decimal(judged.low, 6),
            "blocked_quantity": _decimal(blocked, 6), "unknown_quantity": _decimal(judged.high - judged.low, 6),
            "unit": line.unit, "blocked_value": _decimal(blocked * line.unit_price, decimals_of(line.currency)), "currency": line.currency,
            "next_change_at": None,
            "export_windows": [] if judged.verdict in EXPORTABLE else self._export_windows(line, moment, now, at),
        }  # fmt: skip

    def _judge(
        self, line: Line, moment: datetime, now: datetime, at: datetime | None
    ) -> tuple[Judged, list[str]]:
        """The line under every combination of readings, and the readings that make a difference."""
        found = {names: one.judged(line, moment, one.left(line, now, at)) for names, one in self.readings}
        answers = list(found.values())
        if len(set(answers)) == 1:
            return answers[0], []
        low, high = min(a.low for a in answers), max(a.high for a in answers)
        first = max(answers, key=lambda a: ORDER.index(a.verdict))
        verdict = first.verdict if len({a.verdict for a in answers}) == 1 and low == high else "needs_review"
        if low != high:
            verdict = "needs_review"
        missing = first.missing if verdict == first.verdict else ()
        return Judged(verdict, first.rule, first.clause, first.route, missing, low, high), _telling(found)

    def _export_windows(self, line: Line, moment: datetime, now: datetime, at: datetime | None) -> list[Row]:
        """The spans from when it became blocked to its deadline in which it could be exported after all."""
        lefts = tuple((tuple(sorted(left.large.items())), tuple(sorted(left.small.items())))
                      for _, one in self.readings for left in [one.left(line, now, at)])  # fmt: skip
        key = (line, moment, lefts)
        if key in self._windows:
            return self._windows[key]
        ticks = sorted({*self.ticks, line.signed_at, moment})
        good = {tick: self._judge(line, tick, now, at)[0].verdict in EXPORTABLE for tick in ticks}
        before = [tick for tick in ticks if line.signed_at <= tick <= moment]
        since = next(
            (t for t, prior in zip(before[:0:-1], before[-2::-1], strict=True) if good[prior]), before[0]
        )
        spans: list[Row] = []
        for tick, after in zip(ticks, [*ticks[1:], None], strict=True):
            until = (
                after
                if line.deadline is None or (after is not None and after < line.deadline)
                else line.deadline
            )
            if tick < since or not good[tick] or (line.deadline is not None and tick >= line.deadline):
                continue
            if spans and spans[-1]["until"] == tick:
                spans[-1]["until"] = until
            else:
                spans.append({"from": tick, "until": until})
        self._windows[key] = spans
        return spans


def _differ(one: Row | None, other: Row | None) -> bool:
    """Whether two rows say different things; what drifts with the clock says nothing."""
    if one is None or other is None:
        return one is not other
    return any(one[name] != other[name] for name in one if name not in _DRIFTS)


def _telling(found: dict[tuple[str, ...], Judged]) -> list[str]:
    """The names of the readings of each act where choosing another one changes the answer."""
    telling: set[str] = set()
    for names, answer in found.items():
        for others, other in found.items():
            apart = set(names) ^ set(others)
            if len(apart) == 2 and answer != other:
                telling |= apart
    return sorted(telling)


def _decimal(number: Fraction, places: int) -> Decimal:
    return Decimal(round(number * 10**places)).scaleb(-places)
