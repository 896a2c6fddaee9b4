"""A running worker asked from outside, where it said that it answers."""

import asyncio

import asyncpg

from tests.runtime.test_telemetry import ask


async def address(pool: asyncpg.Pool) -> str:
    """Where the worker that came last answers."""
    return str(await pool.fetchval("SELECT metrics FROM worker ORDER BY started_at DESC LIMIT 1"))


async def page(pool: asyncpg.Pool, name: str) -> tuple[int, str]:
    """The code and the text of a page of that worker."""
    return await asyncio.to_thread(ask, await address(pool), name)


async def joined(pool: asyncpg.Pool) -> bool:
    """Whether a worker has come and has all it needs."""
    if not await pool.fetchval("SELECT count(*) FROM worker WHERE ended_at IS NULL"):
        return False
    return (await page(pool, "/health/ready"))[0] == 200


async def figure(pool: asyncpg.Pool, name: str) -> float:
    """The sum of the figures whose line begins so."""
    _, text = await page(pool, "/metrics")
    return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(name))
