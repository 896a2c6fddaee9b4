"""What the group has passed and Postgres does not hold is read again: a restored database, a log that was made anew.

Where the group goes on is only a hint. What is stored is said by the positions in Postgres, and the log is kept for
ever; so whatever lies between the two can be read again, and event ids make that safe however often it happens.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from aiokafka import TopicPartition

from events.registry import FACT_TOPICS
from services.impact import store
from services.impact.handlers import Recorder
from services.impact.store import Hole
from services.runtime.kafka import RecordSet
from services.runtime.log import stretch
from services.runtime.reactions import patiently
from services.runtime.topics import Extent, acknowledged, extents

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Healer:
    """Stores record sets as ``record`` does, and first whatever of the log lies before them unstored."""

    record: Recorder
    bootstrap: str

    async def __call__(self, sets: Sequence[RecordSet]) -> None:
        """Store the sets. A hole before one of them is filled from the log first."""
        while (hole := await self._stored(sets)) is not None:
            await patiently(partial(self.fill, hole))

    async def look(self) -> int:
        """Compare what is stored with the log and with the group's offsets, and heal. Returns how many holes were.

        The offsets are asked first and the log last: nothing that is merely on its way looks like a hole.
        """
        passed = await acknowledged(self.bootstrap, self.record.consumer)
        stored = await store.positions(self.record.pool, self.record.cluster, self.record.consumer)
        logs = await extents(self.bootstrap, FACT_TOPICS)
        healed = 0
        for part, extent in sorted(logs.items()):
            after = await self._begun_anew(part, stored.get((part.topic, part.partition), -1), extent)
            if passed.get(part, 0) > after + 1:
                await self.fill(Hole(part.topic, part.partition, after, min(passed[part], extent.end)))
                healed += 1
        return healed

    async def _stored(self, sets: Sequence[RecordSet]) -> Hole | None:
        try:
            await replace(self.record, holes=False)(sets)
        except Hole as hole:
            return hole
        return None

    async def fill(self, hole: Hole) -> None:
        """Store what the log holds of the hole; what it no longer holds is said, and passed over."""
        part = TopicPartition(hole.topic, hole.partition)
        extent = (await extents(self.bootstrap, [hole.topic]))[part]
        first, before = max(hole.stored + 1, extent.first), min(hole.before, extent.end)
        if extent.first > hole.stored + 1:
            log.error("%s/%d: the log begins at %d, stored is only what lies up to %d; what was told between is gone "
                      "from the log: bring it in again", *part, extent.first, hole.stored)  # fmt: skip
        if first < before:
            log.warning(
                "%s/%d: reading offsets %d to %d again: they are not stored", *part, first, before - 1
            )
            async for records in stretch(self.bootstrap, part, first, before):
                await self.record([records])
        await store.pass_over(self.record.pool, self.record.cluster, self.record.consumer, hole)

    async def _begun_anew(self, part: TopicPartition, stored: int, extent: Extent) -> int:
        """Up to where the log is stored: nowhere, if it ends before that place, for then it is another log."""
        if stored < extent.end:
            return stored
        log.error("%s/%d: the log ends at %d, before what is stored (%d): it was made anew or lost its end; "
                  "it is read from its start", *part, extent.end, stored)  # fmt: skip
        await store.begin_anew(self.record.pool, self.record.cluster, self.record.consumer, part, stored)
        return -1
