"""Postgres as the processors see it: facts in, slices out, answers written where they differ."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import asyncpg
import polars as pl

from events.values import instant_text
from services.domain.answers import KEYS, text
from services.domain.columns import EVENT_SCHEMA, INSTANT
from services.impact.records import Fact, Letter, Place, conflict, each_once
from services.runtime.kafka import RecordSet
from services.runtime.postgres import statements

SQL = statements(Path(__file__).with_name("queries.sql"))
EVENT = ["source", "id", "type", "time", "recorded_at", "hash", "exporter", "subject", "data"]
PENDING = ["exporter", "subject", "withdraws"]
"""The columns that a fact fills."""
ENGINE = 3
"""The version of the judgement: raise it when the same facts may give another answer."""


class Positioned(Exception):
    """Another worker stored these records meanwhile: this one's transaction rolls back and looks again."""


@dataclass(eq=False)
class Hole(Exception):
    """Of a partition, what lies behind ``stored`` and before the offset ``before`` was passed without being stored."""

    topic: str
    partition: int
    stored: int
    before: int


def no_hole(sets: Sequence[RecordSet], held: Mapping[tuple[str, int], int]) -> None:
    """Raises Hole where a set begins further on than right behind what is stored, or than the set before it ends."""
    reached = dict(held)
    for one in sets:
        stored = reached[one.topic, one.partition]
        if one.first > stored + 1:
            raise Hole(one.topic, one.partition, stored, one.first)
        reached[one.topic, one.partition] = max(stored, one.last)


async def positions(pool: Any, cluster: str, consumer: str) -> dict[tuple[str, int], int]:
    """The last stored offset of each partition of which anything is stored."""
    rows = await pool.fetch(SQL["all_positions"], cluster, consumer)
    return {(row["topic"], row["partition"]): row["stored"] for row in rows}


async def pass_over(pool: Any, cluster: str, consumer: str, hole: Hole) -> None:
    """Say that nothing more of the hole is to be stored."""
    await pool.execute(SQL["open_position"], cluster, consumer, hole.topic, hole.partition)
    await pool.execute(SQL["pass_over"], cluster, consumer, hole.topic, hole.partition, hole.before - 1)


async def begin_anew(pool: Any, cluster: str, consumer: str, part: tuple[str, int], stored: int) -> None:
    """Say that nothing of this partition's log is stored, unless the position has moved meanwhile."""
    await pool.execute(SQL["move_position"], cluster, consumer, *part, stored, -1)


async def held_positions(
    connection: Any, cluster: str, consumer: str, sets: Sequence[RecordSet]
) -> dict[tuple[str, int], int]:
    """How far each partition of the sets is stored, locked until the transaction ends."""
    partitions = sorted({(s.topic, s.partition) for s in sets})
    named = cluster, consumer, [t for t, _ in partitions], [p for _, p in partitions]
    await connection.execute(SQL["open_positions"], *named)
    rows = await connection.fetch(SQL["positions"], *named)
    return {(row["topic"], row["partition"]): row["stored"] for row in rows}


async def move_positions(
    connection: Any, cluster: str, consumer: str, sets: Sequence[RecordSet], held: dict[tuple[str, int], int]
) -> None:
    """Say that the sets are stored. Raises Positioned where somebody else has said so meanwhile."""
    last: dict[tuple[str, int], int] = {}
    for one in sets:
        last[one.topic, one.partition] = max(one.last, last.get((one.topic, one.partition), -1))
    for (topic, partition), offset in sorted(last.items()):
        stored = held[topic, partition]
        if offset > stored:
            done = await connection.execute(
                SQL["move_position"], cluster, consumer, topic, partition, stored, offset
            )
            if done != "UPDATE 1":
                raise Positioned(f"{topic}/{partition} is no longer stored up to {stored}")


async def append(connection: Any, facts: Sequence[Fact]) -> list[Letter]:
    """Append each fact once, tie and name what it says. Returns the losers of conflicts as dead letters."""
    unique, losers = each_once(facts)
    ordered = sorted(unique, key=lambda fact: fact.key)
    if not ordered:
        return losers
    if not await _copied(connection, ordered):
        new = await connection.fetch(SQL["append"], *columns(fact.row for fact in ordered))
        losers += await _met_again(connection, ordered, {row["seq"] for row in new})
    exporters = sorted({fact.row[6] for fact in ordered if fact.row[6] is not None})
    await connection.execute(SQL["add_exporters"], exporters)
    ties = sorted({(fact.row[6], key) for fact in ordered if fact.row[6] is not None for key in fact.ties})
    await connection.execute(SQL["add_ties"], *columns(ties, 2))
    names = sorted({(f.row[7], key, f.finite) for f in ordered if f.row[7] is not None for key in f.names})
    await connection.execute(SQL["add_names"], *columns(names, 3))
    if aliases := sorted({pair for fact in ordered for pair in fact.also}):
        await connection.execute(SQL["add_aliases"], *columns(aliases, 2))
    return losers


