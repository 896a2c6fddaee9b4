"""Where the processors meet the outside: one Faust agent per fact topic, and the loops beside them."""

import asyncio
import contextlib
import gc
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import asyncpg

from events.registry import FACT_TOPICS
from services.impact import breaker, handlers, watch
from services.impact.heal import Healer
from services.runtime import clock, kafka
from services.runtime.postgres import pool as open_pool
from services.runtime.reactions import patiently
from services.runtime.settings import Endpoints
from services.runtime.topics import cluster_id

GROUP = "impact"
_IDLE = 0.5
_HEAL_EVERY = 30.0
_LOOK = 2.0


async def run(endpoints: Endpoints, *, wall_clock: bool = True, group: str = GROUP) -> None:
    """Process facts for ever; whatever ends one part ends all of it.

    ``wall_clock``: the present is now; else whoever tells a story moves it (``handlers.move_now``).
    """
    async with open_pool(endpoints.database_url) as pool, _sending(endpoints.bootstrap) as producer:
        stored, due, changed = asyncio.Event(), asyncio.Event(), asyncio.Event()
        record = handlers.Recorder(pool, await cluster_id(endpoints.bootstrap), group, stored)
        waiting = kafka.WaitingList()
        healer = Healer(record, endpoints.bootstrap)

        async def heed() -> None:
            async with pool.acquire() as connection:
                await waiting.pause(await breaker.paused(connection, record.cluster, group))

        await patiently(heed)
        await patiently(lambda: handlers.read_again(pool))
        await patiently(lambda: handlers.outdated(pool))
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 50, 50)
        async with _consuming(endpoints.bootstrap, group, waiting) as app:
            await _first_end(
                [
                    app.wait_until_stopped(),
                    waiting.commit_for_ever(healer),
                    _healing(healer),
                    _loop(lambda: handlers.hand_on(pool), stored, then=due),
                    _loop(_paced(pool), due, then=changed),
                    _loop(lambda: handlers.publish(pool, producer), changed),
                    _ticking(pool, wall_clock, due),
                    _listening(pool, due),
                    _watching(lambda: watch.end_blockers(pool)),
                    _watching(heed),
                ]
            )


@contextlib.asynccontextmanager
async def _sending(bootstrap: str) -> AsyncIterator[Any]:
    producer = kafka.producer(bootstrap)
    try:
        await producer.start()
        yield producer
    finally:
        await producer.stop()


@contextlib.asynccontextmanager
async def _consuming(bootstrap: str, group: str, waiting: kafka.WaitingList) -> AsyncIterator[Any]:
    """The Faust app with its agents, running; it leaves its group when the context ends."""
    with TemporaryDirectory(prefix="tracker-") as folder:
        app = kafka.app(group, bootstrap, Path(folder))
        kafka.take_in(app, FACT_TOPICS, waiting)
        app.finalize()
        try:
            await app.start()
            yield app
        finally:
            await app.stop()


async def _loop(
    work: Callable[[], Awaitable[int]], came: asyncio.Event, then: asyncio.Event | None = None
) -> None:
    """Do the work while there is any; then wait for a sign, or a short while (another worker may have left some)."""
    while True:
        came.clear()
        done = await patiently(work)
        if done and then is not None:
            then.set()
        if not done:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(came.wait(), _IDLE)


def _paced(pool: asyncpg.Pool) -> Callable[[], Awaitable[int]]:
    """Judges more exporters at once while their locks are held shortly, and fewer when that takes long."""
    most = 200

    async def judge() -> int:
        nonlocal most
        began = time.monotonic()
        done = await handlers.reassess(pool, most)
        took = time.monotonic() - began
        if took > 1:
            most = max(100, most // 2)
        elif took < 0.3 and done >= most:
            most = min(1000, most * 2)
        return done

    return judge


async def _ticking(pool: asyncpg.Pool, wall_clock: bool, due: asyncio.Event) -> None:
    while True:
        if await patiently(lambda: handlers.tick(pool, clock.now() if wall_clock else None)):
            due.set()
        await asyncio.sleep(_IDLE)


async def _watching(look: Callable[[], Awaitable[object]]) -> None:
    while True:
        await patiently(look)
        await asyncio.sleep(_LOOK)


async def _listening(pool: asyncpg.Pool, due: asyncio.Event) -> None:
    """Other workers say when exporters become due; while nobody listens the loops are only a little slower."""
    while True:
        await patiently(lambda: _listen(pool, due))
        await asyncio.sleep(_IDLE)


async def _listen(pool: asyncpg.Pool, due: asyncio.Event) -> None:
    """Listens until the connection is lost."""
    lost = asyncio.Event()

    def came(*_: object) -> None:
        due.set()

    def gone(*_: object) -> None:
        lost.set()

    async with pool.acquire() as connection:
        connection.add_termination_listener(gone)
        await connection.add_listener("due", came)
        try:
            await lost.wait()
        finally:
            with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                connection.remove_termination_listener(gone)
                await connection.remove_listener("due", came)


async def _first_end(loops: Sequence[Awaitable[None]]) -> None:
    tasks = [asyncio.ensure_future(loop) for loop in loops]
    try:
        finished, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in finished:
            task.result()
        raise RuntimeError("a part of the processors ended by itself")
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
