"""Fail at the first thing a handler asks of Postgres or Kafka, at the second, and so on, until nothing is left to fail.

Each time the same few facts go through record, hand on, reassess and publish; after the failure another process goes
over the same records. All checkers hold at every place, whether what was asked had happened or not.
"""

import asyncio
import contextlib
import json
import random
from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncpg
import pytest

from services.impact import handlers
from services.impact.records import read_ahead
from services.runtime import kafka
from services.runtime.kafka import RecordSet
from services.runtime.reactions import patiently
from tests.faults import tally
from tests.faults.book import ACT, NOON, Record, book, facts_of, record
from tests.faults.checkers import broken, see
from tests.faults.failing import Died, FailingPool, FailingProducer, Fuse
from tests.impact import stage
from tests.impact.workers import Pair

pytestmark = pytest.mark.servers
KINDS: dict[str, Callable[[], BaseException]] = {
    "the process dies": Died,
    "the connection is lost": lambda: ConnectionResetError("lost"),
}
STRIDE = 9


@pytest.fixture
async def producer(pair: Pair) -> AsyncIterator[Any]:
    made = kafka.producer(pair.bootstrap)
    await made.start()
    yield made
    await made.stop()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("after", [False, True], ids=["not done", "done unheard"])
@pytest.mark.parametrize("stride", [STRIDE, pytest.param(1, marks=pytest.mark.faults)], ids=["some", "every"])
async def test_all_holds_whatever_a_handler_failed_at(
    pair: Pair, pool: asyncpg.Pool, producer: Any, kind: str, after: bool, stride: int
) -> None:
    row = tally.row("fail at the n-th await")
    await stage.present(pool, NOON)
    await _through(pool, producer, _set(pair, record(ACT)))
    at, fuse = 1, None
    while fuse is None or fuse.blown:
        fuse = Fuse(at, after, KINDS[kind])
        prefix = f"n{at:03}"
        records = book(random.Random(at), 3, 10, together=8, prefix=prefix)
        sets = _set(pair, *records)
        await _send(producer, records)
        for _ in read_ahead(sets):  # as while another set was being stored; the other process reads it anew
            pass
        with contextlib.suppress(Died):
            await _through(FailingPool(pool, fuse), FailingProducer(producer, fuse), sets)
        await _through(pool, producer, sets)
        await _all_holds(pair, prefix, records, f"{kind}, {fuse.blown} ({at})")
        row.trials += 1
        row.bit += bool(fuse.blown)
        row.notes[fuse.blown or "clean"] += 1
        at += stride
    assert at > 20, "fewer awaits than a handler has"


_offsets = iter(range(1, 1_000_000))


def _set(pair: Pair, *records: Record) -> RecordSet:
    """The records as one set of the fact topics: where it was fetched from is the same for all."""
    first = next(_offsets) * 1000
    return RecordSet("contracts", 0, [stage.record(one.body, first + n) for n, one in enumerate(records)])


async def _send(producer: Any, records: list[Record]) -> None:
    """The log holds them as well: the checkers count what came in there."""
    for one in records:
        await producer.send_and_wait(one.topic, one.body)


async def _through(pool: Any, producer: Any, sets: RecordSet) -> None:
    """The four handlers as a worker's loops run them, until nothing is left to do."""
    await handlers.Recorder(pool, "cluster", "impact", asyncio.Event())([sets])
    while await patiently(lambda: handlers.hand_on(pool)):
        pass
    while await patiently(lambda: handlers.reassess(pool, 100)):
        pass
    while await patiently(lambda: handlers.publish(pool, producer)):
        pass


async def _all_holds(pair: Pair, prefix: str, records: list[Record], where: str) -> None:
    facts = [ACT, *facts_of(records)]
    seen = await see(pair.bootstrap, pair.database, None, facts, prefix)
    # Positions are those of the sets made here, and the act stands in none of the topics.
    seen.ends = {}
    seen.logged[f"{ACT['source']} {ACT['id']}"] += 1
    found = broken(seen, NOON)
    assert not found, f"{where}: {[str(one) for one in found]}\n{json.dumps(facts)[:500]}"