async def _copied(connection: Any, facts: Sequence[Fact]) -> bool:
    """Append facts by COPY, all of them or none: False where the name of one of them is stored already."""
    pending = [(fact.row[6], fact.row[7], fact.withdraws) for fact in facts]
    try:
        async with connection.transaction():
            await connection.copy_records_to_table("event", records=[f.row for f in facts], columns=EVENT)
            await connection.copy_records_to_table("pending", records=pending, columns=PENDING)
    except asyncpg.UniqueViolationError:
        return False
    return True


async def _met_again(connection: Any, facts: Sequence[Fact], new: set[int]) -> list[Letter]:
    """Facts whose names were stored before: a repeat only lowers when it was learnt; another content is a conflict."""
    stored = await connection.fetch(SQL["known"], [f.row[0] for f in facts], [f.row[1] for f in facts])
    by_key = {(row["source"], row["id"]): row for row in stored if row["seq"] not in new}
    losers = []
    for fact in facts:
        row = by_key.get(fact.key)
        if row is None:
            continue
        if row["hash"] == fact.hash:
            if fact.recorded_at < row["recorded_at"]:
                await connection.execute(SQL["learnt_earlier"], row["seq"], fact.recorded_at)
        elif fact.hash < row["hash"]:
            await connection.execute(SQL["replace"], row["seq"], *fact.row[2:])
            losers.append(conflict(fact.place, row["data"], fact.key))
        else:
            losers.append(conflict(fact.place, fact.row[8], fact.key))
    return losers


async def keep_letters(connection: Any, cluster: str, letters: Iterable[Letter]) -> None:
    """Keep what could not be read: bytes, place and reason, each place once."""
    rows = [(*astuple(one.place), one.kind, one.reason, one.raw) for one in letters]
    if rows:
        await connection.execute(SQL["add_dead_letters"], cluster, *columns(rows))


async def resume(connection: Any, cluster: str, places: Iterable[Place]) -> None:
    """Say of dead letters that they have been read after all."""
    rows = [(cluster, *astuple(place)[:4]) for place in places]
    await connection.execute(SQL["resumed"], *columns(rows, 5))


async def keep_instead(connection: Any, cluster: str, letters: Iterable[Letter]) -> None:
    """Keep letters at places where others were kept: what is at fault now, why, and its bytes."""
    rows = [(cluster, *astuple(one.place)[:4], one.kind, one.reason, one.raw) for one in letters]
    await connection.execute(SQL["keep_instead"], *columns(rows, 8))


def columns(rows: Iterable[Sequence[Any]], width: int = 9) -> list[list[Any]]:
    """Rows as columns: one array each for ``unnest``."""
    turned = [list(column) for column in zip(*rows, strict=True)]
    return turned or [[] for _ in range(width)]


async def facts_of(connection: Any, slice_: Sequence[str]) -> pl.DataFrame:
    """All facts of the exporters and the shared facts they reach, as the frame the fold takes."""
    text = BytesIO()
    await connection.copy_from_query(SQL["facts"], list(slice_), output=text, format="csv")
    if not text.tell():
        return pl.DataFrame(schema=dict(EVENT_SCHEMA))
    text.seek(0)
    # Every column is NOT NULL, so an empty field is an empty text. Instants come as microseconds since 1970.
    plain = {name: pl.Int64() if kind == INSTANT else kind for name, kind in EVENT_SCHEMA.items()}
    frame = pl.read_csv(text, has_header=False, schema=plain)
    return frame.select(pl.col(name).cast(kind) for name, kind in EVENT_SCHEMA.items()).fill_null("")


async def closed(connection: Any, exporters: Sequence[str]) -> list[str]:
    """The exporters and everybody who shares a finite balance with one of them."""
    return [row["exporter"] for row in await connection.fetch(SQL["slice"], list(exporters))]


async def present(connection: Any) -> datetime:
    """The one present instant; before the clock first ran, the beginning of time."""
    return await connection.fetchval(SQL["now"]) or datetime(1900, 1, 1, tzinfo=UTC)


def printed(row: Any, now: datetime) -> str:
    """A row of the table of verdicts as ``answers.lines`` prints it, at the present instant."""
    clock = {"at": instant_text(max(row["export_at"], now)), "now": instant_text(now)}
    loss = None if row["loss"] is None else json.loads(row["loss"])
    answer = json.loads(row["answer"]) | clock | {"loss": loss}
    return text({name: answer[name] for name in KEYS})
