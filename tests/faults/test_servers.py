"""The broker or Postgres is killed, frozen, or has no room left: workers wait, nothing acknowledged is lost, work goes on."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest

from tests.faults import tally
from tests.faults.book import stream
from tests.faults.servers import Servers, fill, may_mount, servers, small_disk
from tests.faults.storm import Scene, supervised
from tests.impact.workers import until

pytestmark = pytest.mark.servers
LONG = pytest.mark.faults
SOON = 60.0
"""Seconds from a server being there again until work must go on: a broker first waits for its own former session to
end, and then for those of the workers."""

Hurt = Callable[[Servers, random.Random], Awaitable[None]]


async def _broker_killed(made: Servers, chance: random.Random) -> None:
    await made.broker.kill()
    await asyncio.sleep(chance.uniform(0, 3))
    await made.broker.start()


async def _postgres_killed(made: Servers, chance: random.Random) -> None:
    await made.postgres.kill()
    await asyncio.sleep(chance.uniform(0, 3))
    await made.postgres.start()


def _postgres_frozen(seconds: float) -> Hurt:
    async def frozen(made: Servers, chance: random.Random) -> None:
        made.postgres.freeze()
        await asyncio.sleep(seconds)
        made.postgres.thaw()

    return frozen


async def _disk_full(made: Servers, chance: random.Random) -> None:
    folder = made.postgres.folder
    ballast = fill(folder)
    await asyncio.sleep(chance.uniform(6, 10))
    ballast.unlink()
    if not made.postgres.running:
        await made.postgres.start()


CASES = [
    pytest.param("broker kill -9", _broker_killed, 1, id="broker killed", marks=LONG),
    pytest.param("broker kill -9", _broker_killed, 15, id="broker killed often", marks=LONG),
    pytest.param("Postgres kill -9", _postgres_killed, 1, id="Postgres killed"),
    pytest.param("Postgres kill -9", _postgres_killed, 20, id="Postgres killed often", marks=LONG),
    pytest.param("Postgres frozen", _postgres_frozen(8), 1, id="Postgres frozen", marks=LONG),
    pytest.param("Postgres frozen", _postgres_frozen(75), 2, id="Postgres frozen beyond every patience", marks=LONG),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "hurt", "trials"), CASES)
async def test_work_goes_on_when_the_server_is_there_again(
    tmp_path: Path, fault: str, hurt: Hurt, trials: int
) -> None:
    async with servers(tmp_path / "servers") as (made, pool):
        await _hurt_again_and_again(Scene(
            made.pair, pool, tmp_path, tally.row(fault), chance := random.Random(tally.SEED), stream(chance, 100),
            pace=0.3), made, hurt, trials)  # fmt: skip


if may_mount():

    @pytest.mark.faults
    async def test_a_disk_that_fills_up_is_waited_for(tmp_path: Path) -> None:
        disk, chance = tmp_path / "disk", random.Random(tally.SEED)
        with small_disk(disk, 320):
            async with servers(tmp_path / "servers", disk) as (made, pool):
                row = tally.row("Postgres disk full")
                scene = Scene(made.pair, pool, tmp_path, row, chance, stream(chance, 100), pace=0.3)
                await _hurt_again_and_again(scene, made, _disk_full, 3)
                said = (disk / "postgres.log").read_text() + scene.words()
                assert "No space left on device" in said, "the disk was never full"


async def _hurt_again_and_again(scene: Scene, made: Servers, hurt: Hurt, trials: int) -> None:
    async with scene.flowing(), supervised(scene.pair, scene.log, scene.row):
        await until(lambda: _beyond(scene, 0), f"the worker is at work{scene.words()}")
        for _ in range(trials):
            await _one(scene, made, hurt)
    await scene.ended()


async def _one(scene: Scene, made: Servers, hurt: Hurt) -> None:
    """Hurt it while facts flow; it bit if a send had no answer, or Postgres lost a transaction that was open."""
    unheard, words = _unheard(scene), len(_log(scene))
    await hurt(made, scene.chance)
    healed = time.monotonic()
    await asyncio.sleep(0.5)
    before = await _stored(scene.pool)
    await until(lambda: _more(scene.pool, before), f"work goes on{scene.words()}", SOON)
    scene.hurts.append(healed)
    scene.row.trials += 1
    scene.row.bit += _unheard(scene) > unheard or "waiting" in _log(scene)[words:]
    await asyncio.sleep(scene.chance.uniform(0.5, 2))


def _unheard(scene: Scene) -> int:
    """Sends that stayed without an answer, or found nobody to send to."""
    return scene.ledger.outcomes["unknown"] + scene.ledger.outcomes["refused"]


def _log(scene: Scene) -> str:
    return scene.log.read_text() if scene.log.exists() else ""


async def _beyond(scene: Scene, count: int) -> bool:
    return scene.progress.stored > count


async def _stored(pool: asyncpg.Pool) -> int:
    while True:
        try:
            return int(await pool.fetchval("SELECT coalesce(sum(stored + 1), 0) FROM position", timeout=5))
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
            await asyncio.sleep(0.2)


async def _more(pool: asyncpg.Pool, before: int) -> bool:
    return await _stored(pool) > before
