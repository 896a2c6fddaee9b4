"""An official list as it was published on a day: what entered and what was removed since the snapshot before it.

The files of one command are read by their day, in whatever order they are given; the first is compared with
``--previous``, else with what the running services hold of the days before, and where there is neither everybody on it
enters. Of two files for one day the later by its name replaces the other, in one command or in two. A file older than
one that was told is given with all later ones: of those that changed nothing, nothing is left to compare with. The
heading (or the JSON file itself) is a row too: it carries the removals that no row speaks of. A mistake that only the
snapshot after it shows (``rollback: correction``) is seen among the files of one command: give the last three, nothing
is told twice.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from events.envelope import Event
from services.intake.formats.snapshot_changes import ROWLESS, Series, Snapshot
from services.intake.formats.snapshot_known import History
from services.intake.formats.snapshot_rows import HEADING, Row, Unusable, content, lines
from services.intake.list_mapping import ListMapping, load
from services.intake.rows import Brought, Outcome, Rejected, Together, Told, Unchanged
from services.runtime.yaml_text import FileError

Behind = Callable[[Mapping[str, Sequence[Event]]], str | None]
"""Why the facts of a snapshot cannot be told any more; None where they can."""

_DAY = re.compile(r"(?<![0-9])([0-9]{4}-[0-9]{2}-[0-9]{2})(?![0-9])")


def each(paths: Sequence[Path], brought: Brought) -> Iterator[tuple[Path, Iterator[Outcome]]]:
    """The snapshots in the order of their days, each with its outcomes. Raises FileError where options are missing."""
    if brought.mapping is None:
        raise FileError(
            "list-snapshot: say with --mapping what the columns mean. See seeds/mappings for two."
        )
    if brought.day is not None and len(paths) > 1:
        raise FileError("--day is the day of one file. Give the files one by one, or dates in their names.")
    mapping = load(brought.mapping)
    series = Series(mapping)
    days: dict[Path, datetime] = {}
    for path in paths:
        try:
            days[path] = brought.day or _day(path, mapping)
        except Unusable as error:
            yield path, iter([_refused(path, error)])
    ordered = sorted(days, key=lambda path: (days[path], _named(path), str(path)))
    refused = _previous(brought.previous, series, days[ordered[0]] if ordered else None)
    history = History(mapping, brought.known)
    if ordered and brought.previous is None:
        history.begin(series, days[ordered[0]])
    for path in ordered:
        behind = partial(history.against, last=days[ordered[-1]])
        yield path, _told(path, days[path], series, refused, behind)


def _refused(path: Path, error: Unusable) -> Outcome:
    return Rejected(path, "snapshot", f"{error}: nothing of this snapshot is told", lines(path))


def _day(path: Path, mapping: ListMapping) -> datetime:
    """The start of the snapshot's day where it was published. Raises Unusable, FileError."""
    if mapping.day.field is not None:
        text, place = content(path, mapping).day or "", f"the field {mapping.day.field}"
    else:
        text, place = _named(path), "the name of the file"
    try:
        day = date.fromisoformat(text[:10])
        if not 1900 <= day.year <= 2200:
            raise ValueError("a year between 1900 and 2200")
    except ValueError as error:
        raise Unusable(f"{place}: expected a day such as 2021-06-30, or give --day") from error
    return datetime.combine(day, time(), ZoneInfo(mapping.timezone))


def _named(path: Path) -> str:
    """The day in the name of a file; empty where there is none."""
    found = _DAY.search(path.name)
    return found.group(1) if found else ""


def _previous(path: Path | None, series: Series, first: datetime | None) -> str | None:
    """Begin with the snapshot to compare with; returns why nothing can be compared with it."""
    if path is None:
        return None
    try:
        rows = content(path, series.mapping).rows
    except Unusable as error:
        return f"the previous snapshot {path} cannot be read: {error}"
    try:
        day = _day(path, series.mapping)
    except Unusable:
        day = datetime.min.replace(tzinfo=ZoneInfo("UTC"))
    if first is not None and day > first:
        return f"the previous snapshot {path} is of {day:%Y-%m-%d}, later than this one"
    series.begin(_snapshot(rows, day, series))
    return None


