"""Workers that stand still: one that is frozen under a lock is ended by whoever waits for it.

A worker that is busy says so meanwhile, so that only one that does nothing at all is taken for frozen.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any

import asyncpg

from services.impact.store import SQL

BLOCKED = 10.0
"""How many seconds a worker is waited for that holds a lock and does nothing."""
BEAT = 2.0
"""Seconds between two words of a worker that holds locks while it judges."""
log = logging.getLogger(__name__)


async def end_blockers(pool: asyncpg.Pool, limit: float = BLOCKED) -> int:
    """End the connections that do nothing and have blocked another for ``limit`` seconds. Returns how many."""
    async with pool.acquire() as connection:
        ended = await connection.fetch(SQL["end_blockers"], limit)
    for row in ended:
        log.error(
            "ended connection %s, which held a lock for over %s s: %s", row["pid"], limit, row["query"][:200]
        )
    return len(ended)


@contextlib.asynccontextmanager
async def alive(connection: Any) -> AsyncIterator[None]:
    """While the work is elsewhere, a word on the connection that holds the locks: it is idle, but not frozen."""
    done = asyncio.Event()

    async def beat() -> None:
        while not done.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(done.wait(), BEAT)
            if not done.is_set():
                await connection.execute("SELECT 1")

    beating = asyncio.ensure_future(beat())
    try:
        yield
    finally:
        # Never cancelled in the middle of a statement: that would end the transaction as well.
        done.set()
        await beating
