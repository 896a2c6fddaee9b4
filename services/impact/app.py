"""Where the processors meet the outside: one Faust agent per fact topic, and the loops beside them."""

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from events.registry import FACT_TOPICS
from services.impact import again, breaker, handlers, loops, watch
from services.impact.heal import Healer
from services.impact.outside import Outside, shown
from services.impact.records import read_ahead
from services.runtime import kafka
from services.runtime.postgres import pool as open_pool
from services.runtime.reactions import patiently
from services.runtime.settings import Endpoints, Seen
from services.runtime.topics import cluster_id

GROUP = "impact"
_HEAL_EVERY = 30.0
_LOOK = 2.0
_CONSUMER_STOPS, _PRODUCER_STOPS = 4.0, 2.0


async def run(endpoints: Endpoints, *, seen: Seen, wall_clock: bool = True, group: str = GROUP) -> None:
    """Process facts for ever; whatever ends one part ends all of it. Raises StandsStill where its watchdog ended it.

    ``wall_clock``: the present is now; else whoever tells a story moves it (``handlers.move_now``).
    """
    async with (
        open_pool(endpoints.database_url) as pool,
        shown(pool, endpoints.database_url, seen) as outside,
        _sending(endpoints.bootstrap) as producer,
    ):
        stored, due, wide, changed = (asyncio.Event() for _ in range(4))
        cluster = await cluster_id(endpoints.bootstrap)
        record = handlers.Recorder(pool, cluster, group, stored, metrics=outside.metrics)
        waiting = kafka.WaitingList(ahead=read_ahead)
        healer = Healer(record, endpoints.bootstrap)

        async def heed() -> None:
            async with pool.acquire() as connection:
                await waiting.pause(await breaker.paused(connection, cluster, group))
                outside.metrics.held(waiting.paused)

        def judging(name: str, bulk: bool) -> Callable[[], Awaitable[int]]:
            return outside.step(name, loops.paced(pool, outside.metrics, bulk=bulk))

        await patiently(heed)
        await patiently(lambda: again.read_again(pool))
        await patiently(lambda: again.outdated(pool))
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 50, 50)
        async with _consuming(endpoints.bootstrap, group, waiting, outside) as app:
            await loops.first_end(
                [
                    app.wait_until_stopped(),
                    waiting.commit_for_ever(healer),
                    loops.watching(healer.look, _HEAL_EVERY),
                    outside.watched(endpoints, cluster, group, lambda: kafka.assigned(app), waiting),
                    outside.looking(pool),
                    loops.loop(
                        outside.step("hand_on", lambda: handlers.hand_on(pool)), stored, then=(due, wide)
                    ),
                    loops.loop(judging("reassess", bulk=False), due, then=(changed,)),
                    loops.loop(judging("reassess_bulk", bulk=True), wide, then=(changed,)),
                    loops.loop(
                        outside.step("publish", lambda: handlers.publish(pool, producer, outside.metrics)),
                        changed,
                    ),
                    loops.ticking(pool, wall_clock, due),
                    loops.listening(pool, due),
                    loops.watching(lambda: watch.end_blockers(pool), _LOOK),
                    loops.watching(heed, _LOOK),
                ]
            )


@contextlib.asynccontextmanager
async def _sending(bootstrap: str) -> AsyncIterator[Any]:
    producer = kafka.producer(bootstrap)
    try:
        await producer.start()
        yield producer
    finally:
        await kafka.stopped("the producer", producer.stop(), _PRODUCER_STOPS)


@contextlib.asynccontextmanager
async def _consuming(
    bootstrap: str, group: str, waiting: kafka.WaitingList, seen: Outside
) -> AsyncIterator[Any]:
    """The Faust app with its agents, running; it leaves its group when the context ends."""
    with TemporaryDirectory(prefix="tracker-") as folder:
        app = kafka.app(group, bootstrap, Path(folder))
        kafka.take_in(app, FACT_TOPICS, waiting, seen.metrics.rebalances.inc)
        app.finalize()
        try:
            await app.start()
            yield app
        finally:
            await kafka.stopped("the consumer", app.stop(), _CONSUMER_STOPS)
