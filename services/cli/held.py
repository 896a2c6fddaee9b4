"""What the store holds of a source, for files that go on from it: asked only once it holds all that the log has."""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from services.cli import stored
from services.impact import store
from services.impact.app import GROUP
from services.intake.rows import Known
from services.runtime import clock
from services.runtime.log import holds_any
from services.runtime.topics import Extent, cluster_id, extents

# Lists and licences are told to the one, withdrawals with the rules.
_TOPICS = ("licences", "rules")
_PATIENCE = timedelta(seconds=30)
_EVERY = 0.2
_ANSWER = 10.0


async def held(connection: Any, bootstrap: str, sources: Sequence[str]) -> tuple[Known, ...]:
    """The facts of these sources and of those below them (``SOURCE/…``), and their withdrawals, as they were learnt.

    Raises ServerTrouble where the store has not caught up with the log in time: what would be compared with half of
    what was told would tell too much.
    """
    await _caught_up(connection, bootstrap)
    rows = await connection.fetch(stored.SQL["told_by"], list(sources))
    return tuple(
        Known(row["source"], row["id"], row["type"], row["time"], row["recorded_at"], json.loads(row["data"]))
        for row in rows
    )


async def _caught_up(connection: Any, bootstrap: str) -> None:
    with _asking(bootstrap):
        written, cluster = await extents(bootstrap, _TOPICS), await cluster_id(bootstrap)
    until, before = clock.now() + _PATIENCE, dict[TopicPartition, int]()
    asked: set[tuple[TopicPartition, int]] = set()
    while waits := waiting(written, await store.positions(connection, cluster, GROUP)):
        # What stands still may wait behind nothing but marks of transactions, which nobody is brought.
        for part, first in (waits.items() & before.items()) - asked:
            with _asking(bootstrap):
                async with asyncio.timeout(_ANSWER):
                    holds = await holds_any(bootstrap, part, first, written[part].end)
            asked.add((part, first))
            if not holds:
                del written[part], waits[part]
        if waits and clock.now() >= until:
            count = sum(written[part].end - first for part, first in waits.items())
            raise stored.ServerTrouble(
                f"The store is {count} records behind the log, and these files go on from what it holds. "
                "Repeat the command once tracker doctor says that it has caught up."
            )
        before = waits
        await asyncio.sleep(_EVERY if waits else 0)


@contextmanager
def _asking(bootstrap: str) -> Iterator[None]:
    """Raises ServerTrouble where Kafka does not say."""
    try:
        yield
    except (KafkaError, OSError) as error:
        raise stored.kafka_trouble(bootstrap, error) from error


def waiting(
    written: Mapping[TopicPartition, Extent], positions: Mapping[tuple[str, int], int]
) -> dict[TopicPartition, int]:
    """The offset from which each partition that is behind is not stored yet.

    A log that ends below its position was made anew: it is stored from its start.
    """
    found = {}
    for part, log in written.items():
        following = positions.get((part.topic, part.partition), -1) + 1
        first = log.first if following > log.end else max(log.first, following)
        if first < log.end:
            found[part] = first
    return found
