"""Kafka as the services use it: whole fetched record sets, stored together, and acknowledged by hand afterwards.

Faust keeps the group, the rebalancing and the agents. Through its ``ConsumerScheduler`` setting a fetched set of
records travels as one message, so that its work per message is paid once for hundreds of them. The agents only put sets
on a waiting list; one committer beside them takes everything that waits, in order, and acknowledges what was stored.
A paused topic is not taken in, while the others go on.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import faust
from aiokafka import AIOKafkaProducer
from aiokafka.structs import ConsumerRecord, TopicPartition
from faust.exceptions import ConsumerNotStarted
from faust.types import TP
from faust.types.transports import SchedulingStrategyT

log = logging.getLogger(__name__)
_MOST_AHEAD = 2 * 1024 * 1024
"""So many bytes of records are read ahead; what was made of them takes several times as much memory."""
_AT_A_STRETCH = 0.003
# Loud enough to start quickly and to notice a dead worker within ten seconds; nothing here keeps state in Faust.
_SETTINGS: Mapping[str, Any] = {
    "store": "memory://",
    "topic_disable_leader": True,
    "topic_allow_declare": False,
    "table_standby_replicas": 0,
    "stream_wait_empty": False,
    "stream_buffer_maxsize": 64,
    "broker_session_timeout": 10,
    "broker_rebalance_timeout": 30,
    "broker_heartbeat_interval": 3,
    "broker_max_poll_interval": 300,
    "broker_commit_interval": 1.0,
    "web_enabled": False,
    "value_serializer": "raw",
    "key_serializer": "raw",
}


@dataclass(frozen=True)
class RecordSet:
    """Records of one partition, in order, as one fetch brought them: ``first`` to ``last`` offset."""

    topic: str
    partition: int
    records: Sequence[ConsumerRecord]
    read: dict[int, Any] = field(default_factory=dict, compare=False, repr=False)
    """By offset, what was read of records before the set's turn came: it follows from their bytes alone."""

    @property
    def first(self) -> int:
        return int(self.records[0].offset)

    @property
    def last(self) -> int:
        return int(self.records[-1].offset)

    @cached_property
    def size(self) -> int:
        """How many bytes the records' values hold."""
        return sum(len(record.value or b"") for record in self.records)


class _Message:
    """A record set in the shape of a record: Faust reads these attributes and looks no further."""

    timestamp_type, headers, key, checksum, serialized_key_size, serialized_value_size = (
        0,
        (),
        None,
        None,
        0,
        0,
    )

    def __init__(self, tp: TP, records: Sequence[ConsumerRecord]) -> None:
        self.topic, self.partition = tp.topic, tp.partition
        self.offset, self.timestamp = records[-1].offset, records[-1].timestamp
        self.value = RecordSet(tp.topic, tp.partition, records)


class _WholeSets(SchedulingStrategyT):
    """Hands on each partition's fetched records as one message."""

    def __init__(self) -> None:
        pass

    def iterate(self, records: Mapping[TP, list[ConsumerRecord]]) -> Iterator[tuple[TP, _Message]]:
        return ((tp, _Message(tp, batch)) for tp, batch in records.items() if batch)


class Acknowledged(Protocol):
    """What Faust brings a record set in: acknowledging it lets the group's offset move past the set."""

    value: Any
    message: Any

    def ack(self) -> bool: ...


