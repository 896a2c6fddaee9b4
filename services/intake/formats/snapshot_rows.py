"""One snapshot of an official list, row by row: which entry it is, whose, and whether it counts, by column names."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from events.values import text_of
from services.intake.list_mapping import Limit, ListMapping
from services.intake.names import party
from services.runtime.yaml_text import reading

MOST_BYTES = 256 * 1024 * 1024
HEADING = "heading"
ENTRY_NAME = "@key"
"""The name under which the key of an entry in a JSON object is a column."""

_SPACE = re.compile(r"\s+")
_NUMBER = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,9})?")


class Unusable(ValueError):
    """The snapshot as a whole cannot be read, so nothing can be told from it."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its key and party, and why it does not count (None: it does). ``damage``: it cannot be read.

    A damaged row has its key where that could be read.
    """

    place: str
    key: str | None
    party: str | None = None
    aside: str | None = None
    damage: str | None = None
    blank: bool = False


@dataclass(frozen=True, slots=True)
class Content:
    """The rows of a snapshot, and what a field of its content says about its day."""

    rows: Sequence[Row]
    day: str | None


Cells = Callable[[str], str]
"""The text of a row under one of the mapping's names for a column. Raises ValueError."""


def content(path: Path, mapping: ListMapping) -> Content:
    """The rows of a snapshot. Raises Unusable where it cannot be read to its end, FileError where there is none."""
    with reading(path) as file:
        raw = file.read(MOST_BYTES + 1)
    if len(raw) > MOST_BYTES:
        raise Unusable(f"larger than {MOST_BYTES} bytes")
    try:
        text = raw.decode("utf-8-sig" if mapping.encoding == "utf-8" else mapping.encoding)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise Unusable(f"line {line}: expected text in {mapping.encoding}") from error
    return _json(text, mapping) if mapping.format == "json" else _csv(text, mapping)


def lines(path: Path) -> int:
    """How many lines a file has that is not told row by row; an empty one has one."""
    with reading(path) as file:
        return max(1, sum(1 for _ in file))


def _csv(text: str, mapping: ListMapping) -> Content:
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=mapping.delimiter, strict=True)
    found: list[Row] = []
    try:
        heading = next(rows, [])
        find = _columns(heading, mapping)
        start = rows.line_num + 1
        for cells in rows:
            place, start = f"line {start}", rows.line_num + 1
            if not any(cell.strip() for cell in cells):
                found.append(Row(place, None, blank=True))
            elif len(cells) != len(heading):
                reason = f"{len(cells)} cells where the heading has {len(heading)}"
                found.append(Row(place, None, damage=reason))
            else:
                found.append(_row(place, _cells(cells, find), mapping))
    except csv.Error as error:
        raise Unusable(f"line {rows.line_num}: not a table: {error}") from error
    return Content(found, None)


def _cells(cells: Sequence[str], find: Mapping[str, int]) -> Cells:
    return lambda name: cells[find[name]].strip()


def _columns(heading: Sequence[str], mapping: ListMapping) -> Mapping[str, int]:
    """Where the columns stand that the mapping asks for. Raises Unusable where one is missing or stands twice."""
    there = [_plain(name) for name in heading]
    found: dict[str, int] = {}
    for column in _asked(mapping):
        names = mapping.names_of(column)
        name = next((_plain(one) for one in names if _plain(one) in there), None)
        if name is None:
            raise Unusable(
                f"no column {' or '.join(names)}: the heading has {', '.join(heading)[:300] or 'nothing'}"
            )
        if there.count(name) > 1:
            raise Unusable(f"the column {names[0]} stands {there.count(name)} times in the heading")
        found[column] = there.index(name)
    return found


def _asked(mapping: ListMapping) -> Iterator[str]:
    yield from (mapping.key, mapping.party.name, *mapping.where)
    if mapping.party.identifier is not None:
        yield mapping.party.identifier


def _plain(name: str) -> str:
    return _SPACE.sub(" ", name).strip().casefold()


def _json(text: str, mapping: ListMapping) -> Content:
    try:
        whole = json.loads(text, parse_float=str, parse_constant=str, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise Unusable(f"not JSON: {' '.join(str(error).split())[:200]}") from error
    listed = whole if mapping.entries is None else _under(whole, mapping.entries)
    if isinstance(listed, dict):
        named: Iterator[tuple[str, Any]] = iter(listed.items())
    elif isinstance(listed, list):
        named = ((str(number), one) for number, one in enumerate(listed, 1))
    else:
        raise Unusable(f"{mapping.entries or 'the file'}: expected an object or a list of entries")
    day = None if mapping.day.field is None else _under(whole, mapping.day.field)
    return Content([_entry(name, one, mapping) for name, one in named], day if isinstance(day, str) else None)


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(
            f"{next(one for one in names if names.count(one) > 1)[:80]} stands twice in an object"
        )
    return found


def _entry(name: str, one: Any, mapping: ListMapping) -> Row:
    if not isinstance(one, dict):
        return Row(f"entry {name[:80]}", None, damage="expected an object")

    def cells(column: str) -> str:
        for path in mapping.names_of(column):
            found = name if path == ENTRY_NAME else _under(one, path)
            if isinstance(found, bool):
                return str(found).lower()
            if isinstance(found, str | int):
                return str(found).strip()
        raise ValueError(f"no field {' or '.join(mapping.names_of(column))}")

    return _row(f"entry {name[:80]}", cells, mapping)


def _under(value: Any, path: str) -> Any:
    """What stands under a path such as ``organisation.name``; None where there is nothing."""
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _row(place: str, cells: Cells, mapping: ListMapping) -> Row:
    key = None
    try:
        key = _id("key", cells(mapping.key))
        aside = _aside(cells, mapping)
        return Row(place, key, None if aside else _party(cells, mapping), aside)
    except ValueError as error:
        return Row(place, key, damage=str(error))


def _party(cells: Cells, mapping: ListMapping) -> str:
    named = mapping.party
    name = cells(named.name)
    if named.before_last is not None:
        name = name.rpartition(named.before_last)[0] or name
    identifier = cells(named.identifier) if named.identifier is not None else None
    return _id("party", party(name, identifier, named.scheme))


def _id(name: str, value: str) -> str:
    if len(text_of(name, value)) > 200:
        raise ValueError(f"{name}: expected at most 200 characters")
    return value


def _aside(cells: Cells, mapping: ListMapping) -> str | None:
    """Why the row does not count; None where it does. Raises ValueError for a number that cannot be read."""
    for column, wanted in mapping.where.items():
        found = cells(column)
        if isinstance(wanted, Limit):
            if not found or not wanted.holds(_number(column, found, mapping.decimal)):
                return f"does not count: {column} is {found[:60] or 'empty'}"
        elif found not in ((wanted,) if isinstance(wanted, str) else wanted):
            return f"does not count: {column} is {found[:60] or 'empty'}"
    return None


def _number(column: str, text: str, point: str) -> Decimal:
    plain = text.replace(point, ".") if point != "." and "." not in text else text
    if not _NUMBER.fullmatch(plain) or (point != "." and "." in text):
        raise ValueError(f"{column}: expected a number with {point!r} before its decimals, not {text[:40]!r}")
    return Decimal(plain)
