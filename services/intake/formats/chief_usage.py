"""One licence of a CHIEF ``usageData`` message: what customs declarations drew from its lines (DES236).

Each usage record is one draw. A line also says what was drawn in all, over every message so far; what the messages of
the command, and those stored, do not account for is told as one more draw, so that the licence holds what customs says
it holds. A draw that such a total of a later message has counted is not told once more. Without services (``--to``)
give all messages about a licence each time: the draws of those left out would be told twice.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from events.envelope import Event
from services.intake.formats import chief_fields
from services.intake.formats.chief_known import Stored
from services.intake.formats.chief_licence import SOURCE, Line, Register
from services.intake.formats.chief_lines import Faulty, Record, at
from services.intake.rows import fact

ENDS = {"C": "cancelled", "S": "surrendered"}
"""Statuses of a licence that end it before its last day; O, E and D (open, exhausted, expired) need no fact."""

_ZERO = Decimal(0)
_DRAWS = ("O", "L")
_KINDS = ("quantity", "value")
_BESIDE = (
    "less was drawn in all than another message of this very minute has told: give the messages of that minute in one "
    "command, in which a draw that customs took back is seen"
)
_ASIDE = {
    "M": "a message about an earlier draw",
    "A": "an adjustment by customs: it stands in what was drawn in all",
    "C": "a contra entry by customs: it stands in what was drawn in all",
}


@dataclass(frozen=True, slots=True)
class Used:
    """What one record of a usage transaction says: facts, nothing new, or what is wrong with it."""

    row: int
    facts: tuple[Event, ...] = ()
    unchanged: str | None = None
    damage: str | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """The records of one licence line, from its ``line`` to its ``end``; ``total`` was drawn in all, as it says."""

    line: Record
    total: tuple[Decimal, Decimal]
    usages: tuple[Record, ...]
    end: Record


def blocks(records: Sequence[Record]) -> Iterator[Block]:
    """The lines of a usage transaction. Raises Faulty where their order, counts or totals are wrong."""
    line: Record | None = None
    usages: list[Record] = []
    for record in records[1:-1]:
        match record.kind:
            case "line" if line is None:
                line, usages = record, []
            case "usage" if line is not None:
                usages.append(record)
            case "end" if line is not None and record.get(1) == "line":
                if record.get(2) != str(len(usages) + 2):
                    raise Faulty(
                        record.row,
                        f"the end counts {record.get(2)[:10] or 'nothing'}, but there are {len(usages) + 2} lines",
                    )
                with at(line):
                    yield Block(line, _amounts(line, 2), tuple(usages), record)
                line = None
            case _:
                raise Faulty(record.row, f"{record.kind[:40]!r} does not stand in its order here")
    if line is not None:
        raise Faulty(line.row, "expected end\\line behind this line and its usage")


@dataclass(frozen=True, slots=True)
class Meter:
    """One line of a licence, while the draws of one message are read from it."""

    stored: Stored
    reference: str
    number: str
    recorded: datetime

    def read(self, block: Block) -> Iterator[Used]:
        """What each record of the block says, the line itself last."""
        for record in block.usages:
            try:
                with at(record):
                    yield self._usage(record)
            except Faulty as error:
                yield Used(record.row, damage=str(error))
        yield Used(block.end.row, unchanged="the end of a line")
        yield self._accounted(block)

    def _usage(self, record: Record) -> Used:
        kind, amounts = record.get(1), _amounts(record, 5)
        if not any(amounts):
            return Used(record.row, unchanged="draws nothing: the line is open, or its use was only reported")
        if kind in _ASIDE:
            return Used(record.row, unchanged=_ASIDE[kind])
        if kind not in _DRAWS:
            raise ValueError(f"usage type {kind[:5]!r}: expected A, C, L, M or O")
        name = (self.reference, self.number, *record.fields[:7])
        if name in self.stored.register.draws:
            return Used(record.row, unchanged="the same draw of the same declaration stands before")
        source = f"{SOURCE}/{record.get(2)}/{record.get(3)}"
        when = chief_fields.day("control date", record.get(4))
        facts = self._facts(amounts, record.get(7), when, source)
        self._take(facts)
        self.stored.register.draws.add(name)
        return Used(record.row, facts)

    def _facts(
        self, amounts: tuple[Decimal, Decimal], currency: str, when: datetime, source: str
    ) -> tuple[Event, ...]:
        """The amounts as drawn from the licence. Raises ValueError where it has no such line or limit."""
        there = self.stored.register.known(self.reference)
        line = there.lines.get(self.number)
        if line is None:
            raise ValueError(f"{self.reference} has no line {self.number[:20]!r}")
        drawn = {"scheme": there.scheme, "licence": f"{self.reference}/{self.number}", "at": when}
        return tuple(
            fact("licence.used", drawn | amount, source=source, recordedat=self.recorded)
            for amount in _measured(line, amounts, currency)
        )

    def _take(self, facts: Sequence[Event]) -> None:
        """The draws count from here on. Raises ValueError where a later message has counted them already."""
        self.stored.undrawn(self.reference, self.number, facts, self.recorded)
        for one in facts:
            data = one.wire()["data"]
            for what in _KINDS:
                if what in data:
                    name = (self.reference, self.number, what)
                    self.stored.register.draw((one.source, one.id), name, Decimal(data[what]))

    def _accounted(self, block: Block) -> Used:
        """The line's own record: what was drawn in all, less the draws told, is one more draw."""
        told = [self.stored.register.drawn.get((self.reference, self.number, what), _ZERO) for what in _KINDS]
        left = _less(block.total, told)
        if min(left) < 0:
            reason = (
                f"quantity {block.total[0]} and value {block.total[1]} were drawn in all, but the draws told add up "
                f"to {told[0]} and {told[1]}: customs took one back; withdraw it"
            )
            return Used(block.line.row, damage=reason)
        try:
            with at(block.line):
                facts = self._unaccounted(block, left)
        except Faulty as error:
            return Used(block.line.row, damage=str(error))
        return Used(block.line.row, facts, None if facts else "what was drawn in all, accounted for")

    def _unaccounted(self, block: Block, left: tuple[Decimal, Decimal]) -> tuple[Event, ...]:
        """What is left as one more draw, less what other messages of this minute drew. Raises ValueError."""
        if not any(left):
            return ()
        source, currency = f"{SOURCE}/{self.reference}/{self.number}", block.line.get(4)
        facts = self._facts(left, currency, self.recorded, source)
        beside = self.stored.beside(self.reference, self.number, self.recorded)
        if any(beside.values()) and any((one.source, one.id) not in self.stored.ids for one in facts):
            left = _less(left, [beside[what] for what in _KINDS])
            if min(left) < 0:
                raise ValueError(_BESIDE)
            facts = self._facts(left, currency, self.recorded, source) if any(left) else ()
        self._take(facts)
        return facts


