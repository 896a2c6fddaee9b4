"""Reassess: take due exporters with everybody they share a balance with, lock, read one snapshot, decide, save.

The snapshot is opened after the locks, so it holds every fact whose hand-on made these exporters due; the pure domain
decides in a thread; only rows that differ are written, each with a revision counted under the lock.
"""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
import polars as pl

from services.impact import store
from services.impact.judged import Change, Judged, Key, answers_differ, cause, columns_differ, judge, outgoing
from services.impact.store import ENGINE, SQL, columns
from services.runtime.faults import point


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One instant of the store: the slice's facts, its current answers by line, and the present."""

    facts: pl.DataFrame
    current: dict[Key, Any]
    now: datetime


async def reassess_some(pool: asyncpg.Pool, most: int) -> int:
    """Judge up to ``most`` due exporters anew, with their slices. Returns how many were taken."""
    larger: list[str] = []
    while True:
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute("SET LOCAL idle_in_transaction_session_timeout = '300s'")
            slice_ = await _claimed(connection, most, larger)
            if not slice_:
                return 0
            requests = await connection.fetch(SQL["requests"], slice_)
            larger, snapshot = await _snapshot(pool, slice_)
            if snapshot is None:
                continue
            point("under_reassess")
            judged, waking = await asyncio.to_thread(judge, snapshot.facts, frozenset(slice_), snapshot.now)
            await _save(connection, judged, snapshot.current, snapshot.now)
            await connection.execute(SQL["set_wake"], slice_, [waking.get(name) for name in slice_])
            await connection.execute(SQL["settle"], *columns([tuple(row) for row in requests], 2))
        point("after_reassess")
        return len(slice_)


async def _claimed(connection: Any, most: int, larger: list[str]) -> list[str]:
    """Locks exporters to judge: ``larger`` where a smaller set turned out not to be closed, else what is due.

    What is due is locked without ever waiting; a larger set is locked in order, while nothing else is held.
    """
    if larger:
        await connection.fetch(SQL["lock_exporters"], larger)
        return larger
    for bulk in (False, True):
        rows = await connection.fetch(SQL["take_due"], most, bulk)
        if rows:
            return sorted(row["exporter"] for row in rows)
    return []


async def _snapshot(pool: asyncpg.Pool, slice_: list[str]) -> tuple[list[str], Snapshot | None]:
    """What is stored of the slice, in one snapshot opened after its locks; none where the slice has grown meanwhile."""
    async with pool.acquire() as reader, reader.transaction(isolation="repeatable_read", readonly=True):
        closed = await store.closed(reader, slice_)
        if not set(closed) <= set(slice_):
            return closed, None
        rows = await reader.fetch(SQL["current"], slice_)
        current = {(row["exporter"], row["contract"], row["line"]): row for row in rows}
        return slice_, Snapshot(await store.facts_of(reader, slice_), current, await store.present(reader))


async def _save(connection: Any, judged: dict[Key, Judged], current: dict[Key, Any], now: datetime) -> None:
    """Write what differs: current rows, history, and the answers that go out."""
    changed = [one for key, one in judged.items() if answers_differ(current.get(key), one)]
    told = {one.key for one in changed}
    quiet = [
        one for key, one in judged.items() if key not in told and columns_differ(current[key], one, ENGINE)
    ]
    gone = [key for key in current if key not in judged]
    fresh = [one.key for one in changed if one.key not in current]
    ended = await connection.fetch(SQL["last_revisions"], *columns(fresh, 3))
    last = {
        (row["exporter"], row["contract"], row["line"]): row["revision"]
        for row in (*ended, *current.values())
    }
    pairs = [*((one.key, one) for one in changed), *((key, None) for key in gone)]
    changes = [
        Change(key, last.get(key, 0) + 1, current.get(key), one, cause(current.get(key), one, now))
        for key, one in pairs
    ]
    await _put(connection, [(c.after, c.revision) for c in changes if c.after is not None])
    await _put(connection, [(one, last[one.key]) for one in quiet])
    await connection.execute(SQL["close_verdicts"], *columns(gone, 3))
    await _tell(connection, changes, now)


async def _tell(connection: Any, changes: Sequence[Change], now: datetime) -> None:
    """Add the changes to the history, and to what goes out."""
    history = [
        (*c.key, c.revision, c.after.answer if c.after else None, c.after.loss if c.after else None,
         json.dumps(c.cause)) for c in changes
    ]  # fmt: skip
    if history:
        turned = columns(history)
        await connection.execute(SQL["add_history"], *turned[:4], now, *turned[4:])
        rows = [row for change in changes for row in outgoing(change, now)]
        await connection.execute(SQL["add_outbox"], *columns(rows, 4))


async def _put(connection: Any, answers: Sequence[tuple[Judged, int]]) -> None:
    rows = [
        (*one.key, "/".join(one.key), revision, ENGINE, *one.columns, one.next_change_at, json.dumps(one.cited),
         one.answer, one.loss, one.steps)
        for one, revision in answers
    ]  # fmt: skip
    if rows:
        await connection.execute(SQL["put_verdicts"], *columns(rows))
