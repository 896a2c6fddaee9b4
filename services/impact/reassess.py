"""Reassess: take due exporters with everybody they share a balance with, lock, read one snapshot, decide, save.

The snapshot is opened after the locks, so it holds every fact whose hand-on made these exporters due; the pure domain
decides in a thread; only rows that differ are written, each with a revision counted under the lock.
"""

import asyncio
import json
import uuid
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import asyncpg
import polars as pl

from events.envelope import event
from events.wire import encode
from services.domain.answers import CLOCKED, answers, text
from services.domain.book import Book
from services.domain.contracts import wake
from services.domain.losses import estimate
from services.domain.verdicts import assess
from services.impact import store
from services.impact.store import ENGINE, SQL, columns
from services.runtime.faults import point

SOURCE = "urn:contract-impact-tracker:impact"
FOUND_BY = ("buyer", "class", "destination", "export_at", "verdict", "open_quantity", "blocked_value", "value",
            "currency")  # fmt: skip
Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Judged:
    """One line's answer as it is stored: the printed row without its clock, its loss, and columns to find it by."""

    key: Key
    columns: tuple[Any, ...]
    next_change_at: datetime | None
    cited: tuple[str, ...]
    answer: str
    loss: str | None
    steps: str | None

    @property
    def export_at(self) -> datetime:
        planned: datetime = self.columns[FOUND_BY.index("export_at")]
        return planned


@dataclass(frozen=True, slots=True)
class Change:
    """A line whose answer differs from the stored one; ``after`` None: it left the book."""

    key: Key
    revision: int
    before: Any
    after: Judged | None
    cause: tuple[str, ...]


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


def judge(
    facts: pl.DataFrame, slice_: frozenset[str], now: datetime
) -> tuple[dict[Key, Judged], dict[str, datetime]]:
    """The answers for a slice, and when each of its exporters next has a fact of its own come true."""
    book = Book.from_events(facts)
    rows = estimate(book, assess(book, now=now), now=now).filter(pl.col("exporter").is_in(list(slice_)))
    kept = {}
    for row, answer in zip(rows.iter_rows(named=True), answers(rows), strict=True):
        key = (row["exporter"], row["contract"], row["line"])
        stored = {name: value for name, value in answer.items() if name not in (*CLOCKED, "loss")}
        value = row["open_quantity"] * row["unit_price"]
        found_by = tuple({**row, "value": value.quantize(Decimal("0.0001"))}[name] for name in FOUND_BY)
        due, cites = row["next_change_at"], tuple(row["cited"])
        kept[key] = Judged(key, found_by, due, cites, text(stored), row["loss"], row["loss_steps"])
    return kept, dict(wake(book, now).iter_rows())


async def _save(connection: Any, judged: dict[Key, Judged], current: dict[Key, Any], now: datetime) -> None:
    """Write what differs: current rows, history, and the answers that go out."""
    changed = [one for key, one in judged.items() if _answers_differ(current.get(key), one)]
    told = {one.key for one in changed}
    quiet = [one for key, one in judged.items() if key not in told and _columns_differ(current[key], one)]
    gone = [key for key in current if key not in judged]
    fresh = [one.key for one in changed if one.key not in current]
    ended = {
        (row["exporter"], row["contract"], row["line"]): row["revision"]
        for row in await connection.fetch(SQL["last_revisions"], *columns(fresh, 3))
    }
    changes = []
    for one in changed:
        before = current.get(one.key)
        revision = (before["revision"] if before else ended.get(one.key, 0)) + 1
        changes.append(Change(one.key, revision, before, one, _cause(before, one, now)))
    changes += [
        Change(k, current[k]["revision"] + 1, current[k], None, _cause(current[k], None, now)) for k in gone
    ]
    await _put(connection, [(c.after, c.revision) for c in changes if c.after is not None])
    await _put(connection, [(one, current[one.key]["revision"]) for one in quiet])
    await connection.execute(SQL["close_verdicts"], *columns(gone, 3))
    history = [
        (*c.key, c.revision, c.after.answer if c.after else None, c.after.loss if c.after else None,
         json.dumps(c.cause)) for c in changes
    ]  # fmt: skip
    if history:
        turned = columns(history)
        await connection.execute(SQL["add_history"], *turned[:4], now, *turned[4:])
        outgoing = [row for change in changes for row in _outgoing(change, now)]
        await connection.execute(SQL["add_outbox"], *columns(outgoing, 4))


