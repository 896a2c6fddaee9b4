"""UK export and import licences as customs exchanges them: CHIEF messages (and licence payloads) become facts.

The messages of one command are read together, licences before their use and replies last, each kind in the order of
its creation: a message about use, a cancellation or a replacement says neither the unit nor the lines it is about. They
may stand in messages told earlier as well, where the running services hold those. One that comes late, behind messages
that would have said otherwise had they known it, is rejected by what has to be done.
What cannot be told is rejected by name; a licence with a damaged line is rejected as a whole.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from events.envelope import Event, explain
from services.intake.formats import chief_fields, chief_payload
from services.intake.formats.chief_known import Stored
from services.intake.formats.chief_licence import SOURCE, Register
from services.intake.formats.chief_lines import TRANSACTIONS, Faulty, Part, Record, at, parts
from services.intake.formats.chief_transactions import official, transaction
from services.intake.rows import Brought, Outcome, Rejected, Together, Told, Unchanged
from services.runtime.yaml_text import FileError

_EVER = datetime.max.replace(tzinfo=UTC)
_LICENCES, _USAGE, _REPLIES = "licenceData", "usageData", ("licenceReply", "usageReply")
_COUNTED = {
    _LICENCES: ("licence",),
    _USAGE: ("licenceUsage",),
    **dict.fromkeys(_REPLIES, ("accepted", "rejected", "fileError")),
}
"""What the trailer of each kind of message counts, in the order of its fields."""


@dataclass(frozen=True, slots=True)
class _Header:
    """The first record of a message: what kind it is, when it was made, and its number among those of its sender."""

    kind: str
    created: datetime
    run: str


def each(paths: Sequence[Path], brought: Brought) -> Iterator[tuple[Path, Iterator[Outcome]]]:
    """The files in the order in which they have to be read. Raises FileError for options that say nothing here."""
    if brought.mapping is not None or brought.previous is not None:
        raise FileError("uk-chief: these messages need no --mapping and no --previous. Leave them out.")
    made = (_made(path) for path in paths if brought.known)
    stored = Stored.of(Register(), brought.known, (one for one in made if one is not None))
    for path in sorted(paths, key=_place):
        if chief_payload.is_payload(path):
            yield path, iter((_payload(path, brought.day, stored),))
        else:
            yield path, _message(path, stored)


def _place(path: Path) -> tuple[int, str, str]:
    """Payloads first, then licences, use and replies by when they were made; what is none of them last."""
    if chief_payload.is_payload(path):
        return 0, "", ""
    first = next(parts(path), None)
    head = first.records[0] if first is not None and first.records else None
    kinds = (_LICENCES, _USAGE, *_REPLIES)
    if head is None or head.get(3) not in kinds:
        return len(kinds) + 1, "", ""
    return kinds.index(head.get(3)) + 1, head.get(4), head.get(5).rjust(7)


def _made(path: Path) -> datetime | None:
    """When a message was made; None for what is none."""
    first = None if chief_payload.is_payload(path) else next(parts(path), None)
    try:
        return None if first is None else _header(first).created
    except Faulty:
        return None


def _payload(path: Path, day: datetime | None, stored: Stored) -> Outcome:
    """The outcome of a payload, which bears no instant: one that ends a licence is read with all that is stored."""
    register = stored.register
    try:
        told = chief_payload.payload(path)
        facts: list[Event] = []
        if told.action in ("cancel", "update"):
            if day is None:
                raise ValueError(f"{told.action}: the payload does not say when; give --day")
            stored.learn(_EVER, inclusive=True)
            old = told.reference if told.action == "cancel" else register.named.get(told.replaces)
            if old is None:
                raise ValueError("update: give the payload of the licence it replaces in the same command")
            facts += register.end(old, day, day, told.action)
        if told.licence is not None:
            facts += register.take(told.licence, day)
            register.named[told.name] = told.reference
        stored.undated |= {(one.source, one.id) for one in facts}
        stored.told |= stored.undated
    except ValueError as error:
        return Rejected(path, "licence", explain(error))
    return Told(told.reference, tuple(facts))


def _message(path: Path, stored: Stored) -> Iterator[Outcome]:
    """The outcomes of a message; that of its header comes last, when it is known whether there is a trailer."""
    found = parts(path)
    first = next(found, None)
    if first is None:
        return
    try:
        header = _header(first)
    except Faulty as error:
        rows = first.rows + sum(part.rows for part in found)
        yield Rejected(path, "line 1", f"{error}; nothing behind it can be told", rows)
        return
    stored.learn(header.created, inclusive=header.kind != _LICENCES)
    if header.kind == _USAGE:
        stored.count(header.created)
    yield from _behind(path, header, found, stored)


def _header(first: Part) -> _Header:
    head = first.records[0] if first.records else Record(first.first, "", ())
    with at(head):
        if head.kind != "fileHeader" or first.damages:
            raise ValueError("expected 1\\fileHeader\\… of a CHIEF message, or a licence payload in JSON")
        if head.get(3) not in _COUNTED:
            raise ValueError(f"message of {head.get(3)[:40]!r}: expected one of {', '.join(_COUNTED)}")
        run = "".join(digit for digit in head.get(5) if digit in "0123456789")[:7]
        return _Header(head.get(3), chief_fields.minute("creation time", head.get(4)), run)


def _behind(path: Path, header: _Header, found: Iterator[Part], stored: Stored) -> Iterator[Outcome]:
    counted = dict.fromkeys(_COUNTED[header.kind], 0)
    trailer = False
    for part in found:
        counted |= {part.kind: counted[part.kind] + 1} if part.kind in counted else {}
        if not part.records and not part.damages:
            yield Unchanged(f"line {part.first}", "a blank line")
        elif trailer:
            yield Rejected(path, f"line {part.first}", "stands behind the trailer of the message", part.rows)
        elif part.kind == "fileTrailer":
            trailer = True
            yield _trailer(path, part, counted)
        else:
            yield from _part(path, header, part, stored)
    if trailer:
        yield Unchanged("line 1", "the header of the message")
    else:
        yield Rejected(path, "line 1", "the message has no trailer: it was cut off, and may have said more")


def _trailer(path: Path, part: Part, counted: dict[str, int]) -> Outcome:
    place, record = f"line {part.first}", part.records[0]
    if part.damages:
        return Rejected(path, place, part.damages[0].reason)
    for number, (kind, count) in enumerate(counted.items(), 1):
        if record.get(number) != str(count):
            said = record.get(number)[:20] or "nothing"
            return Rejected(path, place, f"the trailer counts {said} of {kind}, but the message has {count}")
    return Unchanged(place, "the trailer of the message")


def _part(path: Path, header: _Header, part: Part, stored: Stored) -> Iterator[Outcome]:
    """What became of a transaction, or of a record between transactions."""
    place = f"line {part.first}"
    if part.kind not in _COUNTED[header.kind]:
        order = f"{part.kind[:40]!r} does not stand in its order here"
        yield Rejected(path, place, part.damages[0].reason if part.damages else order, part.rows)
    elif part.kind in TRANSACTIONS:
        yield from transaction(path, part, header.created, header.run, stored)
    elif part.damages:
        yield Rejected(path, place, part.damages[0].reason)
    elif part.kind == "accepted":
        yield Unchanged(place, f"{part.records[0].get(1)} was accepted")
    else:
        yield Rejected(path, place, f"CHIEF found the file in error: {official(part.records[0])}")


uk_chief = Together(each, lambda brought: (SOURCE,))
