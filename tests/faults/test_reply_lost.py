"""The commit was sent and done, and its answer was lost: everything is done again, and nothing is doubled by it."""

import asyncio
import random
from pathlib import Path

import asyncpg
import pytest

from tests.faults import tally
from tests.faults.book import stream
from tests.faults.proxy import Proxy, lossy
from tests.faults.storm import Scene, supervised
from tests.impact.workers import Pair, until

pytestmark = pytest.mark.servers


@pytest.mark.parametrize("answers", [10, pytest.param(150, marks=pytest.mark.faults)])
async def test_a_commit_whose_answer_was_lost_is_done_once(
    pair: Pair, pool: asyncpg.Pool, tmp_path: Path, answers: int
) -> None:
    chance = random.Random(tally.SEED)
    scene = Scene(
        pair, pool, tmp_path, tally.row("commit done, answer lost"), chance, stream(chance, 100), pace=0.2
    )
    async with lossy(pair.database, lambda: chance.random() < 0.1) as (proxy, address):
        behind = Pair(pair.bootstrap, address)
        async with scene.flowing(), supervised(behind, scene.log, scene.row):
            await until(
                lambda: _lost(proxy, answers), f"{answers} answers were lost{scene.words()}", 20 + 3 * answers
            )
    await scene.ended()
    scene.row.trials += proxy.commits
    scene.row.bit += proxy.lost


async def _lost(proxy: Proxy, answers: int) -> bool:
    await asyncio.sleep(0)
    return proxy.lost >= answers
