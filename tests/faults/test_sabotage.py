"""Each checker turns red on a build that was broken on purpose, and stays green on the same run of the true one."""

import asyncio
import random
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from tests.faults import tally
from tests.faults.book import book
from tests.faults.sabotaged_worker import SABOTAGES
from tests.faults.storm import Scene, end, start
from tests.impact.workers import Pair, settled, until

pytestmark = pytest.mark.servers
SHORT = ("dedup off", "hand-on skipped")
LATER = 80


@dataclass(frozen=True)
class Plan:
    """Where the first worker dies (``random``: after eight seconds), how many run at the end, and what must turn red.

    ``late``: the first worker meets all facts at once.
    """

    kill_at: str
    workers: int
    red: frozenset[str]
    late: bool = False


ALL = frozenset({"oracle"})
PLANS = {
    "": Plan("before_record:2", 2, frozenset()),
    "dedup off": Plan("", 1, frozenset({"lost or doubled"})),
    "position moved before the commit": Plan("before_record:2", 1, frozenset({"lost or doubled"})),
    "acknowledged before the commit, healing off": Plan("before_record:3", 1, frozenset({"lost or doubled"})),
    "position one too far, healing off": Plan("", 1, frozenset({"lost or doubled"})),
    "position check off": Plan("before_record:2", 2, frozenset()),
    "hand-on skipped": Plan("", 1, ALL),
    "hand-on forgets some": Plan("", 1, ALL),
    "hand-on in two transactions": Plan("in_hand_on", 1, ALL, late=True),
    "locks off, and keys that need not be one": Plan(
        "", 2, frozenset({"left undone", "oracle", "published", "revisions"})
    ),
    "due rows settled blindly": Plan("", 1, ALL),
    "outbox deleted before it is sent": Plan("after_publish:2", 1, frozenset({"published"})),
    "a new id for what is sent again": Plan("after_publish:2", 1, frozenset({"published"})),
    "dead letters thrown away": Plan("", 1, frozenset({"in = stored + duplicate + dead-lettered"})),
    "a cent too much": Plan("", 1, ALL),
    "revisions skip": Plan("", 1, frozenset({"revisions"})),
}
"""Where nothing turns red, a second defence holds: the run must stay green, and says so in the table."""


@pytest.mark.parametrize(
    "name", [name if name in SHORT else pytest.param(name, marks=pytest.mark.faults) for name in PLANS]
)
async def test_a_build_broken_on_purpose_turns_the_checkers_red(
    pair: Pair, pool: asyncpg.Pool, tmp_path: Path, name: str
) -> None:
    plan, chance = PLANS[name], random.Random(tally.SEED)
    records = book(chance, 60, 40, together=4)
    first, later = records[:-LATER], records[-LATER:]
    scene = Scene(
        pair,
        pool,
        tmp_path,
        tally.row("sabotage" if name else "the same, true build"),
        chance,
        first,
        10_000,
        0.1,
    )
    async with scene.flowing():
        await scene.sender.raw("contracts", b"not JSON")
        running = [] if plan.late else await _started(scene, plan, name)
    running = running or await _started(scene, plan, name)
    try:
        await _as_settled_as_it_gets(scene)
        # Later, since a fast worker may have met all of that in one transaction: some for the first time, and some
        # again, which takes a memory to be known.
        await scene.sender.send([*later, *chance.sample(first, 50)])
        await _as_settled_as_it_gets(scene)
    finally:
        for one in running:
            await end(one)
    found = {one.checker: one for one in await scene.look()}
    scene.row.trials += 1
    scene.row.bit += bool(found)
    scene.row.lost = scene.row.doubled = 0
    scene.row.notes.pop("sent again after no answer", None)
    print(f"\n{name or 'true build'}: {'; '.join(map(str, found.values())) or 'all green'}")
    assert bool(found) == bool(plan.red), f"{name}: {found}{scene.words()}"
    assert plan.red & found.keys() or not plan.red, f"{name}: {found}{scene.words()}"


def test_every_sabotage_has_a_plan() -> None:
    assert {"", *SABOTAGES} == PLANS.keys()


async def _started(scene: Scene, plan: Plan, name: str) -> list[asyncio.subprocess.Process]:
    """The workers that end the work, after the one that dies."""
    if plan.kill_at:
        await _dies(scene, plan.kill_at, name)
    return [await start(scene.pair, scene.log, sabotage=name) for _ in range(plan.workers)]


async def _dies(scene: Scene, kill_at: str, name: str) -> None:
    at = "" if kill_at == "random" else kill_at
    process = await start(scene.pair, scene.log, kill_at=at, sabotage=name)
    try:
        if kill_at == "random":
            await asyncio.sleep(8)
            process.kill()
        await asyncio.wait_for(process.wait(), 60)
    finally:
        await end(process)


async def _as_settled_as_it_gets(scene: Scene) -> None:
    """What was broken may never come to rest: then it has had its time."""
    try:
        await until(lambda: settled(scene.pair, scene.pool), "", 25)
    except AssertionError:
        scene.row.notes["never settled"] += 1
    await asyncio.sleep(1)
