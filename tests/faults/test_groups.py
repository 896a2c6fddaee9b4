"""Workers that come, go and freeze: rebalances while facts flow, a zombie that wakes up, and stops at full load."""

import asyncio
import contextlib
import random
import signal
import time
from pathlib import Path

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient

from tests.faults import tally
from tests.faults.book import stream
from tests.faults.storm import Scene, end, open_transactions, start, workers
from tests.impact.workers import Pair, until

pytestmark = pytest.mark.servers


def _scene(pair: Pair, pool: asyncpg.Pool, folder: Path, fault: str) -> Scene:
    chance = random.Random(tally.SEED)
    return Scene(pair, pool, folder, tally.row(fault), chance, stream(chance, 200), pace=0.2)


async def _stop(scene: Scene, process: asyncio.subprocess.Process) -> float | None:
    """Asks it to stop, which it does in good order within 30 seconds. Returns how long it took.

    None: on a busy machine it had not come so far as to hear it, and just ended.
    """
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    code = await asyncio.wait_for(process.wait(), 30)
    if code == -signal.SIGTERM:
        return None
    assert code == 0, f"ended with {code}{scene.words()}"
    return time.monotonic() - began


class Members:
    """Who is in the group, looked at again and again: every change of membership is a rebalance."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap, self.seen = bootstrap, list[frozenset[str]]()

    async def watch(self) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        try:
            while True:
                (answer,) = await admin.describe_consumer_groups(["impact"])
                now = frozenset(member[0] for group in answer.groups for member in group[5])
                if self.seen[-1:] != [now]:
                    self.seen.append(now)
                await asyncio.sleep(0.2)
        finally:
            await admin.close()


@pytest.mark.parametrize("starts", [5, 60])
@pytest.mark.faults
async def test_workers_that_come_and_go_lose_nothing_and_get_on(
    pair: Pair, pool: asyncpg.Pool, tmp_path: Path, starts: int
) -> None:
    scene, members, running = (
        _scene(pair, pool, tmp_path, "rebalance storm"),
        Members(pair.bootstrap),
        list[asyncio.subprocess.Process](),
    )
    stops = tally.row("SIGTERM at full load")
    watching = asyncio.ensure_future(members.watch())
    try:
        async with scene.flowing():
            for _ in range(starts):
                running.append(await start(pair, scene.log))
                await asyncio.sleep(scene.chance.uniform(2, 5))
                if len(running) > 2:
                    leaving = running.pop(0)
                    took = await _stop(scene, leaving)
                    stops.trials += 1
                    if took is not None:
                        stops.recoveries.append(took)
                        stops.bit += 1
                    scene.hurts.append(time.monotonic())
            assert scene.progress.stored > 1, "nothing got on"
    finally:
        watching.cancel()
        for one in running:
            await end(one)
        (ended,) = await asyncio.gather(watching, return_exceptions=True)
    assert isinstance(ended, asyncio.CancelledError), ended
    await scene.ended()
    scene.row.trials += starts
    scene.row.bit += len(members.seen) - 1
    scene.row.notes["rebalances"] += len(members.seen) - 1
    assert len(members.seen) > starts, f"too few rebalances: {len(members.seen)}"
    assert stops.bit > stops.trials / 2, (
        f"too few were at work when asked to stop: {stops.bit} of {stops.trials}"
    )


@pytest.mark.parametrize("trials", [1, pytest.param(10, marks=pytest.mark.faults)])
async def test_the_writes_of_a_zombie_change_nothing(
    pair: Pair, pool: asyncpg.Pool, tmp_path: Path, trials: int
) -> None:
    scene = _scene(pair, pool, tmp_path, "worker frozen, then thawed")
    async with scene.flowing():
        for _ in range(trials):
            await _frozen_and_thawed(scene)
    await scene.ended()
    assert scene.row.bit, "no worker was frozen in the middle of its work"


async def _frozen_and_thawed(scene: Scene) -> None:
    """One worker is frozen in a transaction for longer than its session; another takes over; the first wakes up."""
    zombie = await start(scene.pair, scene.log)
    try:
        before = scene.progress.stored
        await until(lambda: _beyond(scene, before), f"the worker is at work{scene.words()}")
        met = await _frozen_in_a_transaction(scene, zombie)
        async with workers(scene.pair, scene.log):
            stored, at = scene.progress.stored, time.monotonic()
            await asyncio.sleep(13)
            await until(lambda: _beyond(scene, stored), f"another took over{scene.words()}", 30)
            zombie.send_signal(signal.SIGCONT)
            scene.hurts.append(at)
            await asyncio.sleep(4)
        scene.row.trials += 1
        scene.row.bit += met
        scene.row.notes["frozen in a transaction"] += met
    finally:
        with contextlib.suppress(ProcessLookupError):
            zombie.send_signal(signal.SIGCONT)
        await end(zombie)


async def _frozen_in_a_transaction(scene: Scene, process: asyncio.subprocess.Process) -> bool:
    """Freezes it where it has a transaction open; where that is hard to meet, anywhere."""
    for _ in range(200):
        process.send_signal(signal.SIGSTOP)
        if await open_transactions(scene.pool, process.pid):
            return True
        process.send_signal(signal.SIGCONT)
        await asyncio.sleep(scene.chance.uniform(0.005, 0.05))
    process.send_signal(signal.SIGSTOP)
    return False


async def _beyond(scene: Scene, count: int) -> bool:
    return scene.progress.stored > count
