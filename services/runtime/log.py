"""A stretch of the log, read apart from the consumer group: whatever the group's offsets say, this is what was told."""

from collections.abc import AsyncIterator

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
