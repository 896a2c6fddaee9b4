"""What Postgres makes of it: facts recorded, and a rule that reaches everybody."""

import asyncio
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import asyncpg
from aiokafka.structs import ConsumerRecord, TopicPartition

from bench.books import NOW, books, law
from bench.figures import Figure, in_turn
from events.envelope import Event
from events.registry import topic_of
from events.wire import encode
from services.impact import handlers, store
from services.impact.records import read, read_ahead
from services.runtime import kafka
from services.runtime.kafka import RecordSet

PER_RECORD = 500
PER_SET = 4
TABLES = (
    "event, exporter, tie, name, pending, due, position, dead_letter, breaker, verdict, remain, history, outbox, "
    "clock"
)
_offsets = itertools.count()


def record_sets(facts: Sequence[Event]) -> list[RecordSet]:
    """The facts as a consumer would fetch them: batch records of 500, four to a set."""
    groups = [facts[n : n + PER_RECORD] for n in range(0, len(facts), PER_RECORD)]
    records = [_record(group) for group in groups]
    return [RecordSet("contracts", 0, records[n : n + PER_SET]) for n in range(0, len(records), PER_SET)]


def _record(group: Sequence[Event]) -> "ConsumerRecord[bytes, bytes]":
    body, kind = encode(group)
    headers = (("content-type", kind.encode()),)
    millis = int(NOW.timestamp() * 1000)
    return ConsumerRecord("contracts", 0, next(_offsets), millis, 0, None, body, None, 0, len(body), headers)


async def recorded(pool: asyncpg.Pool, copies: int, times: int) -> Figure:
    """Contract facts recorded durably a second, against the bare COPY of the same rows into the same tables."""
    facts = [one for one in books(copies) if topic_of(one.type) == "contracts"]
    sets = record_sets(facts)
    rows = list(_rows(sets))

    async def ours() -> None:
        await pool.execute(f"TRUNCATE {TABLES}")
        await tell(pool, sets)

    async def bare() -> None:
        await pool.execute(f"TRUNCATE {TABLES}")
        async with pool.acquire() as connection, connection.transaction():
            for tables in rows:
                for table, (columns, records) in tables.items():
                    await connection.copy_records_to_table(table, records=records, columns=columns)

    one, other = await in_turn([ours, bare], times)
    return Figure("contract facts recorded durably, one worker", len(facts) / one, "facts/s",
                  "bare COPY of the same rows, in one transaction", len(facts) / other, 0.5, len(facts))  # fmt: skip


def _rows(sets: Sequence[RecordSet]) -> Iterator[dict[str, tuple[list[str], list[tuple[object, ...]]]]]:
    """Set by set, the rows that record adds to each table."""
    seen: set[tuple[object, ...]] = set()

    def new(rows: Iterable[tuple[object, ...]]) -> list[tuple[object, ...]]:
        fresh = sorted(set(rows) - seen, key=str)
        seen.update(fresh)
        return fresh

    for one in sets:
        facts, _ = read([one], {(one.topic, one.partition): -1})
        owned = [fact for fact in facts if fact.row[6] is not None]
        yield {
            "event": (store.EVENT, [fact.row for fact in facts]),
            "pending": (store.PENDING, [(fact.row[6], fact.row[7], fact.withdraws) for fact in facts]),
            "exporter": (["exporter"], new((fact.row[6],) for fact in owned)),
            "tie": (["exporter", "key"], new((fact.row[6], key) for fact in owned for key in fact.ties)),
            "name": (["subject", "key", "finite"],
                     new((f.row[7], key, f.finite) for f in facts if f.row[7] is not None for key in f.names)),
        }  # fmt: skip


@dataclass(eq=False)
class _Brought:
    """A set as Faust brings it."""

    value: Any
    message: Any = None
    stored: "asyncio.Future[None]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def __post_init__(self) -> None:
        self.message = self

    @property
    def tp(self) -> TopicPartition:
        return TopicPartition(self.value.topic, self.value.partition)

    def ack(self) -> bool:
        self.stored.set_result(None)
        return True


async def tell(pool: asyncpg.Pool, sets: Sequence[RecordSet]) -> None:
    """Record these sets as a worker does that is behind: a transaction for what waits, then the next."""
    waiting = kafka.WaitingList(ahead=read_ahead)
    record = handlers.Recorder(pool, "bench", "bench", asyncio.Event())
    committing: asyncio.Future[Any] = asyncio.ensure_future(waiting.commit_for_ever(record))
    brought = [_Brought(one) for one in sets]
    for one in brought:
        await waiting.put(one)
    last: asyncio.Future[Any] = asyncio.gather(*(one.stored for one in brought))
    await asyncio.wait({committing, last}, return_when=asyncio.FIRST_COMPLETED)
    if committing.done():
        await committing
    committing.cancel()


async def settle(pool: asyncpg.Pool) -> None:
    """Hand on and reassess until nothing is left to do."""
    while await handlers.hand_on(pool):
        pass
    while await handlers.reassess(pool, 500):
        pass


async def fan_out(pool: asyncpg.Pool, copies: int) -> Figure:
    """Seconds until a rule that reaches every line is in every verdict, against COPY out and in of those rows."""
    facts = [*law(), *books(copies)]
    acts = [one for one in facts if one.type == "rule.enacted" and one.subject == "cn-2020-05"]
    await _loaded(pool, copies, without=acts)

    async def ours() -> None:
        await tell(pool, record_sets(acts))
        await settle(pool)

    async def bare() -> None:
        async with pool.acquire() as connection, connection.transaction():
            rows = BytesIO()
            await connection.copy_from_table("verdict", output=rows, format="binary")
            rows.seek(0)
            await connection.execute("CREATE TEMP TABLE again (LIKE verdict INCLUDING ALL) ON COMMIT DROP")
            await connection.copy_to_table("again", source=rows, format="binary")

    (one,) = await in_turn([ours], 1)
    (other,) = await in_turn([bare], 3)
    lines = await pool.fetchval("SELECT count(*) FROM verdict")
    return Figure("a rule that reaches every line, until all verdicts are visible", one, "s",
                  "COPY out and in of those rows", other, 3, lines, most=True)  # fmt: skip


async def _loaded(pool: asyncpg.Pool, copies: int, without: Sequence[Event] = ()) -> None:
    """The store holding nothing but these many stories, judged."""
    await pool.execute(f"TRUNCATE {TABLES}")
    await handlers.move_now(pool, NOW)
    gone = {(one.source, one.id) for one in without}
    facts = [one for one in (*law(), *books(copies)) if (one.source, one.id) not in gone]
    await tell(pool, record_sets(facts))
    await settle(pool)