def _snapshot(rows: Sequence[Row], day: datetime, series: Series) -> Snapshot:
    """The entries that count. Those whose row cannot be read stay as they were.

    Where a row does not even say which entry it is (or nobody knows on which rows the parties stood before), every
    entry that is missing may be that one: none is removed. So may those that were kept like this before.
    """
    stood = series.last.entries if series.last is not None else {}
    before = stood if series.by_row else {}
    entries: dict[str, str] = {}
    for row in _first(rows):
        if row.key is not None and row.damage is not None and row.key in before:
            entries[row.key] = before[row.key]
        elif row.key is not None and row.party is not None:
            entries[row.key] = row.party
    if any(row.damage is not None and (row.key is None or not series.by_row) for row in rows):
        named = {row.key for row in rows} if series.by_row else set(entries.values())
        kept = {key: party for key, party in stood.items() if key not in named}
        entries |= kept if series.by_row else {f"{ROWLESS}{party}": party for party in kept}
    if any(row.damage is not None and row.key not in before for row in rows):
        rowless = {key: party for key, party in before.items() if key.startswith(ROWLESS)}
        there = set(entries.values())
        entries |= {key: party for key, party in rowless.items() if party not in there}
    return Snapshot(day, entries)


def _first(rows: Iterable[Row]) -> Iterator[Row]:
    """The rows, the first of each key."""
    seen: set[str] = set()
    for row in rows:
        if row.key is None or row.key not in seen:
            yield row
        if row.key is not None:
            seen.add(row.key)


def _told(
    path: Path, day: datetime, series: Series, refused: str | None, behind: Behind
) -> Iterator[Outcome]:
    """The outcome of each row, that of the heading last: it has what no row speaks of."""
    try:
        rows = content(path, series.mapping).rows
    except Unusable as error:
        yield _refused(path, error)
        return
    snapshot = _snapshot(rows, day, series)
    before = series.last.entries if series.last is not None and series.by_row else {}
    if (reason := refused or series.removes_too_many(snapshot.entries)) is not None:
        yield Rejected(path, "snapshot", reason, len(rows) + 1)
        return
    facts = series.tell(snapshot)
    if (reason := behind(facts)) is not None:
        yield Rejected(path, "snapshot", reason, len(rows) + 1)
        return
    seen: dict[str, str] = {}
    for row in rows:
        names = [row.key] if series.mapping.scheme is not None else [row.party, before.get(row.key or "")]
        yield _outcome(path, row, [name for name in names if name], facts, seen)
    left = tuple(fact for told in facts.values() for fact in told)
    yield Told(HEADING, left) if left else Unchanged(HEADING, "the heading; nothing is missing from the list")


def _outcome(
    path: Path, row: Row, names: Sequence[str], facts: dict[str, list[Event]], seen: dict[str, str]
) -> Outcome:
    """What became of a row; it takes the facts of its party or licence that no row above took."""
    if row.blank:
        return Unchanged(row.place, "a blank line")
    if row.key is not None:
        if row.key in seen:
            return Rejected(
                path, row.place, f"the entry {row.key[:80]} stands twice, first at {seen[row.key]}"
            )
        seen[row.key] = row.place
    if row.damage is not None:
        return Rejected(path, row.place, row.damage)
    made = tuple(fact for name in names for fact in facts.pop(name, ()))
    if made:
        return Told(row.place, made)
    return Unchanged(row.place, row.aside or "stands on the list as before, or by a row above")


def _sources(brought: Brought) -> Sequence[str]:
    return () if brought.mapping is None or brought.previous is not None else (load(brought.mapping).origin,)


list_snapshot = Together(each, _sources)