def _answers_differ(before: Any, after: Judged) -> bool:
    return _verdicts_differ(before, after) or _losses_differ(before, after)


def _verdicts_differ(before: Any, after: Judged | None) -> bool:
    """What is printed of the line differs, its planned instant among it ("at" is printed from that)."""
    if before is None or after is None:
        return True
    return (before["answer"], before["export_at"]) != (after.answer, after.export_at)


def _losses_differ(before: Any, after: Judged | None) -> bool:
    old = (before["loss"], before["steps"]) if before else (None, None)
    return bool(old != ((after.loss, after.steps) if after else (None, None)))


def _columns_differ(before: Any, after: Judged) -> bool:
    """Only what the line is found by, or the engine that judged it: nobody need be told."""
    return tuple(before[name] for name in FOUND_BY) != after.columns or (before["cited"], before["engine"]) != (
        list(after.cited), ENGINE
    )  # fmt: skip


async def _put(connection: Any, answers: Sequence[tuple[Judged, int]]) -> None:
    rows = [
        (*one.key, "/".join(one.key), revision, ENGINE, *one.columns, one.next_change_at, json.dumps(one.cited),
         one.answer, one.loss, one.steps)
        for one, revision in answers
    ]  # fmt: skip
    if rows:
        await connection.execute(SQL["put_verdicts"], *columns(rows))


def _cause(before: Any, after: Judged | None, now: datetime) -> tuple[str, ...]:
    """The citations in which two answers differ; none: the passing of an instant, or the contract's own facts."""
    old, new = set(before["cited"]) if before else set(), set(after.cited) if after else set()
    if old ^ new and after is not None:
        return tuple(sorted(old ^ new))
    if before is not None and before["next_change_at"] is not None and before["next_change_at"] <= now:
        return (f"time:{before['next_change_at'].isoformat().replace('+00:00', 'Z')}",)
    key = after.key if after else (before["exporter"], before["contract"], before["line"])
    return (f"contract:{key[0]}/{key[1]}",)


def _outgoing(change: Change, now: datetime) -> list[tuple[int, str, str, bytes]]:
    """The events that tell of a change, as rows of the outbox."""
    ref = "/".join(change.key)
    head = {"exporter": change.key[0], "ref": ref, "revision": change.revision, "at": now}
    before = json.loads(change.before["answer"]) if change.before else None
    after = json.loads(change.after.answer) if change.after else None
    told: list[tuple[str, dict[str, Any]]] = []
    if _verdicts_differ(change.before, change.after):
        told.append(
            ("verdict.changed", {**head, "before": before, "after": after, "cause": list(change.cause)})
        )
    if _losses_differ(change.before, change.after):
        new_loss = change.after.loss if change.after else None
        steps = json.loads(change.after.steps) if change.after and change.after.steps else None
        loss = {"terms": json.loads(new_loss), "steps": steps} if new_loss else None
        told.append(("loss.estimated", {**head, "loss": loss}))
    shard = zlib.crc32(change.key[0].encode()) % 16
    return [
        (
            shard,
            "impacts",
            change.key[0],
            encode([event(kind, data, source=SOURCE, id=_id(kind, ref, change.revision))])[0],
        )
        for kind, data in told
    ]


def _id(kind: str, ref: str, revision: int) -> str:
    """The same answer has the same id whoever sends it, and however often."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{SOURCE}/{kind}/{ref}/{revision}"))
