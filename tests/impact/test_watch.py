"""A worker frozen under a lock holds nobody up for long; one that is only busy, or waits itself, is left alone."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import asyncpg
import pytest

from services.impact import handlers, reassess, watch
from services.impact.judged import judge
from services.impact.store import SQL
from services.runtime.postgres import NAME
from tests.impact.stage import NOON, contract, fact, folded, present, settle, stored, tell
from tests.impact.test_reassess import law

pytestmark = pytest.mark.servers
LIMIT = 0.5


@contextlib.asynccontextmanager
async def _holding(database: str, name: str) -> AsyncIterator[Any]:
    """Another program's connection that has locked acme, and then sits."""
    other: Any = await asyncpg.connect(database, server_settings={"application_name": name})
    try:
        await other.execute("BEGIN")
        await other.fetch(SQL["lock_exporters"], ["acme"])
        yield other
    finally:
        other.terminate()


async def _looking(pool: asyncpg.Pool, seconds: float = 3.0) -> int:
    """Looks for blockers for so long, or until one was ended. Returns how many were."""
    end, ended = time.monotonic() + seconds, 0
    while not ended and time.monotonic() < end:
        ended = await watch.end_blockers(pool, LIMIT)
        await asyncio.sleep(0.1)
    return ended


async def _acme(pool: asyncpg.Pool) -> None:
    await pool.execute("INSERT INTO exporter (exporter) VALUES ('acme'), ('bolt')")


def _waiting(pool: asyncpg.Pool) -> "asyncio.Task[Any]":
    return asyncio.ensure_future(pool.fetch(SQL["lock_exporters"], ["acme"]))


async def test_who_sits_on_a_lock_that_others_wait_for_is_ended(pool: asyncpg.Pool, database: str) -> None:
    await _acme(pool)
    async with _holding(database, NAME) as other:
        waiter = _waiting(pool)
        assert await _looking(pool) == 1
        assert len(await asyncio.wait_for(waiter, 5)) == 1
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
            await other.fetch("SELECT 1")


async def test_who_is_frozen_inside_a_copy_is_ended(pool: asyncpg.Pool, database: str) -> None:
    await _acme(pool)

    async def frozen() -> AsyncIterator[bytes]:
        yield b"core\t\\N\t\\N\n"
        await asyncio.sleep(30)

    async with _holding(database, NAME) as other:
        copying = asyncio.ensure_future(other.copy_to_table("exporter", source=frozen()))
        waiter = _waiting(pool)
        assert await _looking(pool) == 1
        assert len(await asyncio.wait_for(waiter, 5)) == 1
        copying.cancel()
        await asyncio.gather(copying, return_exceptions=True)


async def test_who_sits_on_a_lock_that_nobody_waits_for_is_left_alone(
    pool: asyncpg.Pool, database: str
) -> None:
    await _acme(pool)
    async with _holding(database, NAME) as other:
        assert await _looking(pool, 1.5) == 0
        assert await other.fetchval("SELECT 1") == 1


async def test_a_connection_of_another_program_is_never_ended(pool: asyncpg.Pool, database: str) -> None:
    await _acme(pool)
    async with _holding(database, "somebody's console") as other:
        waiter = _waiting(pool)
        assert await _looking(pool, 1.5) == 0
        await other.execute("ROLLBACK")
        await asyncio.wait_for(waiter, 5)


async def test_who_waits_in_the_middle_is_left_alone_and_the_one_it_waits_for_is_ended(
    pool: asyncpg.Pool, database: str
) -> None:
    await _acme(pool)
    async with _holding(database, NAME), pool.acquire() as middle, middle.transaction():
        await middle.fetch(SQL["lock_exporters"], ["bolt"])
        between = asyncio.ensure_future(middle.fetch(SQL["lock_exporters"], ["acme"]))
        last = asyncio.ensure_future(pool.fetch(SQL["lock_exporters"], ["bolt"]))
        assert await _looking(pool) == 1
        assert len(await asyncio.wait_for(between, 5)) == 1
    await asyncio.wait_for(last, 5)


async def test_who_judges_for_long_is_not_taken_for_frozen(
    pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = [*law(), fact("contract.signed", contract("acme", "C1"))]

    def slowly(rows: Any, slice_: frozenset[str], now: datetime) -> Any:
        time.sleep(2)
        return judge(rows, slice_, now)

    monkeypatch.setattr(reassess, "judge", slowly)
    monkeypatch.setattr(watch, "BEAT", LIMIT / 5)
    await present(pool, NOON)
    await tell(pool, facts)
    while await handlers.hand_on(pool):
        pass
    judging = asyncio.ensure_future(settle(pool))
    await asyncio.sleep(0.5)
    waiter = _waiting(pool)
    assert await _looking(pool, 2) == 0
    await asyncio.wait_for(asyncio.gather(judging, waiter), 10)
    assert await stored(pool, NOON) == folded(facts, NOON)
