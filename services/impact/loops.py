"""The loops of a worker: each does its work while there is any, waits for a sign, and ends only with the worker."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence

import asyncpg

from services.impact import handlers
from services.impact.metrics import UNSEEN, Metrics
from services.runtime import clock
from services.runtime.reactions import patiently

_IDLE = 0.5


async def loop(
    work: Callable[[], Awaitable[int]], came: asyncio.Event, then: Sequence[asyncio.Event] = ()
) -> None:
    """Do the work while there is any; then wait for a sign, or a short while (another worker may have left some)."""
    while True:
        came.clear()
        done = await patiently(work)
        if done:
            for sign in then:
                sign.set()
        else:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(came.wait(), _IDLE)


def paced(pool: asyncpg.Pool, metrics: Metrics = UNSEEN, *, bulk: bool) -> Callable[[], Awaitable[int]]:
    """Judges more exporters at once while their locks are held shortly, and fewer when that takes long.

    ``bulk``: those that a wide rule made due; else those whose own facts did, who never wait for the others.
    """
    most = 200

    async def judge() -> int:
        nonlocal most
        began = time.monotonic()
        done = await handlers.reassess(pool, most, metrics, bulk=bulk)
        most = next_size(most, done, time.monotonic() - began, bulk=bulk)
        return done

    return judge


def next_size(most: int, done: int, took: float, *, bulk: bool) -> int:
    """How many exporters to judge at once after ``done``, of at most so many, ``took`` so many seconds.

    In bulk a few are enough where they have many lines: whoever tells a fact of his own waits for their locks.
    """
    if took > 1:
        return max(50 if bulk else 100, most // 2)
    return min(1000, most * 2) if took < 0.4 and done >= most else most


async def ticking(pool: asyncpg.Pool, wall_clock: bool, due: asyncio.Event) -> None:
    """Move the present, unless somebody tells a story, and wake whoever's instant has come."""
    while True:
        if await patiently(lambda: handlers.tick(pool, clock.now() if wall_clock else None)):
            due.set()
        await asyncio.sleep(_IDLE)


async def watching(look: Callable[[], Awaitable[object]], every: float) -> None:
    """Look again and again, ``every`` so many seconds."""
    while True:
        await patiently(look)
        await asyncio.sleep(every)


async def listening(pool: asyncpg.Pool, due: asyncio.Event) -> None:
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


async def first_end(parts: Sequence[Awaitable[None]]) -> None:
    """Run all parts until one of them ends; then end the others, and raise what ended it."""
    tasks = [asyncio.ensure_future(part) for part in parts]
    try:
        finished, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in finished:
            task.result()
        raise RuntimeError("a part of the processors ended by itself")
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
