"""Ends a worker that stands still: records wait in the log, Postgres answers, and nothing is stored.

Topics that the breaker has paused do not count, nor does time in which a server is away or partitions change hands.
Whoever supervises the worker starts it again. A worker whose event loop hangs is ended by ``runtime/heart.py``.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import asyncpg
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from services.impact import store
from services.impact.metrics import Metrics
from services.impact.stillness import Stillness
from services.runtime.log import Ends, holds_any
from services.runtime.pulse import Pulse
from services.runtime.settings import Endpoints

Assigned = Callable[[], frozenset[TopicPartition]]
"""The partitions that the broker has given to this worker."""
_ANSWER = 5.0


class StandsStill(Exception):
    """The watchdog has ended this worker; the message says why."""


@dataclass
class Watchdog:
    """Looks at what is stored, over a connection of its own: the pool might be what hangs."""

    servers: Endpoints
    cluster: str
    consumer: str
    pulse: Pulse
    metrics: Metrics
    assigned: Assigned
    paused: Callable[[], frozenset[str]]
    _still: Stillness = field(default_factory=Stillness)
    _given: frozenset[TopicPartition] = frozenset()
    _empty: dict[TopicPartition, int] = field(default_factory=dict)
    """Up to where a log was found to hold nothing but marks."""

    @property
    def every(self) -> float:
        """Seconds between two looks."""
        return min(5.0, self.pulse.patience / 4)

    async def watch(self) -> None:
        """Look again and again. Ends only by raising StandsStill."""
        clock, last = asyncio.get_running_loop().time, asyncio.get_running_loop().time()
        async with Ends(self.servers.bootstrap, _ANSWER) as ends:
            while True:
                await asyncio.sleep(self.every)
                now = clock()
                # A process that was frozen as a whole is not blamed for the time.
                look = partial(self.look, ends, min(now - last, 2 * self.every))
                await self.pulse.turning("watchdog", look)()
                last = now

    async def look(self, ends: Ends, passed: float) -> None:
        """One look, ``passed`` seconds after the last. Raises StandsStill."""
        given = self.assigned()
        found = await self._found(ends, given)
        if found is None or given != self._given:
            self._still, self._given = Stillness(), given
        else:
            self._still = self._still.later(*found, passed)
        if over := self._still.over(self.pulse.patience):
            await self._end(over, found)
        self.pulse.still = self._still.seconds
        self.metrics.still.set(self._still.seconds)
        if reasons := self.pulse.stuck():
            raise StandsStill("; ".join(reasons))

    async def _found(self, ends: Ends, given: frozenset[TopicPartition]) -> tuple[Any, Any] | None:
        """What is stored and where the logs end, paused topics left out; nothing where a server does not say."""
        self._lacks("partitions", "" if given else "the broker has not given it any yet")
        stored = await self._stored()
        try:
            reach = await ends.of(given)
        except (KafkaError, OSError, TimeoutError) as error:
            self._lacks("Apache Kafka", _said(error))
            return None
        self._lacks("Apache Kafka", "")
        if stored is None:
            return None
        for part, empty in self._empty.items():
            stored[part] = max(stored.get(part, -1), empty - 1)
        self.metrics.lags({part: max(0, end - stored.get(part, -1) - 1) for part, end in reach.items()})
        return stored, {part: end for part, end in reach.items() if part.topic not in self.paused()}

    async def _stored(self) -> dict[TopicPartition, int] | None:
        try:
            async with asyncio.timeout(_ANSWER):
                connection: Any = await asyncpg.connect(self.servers.database_url)
                try:
                    found = await store.positions(connection, self.cluster, self.consumer)
                finally:
                    connection.terminate()
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            self.pulse.answers(_said(error))
            return None
        self.pulse.answers()
        return {TopicPartition(*place): offset for place, offset in found.items()}

    async def _end(self, over: frozenset[TopicPartition], found: Any) -> None:
        """Raises StandsStill, unless what seems to wait are nothing but the marks of transactions."""
        stored, ends = found
        waits = []
        for part in sorted(over):
            try:
                async with asyncio.timeout(2 * _ANSWER):
                    holds = await holds_any(
                        self.servers.bootstrap, part, stored.get(part, -1) + 1, ends[part]
                    )
            except (KafkaError, OSError, TimeoutError):
                return
            if holds:
                waits.append(f"{part.topic}/{part.partition} behind offset {stored.get(part, -1)}")
            else:
                self._empty[part] = ends[part]
        self._still = replace(self._still, seconds=0.0, alone={})
        if waits:
            raise StandsStill(f"records wait and none has been stored for {self.pulse.patience:.0f} s: "
                              f"{', '.join(waits)}")  # fmt: skip

    def _lacks(self, name: str, why: str) -> None:
        if why:
            self.pulse.lacks[name] = why
        else:
            self.pulse.lacks.pop(name, None)


def _said(error: BaseException) -> str:
    return f"does not answer ({str(error) or type(error).__name__})"
