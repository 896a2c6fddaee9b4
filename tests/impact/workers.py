"""Worker processes as an operator starts them, and their log: topics made anew, facts sent, answers read back."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from events.envelope import Event
from events.registry import FACT_TOPICS, TOPICS, topic_of
from events.wire import decode, encode
from services.runtime import kafka
from services.runtime.topics import create_topics

ROOT = Path(__file__).resolve().parents[2]
LAUNCHED = (sys.executable, "-I", "-S", str(ROOT / "services" / "runtime" / "embedded" / "launch.py"), str(os.getpid()),
            str(int(signal.SIGKILL)), "-")  # fmt: skip
"""What starts a process by way of the launcher of the servers: it never outlives this run, however that ends."""


@dataclass(frozen=True)
class Pair:
    """The broker and a database of this test's own."""

    bootstrap: str
    database: str


async def empty_topics(bootstrap: str) -> None:
    """Makes all topics anew, so that nothing of another test is read; the broker takes a moment to forget the old."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        there = [name for name in await admin.list_topics() if name in TOPICS]
        if there:
            await admin.delete_topics(there)
        await until(lambda: _gone(admin), "topics are deleted")
    finally:
        await admin.close()
    await create_topics(bootstrap)


async def _gone(admin: AIOKafkaAdminClient) -> bool:
    return not set(TOPICS) & set(await admin.list_topics())


async def start(pair: Pair, log: Path, kill_at: str = "", **settings: str) -> asyncio.subprocess.Process:
    """One worker, its words appended to ``log``; the story's clock, so that only the test moves the present."""
    environment = {**os.environ, "KAFKA_BOOTSTRAP": pair.bootstrap, "DATABASE_URL": pair.database,
                   "TRACKER_CLOCK": "story", "TRACKER_KILL_AT": kill_at, **settings}  # fmt: skip
    with log.open("ab") as out:
        return await asyncio.create_subprocess_exec(
            *LAUNCHED,
            sys.executable,
            "-m",
            "services.impact",
            cwd=ROOT,
            env=environment,
            stdout=out,
            stderr=out,
        )


@contextlib.asynccontextmanager
async def worker(pair: Pair, log: Path, **settings: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A worker that is ended with the context, however the context ends."""
    process = await start(pair, log, **settings)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def send(bootstrap: str, facts: Iterable[Sequence[Event]]) -> int:
    """Sends each group of facts as one record, keyed by the first's partition key. Returns how many the broker has."""
    producer = kafka.producer(bootstrap)
    await producer.start()
    count = 0
    try:
        for group in facts:
            body, content_type = encode(group)
            headers = [("content-type", content_type.encode())]
            key = group[0].partitionkey.encode()
            await producer.send_and_wait(topic_of(group[0].type), body, key=key, headers=headers)
            count += len(group)
    finally:
        await producer.stop()
    return count


async def told(bootstrap: str) -> list[Event]:
    """Every answer in the topic of impacts, in the order of its partitions, repeats among them."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await consumer.start()
    try:
        partitions = [
            TopicPartition("impacts", number) for number in consumer.partitions_for_topic("impacts") or ()
        ] or [TopicPartition("impacts", number) for number in range(8)]
        ends = await consumer.end_offsets(partitions)
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        answers: list[Event] = []
        while any([await consumer.position(tp) < end for tp, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                answers += [
                    one for record in records for one in decode(record.value) if isinstance(one, Event)
                ]
        return answers
    finally:
        await consumer.stop()


async def settled(pair: Pair, pool: asyncpg.Pool) -> bool:
    """Whether everything in the log is stored, handed on, judged and published."""
    # The log first: what is stored after a look at the queues would be in neither.
    stored = {(row["topic"], row["partition"]): row["stored"] for row in await pool.fetch("TABLE position")}
    consumer = AIOKafkaConsumer(bootstrap_servers=pair.bootstrap)
    await consumer.start()
    try:
        logs = [TopicPartition(topic, number) for topic in FACT_TOPICS for number in range(8)]
        ends = await consumer.end_offsets(logs)
    finally:
        await consumer.stop()
    if any(stored.get((tp.topic, tp.partition), -1) + 1 < end for tp, end in ends.items()):
        return False
    waiting = await pool.fetchval(
        "SELECT (SELECT count(*) FROM pending) + (SELECT count(*) FROM due) + (SELECT count(*) FROM outbox)"
    )
    return bool(waiting == 0)


async def until(true: Callable[[], Awaitable[bool]], what: str, seconds: float = 60) -> None:
    """Waits until it is true; says what it waited for if it never comes."""
    end = asyncio.get_running_loop().time() + seconds
    while not await true():
        assert asyncio.get_running_loop().time() < end, f"waited {seconds} s in vain until {what}"
        await asyncio.sleep(0.2)
