"""How far the tracker is behind: what the log holds of each topic that Postgres does not hold yet."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiokafka.errors import KafkaError

from events.registry import FACT_TOPICS
from services.intake.asking import asked, away
from services.intake.keys import SQL
from services.intake.problems import Problem, unavailable
from services.runtime.topics import cluster_id, extents

RECORDER = "impact"
"""The consumer group whose positions say what is stored."""


@dataclass(eq=False)
class Load:
    """Asked at most every ``fresh`` seconds, by one request for all: the answer, or the trouble, holds so long."""

    bootstrap: str
    pool: Any
    patience: float
    fresh: float

    def __post_init__(self) -> None:
        self._alone = asyncio.Lock()
        self._found: Mapping[str, int] | Problem = {}
        self._until = 0.0

    async def behind(self) -> Mapping[str, int]:
        """The records of each fact topic that are not stored yet. Raises Problem where a server does not say."""
        async with self._alone:
            time = asyncio.get_running_loop().time
            if time() >= self._until:
                self._found = await self._asked()
                self._until = time() + self.fresh
        if isinstance(self._found, Problem):
            raise self._found
        return self._found

    async def _asked(self) -> Mapping[str, int] | Problem:
        try:
            async with asyncio.timeout(self.patience):
                logs, cluster = await extents(self.bootstrap, FACT_TOPICS), await cluster_id(self.bootstrap)
        except (KafkaError, OSError, TimeoutError) as error:
            return away("Apache Kafka", error)
        try:
            rows = await asked(
                self.pool,
                lambda connection: connection.fetch(SQL["positions"], cluster, RECORDER),
                self.patience,
            )
        except Problem as problem:
            return problem
        if missing := set(FACT_TOPICS) - {part.topic for part in logs}:
            return unavailable(f"Apache Kafka lacks the topics {', '.join(sorted(missing))}.", 10)
        stored = {(row["topic"], row["partition"]): row["stored"] for row in rows}
        waiting = dict.fromkeys(FACT_TOPICS, 0)
        for part, extent in logs.items():
            waiting[part.topic] += max(0, extent.end - stored.get((part.topic, part.partition), -1) - 1)
        return waiting
