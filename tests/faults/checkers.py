"""The checkers: each looks at what is there after a fault, and says what is not as it must be.

They read the tables, the log and the published answers as they lie, and the ledger; nothing is asked of the program.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition

from tests.faults import oracle
from tests.faults.book import Fact, key
from tests.faults.ledger import acked

FACT_TOPICS = ("contracts", "licences", "purchases", "rules")
PARTITIONS = 8
Line = tuple[str, str, str]


@dataclass(frozen=True)
class Broken:
    """One thing that does not hold: which checker found it, how often, and the first examples."""

    checker: str
    count: int
    examples: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.checker}: {self.count}, such as {'; '.join(self.examples)[:600]}"


@dataclass
class Seen:
    """What is there: in the ledger, in the log, in the store, and in the topic of answers."""

    acked: list[Fact]
    logged: Counter[str]
    unreadable: int
    events: Counter[str]
    letters: Counter[str]
    waiting: dict[str, int]
    positions: dict[tuple[str, int], int]
    ends: dict[tuple[str, int], int]
    verdicts: list[Any]
    history: list[Any]
    told: list[dict[str, Any]]
    letter_keys: Counter[str] = field(default_factory=Counter)


async def see(
    bootstrap: str, database: str, ledger: Path | None, facts: Iterable[Fact] = (), prefix: str = ""
) -> Seen:
    """Reads it all. ``facts``: what was acked, where no ledger tells it; ``prefix``: only exporters of this name."""
    connection: Any = await asyncpg.connect(database, timeout=30)
    like = prefix + "%"
    try:
        events = await connection.fetch("SELECT source || ' ' || id AS key FROM event")
        letters = await connection.fetch("SELECT kind, raw FROM dead_letter")
        waiting = {
            name: await connection.fetchval(f"SELECT count(*) FROM {name}")
            for name in ("pending", "due", "outbox")
        }
        stale = await connection.fetchval("SELECT count(*) FROM exporter WHERE stale IS NOT NULL")
        positions = await connection.fetch(
            "SELECT topic, partition, max(stored) AS stored FROM position GROUP BY 1, 2"
        )
        verdicts = await connection.fetch("SELECT * FROM verdict WHERE exporter LIKE $1", like)
        history = await connection.fetch(
            "SELECT exporter, contract, line, revision, answer, loss FROM history WHERE exporter LIKE $1"
            " ORDER BY exporter, contract, line, revision", like)  # fmt: skip
    finally:
        await connection.close()
    logged, unreadable, ends = await log(bootstrap)
    told = [one async for one in _told(bootstrap) if one["data"]["ref"].startswith(prefix)]
    return Seen(
        list(acked(ledger)) if ledger else list(facts), logged, unreadable, Counter(row["key"] for row in events),
        Counter(row["kind"] for row in letters), waiting | {"set aside": stale},
        {(row["topic"], row["partition"]): row["stored"] for row in positions}, ends, verdicts, history, told,
        Counter(_key_of(row["raw"]) for row in letters),
    )  # fmt: skip


def _key_of(raw: bytes) -> str:
    try:
        return key(json.loads(raw))
    except (ValueError, KeyError, TypeError, RecursionError):
        return "?"


async def _records(bootstrap: str, topics: Iterable[str]) -> Any:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, fetch_max_wait_ms=20)
    await consumer.start()
    try:
        parts = [TopicPartition(topic, number) for topic in topics for number in range(PARTITIONS)]
        ends = await consumer.end_offsets(parts)
        consumer.assign(parts)
        await consumer.seek_to_beginning(*parts)
        while any([await consumer.position(part) < end for part, end in ends.items()]):
            for part, records in (await consumer.getmany(timeout_ms=500)).items():
                for record in records:
                    yield part, record
        for part, end in ends.items():
            yield part, end
    finally:
        await consumer.stop()


async def log(bootstrap: str) -> tuple[Counter[str], int, dict[tuple[str, int], int]]:
    """How often each event stands in the log, how many of its items cannot be read, and where each partition ends."""
    logged, unreadable, ends = Counter[str](), 0, dict[tuple[str, int], int]()
    async for part, record in _records(bootstrap, FACT_TOPICS):
        if isinstance(record, int):
            ends[part.topic, part.partition] = record
            continue
        try:
            content = json.loads(record.value)
            logged.update(key(one) for one in (content if isinstance(content, list) else [content]))
        except (ValueError, KeyError, TypeError, RecursionError):
            unreadable += 1
    return logged, unreadable, ends


async def _told(bootstrap: str) -> Any:
    async for _, record in _records(bootstrap, ["impacts"]):
        if not isinstance(record, int):
            yield json.loads(record.value)


def lost_or_doubled(seen: Seen) -> Iterator[str]:
    """Every acked event has exactly one row, or dead letters alone."""
    for name in {key(one) for one in seen.acked}:
        rows = seen.events[name]
        if rows > 1:
            yield f"doubled: {name} is stored {rows} times"
        elif not rows and not seen.letter_keys[name]:
            yield f"lost: {name} was acked"


def unaccounted(seen: Seen) -> Iterator[str]:
    """In = stored + duplicate + dead-lettered."""
    came = seen.logged.total() + seen.unreadable
    repeats = sum(count - 1 for name, count in seen.logged.items() if seen.events[name])
    stored, letters = seen.events.total(), seen.letters.total()
    if came != stored + repeats + letters:
        yield f"{came} came in; {stored} are stored, {repeats} were repeats, {letters} are dead letters"


def unexpected(seen: Seen, now: datetime) -> Iterator[str]:
    """Verdict, quantity and money of every open line are the oracle's, to the cent."""
    wanted = oracle.expected(seen.acked, now)
    found = {row["ref"]: _answer(row) for row in seen.verdicts}
    for ref in wanted.keys() | found.keys():
        if wanted.get(ref) != found.get(ref):
            yield f"{ref}: {found.get(ref)} instead of {wanted.get(ref)}"
    if len(found) != len(seen.verdicts):
        yield "a line has two verdicts"


