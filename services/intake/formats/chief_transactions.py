"""What becomes of one transaction of a CHIEF message: a licence told whole or not at all, use told draw by draw."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from services.intake.formats import chief_message, chief_usage
from services.intake.formats.chief_known import Stored
from services.intake.formats.chief_licence import SOURCE
from services.intake.formats.chief_lines import Damage, Faulty, Part, Record, at
from services.intake.rows import Outcome, Rejected, Told, Unchanged


def transaction(path: Path, part: Part, created: datetime, run: str, stored: Stored) -> Iterator[Outcome]:
    """The outcomes of a licence, of its use, or of a transaction that CHIEF rejected."""
    if part.damages:
        yield from _damaged(path, part, part.damages)
        return
    if part.kind == "rejected":
        errors = "; ".join(official(one) for one in part.records if one.kind == "error")
        name = part.records[0].get(1)
        yield Rejected(
            path, f"line {part.first}", f"CHIEF rejected {name}: {errors or 'no reason given'}", part.rows
        )
        return
    try:
        if part.kind == "licence":
            yield _licence(part, created, run, stored)
        else:
            yield from _usage(path, part, created, stored)
    except Faulty as error:
        yield from _damaged(path, part, [Damage(error.row, str(error))])


def _damaged(path: Path, part: Part, damages: Sequence[Damage]) -> Iterator[Outcome]:
    """Each damaged line by its place, and the rest of the transaction with it."""
    reasons = {damage.row: damage.reason for damage in reversed(damages)}
    for row in sorted(reasons):
        yield Rejected(path, f"line {row}", reasons[row])
    rest = part.rows - len(reasons)
    if rest > 0:
        head, lines = part.records[0], ", ".join(map(str, sorted(reasons)))
        name = head.get(1 if part.kind == "rejected" else 3)
        reason = f"{part.kind} {name[:60]} is rejected as a whole, for line {lines}"
        yield Rejected(path, f"lines {part.first} to {part.first + part.rows - 1}", reason, rest)


def official(record: Record) -> str:
    """The error as CHIEF states it: its code and its text."""
    return " ".join(record.get(number) for number in (1, 2) if record.get(number)).replace("\x00", "")


def _licence(part: Part, created: datetime, run: str, stored: Stored) -> Outcome:
    """The outcome of a licence transaction. Raises Faulty: no half of a licence is told."""
    head = part.records[0]
    action, reference = head.get(2), head.get(3)
    draft = chief_message.Draft(head)
    for record in part.records[1:]:
        draft.take(record)
    with at(head):
        if action not in chief_message.ACTIONS:
            raise ValueError(f"action {action[:20]!r}: expected one of {', '.join(chief_message.ACTIONS)}")
        if not reference:
            raise ValueError("expected the number of the licence")
        source = f"{SOURCE}/{created:%Y%m%d%H%M}-{run}" if action == "replace" else SOURCE
        licence = None if action == "cancel" else chief_message.licence(draft)
        with _unless_late(reference, stored):
            if licence is None:
                facts = stored.register.end(reference, created, created, "cancelled")
            else:
                facts = stored.register.take(licence, created, source)
            stored.in_order(reference, facts, created)
    return Told(f"line {part.first}", facts, part.rows)


@contextmanager
def _unless_late(reference: str, stored: Stored) -> Iterator[None]:
    """The register stays as it was where in here it is found that the licence cannot be told any more."""
    before = stored.register.held.get(reference)
    kept = None if before is None else replace(before)
    try:
        yield
    except ValueError:
        stored.register.held.pop(reference, None)
        if kept is not None:
            stored.register.held[reference] = kept
        raise


def _usage(path: Path, part: Part, created: datetime, stored: Stored) -> Iterator[Outcome]:
    """The outcomes of a usage transaction, record by record. Raises Faulty where all of it is rejected."""
    head, reference = part.records[0], part.records[0].get(3)
    found = list(chief_usage.blocks(part.records))
    ends = head.get(4) in chief_usage.ENDS
    with at(head):
        if head.get(2) != "insert":
            raise ValueError(f"action {head.get(2)[:20]!r}: expected insert")
        if ends or any(chief_usage.draws(block) for block in found):
            stored.register.known(reference)
        with _unless_late(reference, stored):
            facts = chief_usage.ended(head, stored.register, created) if ends else ()
            stored.still_ends(reference, facts, created)
    place = f"line {part.first}"
    yield Told(place, facts) if facts else Unchanged(place, "the head of a licence's use")
    for block in found:
        number = block.line.get(1).lstrip("0") or "0"
        for one in chief_usage.Meter(stored, reference, number, created).read(block):
            yield _used(path, one)
    yield Unchanged(f"line {part.records[-1].row}", "the end of a licence's use")


def _used(path: Path, one: chief_usage.Used) -> Outcome:
    place = f"line {one.row}"
    if one.damage is not None:
        return Rejected(path, place, one.damage)
    return Told(place, one.facts) if one.facts else Unchanged(place, one.unchanged or "")
