"""24 times `kill -9` while 100,000 events flow: at each named point of the argument, and at random.

Nothing may be lost and nothing doubled: every event the broker acknowledged is stored once, the answers are those of
the whole fold, and each answer ever given went out under one id of its own.
"""

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from events.envelope import Event
from services.runtime.faults import POINTS
from tests.impact.stage import NOON, contract, fact, folded, present, stored
from tests.impact.test_reassess import law, registration
from tests.impact.workers import Pair, send, settled, start, told, until, worker

pytestmark = pytest.mark.servers

SEED = int(os.environ.get("TRACKER_TEST_SEED", "20200331"))
EXPORTERS, EACH, TOGETHER = 250, 400, 40
AT_EACH_POINT, IN_ALL = 3, 24
PACE = 0.7


def _facts() -> list[list[Event]]:
    """100,000 facts in records of one partition key each, in no order after the law: prices amended, papers filed."""
    records: list[list[Event]] = []
    for number in range(EXPORTERS):
        name = f"maker-{number:03}"
        export_at = f"2020-05-{1 + number % 28:02}T00:00:00Z"
        amended = [_amended(name, export_at, change) for change in range(EACH // 2)]
        filed = [_filed(name, paper) for paper in range(EACH // 2 - 2)]
        records += [[registration(name)], [fact("contract.signed", contract(name, "C1", export_at))]]
        records += [
            part[first : first + TOGETHER]
            for part in (amended, filed)
            for first in range(0, EACH // 2, TOGETHER)
        ]
    random.Random(SEED).shuffle(records)
    return [*([one] for one in law()), *records]


def _amended(exporter: str, export_at: str, number: int) -> Event:
    lines = contract(exporter, "C1", export_at, unit_price=f"2.{number:03}")["lines"]
    at = (NOON - timedelta(days=20, minutes=-number)).isoformat()
    return fact("contract.amended", {"exporter": exporter, "contract": "C1", "at": at, "lines": lines})


def _filed(exporter: str, number: int) -> Event:
    at = (NOON - timedelta(days=9, minutes=number)).isoformat()
    form = ("cn-2020-05-declaration", "destination_conformity")[number % 2]
    return fact("document.filed", {"exporter": exporter, "document": f"D{number}", "form": form, "by": "exporter",
                                   "contract": "C1", "refused": number % 3 == 0, "at": at})  # fmt: skip


@dataclass
class Kills:
    """What has been killed so far, and where; a worker that ends in any other way is a failure of the test."""

    done: Counter[str] = field(default_factory=Counter)
    starts: int = 0

    async def at(self, point: str, pair: Pair, log: Path, chance: random.Random) -> None:
        """Starts a worker that dies at the point, or at random, and waits until it is dead."""
        kill_at = "" if point == "random" else f"{point}:{chance.randint(1, 3)}"
        process = await start(pair, log, kill_at)
        self.starts += 1
        if point == "random":
            await asyncio.sleep(chance.uniform(3, 9))
            process.kill()
        code = await asyncio.wait_for(process.wait(), 120)
        assert code == -signal.SIGKILL, f"{point}: ended with {code}\n{log.read_text()[-3000:]}"
        self.done[point] += 1


async def test_nothing_is_lost_and_nothing_doubled_by_24_kills(
    pair: Pair, pool: asyncpg.Pool, tmp_path: Path
) -> None:
    chance, began, log, kills = random.Random(SEED), time.monotonic(), tmp_path / "log", Kills()
    await present(pool, NOON)
    records, hurry = _facts(), asyncio.Event()
    plan = [point for point in POINTS for _ in range(AT_EACH_POINT)]
    plan += ["random"] * (IN_ALL - len(plan))
    chance.shuffle(plan)
    sending = asyncio.ensure_future(_flow(pair, records, hurry))
    try:
        await asyncio.gather(*(_one_after_another(kills, plan[n::2], pair, log, chance) for n in range(2)))
        assert not sending.done(), "everything had been sent before the last kill: the run proves too little"
    finally:
        hurry.set()
        acknowledged = await sending
    killing = time.monotonic() - began
    async with worker(pair, log):
        await until(lambda: settled(pair, pool), "all is settled", 240)
    answers = await _nothing_lost_nothing_doubled(pair, pool, [one for group in records for one in group])
    places = ", ".join(f"{point} {kills.done[point]}" for point in [*POINTS, "random"])
    took = f"{killing:.0f} s, settled after {time.monotonic() - began:.0f} s"
    print(f"\nseed {SEED}: {acknowledged} events acknowledged and stored once; {kills.done.total()} kills ({places}) "
          f"in {took}; {answers}")  # fmt: skip


async def _one_after_another(
    kills: Kills, points: Sequence[str], pair: Pair, log: Path, chance: random.Random
) -> None:
    for point in points:
        await kills.at(point, pair, log, chance)


async def _flow(pair: Pair, records: Sequence[Sequence[Event]], hurry: asyncio.Event) -> int:
    """Sends the records steadily while workers die, then the rest at once. Returns how many events the broker has."""
    sent = 0
    for first in range(0, len(records), 10):
        if not hurry.is_set():
            await asyncio.wait([asyncio.ensure_future(hurry.wait())], timeout=PACE)
        sent += await send(pair.bootstrap, records[first : first + 10])
    return sent


async def _nothing_lost_nothing_doubled(pair: Pair, pool: asyncpg.Pool, facts: Sequence[Event]) -> str:
    """The checks. Returns how many answers were given, and how many were sent again under the same id."""
    rows = await pool.fetch("SELECT source, id FROM event")
    assert Counter((row["source"], row["id"]) for row in rows) == Counter(
        (one.source, one.id) for one in facts
    )
    assert not await pool.fetchval("SELECT count(*) FROM dead_letter")
    assert await stored(pool, NOON) == folded(facts, NOON)
    given = {(row["ref"], row["revision"]): row["answer"] for row in await pool.fetch(_GIVEN)}
    answers = await told(pair.bootstrap)
    once = {one.id: one for one in answers}
    assert all(once[one.id] == one for one in answers), "sent again, an answer must say the same"
    seen = {(one.data.model_dump()["ref"], one.data.model_dump()["revision"]) for one in once.values()}
    assert seen == set(given), "every answer in the history went out, and no other"
    kinds = Counter(
        (one.type, one.data.model_dump()["ref"], one.data.model_dump()["revision"]) for one in once.values()
    )
    assert set(kinds.values()) == {1}
    _in_order(list(once.values()))
    return f"{len(given)} answers, {len(answers) - len(once)} sent again under their id"


_GIVEN = "SELECT exporter || '/' || contract || '/' || line AS ref, revision, answer FROM history"


def _in_order(answers: Sequence[Event]) -> None:
    """Each line's revisions went out from 1 on, without a gap and in order."""
    revisions: dict[str, list[int]] = {}
    for one in answers:
        told_of = revisions.setdefault(one.data.model_dump()["ref"], [])
        revision = one.data.model_dump()["revision"]
        if revision not in told_of:
            told_of.append(revision)
    assert all(told_of == list(range(1, len(told_of) + 1)) for told_of in revisions.values())
