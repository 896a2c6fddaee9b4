"""Replay: all facts read anew from the log, and judged anew, without a word of it going out.

The log keeps every fact for ever and ids make reading again safe, so a store can be made from nothing, and must come to
the same answers as the one that grew.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
from aiokafka import TopicPartition

from events.registry import FACT_TOPICS
from services.impact import handlers, store
from services.impact.store import SQL
from services.runtime.log import stretch
from services.runtime.topics import cluster_id, extents

CONSUMER = "replay"
_AT_ONCE = 500
Ends = Mapping[tuple[str, int], int]


@dataclass(frozen=True, slots=True)
class Answers:
    """What a store says of every line at one instant, in which everything that was told is judged."""

    now: datetime
    rows: Mapping[str, str]
    """By line, and whether it is open or what is left of it: a digest of the whole answer but for its revision, since
    how often an answer changed depends on the way to it."""
    facts: int


async def read_log(pool: asyncpg.Pool, bootstrap: str, ends: Ends | None = None) -> int:
    """Store the log from its first record, up to the offsets ``ends`` (None: all of it). Returns the records."""
    cluster = await cluster_id(bootstrap)
    async with pool.acquire() as connection:
        await connection.execute(SQL["forget_positions"], cluster, CONSUMER)
    record, records = handlers.Recorder(pool, cluster, CONSUMER, asyncio.Event()), 0
    for part, extent in sorted((await extents(bootstrap, FACT_TOPICS)).items()):
        before = (
            extent.end if ends is None else min(extent.end, ends.get((part.topic, part.partition), -1) + 1)
        )
        records += await _read(record, bootstrap, part, extent.first, before)
    return records


async def _read(
    record: handlers.Recorder, bootstrap: str, part: TopicPartition, first: int, before: int
) -> int:
    count = 0
    if first < before:
        async for one in stretch(bootstrap, part, first, before):
            await record([one])
            count += len(one.records)
    return count


async def judge_all(pool: asyncpg.Pool, now: datetime) -> None:
    """Judge whatever is due, as of ``now``; what there is to tell of it is thrown away."""
    await handlers.move_now(pool, now)
    while await handlers.hand_on(pool):
        pass
    while await handlers.reassess(pool, _AT_ONCE):
        await pool.execute(SQL["tell_nothing"])


async def is_empty(pool: asyncpg.Pool) -> bool:
    """Whether no fact is stored."""
    return not await pool.fetchval(SQL["facts_stored"])


async def everybody_due(pool: asyncpg.Pool) -> int:
    """Make every exporter due, in bulk: running workers judge them all anew. Returns how many."""
    return len(await pool.fetch(SQL["everybody_due"]))


async def settled(pool: asyncpg.Pool, bootstrap: str, consumer: str) -> tuple[Answers, Ends] | None:
    """The answers, and how far the log is stored, in one snapshot; None while anything waits to be judged."""
    async with pool.acquire() as reader, reader.transaction(isolation="repeatable_read", readonly=True):
        if await reader.fetchval(SQL["anything_waits"]):
            return None
        ends = await store.positions(reader, await cluster_id(bootstrap), consumer)
        return await answers(reader), ends


async def answers(connection: Any) -> Answers:
    """What this store says of every line."""
    rows = {row["line"]: row["digest"] for row in await connection.fetch(SQL["digests"])}
    return Answers(await store.present(connection), rows, await connection.fetchval(SQL["facts_stored"]))


def differing(one: Answers, other: Answers) -> list[str]:
    """The lines of which the two say anything else, in order."""
    lines = one.rows.keys() | other.rows.keys()
    return sorted(line for line in lines if one.rows.get(line) != other.rows.get(line))
