"""What lies in the log in any order, any number of times, or should not lie there at all: the same state comes of it."""

import contextlib
import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from services.runtime.topics import extents
from tests.faults import tally
from tests.faults.book import ACT, book, facts_of, record
from tests.faults.checkers import FACT_TOPICS, log
from tests.faults.storm import Scene, end, start, workers
from tests.impact.test_heal import EMPTIED
from tests.impact.test_record import POISON
from tests.impact.workers import Pair, empty_topics, settled, told, until

pytestmark = pytest.mark.servers
STATE = "SELECT ref, verdict, open_quantity, blocked_value, value, next_change_at, cited, answer, loss, steps FROM verdict"


def _scene(pair: Pair, pool: asyncpg.Pool, folder: Path, fault: str, seed: int, firms: int) -> Scene:
    """A book told twice and more: every record two times, some a hundred, all in one disorder across the topics."""
    records = list(book(random.Random(tally.SEED), firms, 40, together=4))
    chance = random.Random(seed)
    again = [
        *records,
        *records,
        *(one for one in chance.sample(records, len(records) // 100) for _ in range(98)),
    ]
    chance.shuffle(again)
    return Scene(pair, pool, folder, tally.row(fault), chance, again, pace=0.01)


@pytest.mark.parametrize("firms", [20, 200])
@pytest.mark.faults
async def test_repeats_and_disorder_across_topics_end_in_one_state_and_each_answer_goes_out_once(
    pair: Pair, pool: asyncpg.Pool, tmp_path: Path, firms: int
) -> None:
    states = []
    for seed in (1, 2):
        folder = tmp_path / str(seed)
        folder.mkdir()
        scene = _scene(pair, pool, folder, "repeats × 2 × 100, shuffled", seed, firms)
        async with workers(pair, scene.log, 2), scene.flowing():
            scene.least = 10**9
        await scene.ended()
        states.append(sorted(map(tuple, await pool.fetch(STATE))))
        seen = await _repeats(pair)
        scene.row.trials += seen.total()
        scene.row.bit += seen.total() - len(seen)
        await pool.execute(EMPTIED)
        await empty_topics(pair.bootstrap)
    assert states[0] == states[1]


async def _repeats(pair: Pair) -> Counter[str]:
    logged, _, _ = await log(pair.bootstrap)
    return logged


async def test_a_replay_from_the_first_offset_changes_nothing_and_tells_nobody(
    pair: Pair, pool: asyncpg.Pool, tmp_path: Path
) -> None:
    scene = _scene(pair, pool, tmp_path, "full replay, new group", 3, 20)
    async with workers(pair, scene.log), scene.flowing():
        scene.least = 10**9
    await scene.ended()
    before, answers = await _everything(pool), len(await told(pair.bootstrap))
    process = await start(pair, scene.log, group="again")
    try:
        await until(lambda: _read_again(pair, pool, "again"), f"all is read again{scene.words()}", 60)
        await until(lambda: settled(pair, pool), "all is settled")
    finally:
        await end(process)
    assert await _everything(pool) == before
    assert len(await told(pair.bootstrap)) == answers
    records = sum(one.end for one in (await extents(pair.bootstrap, FACT_TOPICS)).values())
    scene.row.trials += records
    scene.row.bit += records


async def _everything(pool: asyncpg.Pool) -> dict[str, list[Any]]:
    order = {
        "event": "seq",
        "verdict": "ref",
        "history": "exporter, contract, line, revision",
        "dead_letter": '"offset"',
    }
    return {
        name: list(map(tuple, await pool.fetch(f"SELECT * FROM {name} ORDER BY {by}")))
        for name, by in order.items()
    }


async def _read_again(pair: Pair, pool: asyncpg.Pool, group: str) -> bool:
    rows = await pool.fetch("SELECT topic, partition, stored FROM position WHERE consumer = $1", group)
    stored = {(row["topic"], row["partition"]): row["stored"] for row in rows}
    logs = await extents(pair.bootstrap, FACT_TOPICS)
    return all(stored.get((part.topic, part.partition), -1) + 1 >= one.end for part, one in logs.items())


async def test_each_poison_in_the_log_is_one_dead_letter_and_every_partition_moves_on(
    pair: Pair, pool: asyncpg.Pool, tmp_path: Path
) -> None:
    chance, unknown = (
        random.Random(tally.SEED),
        json.dumps(ACT | {"type": "rule.sung", "id": "sung"}).encode(),
    )
    poison = [*POISON.values(), unknown]
    scene = Scene(
        pair, pool, tmp_path, tally.row("poison, raw produced"), chance, book(chance, 10, 40), pace=0.01
    )
    sent = 0
    async with workers(pair, scene.log), scene.flowing():
        for topic in FACT_TOPICS:
            for partition in range(8):
                with contextlib.suppress(IndexError):
                    await scene.sender.raw(topic, *poison, partition=partition)
                    sent += len(poison)
        scene.least = 10**9
    await scene.ended()
    rows = await pool.fetch("SELECT kind, raw, reason FROM dead_letter")
    assert Counter(bytes(row["raw"]) for row in rows) == Counter([one or b"" for one in poison] * 32)
    assert Counter(row["kind"] for row in rows) == {"unreadable": 32 * len(POISON), "unknown_type": 32}
    assert all(row["reason"] for row in rows)
    scene.row.trials += sent
    scene.row.bit += len(rows)
    facts = await pool.fetchval("SELECT count(*) FROM event")
    assert facts == len(facts_of([record(ACT)])) + scene.sender.sent - 1
