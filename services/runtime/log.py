"""The log, read apart from the consumer group: whatever the group's offsets say, this is what was told, and how far."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from types import TracebackType

from aiokafka import AIOKafkaConsumer, TopicPartition

from services.runtime.kafka import RecordSet


async def stretch(bootstrap: str, part: TopicPartition, first: int, before: int) -> AsyncIterator[RecordSet]:
    """The records of a partition from ``first`` up to, not including, ``before``, as sets of about a megabyte.

    Both lie within the log. Offsets that hold no record (a transaction's marks) are passed over.
    """
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign([part])
        consumer.seek(part, first)
        while await consumer.position(part) < before:
            for fetched in (await consumer.getmany(part, timeout_ms=1000)).values():
                records = [record for record in fetched if record.offset < before]
                if records:
                    yield RecordSet(part.topic, part.partition, records)
    finally:
        await consumer.stop()


async def holds_any(bootstrap: str, part: TopicPartition, first: int, before: int) -> bool:
    """Whether any record stands there: offsets may also be taken by marks of transactions, which nobody is brought."""
    async for _ in stretch(bootstrap, part, first, before):
        return True
    return False


class Ends:
    """How far logs go, asked again and again over one connection, which a failure renews."""

    def __init__(self, bootstrap: str, seconds: float = 5.0) -> None:
        self._bootstrap, self._seconds = bootstrap, seconds
        self._consumer: AIOKafkaConsumer | None = None

    async def of(self, parts: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Behind the last offset of each. Raises TimeoutError or KafkaError where the broker does not say in time."""
        asked = list(parts)
        if not asked:
            return {}
        try:
            async with asyncio.timeout(self._seconds):
                if self._consumer is None:
                    self._consumer = AIOKafkaConsumer(
                        bootstrap_servers=self._bootstrap, enable_auto_commit=False
                    )
                    await self._consumer.start()
                return dict(await self._consumer.end_offsets(asked))
        except BaseException:
            await self._close()
            raise

    async def __aenter__(self) -> "Ends":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._close()

    async def _close(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._seconds):
                    await consumer.stop()
