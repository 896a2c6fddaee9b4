"""A topic of nothing but poison stands still, alone, over restarts, until somebody says that it may go on."""

import asyncio
import json
from pathlib import Path

import asyncpg
import pytest

from services.cli.doctor import _postgres
from services.cli.letters import resumed
from services.impact import breaker
from services.runtime import kafka
from services.runtime.settings import Endpoints
from tests.impact.stage import NOON, contract, fact, present, raw, recorder
from tests.impact.test_reassess import registration
from tests.impact.workers import Pair, send, until, worker

pytestmark = pytest.mark.servers
BAD = b"not JSON"
MANY = 300


async def _paused(pool: asyncpg.Pool) -> frozenset[str]:
    async with pool.acquire() as connection:
        return await breaker.paused(connection, "cluster", "impact")


async def test_a_thousand_unreadable_records_in_a_row_pause_their_topic(pool: asyncpg.Pool) -> None:
    await recorder(pool)([raw(*[BAD] * 600)])
    assert await _paused(pool) == frozenset()
    await recorder(pool)([raw(*[BAD] * 399)])
    assert await _paused(pool) == frozenset()
    await recorder(pool)([raw(BAD)])
    assert await _paused(pool) == {"contracts"}


async def test_one_readable_event_begins_the_count_anew(pool: asyncpg.Pool) -> None:
    known = fact("contract.signed", contract("acme", "C1")).wire()
    for good in (known, known | {"type": "contract.sealed", "id": "of a type to come"}):
        await recorder(pool)([raw(*[BAD] * 999)])
        await recorder(pool)([raw(json.dumps(good).encode())])
    assert await pool.fetchval("SELECT count(*) FROM dead_letter WHERE kind = 'unknown_type'") == 1
    assert await pool.fetchval("SELECT run FROM breaker") == 0
    await recorder(pool)([raw(BAD)])
    assert await _paused(pool) == frozenset()


async def test_doctor_says_so_and_resume_lets_it_go_on(pool: asyncpg.Pool, database: str) -> None:
    await recorder(pool)([raw(*[BAD] * 1000)])
    told = [one for one in await _postgres(Endpoints("", database), None) if one.check == "topic contracts"]
    assert [one.ok for one in told] == [False]
    assert "1000 records in a row" in told[0].says
    assert await resumed(database) == (0, ["contracts"])
    assert await _paused(pool) == frozenset()
    await recorder(pool)([raw(BAD)])
    assert await _paused(pool) == frozenset()


async def test_only_the_paused_topic_stands_still_and_a_restart_keeps_it_so(
    pair: Pair, pool: asyncpg.Pool, tmp_path: Path
) -> None:
    await present(pool, NOON)
    log = tmp_path / "log"
    async with worker(pair, log):
        await _poison(pair, 1000)
        await until(lambda: _stands_still(log, 1), "the topic is paused")
        await _contract_waits_while_licence_comes(pair, pool, "acme")
    async with worker(pair, log):
        await _contract_waits_while_licence_comes(pair, pool, "bolt")
        assert (await resumed(pair.database))[1] == ["contracts"]
        await until(lambda: _stored(pool, "contract.signed", 2 * MANY), "the contracts are stored")


async def _poison(pair: Pair, count: int) -> None:
    producer = kafka.producer(pair.bootstrap)
    await producer.start()
    try:
        await asyncio.gather(*[await producer.send("contracts", BAD, key=b"k") for _ in range(count)])
    finally:
        await producer.stop()


async def _contract_waits_while_licence_comes(pair: Pair, pool: asyncpg.Pool, name: str) -> None:
    before = await pool.fetchval("SELECT count(*) FROM event WHERE type = 'licence.granted'")
    # More sets than Faust buffers, in all partitions: a full buffer must not hold up the other topics.
    names = [f"{name}-{number}" for number in range(MANY)]
    await send(pair.bootstrap, [[fact("contract.signed", contract(one, "C1"))] for one in names])
    await send(pair.bootstrap, [[registration(name)]])
    await until(lambda: _stored(pool, "licence.granted", before + 1), "the licence is stored")
    await asyncio.sleep(1)
    assert await _stored(pool, "contract.signed", 0)


async def _stands_still(log: Path, times: int) -> bool:
    return log.read_text().count("contracts stands still") >= times


async def _stored(pool: asyncpg.Pool, kind: str, count: int) -> bool:
    found = await pool.fetchval("SELECT count(*) FROM event WHERE type = $1", kind)
    return bool(found == count)
