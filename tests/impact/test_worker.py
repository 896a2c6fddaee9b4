"""One worker as it runs: facts in through Kafka, answers in Postgres and out through Kafka, and a clean end."""

import asyncio
import signal
import time
from pathlib import Path

import asyncpg
import pytest

from events.envelope import Event
from services.impact import handlers
from services.runtime import kafka
from tests.impact.stage import NOON, contract, fact, folded, present, settle, stored, tell
from tests.impact.test_reassess import law, registration
from tests.impact.workers import Pair, send, settled, told, until, worker

pytestmark = pytest.mark.servers


def _facts(exporters: int) -> list[Event]:
    names = [f"maker-{number:02}" for number in range(exporters)]
    return [
        *law(),
        *(fact("contract.signed", contract(name, "C1")) for name in names),
        *(registration(name) for name in names[::2]),
    ]


async def test_facts_come_in_and_answers_go_out(pair: Pair, pool: asyncpg.Pool, tmp_path: Path) -> None:
    facts = _facts(20)
    await present(pool, NOON)
    async with worker(pair, tmp_path / "log") as process:
        await send(pair.bootstrap, [[one] for one in facts])
        await until(lambda: settled(pair, pool), "all is settled")
        process.send_signal(signal.SIGTERM)
        asked = time.monotonic()
        assert await asyncio.wait_for(process.wait(), 30) == 0, (tmp_path / "log").read_text()
        assert time.monotonic() - asked < 30
    assert await stored(pool, NOON) == folded(facts, NOON)
    answers = await told(pair.bootstrap)
    last = {one.subject: one for one in answers if one.type == "verdict.changed"}
    assert {one.subject for one in answers} == {f"maker-{number:02}/C1/1" for number in range(20)}
    after = {ref: one.data.model_dump()["after"]["verdict"] for ref, one in last.items()}
    assert after == {
        row["ref"]: row["verdict"] for row in await pool.fetch("SELECT ref, verdict FROM verdict")
    }


async def test_a_worker_starts_where_the_last_one_stopped(
    pair: Pair, pool: asyncpg.Pool, tmp_path: Path
) -> None:
    facts = _facts(6)
    await present(pool, NOON)
    for part in (facts[:5], facts[5:]):
        async with worker(pair, tmp_path / "log") as process:
            await send(pair.bootstrap, [[one] for one in part])
            await until(lambda: settled(pair, pool), "all is settled")
            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), 30) == 0
    assert await stored(pool, NOON) == folded(facts, NOON)
    assert not await pool.fetchval("SELECT count(*) FROM dead_letter")


async def test_a_stop_at_full_load_is_clean_and_the_next_worker_ends_the_work(
    pair: Pair, pool: asyncpg.Pool, tmp_path: Path
) -> None:
    facts = _facts(300)
    await present(pool, NOON)
    await send(pair.bootstrap, [[one] for one in facts])
    async with worker(pair, tmp_path / "log") as process:
        await until(lambda: _some_stored(pool), "the first facts are stored")
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 30) == 0, (tmp_path / "log").read_text()
    assert not await settled(pair, pool), "the stop came too late to prove anything"
    async with worker(pair, tmp_path / "log"):
        await until(lambda: settled(pair, pool), "all is settled")
    assert await stored(pool, NOON) == folded(facts, NOON)


async def test_what_nobody_foresaw_ends_the_worker_and_nothing_is_lost_by_it(
    pair: Pair, pool: asyncpg.Pool, tmp_path: Path
) -> None:
    facts = _facts(4)
    await present(pool, NOON)
    await pool.execute("ALTER TABLE event RENAME TO elsewhere")
    async with worker(pair, tmp_path / "log") as process:
        await send(pair.bootstrap, [[one] for one in facts])
        assert await asyncio.wait_for(process.wait(), 60) == 1
    assert "UndefinedTableError" in (tmp_path / "log").read_text()
    await pool.execute("ALTER TABLE elsewhere RENAME TO event")
    async with worker(pair, tmp_path / "log"):
        await until(lambda: settled(pair, pool), "all is settled")
    assert await stored(pool, NOON) == folded(facts, NOON)


async def test_a_lost_connection_to_postgres_is_waited_for(
    pair: Pair, pool: asyncpg.Pool, tmp_path: Path
) -> None:
    facts, lost = _facts(30), 0
    await present(pool, NOON)
    async with worker(pair, tmp_path / "log") as process:
        await send(pair.bootstrap, [facts[:1]])
        await until(lambda: _some_stored(pool), "the worker is at work")
        for one in facts[1:]:
            await send(pair.bootstrap, [[one]])
            lost += await pool.fetchval(_SOME_CONNECTIONS_LOST)
        await until(lambda: _settled_or_ended(pair, pool, process), "all is settled")
        assert process.returncode is None, (tmp_path / "log").read_text()
    assert lost, "no connection was lost: the run proves nothing"
    assert await stored(pool, NOON) == folded(facts, NOON)


_SOME_CONNECTIONS_LOST = """
    SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
      AND backend_type = 'client backend' AND random() < 0.3"""


async def _settled_or_ended(pair: Pair, pool: asyncpg.Pool, process: asyncio.subprocess.Process) -> bool:
    return process.returncode is not None or await settled(pair, pool)


async def _some_stored(pool: asyncpg.Pool) -> bool:
    return bool(await pool.fetchval("SELECT count(*) FROM event"))


async def test_the_outbox_is_sent_in_order_and_what_is_sent_again_has_the_same_id(
    pair: Pair, pool: asyncpg.Pool
) -> None:
    await present(pool, NOON)
    await tell(pool, _facts(3))
    await settle(pool)
    rows = await pool.fetch("SELECT shard, topic, key, body FROM outbox ORDER BY seq")
    producer = kafka.producer(pair.bootstrap)
    await producer.start()
    try:
        assert await handlers.publish(pool, producer) == len(rows)
        assert not await pool.fetchval("SELECT count(*) FROM outbox")
        await pool.executemany(
            "INSERT INTO outbox (shard, topic, key, body) VALUES ($1, $2, $3, $4)",
            [tuple(row) for row in rows],
        )
        await handlers.publish(pool, producer)
    finally:
        await producer.stop()
    ids = [one.id for one in await told(pair.bootstrap)]
    assert len(ids) == 2 * len(rows)
    assert len(set(ids)) == len(rows)
