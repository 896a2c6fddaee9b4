"""Healing: what the group has passed and Postgres does not hold is read again from the log."""

import signal
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.records_to_delete import RecordsToDelete

from events.envelope import Event
from services.impact import handlers
from services.impact.heal import Healer
from services.runtime.topics import cluster_id, extents
from tests.impact.stage import NOON, contract, fact, folded, present, raw, recorder, stored
from tests.impact.test_reassess import law, registration
from tests.impact.workers import Pair, empty_topics, send, settled, until, worker

pytestmark = pytest.mark.servers

EMPTIED = """TRUNCATE event, exporter, tie, name, pending, due, position, dead_letter, breaker, verdict, remain,
                      history, outbox"""


def _facts(exporters: int) -> list[Event]:
    names = [f"maker-{number:02}" for number in range(exporters)]
    signed = [fact("contract.signed", contract(name, "C1")) for name in names]
    return [*law(), *signed, *(registration(name) for name in names[::2])]


async def _at_rest(pair: Pair, pool: asyncpg.Pool, log: Path, facts: list[Event]) -> None:
    """Lets a worker take in these facts, and stops it in good order: the group has acknowledged everything."""
    async with worker(pair, log) as process:
        await send(pair.bootstrap, [[one] for one in facts])
        await until(lambda: settled(pair, pool), "all is settled")
        process.send_signal(signal.SIGTERM)
        await process.wait()


async def _healer(pair: Pair, pool: asyncpg.Pool) -> Healer:
    record = recorder(pool)
    cluster = await cluster_id(pair.bootstrap)
    return Healer(handlers.Recorder(record.pool, cluster, "impact", record.stored), pair.bootstrap)


async def test_a_database_that_was_emptied_under_its_log_is_filled_again(
    pair: Pair, pool: asyncpg.Pool, tmp_path: Path
) -> None:
    facts = _facts(12)
    await present(pool, NOON)
    await _at_rest(pair, pool, tmp_path / "log", facts)
    await pool.execute(EMPTIED)
    async with worker(pair, tmp_path / "log"):
        await until(lambda: settled(pair, pool), "all is settled")
    assert await stored(pool, NOON) == folded(facts, NOON)
    assert "reading offsets 0 to" in (tmp_path / "log").read_text()


async def test_a_hole_is_filled_before_what_comes_behind_it(
    pair: Pair, pool: asyncpg.Pool, tmp_path: Path
) -> None:
    facts = _facts(8)
    await present(pool, NOON)
    async with worker(pair, tmp_path / "log"):
        await send(pair.bootstrap, [[one] for one in facts[:-1]])
        await until(lambda: settled(pair, pool), "all is settled")
        await pool.execute(EMPTIED)
        await send(pair.bootstrap, [[facts[-1]] for _ in range(3)])
        await until(lambda: _all_known(pool, len(facts)), "the holes are filled")
        await until(lambda: settled(pair, pool), "all is settled")
    assert await stored(pool, NOON) == folded(facts, NOON)


async def _all_known(pool: asyncpg.Pool, many: int) -> bool:
    return bool(await pool.fetchval("SELECT count(*) = $1 FROM event", many))


async def test_a_log_that_was_made_anew_is_read_from_its_start(
    pair: Pair, pool: asyncpg.Pool, tmp_path: Path
) -> None:
    old, new = _facts(9), [fact("contract.signed", contract("maker-00", "C2"))]
    await present(pool, NOON)
    await _at_rest(pair, pool, tmp_path / "log", old)
    await empty_topics(pair.bootstrap)
    async with worker(pair, tmp_path / "log"):
        await send(pair.bootstrap, [new])
        await until(lambda: _all_known(pool, len(old) + 1), "the new log is read")
        await until(lambda: settled(pair, pool), "all is settled")
    assert await stored(pool, NOON) == folded([*old, *new], NOON)
    assert "made anew or lost its end" in (tmp_path / "log").read_text()


async def test_what_is_gone_from_the_log_is_passed_over_and_said(
    pair: Pair, pool: asyncpg.Pool, caplog: pytest.LogCaptureFixture
) -> None:
    one = fact("contract.signed", contract("maker-00", "C1"))
    await send(pair.bootstrap, [[one]] * 5)
    full = await extents(pair.bootstrap, ["contracts"])
    (part,) = [part for part, extent in full.items() if extent.end == 5]
    await _forget(pair.bootstrap, part, before=4)
    healer = await _healer(pair, pool)
    last = raw(one.model_dump_json().encode(), first=5)
    await healer([type(last)(part.topic, part.partition, last.records)])
    assert await pool.fetchval("SELECT stored FROM position WHERE topic = 'contracts' AND stored >= 0") == 5
    assert "the log begins at 4" in caplog.text


async def _forget(bootstrap: str, part: TopicPartition, before: int) -> None:
    admin: Any = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.delete_records({part: RecordsToDelete(before_offset=before)})
    finally:
        await admin.close()


async def test_where_nothing_is_missing_nothing_is_healed(
    pair: Pair, pool: asyncpg.Pool, tmp_path: Path
) -> None:
    await present(pool, NOON)
    await _at_rest(pair, pool, tmp_path / "log", _facts(3))
    before = await pool.fetch("SELECT * FROM position ORDER BY topic, partition")
    assert await (await _healer(pair, pool)).look() == 0
    assert await pool.fetch("SELECT * FROM position ORDER BY topic, partition") == before
