"""Reassess: take due exporters with everybody they share a balance with, lock, read one snapshot, decide, save.

The snapshot is opened after the locks, so it holds every fact whose hand-on made these exporters due; the pure domain
decides in a thread; only rows that differ are written, each with a revision counted under the lock.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
import polars as pl

from services.impact import store
from services.impact.aside import FAULTS, Failed, at_fault, by_halves
from services.impact.changes import Change, Said, cause, differs, outgoing
from services.impact.judged import (
    FOUND_BY,
    KEY,
    REMAIN,
    Judged,
    Key,
    Remain,
    columns_differ,
    judge,
    remain_differs,
)
from services.impact.metrics import UNSEEN, Metrics
from services.impact.store import ENGINE, SQL, columns
from services.impact.watch import alive
from services.runtime.faults import point

VERDICT = [*KEY, "ref", "revision", "engine", *FOUND_BY, "next_change_at", "cited", "answer", "loss", "steps"]
REMAINED = [*KEY, "ref", "engine", *REMAIN, "answer", "loss", "steps"]
HISTORY = ["exporter", "contract", "line", "revision", "at", "answer", "loss", "cause"]
OUTBOX = ["shard", "topic", "key", "body"]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One instant of the store: the slice's facts, by line what is said of it so far, and the present."""

    facts: pl.DataFrame
    current: dict[Key, Any]
    remains: dict[Key, Any]
    now: datetime


PROMPT_FIRST = (False, True)
"""Whom to look for: those that are due promptly (not in bulk); where there are none, those due in bulk."""


async def reassess_some(
    pool: asyncpg.Pool, most: int, metrics: Metrics = UNSEEN, lanes: Sequence[bool] = PROMPT_FIRST
) -> int:
    """Judge up to ``most`` due exporters anew, with their slices. Returns how many were taken.

    What cannot be judged is found by halving and set aside.
    """
    try:
        return len(await _judge(pool, most, [], metrics, lanes))
    except Failed as failed:
        return await by_halves(pool, failed, lambda names: _judge(pool, len(names), names, metrics, lanes))


async def _judge(
    pool: asyncpg.Pool, most: int, larger: list[str], metrics: Metrics, lanes: Sequence[bool]
) -> list[str]:
    """Judge these, or up to ``most`` that are due, in one transaction. Returns who was judged; raises Failed."""
    while True:
        async with pool.acquire() as connection, connection.transaction():
            # Judging says on this connection that it lives; only what holds up the whole program is silent for longer
            # than the pool allows, such as comparing the answers of a very large slice.
            await connection.execute("SET LOCAL idle_in_transaction_session_timeout = '30s'")
            slice_ = await _claimed(connection, most, larger, lanes)
            if not slice_:
                return []
            requests = await connection.fetch(SQL["requests"], slice_)
            try:
                larger, lines = await _anew(pool, connection, slice_)
            except FAULTS as error:
                if not at_fault(error):
                    raise
                raise Failed(slice_, requests, error) from error
            if larger:
                continue
            answered = await connection.fetch(SQL["settle"], *columns([tuple(row) for row in requests], 2))
        metrics.judged(len(slice_), lines, answered)
        point("after_reassess")
        return slice_


async def _anew(pool: asyncpg.Pool, connection: Any, slice_: list[str]) -> tuple[list[str], int]:
    """Judge the locked slice, save what differs, say how many lines; nothing of it where a larger set is needed."""
    async with alive(connection):
        larger, snapshot = await _snapshot(pool, slice_)
        if snapshot is None:
            return larger, 0
        point("under_reassess")
        judged, remains, waking = await asyncio.to_thread(
            judge, snapshot.facts, frozenset(slice_), snapshot.now
        )
    await _save(connection, snapshot, judged, remains)
    await connection.execute(SQL["set_wake"], slice_, [waking.get(name) for name in slice_])
    return [], len(judged)


async def _claimed(connection: Any, most: int, larger: list[str], lanes: Sequence[bool]) -> list[str]:
    """Locks exporters to judge: ``larger`` where a smaller set turned out not to be closed, else what is due.

    What is due is locked without ever waiting; a larger set is locked in order, while nothing else is held.
    """
    if larger:
        await connection.fetch(SQL["lock_exporters"], larger)
        return larger
    for bulk in lanes:
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
        current, remains = [
            {
                (row["exporter"], row["contract"], row["line"]): row
                for row in await reader.fetch(SQL[name], slice_)
            }
            for name in ("current", "current_remains")
        ]
        return slice_, Snapshot(
            await store.facts_of(reader, slice_), current, remains, await store.present(reader)
        )


