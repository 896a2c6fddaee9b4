"""Releases put in order and merged, as the standard says: what a later release leaves out still holds.

The releases of one contracting process may lie anywhere in a file. They are sorted by process and date in a file of
their own beside it, so that a file of any length takes no more memory than its largest process.
"""

import json
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any

from events.values import instant_text
from services.intake.formats.ocds_values import Json, moment


class Shelf:
    """Releases by process and date. Use it as a context; its file is gone afterwards."""

    def __enter__(self) -> "Shelf":
        self._folder = TemporaryDirectory(prefix="tracker-ocds-")
        self._rows = sqlite3.connect(Path(self._folder.name) / "releases.sqlite", isolation_level=None)
        self._rows.execute("PRAGMA journal_mode = OFF")
        self._rows.execute("PRAGMA synchronous = OFF")
        self._rows.execute(
            "CREATE TABLE release (ocid TEXT, date TEXT, number INTEGER PRIMARY KEY, content TEXT)"
        )
        self._rows.execute("CREATE TABLE process (ocid TEXT PRIMARY KEY, content TEXT)")
        self._rows.execute("BEGIN")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._rows.close()
        self._folder.cleanup()

    def put(self, ocid: str, date: str, content: Json) -> None:
        """Keep a release; ``date`` is RFC 3339 in UTC, so that text sorts as time."""
        self._rows.execute(
            "INSERT INTO release (ocid, date, content) VALUES (?, ?, ?)", (ocid, date, json.dumps(content))
        )

    def ordered(self) -> Iterator[tuple[str, Json]]:
        """The releases with their process, each process by date, those of one date as they came. Takes them away."""
        found = self._rows.execute("SELECT ocid, content FROM release ORDER BY ocid, date, number")
        for ocid, content in found:
            yield ocid, json.loads(content)
        self._rows.execute("DELETE FROM release")

    def remember(self, ocid: str, content: Json) -> None:
        """Keep what is known of a process until the next file speaks of it."""
        self._rows.execute("REPLACE INTO process (ocid, content) VALUES (?, ?)", (ocid, json.dumps(content)))

    def remembered(self, ocid: str) -> Json:
        """What was known of the process at the end of the file before; empty for one that is new."""
        found = self._rows.execute("SELECT content FROM process WHERE ocid = ?", (ocid,)).fetchone()
        known: Json = json.loads(found[0]) if found else {}
        return known


def merged(before: Json, release: Json) -> Json:
    """The state of a process after a release: objects field by field, lists by the ids in them, null takes away."""
    state = dict(before)
    for name, value in release.items():
        if value is None:
            state.pop(name, None)
        elif isinstance(value, dict):
            there = state.get(name)
            state[name] = merged(there if isinstance(there, dict) else {}, value)
        elif isinstance(value, list) and _has_ids(name, value):
            there = state.get(name)
            state[name] = _by_id(there if isinstance(there, list) else [], value)
        else:
            state[name] = value
    return state


def _has_ids(name: str, value: list[Any]) -> bool:
    """Whether the list is merged by ids. One whose ids repeat is taken as it stands, with both; entries of a contract,
    an award or a party are one each.
    """
    ids = [one["id"] for one in value if _named(one)]
    whole = bool(ids) and len(ids) == len(value)
    return whole and (name in ("contracts", "awards", "parties") or len(set(ids)) == len(ids))


def _by_id(before: list[Any], added: list[Json]) -> list[Json]:
    found = {one["id"]: one for one in before if _named(one)}
    for one in added:
        found[one["id"]] = merged(found.get(one["id"], {}), one)
    return list(found.values())


def _named(one: Any) -> bool:
    return isinstance(one, dict) and isinstance(one.get("id"), str)


def snapshots(versioned: Json) -> Iterator[Json]:
    """The states a versioned release went through, each as a release with the date of that version.

    Raises ValueError where a version does not say when it was released.
    """
    for date, name in sorted(_versions(versioned)):
        state = _as_of(versioned, date)
        yield {**(state if isinstance(state, dict) else {}), "id": name, "date": instant_text(date)}


def _versions(node: Any) -> set[tuple[datetime, str]]:
    if isinstance(node, dict):
        return set().union(*map(_versions, node.values()))
    if not isinstance(node, list):
        return set()
    if not _is_history(node):
        return set().union(*map(_versions, node))
    return {(_date(one), str(one.get("releaseID", ""))) for one in node}


def _as_of(node: Any, date: datetime) -> Any:
    """The value of that date; what did not exist then, or what is no versioned value, is None or itself."""
    if isinstance(node, dict):
        told = {name: _as_of(value, date) for name, value in node.items()}
        kept = {name: value for name, value in told.items() if value is not None}
        return kept if kept.keys() - {"id"} or not node.keys() - {"id"} else None
    if not isinstance(node, list):
        return node
    if _is_history(node):
        past = [one for one in node if _date(one) <= date]
        return max(past, key=_date).get("value") if past else None
    return [found for one in node if (found := _as_of(one, date)) is not None]


def _is_history(node: list[Any]) -> bool:
    return bool(node) and all(isinstance(one, dict) and "releaseDate" in one for one in node)


def _date(one: Json) -> datetime:
    try:
        date = moment(one["releaseDate"])
    except ValueError as error:
        raise ValueError(f"releaseDate: {error}") from error
    if date is None:
        raise ValueError("releaseDate: expected the instant of the version")
    return date
