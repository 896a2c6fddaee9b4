"""What is done with a fact: record it, hand it on to the exporters it affects, reassess them, publish what changed.

Each step is one transaction and can run twice. Record and hand on are two: the second sees, in a new snapshot, whatever
was committed before it, so either a fact's hand-on sees a line, or the line's own reassessment sees the fact.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from services.impact import breaker, store
from services.impact.metrics import UNSEEN, Metrics, Stored
from services.impact.plan import PAGE, Reached, oldest, planned
from services.impact.reassess import PROMPT_FIRST, reassess_some
from services.impact.records import Fact, Letter, read
from services.impact.store import SQL
from services.runtime.faults import point, stand
from services.runtime.kafka import RecordSet
from services.runtime.reactions import Reaction, patiently, reaction

PENDING_AT_ONCE = 1000


@dataclass(frozen=True)
class Recorder:
    """Stores record sets: each event once, each unreadable one as a dead letter, and how far the log is stored.

    ``holes``: whether sets may begin further on than right behind what is stored. Otherwise that raises Hole.
    """

    pool: asyncpg.Pool
    cluster: str
    consumer: str
    stored: asyncio.Event
    holes: bool = True
    metrics: Metrics = UNSEEN

    async def __call__(self, sets: Sequence[RecordSet]) -> None:
        """Store the sets in one transaction, however long Postgres is away."""
        await stand("before_store")
        self.metrics.stored(sets, await patiently(self.metrics.timed("record", lambda: self._store(sets))))
        point("after_record")
        self.stored.set()

    async def _store(self, sets: Sequence[RecordSet]) -> Stored:
        async with self.pool.acquire() as connection, connection.transaction():
            held = await store.held_positions(connection, self.cluster, self.consumer, sets)
            if not self.holes:
                store.no_hole(sets, held)
            facts, letters = read(sets, held)
            letters += await append(connection, facts)
            await store.keep_letters(connection, self.cluster, letters)
            await breaker.count(connection, self.cluster, self.consumer, facts, letters)
            await store.move_positions(connection, self.cluster, self.consumer, sets, held)
            point("before_record")
        return held, facts, letters


async def append(connection: Any, facts: Sequence[Fact]) -> list[Letter]:
    """Append the facts; what Postgres refuses for its content is found by halving and set aside."""
    if not facts:
        return []
    try:
        async with connection.transaction():
            return await store.append(connection, facts)
    except Exception as error:
        if reaction(error) is not Reaction.SET_ASIDE:
            raise
        if len(facts) == 1:
            return [Letter(facts[0].place, "refused", str(error), facts[0].row[8].encode())]
    half = len(facts) // 2
    return await append(connection, facts[:half]) + await append(connection, facts[half:])


async def hand_on(pool: asyncpg.Pool) -> int:
    """Make the exporters due that pending events affect, a page of each at a time. Returns how many were looked at."""
    async with pool.acquire() as connection, connection.transaction():
        rows = await connection.fetch(SQL["take_pending"], PENDING_AT_ONCE)
        taken: dict[int, datetime] = {row["id"]: row["stored_at"] for row in rows}
        if taken:
            reached = [Reached(*row) for row in await connection.fetch(SQL["hand_on"], list(taken), PAGE)]
            plan, since = planned(list(taken), reached, PAGE), oldest(taken, reached)
            due = [(name, bulk, since[name]) for name, bulk in sorted(plan.due.items())]
            await connection.execute(SQL["make_due"], *store.columns(due, 3))
            point("in_hand_on")
            await connection.execute(SQL["handed_on_up_to"], *store.columns(plan.unfinished, 2))
            await connection.execute(SQL["handed_on"], plan.finished)
            await connection.execute("NOTIFY due")
        return len(taken)


async def reassess(
    pool: asyncpg.Pool, most: int, metrics: Metrics = UNSEEN, *, bulk: bool | None = None
) -> int:
    """Judge due exporters anew; ``bulk``: only those due in bulk, or only the others. Returns how many were taken."""
    return await reassess_some(pool, most, metrics, PROMPT_FIRST if bulk is None else (bulk,))


async def publish(pool: asyncpg.Pool, producer: Any, metrics: Metrics = UNSEEN) -> int:
    """Send what changed, in order per shard of exporters; delete what the broker has acknowledged."""
    sent = 0
    async with pool.acquire() as connection:
        for row in await connection.fetch(SQL["shards"]):
            async with connection.transaction():
                if not await connection.fetchval(SQL["hold_shard"], row["shard"]):
                    continue
                outgoing = await connection.fetch(SQL["outgoing"], row["shard"])
                headers = [("content-type", b"application/cloudevents+json")]
                futures = [
                    await producer.send(one["topic"], one["body"], key=one["key"].encode(), headers=headers)
                    for one in outgoing
                ]
                await asyncio.gather(*futures)
                point("after_publish")
                await connection.execute(SQL["sent"], [one["seq"] for one in outgoing])
            metrics.published.inc(len(outgoing))
            sent += len(outgoing)
    return sent


async def tick(pool: asyncpg.Pool, now: datetime | None) -> int:
    """Move the present (None: leave it to whoever tells the story) and wake every line whose instant has come."""
    async with pool.acquire() as connection, connection.transaction():
        if now is not None:
            await connection.execute(SQL["move_clock"], now)
        done = await connection.execute(SQL["wake"])
    return int(done.rpartition(" ")[2])


async def move_now(pool: asyncpg.Pool, now: datetime) -> None:
    """Move the one present instant forward; back it never goes."""
    async with pool.acquire() as connection:
        await connection.execute(SQL["move_clock"], now)