async def _save(
    connection: Any, was: Snapshot, judged: dict[Key, Judged], remains: dict[Key, Remain]
) -> None:
    """Write what differs: current rows, what is left of cancelled lines, history, and the answers that go out."""
    keys = dict.fromkeys([*judged, *remains, *was.current, *was.remains])
    pairs = [
        (key, Said(was.current.get(key), was.remains.get(key)), Said(judged.get(key), remains.get(key)))
        for key in keys
    ]
    changed = [pair for pair in pairs if differs(*pair[1:])]
    last = await _last_revisions(connection, was, [key for key, *_ in changed])
    changes = [
        Change(key, last.get(key, 0) + 1, before, after, cause(key, before.verdict, after.verdict, was.now))
        for key, before, after in changed
    ]
    told = {change.key for change in changes}
    loud = [(c.after.verdict, c.revision) for c in changes if c.after.verdict is not None]
    quiet = [
        (one, last[key])
        for key, one in judged.items()
        if key not in told and columns_differ(was.current[key], one, ENGINE)
    ]
    await _put(connection, was, judged, [*loud, *quiet])
    left = [one for key, one in remains.items() if remain_differs(was.remains.get(key), one, ENGINE)]
    await _put_remains(connection, was, remains, left)
    await _tell(connection, changes, was.now)


async def _last_revisions(connection: Any, was: Snapshot, keys: Sequence[Key]) -> dict[Key, int]:
    """The last revision of each open line, and of those of ``keys`` that were ever told of."""
    ended = await connection.fetch(
        SQL["last_revisions"], *columns([key for key in keys if key not in was.current], 3)
    )
    rows = (*ended, *was.current.values())
    return {(row["exporter"], row["contract"], row["line"]): row["revision"] for row in rows}


async def _tell(connection: Any, changes: Sequence[Change], now: datetime) -> None:
    """Add the changes to the history, and to what goes out."""
    history = [
        (*c.key, c.revision, now, c.after.verdict.answer if c.after.verdict else None,
         c.after.estimate.loss if c.after.estimate else None, list(c.cause)) for c in changes
    ]  # fmt: skip
    if history:
        await connection.copy_records_to_table("history", records=history, columns=HISTORY)
        rows = [row for change in changes for row in outgoing(change, now)]
        await connection.copy_records_to_table("outbox", records=rows, columns=OUTBOX)


async def _put(
    connection: Any, was: Snapshot, judged: Mapping[Key, Judged], answers: Sequence[tuple[Judged, int]]
) -> None:
    """Write these verdicts, each with its revision, in place of those there were; the lines no longer judged go."""
    new = {one.key for one, _ in answers}
    gone = [key for key in was.current if key in new or key not in judged]
    rows = [
        (*one.key, "/".join(one.key), revision, ENGINE, *one.columns, one.next_change_at, list(one.cited), one.answer,
         one.loss, one.steps)
        for one, revision in answers
    ]  # fmt: skip
    await _replace(connection, "close_verdicts", gone, "verdict", VERDICT, rows)


async def _put_remains(
    connection: Any, was: Snapshot, remains: Mapping[Key, Remain], found: Sequence[Remain]
) -> None:
    """Write what is left of these lines in place of what there was; what is said no longer goes."""
    new = {one.key for one in found}
    gone = [key for key in was.remains if key in new or key not in remains]
    rows = [
        (*one.key, "/".join(one.key), ENGINE, *one.columns, one.answer, one.loss, one.steps) for one in found
    ]
    await _replace(connection, "drop_remains", gone, "remain", REMAINED, rows)


async def _replace(
    connection: Any, drop: str, gone: Sequence[Key], table: str, names: list[str], rows: Sequence[Any]
) -> None:
    """Take rows away by their keys, and put others there by COPY."""
    if gone:
        await connection.execute(SQL[drop], *columns(gone))
    if rows:
        await connection.copy_records_to_table(table, records=rows, columns=names)
