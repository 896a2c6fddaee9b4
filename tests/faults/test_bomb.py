"""A record of a few hundred kilobytes that unpacks to hundreds of megabytes: it must not reach a worker's memory."""

import asyncio
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from tests.faults import tally
from tests.faults.book import ACT, NOON, record
from tests.faults.ledger import Ledger, Sender
from tests.faults.storm import end, start
from tests.impact.stage import present
from tests.impact.workers import Pair, settled, until

pytestmark = pytest.mark.servers
CAP = 200 * 1024 * 1024
"""A worker that reads a bomb may hold so much more than one that waits."""
UNPACKED = 400 * 1024 * 1024


async def _bomb(pair: Pair, size: int, count: int, **options: Any) -> str:
    """Sends ``count`` values of zeros in one compressed batch; says how the broker took it."""
    producer = AIOKafkaProducer(bootstrap_servers=pair.bootstrap, compression_type="gzip", request_timeout_ms=30_000,
                                max_request_size=2 * UNPACKED, max_batch_size=2 * UNPACKED, linger_ms=50)  # fmt: skip
    await producer.start()
    try:
        value = bytes(size)
        sent = [await producer.send("contracts", value, partition=0) for _ in range(count)]
        await asyncio.gather(*sent)
    except KafkaError as error:
        return type(error).__name__
    finally:
        await producer.stop()
    return "taken"


@pytest.mark.parametrize(
    ("size", "count"), [(UNPACKED, 1), (1024 * 1024, 100)], ids=["one record", "a batch"]
)
async def test_a_bomb_is_refused_or_bounded(
    pair: Pair, pool: asyncpg.Pool, tmp_path: Path, size: int, count: int
) -> None:
    await present(pool, NOON)
    ledger = Ledger(tmp_path / "ledger")
    process = await start(pair, tmp_path / "log")
    try:
        await Sender(pair.bootstrap, ledger).send([record(ACT)])
        await until(lambda: settled(pair, pool), "the act is stored")
        resting = psutil.Process(process.pid).memory_info().rss
        most, sent = resting, asyncio.ensure_future(_bomb(pair, size, count))
        for _ in range(120):
            most = max(most, psutil.Process(process.pid).memory_info().rss)
            await asyncio.sleep(0.1)
        taken = await sent
        await Sender(pair.bootstrap, ledger).send([record(ACT | {"id": "behind it"})])
        await until(lambda: settled(pair, pool), "what came behind the bomb is stored")
        assert process.returncode is None
    finally:
        await end(process)
        ledger.close()
    row = tally.row("decompression bomb")
    row.trials += 1
    row.bit += 1
    row.notes[taken] += 1
    print(
        f"\nbomb of {count} × {size >> 20} MB: {taken}; worker {resting >> 20} MB at rest, {most >> 20} MB at most"
    )
    assert most - resting < CAP, f"{most >> 20} MB, {resting >> 20} MB at rest ({taken})"
