"""A worker as it is seen from outside: its figures and health over HTTP, its row among the workers, its watchdog."""

import asyncio
import contextlib
import logging
import os
import socket
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import asyncpg

from services.impact.metrics import Metrics
from services.impact.store import SQL
from services.impact.watchdog import Assigned, StandsStill, Watchdog
from services.runtime.heart import Heart, stands
from services.runtime.kafka import WaitingList
from services.runtime.pulse import Pulse
from services.runtime.reactions import patiently
from services.runtime.settings import Endpoints, Seen
from services.runtime.telemetry import registry, served

T = TypeVar("T")
EVERY = 5.0
"""Seconds between two signs of life, each with a look at what waits."""
_GOODBYE, _TO_END = 5.0, 20.0
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outside:
    """What the loops of a worker tell of themselves."""

    metrics: Metrics
    pulse: Pulse
    heart: Heart
    me: uuid.UUID

    def step(self, name: str, work: Callable[[], Awaitable[T]]) -> Callable[[], Awaitable[T]]:
        """The same work, its turns noted for whoever asks whether the worker lives, and timed."""
        return self.pulse.turning(name, self.metrics.timed(name, work))

    async def looking(self, pool: asyncpg.Pool) -> None:
        """Give signs of life, and tell what waits; less often where much waits, and counting it takes long."""
        clock = asyncio.get_running_loop().time
        while True:
            await patiently(lambda: pool.execute(SQL["worker_seen"], self.me))
            began = clock()
            self.metrics.waits(await patiently(lambda: pool.fetchrow(SQL["waiting"])))
            await asyncio.sleep(min(max(EVERY, 20 * (clock() - began)), 10 * EVERY))

    async def watched(
        self, servers: Endpoints, cluster: str, consumer: str, assigned: Assigned, waiting: WaitingList
    ) -> None:
        """Watch until the worker is to be ended: in good order, or hard where that takes too long."""
        dog = Watchdog(servers, cluster, consumer, self.pulse, self.metrics, assigned, lambda: waiting.paused)
        try:
            await dog.watch()
        except StandsStill as still:
            log.critical("the watchdog ends this worker: %s; it stands at: %s", still, stands())
            self.heart.end_later(str(still), _TO_END)
            raise


@contextlib.asynccontextmanager
async def shown(pool: asyncpg.Pool, database_url: str, seen: Seen) -> AsyncIterator[Outside]:
    """The worker is seen, and its event loop watched, for as long as the context lasts. Raises AddressTaken."""
    figures, pulse, me = registry(), Pulse(seen.patience), uuid.uuid4()
    pulse.lacks["partitions"] = "the broker has not given it any yet"
    metrics = Metrics(figures)
    metrics.limit.set(seen.patience)
    heart = Heart(pulse, lambda why: asyncio.run(_ended(database_url, me, why)))
    with served(seen.metrics, figures, pulse) as address:
        log.info("metrics and health are at http://%s", address)
        async with heart.beating():
            row = (me, socket.gethostname(), os.getpid(), _reached(address))
            await patiently(lambda: pool.execute(SQL["worker_came"], *row))
            why: str | None = None
            try:
                yield Outside(metrics, pulse, heart, me)
            except StandsStill as still:
                why = str(still)
                raise
            finally:
                await _ended(database_url, me, why)


def _reached(address: str) -> str:
    """Where others find what is served at every address of this machine: under its name."""
    host, _, port = address.rpartition(":")
    return f"{socket.gethostname()}:{port}" if host in ("0.0.0.0", "[::]") else address


async def _ended(database_url: str, me: uuid.UUID, watchdog: str | None) -> None:
    """Say that the worker has ended, if Postgres can be told in time: without it, its signs of life just end."""
    try:
        async with asyncio.timeout(_GOODBYE):
            connection: Any = await asyncpg.connect(database_url)
            try:
                await connection.execute(SQL["worker_ended"], me, watchdog)
            finally:
                connection.terminate()
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
        log.warning("nobody could be told that this worker ends: %s", str(error) or type(error).__name__)
