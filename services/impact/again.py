"""What a newer program does again: letters of a type that it knows by now, and answers of an older engine."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import asyncpg

from events.envelope import Event
from events.wire import decode
from services.impact import store
from services.impact.handlers import append
from services.impact.records import Fact, Letter, Place, sort
from services.impact.store import SQL


async def read_again(pool: asyncpg.Pool) -> int:
    """Record the dead letters of a type that this program knows by now. Returns how many it could read.

    What can be read and still not be stored stays a dead letter, with the reason it has now.
    """
    async with pool.acquire() as connection, connection.transaction():
        rows = await connection.fetch(SQL["take_unknown"])
        by_cluster = [list(group) for _, group in groupby(rows, key=lambda row: row["cluster"])]
        return sum([await _read_again(connection, group) for group in by_cluster])


async def _read_again(connection: Any, rows: Sequence[Any]) -> int:
    facts: list[Fact] = []
    letters: list[Letter] = []
    places: list[Place] = []
    for row in rows:
        _, *place, raw = row
        (item,) = decode(raw)
        if isinstance(item, Event):
            places.append(Place(*place))
            sort(item, places[-1], facts, letters)
    letters += await append(connection, facts)
    kept = {letter.place for letter in letters}
    cluster = rows[0]["cluster"]
    await store.resume(connection, cluster, [place for place in places if place not in kept])
    await store.keep_instead(connection, cluster, letters)
    return len(places) - len(kept)


async def outdated(pool: asyncpg.Pool) -> None:
    """Make due, in bulk, every exporter with a verdict of an older engine."""
    async with pool.acquire() as connection:
        await connection.execute(SQL["outdated"], store.ENGINE)
