"""A record of a few hundred kilobytes that unpacks to hundreds of megabytes: it must not reach a worker's memory.

The broker unpacks what comes to a topic of facts, and refuses what is then too large.
"""

import asyncio
import contextlib
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
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
    ("size", "count"),
    [
        pytest.param(UNPACKED, 1, id="one record", marks=pytest.mark.faults),
        pytest.param(1024 * 1024, 100, id="a batch"),
    ],
)
async def test_a_bomb_is_refused_or_bounded(
    pair: Pair, pool: asyncpg.Pool, tmp_path: Path, size: int, count: int
) -> None:
    taken, grown = await _set_off(pair, pool, tmp_path, size, count)
    row = tally.row("decompression bomb")
    row.trials += 1
    row.bit += 1
    row.notes[taken] += 1
    assert grown < CAP, f"grown by {grown >> 20} MB ({taken})"


@pytest.mark.faults
async def test_where_the_broker_keeps_what_is_compressed_the_bomb_goes_off(
    pair: Pair, pool: asyncpg.Pool, tmp_path: Path
) -> None:
    admin: Any = AIOKafkaAdminClient(bootstrap_servers=pair.bootstrap)
    await admin.start()
    try:
        kept = {"compression.type": "producer", "max.message.bytes": "8388608"}
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, "contracts", kept)])
    finally:
        await admin.close()
    taken, grown = await _set_off(pair, pool, tmp_path, UNPACKED, 1, look_behind=False)
    assert (taken, grown > CAP) == ("taken", True), f"{taken}: grown by {grown >> 20} MB"


async def _set_off(
    pair: Pair, pool: asyncpg.Pool, folder: Path, size: int, count: int, *, look_behind: bool = True
) -> tuple[str, int]:
    """How the broker took the bomb, and by how many bytes a worker grew; it stores what comes behind it."""
    await present(pool, NOON)
    ledger = Ledger(folder / "ledger")
    process = await start(pair, folder / "log")
    try:
        await Sender(pair.bootstrap, ledger).send([record(ACT)])
        await until(lambda: settled(pair, pool), "the act is stored")
        resting = psutil.Process(process.pid).memory_info().rss
        sending = asyncio.ensure_future(_bomb(pair, size, count))
        most = await _watched(process.pid, sending)
        if look_behind:
            await Sender(pair.bootstrap, ledger).send([record(ACT | {"id": "behind it"})])
            await until(lambda: settled(pair, pool), "what came behind the bomb is stored")
            assert process.returncode is None, "the worker ended"
    finally:
        await end(process)
        ledger.close()
    taken = await sending
    print(
        f"\nbomb of {count} × {size >> 20} MB: {taken}; worker {resting >> 20} MB at rest, {most >> 20} at most"
    )
    return taken, most - resting


async def _watched(pid: int, sending: "asyncio.Future[str]") -> int:
    """The most memory the process held until a while after the bomb was sent."""
    most, after = 0, 0
    while after < 50:
        with contextlib.suppress(psutil.NoSuchProcess):
            most = max(most, psutil.Process(pid).memory_info().rss)
        after += sending.done()
        await asyncio.sleep(0.1)
    return most