class WaitingList:
    """Record sets between the agents that bring them and the one committer that stores them, bounded in bytes.

    Promise: a set is acknowledged only after ``store`` returned, and in the order of its partition.
    ``ahead`` reads a waiting set, record by record, while others are being stored. It stores nothing: a set that is
    dropped meanwhile takes with it what was read.
    """

    def __init__(
        self,
        most_bytes: int = 4 * 1024 * 1024,
        ahead: Callable[[RecordSet], Iterator[None]] = lambda one: iter(()),
    ) -> None:
        self._ahead = ahead
        self._waiting: list[Acknowledged] = []
        self._bytes, self._most = 0, most_bytes
        self._paused: frozenset[str] = frozenset()
        self._changed = asyncio.Condition()

    async def put(self, brought: Acknowledged) -> None:
        """Adds a set at the end; waits while the list is full, or the set's topic is paused."""
        async with self._changed:
            await self._changed.wait_for(
                lambda: self._bytes < self._most and brought.message.tp.topic not in self._paused
            )
            self._keep([*self._waiting, brought])

    @property
    def paused(self) -> frozenset[str]:
        """The topics of which nothing is taken in."""
        return self._paused

    async def pause(self, topics: frozenset[str]) -> None:
        """From now on nothing of these topics is taken in, and everything of all others.

        Their agents wait, their buffers fill, and Faust fetches the other topics on.
        """
        async with self._changed:
            for verb, some in (("stands still", topics - self._paused), ("goes on", self._paused - topics)):
                for topic in sorted(some):
                    log.warning("%s %s", topic, verb)
            self._paused = topics
            self._changed.notify_all()

    async def drop(self, partitions: Iterable[TP]) -> None:
        """Forgets, unacknowledged, what waits of partitions that were taken away: their new owner fetches it again."""
        gone = set(partitions)
        async with self._changed:
            self._keep([brought for brought in self._waiting if brought.message.tp not in gone])

    async def commit_for_ever(self, store: Callable[[Sequence[RecordSet]], Awaitable[None]]) -> None:
        """Stores everything that waits, again and again, and acknowledges it. Ends only as ``store`` raises."""
        while True:
            async with self._changed:
                await self._changed.wait_for(lambda: bool(self._waiting))
                taken = self._waiting
                self._keep([])
            await self._beside_reading(store([brought.value for brought in taken]))
            for brought in taken:
                brought.ack()

    async def _beside_reading(self, storing: Awaitable[None]) -> None:
        reading = asyncio.ensure_future(self._read_ahead())
        try:
            await storing
        finally:
            reading.cancel()
            # What could not be read ahead fails when its turn has come.
            await asyncio.gather(reading, return_exceptions=True)

    async def _read_ahead(self) -> None:
        """Reads sets as they come to wait, up to a bound; lets whoever stores go on every few milliseconds."""
        seen: set[int] = set()
        left, time = _MOST_AHEAD, asyncio.get_running_loop().time
        while left > 0:
            async with self._changed:
                await self._changed.wait_for(lambda: any(id(one) not in seen for one in self._waiting))
                brought = next(one for one in self._waiting if id(one) not in seen)
            seen.add(id(brought))
            left -= brought.value.size
            until = time() + _AT_A_STRETCH
            for _ in self._ahead(brought.value):
                if time() >= until:
                    await asyncio.sleep(0)
                    until = time() + _AT_A_STRETCH

    def _keep(self, waiting: list[Acknowledged]) -> None:
        self._waiting, self._bytes = waiting, sum(brought.value.size for brought in waiting)
        self._changed.notify_all()


def app(name: str, bootstrap: str, folder: Path) -> faust.App:
    """A Faust app of this consumer group. ``folder`` is where Faust may write; nothing is kept there."""
    brokers = ";".join(f"kafka://{address.strip()}" for address in bootstrap.split(","))
    return faust.App(name, broker=brokers, datadir=folder, ConsumerScheduler=_WholeSets, **_SETTINGS)


def take_in(
    application: faust.App,
    topics: Iterable[str],
    waiting: WaitingList,
    given_anew: Callable[[], object] = bool,
) -> None:
    """One agent per topic, which only puts what it is given on the list: no exception can leave it.

    ``given_anew`` is told each time the broker has given partitions out.
    """

    async def agent(stream: Any) -> None:
        async for brought in stream.noack().events():
            await waiting.put(brought)

    for topic in topics:
        application.agent(application.topic(topic, value_type=None), name=topic, concurrency=1)(agent)

    async def revoked(_: Any, /, *arguments: Any, signal: Any, **__: Any) -> None:
        await waiting.drop(arguments[0])

    async def given(_: Any, /, *__: Any, signal: Any, **___: Any) -> None:
        given_anew()

    application.on_partitions_revoked.connect(revoked, weak=False)
    application.on_partitions_assigned.connect(given, weak=False)


def assigned(application: faust.App) -> frozenset[TopicPartition]:
    """The partitions that the broker has given to this worker; none before it has joined its group."""
    try:
        return frozenset(TopicPartition(tp.topic, tp.partition) for tp in application.consumer.assignment())
    except ConsumerNotStarted:
        return frozenset()


async def stopped(what: str, stop: Awaitable[object], seconds: float) -> None:
    """Stops a client of the broker, but waits only so long: one whose broker is away tries to acknowledge for ever.

    Nothing is lost by going: what counts as read stands in Postgres, and so does what was not sent yet.
    """
    stopping = asyncio.ensure_future(stop)
    done, _ = await asyncio.wait({stopping}, timeout=seconds)
    if done:
        stopping.result()
    else:
        log.warning("%s could not take leave of Apache Kafka within %.0f s and goes without", what, seconds)


def producer(bootstrap: str) -> AIOKafkaProducer:
    """A producer whose sends are on all in-sync replicas, once and in order, when they are acknowledged."""
    return AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        enable_idempotence=True,
        acks="all",
        linger_ms=2,
        max_request_size=8 * 1024 * 1024,
    )