def _answer(row: Any) -> oracle.Answer:
    loss = json.loads(row["loss"]) if row["loss"] else {}
    lost = Decimal(loss.get("stock_write_down", {}).get("base") or 0)
    return oracle.Answer(row["verdict"], row["open_quantity"], row["blocked_value"], lost)


def gaps(seen: Seen) -> Iterator[str]:
    """Each line's history counts from 1 without a gap, and its current verdict is the last of it."""
    by_line: dict[Line, list[Any]] = defaultdict(list)
    for row in seen.history:
        by_line[_line(row)].append(row)
    for line, rows in by_line.items():
        if [row["revision"] for row in rows] != list(range(1, len(rows) + 1)):
            yield f"{line}: revisions {[row['revision'] for row in rows]}"
    for row in seen.verdicts:
        last = by_line[_line(row)][-1:]
        if [(row["revision"], row["answer"], row["loss"])] != [
            (h["revision"], h["answer"], h["loss"]) for h in last
        ]:
            yield f"{row['ref']}: the verdict is not the last of its history"


def _line(row: Any) -> Line:
    return row["exporter"], row["contract"], row["line"]


def untold(seen: Seen) -> Iterator[str]:
    """What went out is the history and no more; each answer under one id, its repeats equal; the last is the store's."""
    once: dict[str, dict[str, Any]] = {}
    ids: dict[tuple[str, str, int], set[str]] = defaultdict(set)
    for one in seen.told:
        if once.setdefault(one["id"], one) != one:
            yield f"id {one['id']} says two things"
        ids[one["type"], one["data"]["ref"], one["data"]["revision"]].add(one["id"])
    yield from (f"{name} went out under {len(of)} ids" for name, of in ids.items() if len(of) > 1)
    given = {("/".join(_line(row)), row["revision"]) for row in seen.history}
    told = {(ref, revision) for _, ref, revision in ids}
    yield from (f"never told: {one}" for one in given - told)
    yield from (f"told, and not in the history: {one}" for one in told - given)
    yield from _last(seen)


def _last(seen: Seen) -> Iterator[str]:
    last: dict[str, dict[str, Any]] = {}
    for one in seen.told:
        data = one["data"]
        if one["type"] == "verdict.changed" and data["revision"] >= last.get(data["ref"], data)["revision"]:
            last[data["ref"]] = data
    for row in seen.verdicts:
        if last.get(row["ref"], {}).get("after") != json.loads(row["answer"]):
            yield f"{row['ref']}: the last answer told is not the store's"


def out_of_order(seen: Seen) -> Iterator[str]:
    """A reader of one line sees its revisions in order; only repeats may step back."""
    told: dict[str, int] = {}
    for one in seen.told:
        ref, revision = one["data"]["ref"], one["data"]["revision"]
        if revision > told.get(ref, 0) + 1:
            yield f"{ref}: {revision} follows {told.get(ref, 0)}"
        told[ref] = max(revision, told.get(ref, 0))


def left_undone(seen: Seen) -> Iterator[str]:
    """Nothing waits, nothing is set aside, and every partition is stored to its end."""
    yield from (f"{count} {name}" for name, count in seen.waiting.items() if count)
    for part, end in seen.ends.items():
        if end and seen.positions.get(part, -1) + 1 < end:
            yield f"{part} is stored up to {seen.positions.get(part, -1)}, the log ends at {end}"


CHECKERS: dict[str, Callable[[Seen], Iterator[str]]] = {
    "lost or doubled": lost_or_doubled, "in = stored + duplicate + dead-lettered": unaccounted,
    "revisions": gaps, "published": untold, "order": out_of_order, "left undone": left_undone,
}  # fmt: skip


def broken(seen: Seen, now: datetime, without: Iterable[str] = ()) -> list[Broken]:
    """All that does not hold; nothing, where everything does."""
    found = {name: list(check(seen)) for name, check in CHECKERS.items() if name not in set(without)}
    found["oracle"] = list(unexpected(seen, now))
    return [Broken(name, len(wrong), tuple(wrong[:3])) for name, wrong in found.items() if wrong]
