"""A worker that stands still is ended within bounds, and the next one goes on; one that waits for others is not."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer

from events.wire import encode
from services.runtime.heart import EXIT
from tests.impact.asked import address, figure, joined, page
from tests.impact.stage import NOON, contract, fact, folded, present, stored
from tests.impact.test_breaker import BAD
from tests.impact.test_reassess import law, registration
from tests.impact.workers import Pair, send, settled, start, until, worker
from tests.runtime.test_telemetry import ask

pytestmark = pytest.mark.servers
PATIENCE = 6
LONGER = 12
WATCHED = {"TRACKER_WATCHDOG": str(PATIENCE)}
FACTS = [*law(), fact("contract.signed", contract("acme", "C1")), registration("acme")]


@pytest.mark.parametrize("fault", ["TRACKER_STAND_AT", "TRACKER_HANG_AT"])
async def test_a_worker_that_hangs_is_ended_within_bounds_and_the_next_one_stores_what_waits(
    pair: Pair, pool: asyncpg.Pool, tmp_path: Path, fault: str
) -> None:
    """The committer alone stands still, or the event loop hangs as a whole."""
    await present(pool, NOON)
    log = tmp_path / "log"
    point = {"TRACKER_STAND_AT": "before_store", "TRACKER_HANG_AT": "before_record"}[fault]
    process = await start(pair, log, **WATCHED, **{fault: point})
    try:
        await until(lambda: joined(pool), "the worker is ready")
        await send(pair.bootstrap, [[one] for one in FACTS])
        began = time.monotonic()
        assert await asyncio.wait_for(process.wait(), 60) == EXIT, log.read_text()
        assert PATIENCE - 1 <= time.monotonic() - began < 5 * PATIENCE
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert not await pool.fetchval("SELECT count(*) FROM event")
    why = await pool.fetchval("SELECT watchdog FROM worker WHERE ended_at IS NOT NULL")
    assert ("records wait" if fault == "TRACKER_STAND_AT" else "the event loop has not turned") in why
    assert "services/impact/handlers.py" in log.read_text(), "the log shows where it stood"
    async with worker(pair, log, **WATCHED):
        await until(lambda: settled(pair, pool), "all is settled")
    assert await stored(pool, NOON) == folded(FACTS, NOON)


async def test_a_paused_topic_with_records_behind_it_ends_nobody(
    pair: Pair, pool: asyncpg.Pool, tmp_path: Path
) -> None:
    await present(pool, NOON)
    async with worker(pair, tmp_path / "log", **WATCHED) as process:
        await until(lambda: joined(pool), "the worker is ready")
        producer = AIOKafkaProducer(bootstrap_servers=pair.bootstrap)
        await producer.start()
        try:
            for _ in range(1000):
                await producer.send("contracts", BAD, key=b"k")
        finally:
            await producer.stop()
        await until(lambda: _paused(pool), "the topic is paused")
        await send(pair.bootstrap, [[fact("contract.signed", contract("acme", "C1"))] for _ in range(20)])
        await asyncio.sleep(3 * PATIENCE)
        assert process.returncode is None, (tmp_path / "log").read_text()
        assert await figure(pool, "tracker_lag_records{") >= 20
        assert (await page(pool, "/health/live"))[0] == 200


async def _paused(pool: asyncpg.Pool) -> bool:
    return await figure(pool, 'tracker_paused{topic="contracts"}') == 1


async def test_what_only_marks_of_transactions_take_up_ends_nobody(
    pair: Pair, pool: asyncpg.Pool, tmp_path: Path
) -> None:
    await present(pool, NOON)
    async with worker(pair, tmp_path / "log", **WATCHED) as process:
        await until(lambda: joined(pool), "the worker is ready")
        producer = AIOKafkaProducer(bootstrap_servers=pair.bootstrap, transactional_id="marks")
        await producer.start()
        try:
            async with producer.transaction():
                body, kind = encode(FACTS[-1:])
                await producer.send("licences", body, headers=[("content-type", kind.encode())])
        finally:
            await producer.stop()
        await until(lambda: _behind(pool), "the mark looks like a record")
        await asyncio.sleep(3 * PATIENCE)
        assert process.returncode is None, (tmp_path / "log").read_text()
        assert await figure(pool, "tracker_lag_records{") == 0, "by now it is known to be none"


async def _behind(pool: asyncpg.Pool) -> bool:
    events = await pool.fetchval("SELECT count(*) FROM event")
    return bool(events) and await figure(pool, "tracker_lag_records{") == 1


@dataclass
class Line:
    """A line to Postgres that can be cut: connections break, and new ones are refused until it is mended."""

    target: tuple[str, int]
    cut: bool = False
    open: set[asyncio.StreamWriter] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.cut:
            writer.transport.abort()
            return
        there, back = await asyncio.open_connection(*self.target)
        self.open |= {writer, back}
        await asyncio.gather(_copy(reader, back), _copy(there, writer))
        self.open -= {writer, back}

    def break_off(self) -> None:
        self.cut = True
        for writer in self.open:
            writer.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@contextlib.asynccontextmanager
async def _over_a_line(pair: Pair) -> AsyncIterator[tuple[Pair, Line]]:
    """The same pair, Postgres reached over a line."""
    parts = urlsplit(pair.database)
    line = Line((parts.hostname or "127.0.0.1", parts.port or 5432))
    server = await asyncio.start_server(line.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    there = parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{port}")
    try:
        yield Pair(pair.bootstrap, there.geturl()), line
    finally:
        line.break_off()
        server.close()


async def test_while_postgres_is_away_nobody_is_ended_and_afterwards_all_is_stored(
    pair: Pair, pool: asyncpg.Pool, tmp_path: Path
) -> None:
    await present(pool, NOON)
    watched = {"TRACKER_WATCHDOG": str(LONGER)}
    async with _over_a_line(pair) as (far, line), worker(far, tmp_path / "log", **watched) as process:
        await until(lambda: joined(pool), "the worker is ready")
        place = await address(pool)
        line.break_off()
        await send(pair.bootstrap, [[one] for one in FACTS])
        await asyncio.sleep(2 * LONGER)
        assert process.returncode is None, (tmp_path / "log").read_text()
        assert (await asyncio.to_thread(ask, place, "/health/live"))[0] == 200
        code, said = await asyncio.to_thread(ask, place, "/health/ready")
        assert code == 503
        assert said.startswith("Postgres: does not answer")
        line.cut = False
        await until(lambda: settled(pair, pool), "all is settled")
        await asyncio.sleep(LONGER)
        assert process.returncode is None, (tmp_path / "log").read_text()
    assert await stored(pool, NOON) == folded(FACTS, NOON)
