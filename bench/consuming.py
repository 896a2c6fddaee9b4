"""What a worker can take from the log: records only counted, and the same job as other stream processors do it."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from uuid import uuid4

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from bench.figures import Figure
from services.runtime import kafka
from services.runtime.kafka import RecordSet, WaitingList

ROOT = Path(__file__).parents[1]
OTHERS = ROOT / ".venv-bench" / "bin" / "python"
PARTITIONS = 8
JOBS = (
    ("the tracker's runtime", sys.executable, "ours.py"),
    ("Quix Streams", str(OTHERS), "quix.py"),
    ("Bytewax", str(OTHERS), "bytewax_flow.py"),
    ("stock Faust", sys.executable, "stock_faust.py"),
)
_PATIENCE = 600.0


async def filled(bootstrap: str, records: int) -> str:
    """A new topic with so many single contract events; its name."""
    topic = f"bench-{uuid4().hex[:8]}"
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic, PARTITIONS, 1)])
    await admin.close()
    producer = kafka.producer(bootstrap)
    await producer.start()
    sent = [await producer.send(topic, _event(n), partition=n % PARTITIONS) for n in range(records)]
    await asyncio.gather(*sent)
    await producer.stop()
    return topic


def _event(number: int) -> bytes:
    line = {"line": "1", "class": "face_mask", "quantity": "1000", "unit": "H87", "unit_price": "0.55",
            "export_at": "2020-04-05T09:00:00+08:00"}  # fmt: skip
    data = {"exporter": f"maker-{number % 500}", "contract": f"C{number}", "buyer": "hospital", "exported_from": "CN",
            "destination": "ES", "currency": "EUR", "signed": "2020-03-20T10:00:00+08:00", "lines": [line]}  # fmt: skip
    told = {
        "specversion": "1.0",
        "id": str(number),
        "source": "bench",
        "type": "contract.signed",
        "data": data,
    }
    return json.dumps(told).encode()


async def counted(bootstrap: str, records: int, times: int) -> Figure:
    """Records a second that a worker consumes which only counts, against a bare consumer; both from the first on."""
    topic = await filled(bootstrap, records)
    rates = [
        (await _count(bootstrap, topic, records), await _bare(bootstrap, topic, records))
        for _ in range(times)
    ]
    ours, bare = (median(some) for some in zip(*rates, strict=True))
    return Figure("records consumed by a worker that only counts", ours, "records/s", "aiokafka getmany", bare, 0.6,
                  records)  # fmt: skip


@dataclass
class _Count:
    """How many records came, and how many a second behind the first of them."""

    wanted: int
    first: int = 0
    seen: int = 0
    began: float = 0.0
    rate: float = 0.0

    def add(self, records: int) -> bool:
        """Whether that is all of them."""
        self.seen += records
        now = time.perf_counter()
        if not self.began and records:
            self.began, self.first = now, self.seen
        if self.seen >= self.wanted:
            self.rate = (self.seen - self.first) / (now - self.began)
        return self.seen >= self.wanted


async def _count(bootstrap: str, topic: str, records: int) -> float:
    waiting, count, done = WaitingList(64 * 1024 * 1024), _Count(records), asyncio.Event()

    async def store(sets: Sequence[RecordSet]) -> None:
        if count.add(sum(len(one.records) for one in sets)):
            done.set()

    with TemporaryDirectory() as folder:
        app = kafka.app(f"bench-{uuid4().hex[:8]}", bootstrap, Path(folder))
        kafka.take_in(app, [topic], waiting)
        app.finalize()
        await app.start()
        committing = asyncio.create_task(waiting.commit_for_ever(store))
        await done.wait()
        committing.cancel()
        await app.stop()
    return count.rate


async def _bare(bootstrap: str, topic: str, records: int) -> float:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    consumer.assign([TopicPartition(topic, number) for number in range(PARTITIONS)])
    count = _Count(records)
    while not count.add(sum(len(found) for found in (await consumer.getmany(timeout_ms=100)).values())):
        pass
    await consumer.stop()
    return count.rate


async def same_job(bootstrap: str, address: str, records: int) -> list[Figure]:
    """Records a second decoded and stored once, by the tracker's runtime and by each of the others."""
    topic = await filled(bootstrap, records)
    rates = {name: await _rate(bootstrap, address, topic, python, job, records) for name, python, job in JOBS}
    ours = rates.pop(JOBS[0][0])
    return [Figure("the same job: decoded and stored once", ours, "records/s", name, rate, 1.5, records)
            for name, rate in rates.items()]  # fmt: skip


async def _rate(bootstrap: str, address: str, topic: str, python: str, job: str, records: int) -> float:
    """Rows a second from the first that is visible to the last."""
    connection = await asyncpg.connect(address)
    await connection.execute("DROP TABLE IF EXISTS seen")
    await connection.execute("CREATE TABLE seen (source text, id text, data text, PRIMARY KEY (source, id))")
    command = [
        python,
        str(ROOT / "bench" / "streams" / job),
        bootstrap,
        address,
        topic,
        f"bench-{uuid4().hex[:8]}",
    ]
    process = subprocess.Popen(command, cwd=ROOT, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    began, first, limit = 0.0, 0, time.perf_counter() + _PATIENCE
    try:
        while True:
            rows = await connection.fetchval("SELECT count(*) FROM seen")
            now = time.perf_counter()
            if rows and not first:
                began, first = now, rows
            if rows >= records:
                return float((rows - first) / (now - began)) if rows > first else float(rows)
            if process.poll() is not None or now > limit:
                raise RuntimeError(f"{job} ended or stood still behind {rows} rows")
            await asyncio.sleep(0.05)
    finally:
        process.terminate()
        process.wait(30)
        await connection.close()