def ended(head: Record, register: Register, recorded: datetime) -> tuple[Event, ...]:
    """The ends of a licence that was cancelled or surrendered. Raises ValueError where its lines are not known."""
    day = head.get(5)
    when = chief_fields.day("completion date", day) if day else recorded
    return register.end(head.get(3), when, recorded, ENDS[head.get(4)])


def draws(block: Block) -> bool:
    """Whether anything was drawn from the line, now or before."""
    return any(block.total) or any(one.get(n).strip("0.") for one in block.usages for n in (5, 6))


def _less(amounts: Sequence[Decimal], others: Sequence[Decimal]) -> tuple[Decimal, Decimal]:
    quantity, value = (one - other for one, other in zip(amounts, others, strict=True))
    return quantity, value


def _amounts(record: Record, first: int) -> tuple[Decimal, Decimal]:
    """The quantity and the value used, which stand side by side."""
    quantity, value = record.get(first) or "0", record.get(first + 1) or "0"
    return chief_fields.number("quantity used", quantity), chief_fields.number("value used", value)


def _measured(line: Line, amounts: tuple[Decimal, Decimal], currency: str) -> Iterator[dict[str, object]]:
    """What is drawn, in the unit and the currency in which the line was limited."""
    quantity, value = amounts
    if quantity:
        if line.unit is None:
            raise ValueError(
                f"line {line.number} is not limited by quantity, so {quantity} of it has no unit"
            )
        yield {"quantity": quantity, "unit": line.unit}
    if value:
        if line.currency is None:
            raise ValueError(f"line {line.number} is not limited by value")
        if currency not in ("", line.currency):
            raise ValueError(f"currency {currency[:20]!r}: the line is limited in {line.currency}")
        yield {"value": value, "currency": line.currency}
