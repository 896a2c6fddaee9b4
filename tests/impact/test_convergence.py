"""Whatever the order of arrival, and however often a fact comes: the store ends where the fold of all facts ends."""

from collections.abc import Sequence
from datetime import timedelta
from random import Random

import asyncpg
import pytest

from events.contracts import ContractSigned
from events.envelope import Event
from services.domain.book import Book, frame_of
from services.domain.remains import remains
from services.domain.verdicts import assess
from services.impact import handlers, store
from services.impact.store import SQL
from tests.domain.generate import World, world
from tests.impact.stage import NOON, batch, fact, folded, present, recorder, settle, stored, tell

pytestmark = pytest.mark.servers
ALIKE = (60, 104, 126)
"""Books in which something hangs on it that two names mean one party."""


async def _shuffled_in(pool: asyncpg.Pool, chance: Random, facts: Sequence[Event]) -> None:
    """Brings the facts in any order, some of them again, now and then letting the processors do what is due."""
    told = [*facts, *chance.sample(facts, len(facts) // 3)]
    chance.shuffle(told)
    while told:
        size = chance.randint(1, 6)
        await recorder(pool)([batch(told[:size])])
        told = told[size:]
        if chance.random() < 0.5:
            await handlers.hand_on(pool)
        if chance.random() < 0.5:
            await handlers.reassess(pool, chance.randint(1, 3))
        if chance.random() < 0.2:
            await settle(pool)
    await settle(pool)


@pytest.mark.parametrize("seed", [*range(6), *ALIKE])
async def test_shuffled_and_repeated_facts_end_in_the_fold_of_them_all(pool: asyncpg.Pool, seed: int) -> None:
    chance = Random(seed)
    made = world(chance)
    await present(pool, made.now)
    await _shuffled_in(pool, chance, made.events)
    assert await stored(pool, made.now) == folded(made.events, made.now)


@pytest.mark.parametrize("seed", range(100, 104))
async def test_the_present_moving_on_between_facts_ends_in_the_fold_at_the_last_present(
    pool: asyncpg.Pool, seed: int
) -> None:
    chance = Random(seed)
    made = world(chance)
    steps = [made.now + timedelta(days=days) for days in (-20, -5, 0, 3, 11, 40)]
    facts = list(made.events)
    chance.shuffle(facts)
    for now in steps:
        await present(pool, now)
        await settle(pool)
        part, facts = facts[: len(facts) // 2 + 1], facts[len(facts) // 2 + 1 :]
        if part:
            await tell(pool, part)
        await settle(pool)
    assert not facts
    assert await stored(pool, steps[-1]) == folded(made.events, steps[-1])


@pytest.mark.parametrize("seed", [*range(200, 204), *ALIKE])
async def test_whoever_a_fact_changes_is_among_those_it_affects(pool: asyncpg.Pool, seed: int) -> None:
    made = world(Random(seed))
    await present(pool, made.now)
    before = await _told(pool, made)
    for one in made.events:
        await tell(pool, [one])
        while await handlers.hand_on(pool):
            pass
        due = [row["exporter"] for row in await pool.fetch("SELECT exporter FROM due")]
        affected = {row["exporter"] for row in await pool.fetch(SQL["slice"], due)}
        after = await _told(pool, made)
        changed = {exporter for exporter in before | after if before.get(exporter) != after.get(exporter)}
        assert changed <= affected, one
        before = after
        await pool.execute("DELETE FROM due")


async def _told(pool: asyncpg.Pool, made: World) -> dict[str, list[str]]:
    """The answers of the whole fold of what is recorded so far, by exporter."""
    seen = {(row["source"], row["id"]) for row in await pool.fetch("SELECT source, id FROM event")}
    facts = [one for one in made.events if (one.source, one.id) in seen]
    told: dict[str, list[str]] = {}
    for row in assess(Book.from_events(frame_of(facts)), now=made.now).iter_rows(named=True):
        told.setdefault(row["exporter"], []).append(repr(row))
    return told


async def test_the_slice_alone_is_judged_as_within_the_whole(pool: asyncpg.Pool) -> None:
    made = world(Random(42))
    await tell(pool, list(made.events))
    async with pool.acquire() as connection:
        for row in await connection.fetch("SELECT exporter FROM exporter"):
            slice_ = await store.closed(connection, [row["exporter"]])
            book = Book.from_events(await store.facts_of(connection, slice_))
            alone = assess(book, now=made.now).rows()
            whole = assess(Book.from_events(frame_of(made.events)), now=made.now)
            assert alone == [one for one in whole.rows() if one[whole.columns.index("exporter")] in slice_]


def _called_off(chance: Random, made: World) -> list[Event]:
    """The facts, with parts bought for every line; some contracts were called off lately, some parts sold again."""
    lines = sorted({(data.exporter, data.contract, line.line) for data in (one.data for one in made.events)
                    if isinstance(data, ContractSigned) for line in data.lines})  # fmt: skip
    told = list(made.events)
    for exporter, contract in sorted({key[:2] for key in lines}):
        if chance.random() < 0.7:
            at = made.now - timedelta(days=chance.randint(1, 9))
            told.append(fact("contract.cancelled", {"exporter": exporter, "contract": contract, "at": at}))
    for exporter, contract, line in lines:
        part = {"exporter": exporter, "purchase": f"{contract}/{line}", "at": made.now - timedelta(days=90)}
        goods = {"component": "x", "quantity": "10", "unit": "H87", "unit_cost": "3", "currency": "EUR"}
        told.append(fact("component.purchased", part | goods | {"contract": contract, "line": line}))
        if chance.random() < 0.3:
            told.append(fact("component.disposed", part | {"at": made.now}))
    return told


@pytest.mark.parametrize("seed", [307, 309, 322, 328])
async def test_whatever_the_order_the_same_is_left_of_lines_cancelled_while_blocked(
    pool: asyncpg.Pool, seed: int
) -> None:
    chance = Random(seed)
    made = world(chance)
    facts = _called_off(chance, made)
    await present(pool, made.now)
    await _shuffled_in(pool, chance, facts)
    book = Book.from_events(frame_of(facts, NOON))
    whole = remains(book, assess(book, now=made.now), now=made.now)
    kept = await pool.fetch('SELECT ref, loss, steps FROM remain ORDER BY ref COLLATE "C"')
    assert [tuple(row) for row in kept] == whole.select("ref", "loss", "loss_steps").rows()
    assert kept, "a book in which nothing is left shows nothing"
