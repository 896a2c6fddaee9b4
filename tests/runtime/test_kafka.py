"""Record sets on the way in: stored together, acknowledged in order and only afterwards, forgotten when taken away."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.structs import ConsumerRecord
from faust.types import TP

from services.runtime import kafka
from services.runtime.kafka import RecordSet, WaitingList


async def test_a_client_whose_broker_is_gone_is_left_behind(caplog: pytest.LogCaptureFixture) -> None:
    await asyncio.wait_for(kafka.stopped("the consumer", asyncio.Event().wait(), 0.05), 5)
    assert "the consumer could not take leave of Apache Kafka" in caplog.text


async def test_a_client_that_fails_to_stop_says_so() -> None:
    async def fails() -> None:
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await kafka.stopped("the consumer", fails(), 5)


@dataclass
class Brought:
    """A record set as an agent brings it, which notes when it is acknowledged."""

    value: RecordSet
    message: Any
    acknowledged: list[int] = field(default_factory=list)

    def ack(self) -> bool:
        self.acknowledged.append(self.value.first)
        return True


def _brought(first: int, said: list[int], partition: int = 0, size: int = 1) -> Brought:
    record = ConsumerRecord("t", partition, first, 0, 0, None, b"x" * size, None, 0, size, ())
    message = SimpleNamespace(tp=TP("t", partition))
    return Brought(RecordSet("t", partition, [record]), message, said)


@contextlib.asynccontextmanager
async def _running(work: Any) -> AsyncIterator[None]:
    task = asyncio.ensure_future(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_everything_that_waits_is_stored_at_once_and_acknowledged_in_order() -> None:
    waiting, said, stored = WaitingList(), list[int](), list[list[int]]()

    async def store(sets: Sequence[RecordSet]) -> None:
        assert not said, "acknowledged before it was stored"
        stored.append([one.first for one in sets])

    for number in range(3):
        await waiting.put(_brought(number, said))
    async with _running(waiting.commit_for_ever(store)):
        await asyncio.sleep(0.01)
    assert (stored, said) == ([[0, 1, 2]], [0, 1, 2])


async def test_what_could_not_be_stored_is_never_acknowledged_and_ends_the_committer() -> None:
    waiting, said = WaitingList(), list[int]()

    async def store(_: Sequence[RecordSet]) -> None:
        raise RuntimeError("no")

    await waiting.put(_brought(0, said))
    with pytest.raises(RuntimeError, match="no"):
        await waiting.commit_for_ever(store)
    assert not said


async def test_a_full_list_makes_the_agents_wait() -> None:
    waiting, said = WaitingList(most_bytes=10), list[int]()
    await waiting.put(_brought(0, said, size=10))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(waiting.put(_brought(1, said)), 0.05)

    async def store(_: Sequence[RecordSet]) -> None:
        return None

    async with _running(waiting.commit_for_ever(store)):
        await asyncio.wait_for(waiting.put(_brought(2, said)), 1)


async def test_sets_of_a_partition_that_was_taken_away_are_forgotten_unacknowledged() -> None:
    waiting, said, stored = WaitingList(), list[int](), list[int]()
    for partition in (0, 1, 0):
        await waiting.put(_brought(partition, said, partition))
    await waiting.drop([TP("t", 0)])

    async def store(sets: Sequence[RecordSet]) -> None:
        stored.extend(one.partition for one in sets)

    async with _running(waiting.commit_for_ever(store)):
        await asyncio.sleep(0.01)
    assert (stored, said) == ([1], [1])


def _reader(read: list[int]) -> Callable[[RecordSet], Iterator[None]]:
    def ahead(one: RecordSet) -> Iterator[None]:
        read.append(one.first)
        yield

    return ahead


async def test_what_waits_is_read_while_others_are_stored_and_acknowledged_no_sooner_for_it() -> None:
    said, read, stored, go_on = list[int](), list[int](), list[int](), asyncio.Event()
    waiting = WaitingList(ahead=_reader(read))

    async def store(sets: Sequence[RecordSet]) -> None:
        await go_on.wait()
        stored.extend(one.first for one in sets)

    await waiting.put(_brought(0, said))
    async with _running(waiting.commit_for_ever(store)):
        await asyncio.sleep(0.01)
        for number in (1, 2):
            await waiting.put(_brought(number, said))
        await asyncio.sleep(0.01)
        assert (read, stored, said) == ([1, 2], [], [])
        go_on.set()
        await asyncio.sleep(0.01)
    assert (read, stored, said) == ([1, 2], [0, 1, 2], [0, 1, 2])


async def test_no_more_is_read_ahead_than_may_be_held() -> None:
    said, read = list[int](), list[int]()
    waiting = WaitingList(most_bytes=64 * 1024 * 1024, ahead=_reader(read))

    async def store(_: Sequence[RecordSet]) -> None:
        await asyncio.Event().wait()

    await waiting.put(_brought(0, said))
    async with _running(waiting.commit_for_ever(store)):
        await asyncio.sleep(0.01)
        for number in range(1, 9):
            await waiting.put(_brought(number, said, size=1024 * 1024))
        await asyncio.sleep(0.01)
    assert (read, said) == ([1, 2], [])


async def test_what_cannot_be_read_ahead_is_left_to_its_turn() -> None:
    said, stored = list[int](), list[int]()

    def ahead(one: RecordSet) -> Iterator[None]:
        raise RuntimeError("no")

    async def store(sets: Sequence[RecordSet]) -> None:
        await asyncio.sleep(0.01)
        stored.extend(one.first for one in sets)

    waiting = WaitingList(ahead=ahead)
    await waiting.put(_brought(0, said))
    async with _running(waiting.commit_for_ever(store)):
        await asyncio.sleep(0)
        await waiting.put(_brought(1, said))
        await asyncio.sleep(0.05)
    assert (stored, said) == ([0, 1], [0, 1])


@pytest.mark.servers
async def test_fetched_records_travel_as_sets_and_none_is_lost_by_a_committer_that_ends(
    bootstrap: str, tmp_path: Path
) -> None:
    topic = "sets-that-are-not-lost"
    await _made(bootstrap, topic, 3000)
    first = _Store(fail_after=1)
    await _consume(bootstrap, topic, tmp_path, first)
    assert first.failed
    second = _Store()
    await _consume(bootstrap, topic, tmp_path, second)
    assert {*first.seen, *second.seen} == {(p, o) for p, o in await _offsets(bootstrap, topic)}
    assert max(second.sizes) > 10, "the records of a fetch travel together"


@dataclass
class _Store:
    """Remembers what it stored; fails, if asked to, after so many sets."""

    fail_after: int | None = None
    seen: set[tuple[int, int]] = field(default_factory=set)
    sizes: list[int] = field(default_factory=list)
    failed: bool = False
    last: float = 0.0

    async def __call__(self, sets: Sequence[RecordSet]) -> None:
        if self.fail_after is not None and len(self.sizes) >= self.fail_after:
            self.failed = True
            raise RuntimeError("the store is gone")
        self.sizes += [len(one.records) for one in sets]
        self.seen |= {(one.partition, record.offset) for one in sets for record in one.records}
        self.last = asyncio.get_running_loop().time()


async def _consume(bootstrap: str, topic: str, folder: Path, store: _Store) -> None:
    """One worker of the group, until its store fails or nothing more comes for two seconds."""
    waiting = WaitingList(most_bytes=20_000)
    app = kafka.app(f"group-of-{topic}", bootstrap, folder)
    kafka.take_in(app, [topic], waiting)
    app.finalize()
    await app.start()
    committer = asyncio.ensure_future(waiting.commit_for_ever(store))
    try:
        store.last = asyncio.get_running_loop().time() + 10
        while not committer.done() and asyncio.get_running_loop().time() < store.last + 2:
            await asyncio.wait([committer], timeout=0.2)
    finally:
        committer.cancel()
        await asyncio.gather(committer, return_exceptions=True)
        await app.stop()


async def _made(bootstrap: str, topic: str, records: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 3, 1)])
    await admin.close()
    producer = kafka.producer(bootstrap)
    await producer.start()
    sends = [await producer.send(topic, b"x" * 100, key=str(n % 97).encode()) for n in range(records)]
    await asyncio.gather(*sends)
    await producer.stop()


async def _offsets(bootstrap: str, topic: str) -> list[tuple[int, int]]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await consumer.start()
    ends = await consumer.end_offsets([TopicPartition(topic, partition) for partition in range(3)])
    await consumer.stop()
    return [(tp.partition, offset) for tp, end in ends.items() for offset in range(end)]
