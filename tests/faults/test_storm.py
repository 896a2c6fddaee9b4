"""`kill -9` while facts flow: at each named point of the argument, and at random.

24 times in the short version, 300 in the long one. Nothing may be lost and nothing doubled: every event the broker
acknowledged is stored once, and verdicts, money, history and published answers are what the oracle and one another say.
"""

import asyncio
import random
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from services.runtime.faults import POINTS
from tests.faults import tally
from tests.faults.book import stream
from tests.faults.storm import IN_TRANSACTION, Scene, end, start
from tests.impact.workers import Pair

pytestmark = pytest.mark.servers
EACH = 400


@dataclass(frozen=True)
class Size:
    kills: int
    events: int
    at_each_point: int
    settle: float


SIZES = [
    pytest.param(Size(24, 100_000, 3, 240), id="short"),
    pytest.param(Size(tally.KILLS, tally.EVENTS, max(1, tally.KILLS // 12), 1500), id="long", marks=pytest.mark.faults),
]  # fmt: skip


@pytest.mark.parametrize("size", SIZES)
async def test_nothing_is_lost_and_nothing_doubled_by_kills(
    pair: Pair, pool: asyncpg.Pool, tmp_path: Path, size: Size
) -> None:
    chance = random.Random(tally.SEED)
    scene = Scene(
        pair, pool, tmp_path, tally.row("worker kill -9"), chance, stream(chance, EACH), size.events
    )
    plan = [point for point in POINTS for _ in range(size.at_each_point)]
    plan += ["random"] * (size.kills - len(plan))
    chance.shuffle(plan)
    began = time.monotonic()
    async with scene.flowing():
        await asyncio.gather(*(_one_after_another(scene, plan[n::2]) for n in range(2)))
    await scene.ended(size.settle, 2)
    row = scene.row
    assert row.bit > size.kills // 3, f"too few kills met a transaction: {row.cells()}"
    assert all(row.notes[point] for point in POINTS), row.notes
    print(f"\n{tally.table()}\n{time.monotonic() - began:.0f} s")


async def _one_after_another(scene: Scene, plan: Sequence[str]) -> None:
    for point in plan:
        if point == "random":
            await _at_random(scene)
        else:
            await _at(scene, point)


async def _at_random(scene: Scene) -> None:
    process = await start(scene.pair, scene.log)
    try:
        await asyncio.sleep(scene.chance.uniform(3, 9))
        assert process.returncode is None, scene.words()
        await scene.kill(process)
    finally:
        await end(process)


async def _at(scene: Scene, point: str) -> None:
    """A worker that dies at the point by itself; one that ends in any other way fails the test."""
    process = await start(scene.pair, scene.log, kill_at=f"{point}:{scene.chance.randint(1, 3)}")
    try:
        code = await asyncio.wait_for(process.wait(), 120)
        assert code == -signal.SIGKILL, f"{point}: ended with {code}{scene.words()}"
        scene.killed(point, point in IN_TRANSACTION)
    finally:
        await end(process)
