"""The lines of a UK CHIEF message: numbered records, their fields apart by backslashes, transactions between them.

Follows the public interface notes of HM Revenue & Customs, DES235 (line files) and DES236 (licence maintenance and
usage). A damaged line damages the transaction it stands in, and no other.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from events.envelope import explain
from services.runtime.yaml_text import reading

TRANSACTIONS = ("licence", "licenceUsage", "rejected")
_MOST_IN_LINE = 16_384
_MOST_IN_TRANSACTION = 20_000


@dataclass(frozen=True, slots=True)
class Record:
    """One line: where it stands in the file (from 1), its type, and its fields behind the type."""

    row: int
    kind: str
    fields: tuple[str, ...]

    def get(self, number: int) -> str:
        """The field of this number, from 1; empty where the line ends before it."""
        return self.fields[number - 1].strip() if number <= len(self.fields) else ""


@dataclass(frozen=True, slots=True)
class Damage:
    """A line that is not what the message says it is, and why."""

    row: int
    reason: str


class Faulty(ValueError):
    """What a record says cannot be told; ``row`` is its line."""

    def __init__(self, row: int, reason: str) -> None:
        super().__init__(reason)
        self.row = row


@contextmanager
def at(record: Record) -> Iterator[None]:
    """What is wrong in here is wrong in this record. Raises Faulty."""
    try:
        yield
    except Faulty:
        raise
    except ValueError as error:
        raise Faulty(record.row, explain(error)) from error


@dataclass(slots=True)
class Part:
    """What stands together: a transaction from its first record to its ``end``, or a record of its own.

    ``rows`` counts all its lines, the damaged ones included.
    """

    first: int
    records: list[Record] = field(default_factory=list)
    damages: list[Damage] = field(default_factory=list)
    rows: int = 0

    @property
    def kind(self) -> str:
        return self.records[0].kind if self.records else ""


def parts(path: Path) -> Iterator[Part]:
    """The parts of a message in their order; a blank line is a part without records.

    Raises FileError where there is no such file.
    """
    inside: Part | None = None
    for record, damage, row in _lines(path):
        starts = record is not None and record.kind in TRANSACTIONS
        closes = record is not None and (starts or record.kind == "fileTrailer")
        if inside is not None and (closes or inside.rows >= _MOST_IN_TRANSACTION):
            yield _unended(inside)
            inside = None
        part = inside or Part(row)
        _take(part, record, damage)
        if inside is not None or starts:
            inside = None if record is not None and _ends(record, part) else part
        if inside is None:
            yield part
    if inside is not None:
        yield _unended(inside)


def _take(part: Part, record: Record | None, damage: Damage | None) -> None:
    part.rows += 1
    if record is not None:
        part.records.append(record)
    if damage is not None:
        part.damages.append(damage)


def _ends(record: Record, part: Part) -> bool:
    """Whether the record ends the part; a count that is not the number of its lines is a damage."""
    if record.kind != "end" or record.get(1) != part.kind:
        return False
    if record.get(2) != str(part.rows):
        reason = f"the end counts {record.get(2) or 'nothing'}, but there are {part.rows} lines from line {part.first}"
        part.damages.append(Damage(record.row, reason))
    return True


def _unended(part: Part) -> Part:
    last = part.first + part.rows - 1
    part.damages.append(Damage(last, f"expected end\\{part.kind} behind this line"))
    return part


def _lines(path: Path) -> Iterator[tuple[Record | None, Damage | None, int]]:
    """Each line as a record, as damage, or both: a record with a wrong number is still of its type."""
    expected = 1
    with reading(path) as file:
        row = 0
        while line := file.readline(_MOST_IN_LINE + 1):
            row += 1
            if len(line) > _MOST_IN_LINE:
                _skip_rest(file, line)
                yield None, Damage(row, f"a line of more than {_MOST_IN_LINE} bytes"), row
                expected += 1
                continue
            record, damage = _record(line, row, expected)
            number = _number(line)
            expected = number + 1 if number is not None else expected + (1 if damage else 0)
            yield record, damage, row


def _skip_rest(file: IO[bytes], line: bytes) -> None:
    while line and not line.endswith(b"\n"):
        line = file.readline(_MOST_IN_LINE)


def _record(line: bytes, row: int, expected: int) -> tuple[Record | None, Damage | None]:
    try:
        text = line.decode("utf-8-sig" if row == 1 else "utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        return None, Damage(row, "expected text in UTF-8")
    if not text.strip():
        return None, None
    fields = text.split("\\")
    if len(fields) < 2 or not fields[1]:
        return None, Damage(row, "expected a line such as 2\\licence\\…")
    record = Record(row, fields[1], tuple(fields[2:]))
    if fields[0] != str(expected):
        return record, Damage(row, f"numbered {fields[0][:20] or 'nothing'} where {expected} was expected")
    return record, None


def _number(line: bytes) -> int | None:
    digits = line.removeprefix(b"\xef\xbb\xbf").split(b"\\", 1)[0]
    return int(digits) if digits.isdigit() and len(digits) <= 7 else None
