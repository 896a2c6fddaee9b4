"""Recording: each fact once, whatever cannot be read as a dead letter beside it, and how far the log is stored."""

import json
import random
from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from events.envelope import Event
from services.impact import again, handlers, records, store
from services.runtime.kafka import RecordSet
from tests.impact.stage import NOON, batch, contract, fact, raw, recorder, tell

pytestmark = pytest.mark.servers


def _wire(**changes: Any) -> dict[str, Any]:
    return fact("contract.signed", contract("acme", "C1")).wire() | changes


def _with_data(**changes: Any) -> bytes:
    whole = _wire()
    return json.dumps(whole | {"data": whole["data"] | changes}).encode()


def _nested(depth: int) -> bytes:
    return b'{"specversion": "1.0", "data": ' + b"[" * depth + b"]" * depth + b"}"


POISON: dict[str, bytes | None] = {
    "bad JSON": b'{"specversion": "1.0", ',
    "a number for a text": _with_data(buyer=7.5),
    "a NUL character": _with_data(buyer="hos\u0000pital"),
    "half of a character": json.dumps(_wire()).replace("hospital-es", "\\ud800").encode(),
    "deep nesting": _nested(5_000),
    "a hundred thousand keys": _with_data(attributes={f"k{n}": "v" for n in range(100_000)}),
    "a key that stands twice": json.dumps(_wire()).replace('"id"', '"id": "other", "id"', 1).encode(),
    "an empty record": b"",
    "no value at all": None,
    "an exponent without end": json.dumps(_wire()).replace('"100"', '"1E+1000000"').encode(),
    "NaN": json.dumps(_wire()).replace('"100"', "NaN").encode(),
    "an instant without an offset": _with_data(signed="2020-03-20T00:00:00"),
    "bytes that are no text": b"\xff\xfe\x00",
}


async def _events(pool: asyncpg.Pool) -> list[asyncpg.Record]:
    return list(await pool.fetch("SELECT * FROM event ORDER BY source, id"))


async def _letters(pool: asyncpg.Pool) -> list[asyncpg.Record]:
    return list(await pool.fetch('SELECT * FROM dead_letter ORDER BY "offset", index'))


async def test_the_same_event_twice_is_one_event(pool: asyncpg.Pool) -> None:
    one = fact("contract.signed", contract("acme", "C1"))
    await tell(pool, [one, one])
    await tell(pool, [one])
    assert len(await _events(pool)) == 1
    assert await pool.fetchval("SELECT count(*) FROM pending") == 1
    assert not await _letters(pool)


async def test_a_repeat_only_lowers_when_it_was_learnt(pool: asyncpg.Pool) -> None:
    data = contract("acme", "C1")
    for learnt in ("2020-03-22T00:00:00Z", "2020-03-21T00:00:00Z", "2020-03-23T00:00:00Z"):
        await tell(pool, [fact("contract.signed", data, id="same", recordedat=learnt)])
    (row,) = await _events(pool)
    assert row["recorded_at"].isoformat() == "2020-03-21T00:00:00+00:00"
    assert await pool.fetchval("SELECT count(*) FROM pending") == 2, (
        "an earlier learning may reorder the fold"
    )


async def test_a_fact_without_recordedat_was_learnt_when_its_record_was_written(pool: asyncpg.Pool) -> None:
    await tell(pool, [fact("contract.signed", contract("acme", "C1"), recordedat=None)])
    (row,) = await _events(pool)
    assert row["recorded_at"] == NOON


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2), (1, 2, 0)])
async def test_of_other_contents_under_one_name_the_smaller_hash_stays(
    pool: asyncpg.Pool, order: tuple[int, ...]
) -> None:
    rivals = [fact("contract.signed", contract(name, "C1"), id="same") for name in ("acme", "bolt", "cord")]
    for number in order:
        await tell(pool, [rivals[number]])
    (row,) = await _events(pool)
    assert row["hash"] == min(one.content_hash() for one in rivals)
    letters = await _letters(pool)
    assert [letter["kind"] for letter in letters] == ["conflict", "conflict"]
    losers = {one.canonical_data() for one in rivals if one.content_hash() != row["hash"]}
    assert {letter["raw"].decode() for letter in letters} == losers


async def test_rivals_in_one_record_are_settled_as_rivals_in_two(pool: asyncpg.Pool) -> None:
    rivals = [fact("contract.signed", contract(name, "C1"), id="same") for name in ("acme", "bolt")]
    await tell(pool, rivals)
    (row,) = await _events(pool)
    assert row["hash"] == min(one.content_hash() for one in rivals)
    assert [letter["kind"] for letter in await _letters(pool)] == ["conflict"]


@pytest.mark.parametrize("kind", POISON)
async def test_poison_is_one_dead_letter_and_the_partition_moves_on(pool: asyncpg.Pool, kind: str) -> None:
    good = json.dumps(_wire()).encode()
    await recorder(pool)([raw(good, POISON[kind], first=0)])
    await recorder(pool)([raw(json.dumps(_wire()).encode(), first=2)])
    (letter,) = await _letters(pool)
    assert (letter["kind"], letter["offset"], letter["index"]) == ("unreadable", 1, 0)
    assert letter["raw"] == (POISON[kind] or b"")
    assert letter["reason"]
    assert len(await _events(pool)) == 2


async def test_a_bad_event_in_a_batch_spoils_no_other(pool: asyncpg.Pool) -> None:
    whole = [_wire(), _wire(), _wire()]
    whole[1]["data"]["currency"] = "GOLD"
    await recorder(pool)([raw(json.dumps(whole).encode())])
    (letter,) = await _letters(pool)
    assert letter["index"] == 1
    assert json.loads(letter["raw"]) == whole[1]
    assert len(await _events(pool)) == 2


async def test_what_postgres_refuses_is_found_by_halving_and_set_aside(pool: asyncpg.Pool) -> None:
    noise = random.Random(7)
    long_name = "".join(chr(noise.randrange(0x4E00, 0x9FFF)) for _ in range(2000))
    facts = [fact("contract.signed", contract("acme", f"C{n}")) for n in range(9)]
    facts[4] = fact("contract.signed", contract("acme", "C4"), id=long_name)
    await tell(pool, facts)
    (letter,) = await _letters(pool)
    assert (letter["kind"], letter["index"]) == ("refused", 4)
    assert len(await _events(pool)) == 8


async def test_a_refusal_by_a_check_is_set_aside_with_its_reason(pool: asyncpg.Pool) -> None:
    await pool.execute("ALTER TABLE event ADD CONSTRAINT not_this_one CHECK (id <> 'bad')")
    await tell(
        pool, [fact("contract.signed", contract("acme", name), id=name) for name in ("good", "bad", "fine")]
    )
    (letter,) = await _letters(pool)
    assert "not_this_one" in letter["reason"]
    assert [row["id"] for row in await _events(pool)] == ["fine", "good"]


async def test_an_unknown_type_is_a_dead_letter_of_that_kind(pool: asyncpg.Pool) -> None:
    unknown = json.dumps(_wire(type="contract.sung")).encode()
    await recorder(pool)([raw(unknown)])
    (letter,) = await _letters(pool)
    assert (letter["kind"], letter["raw"]) == ("unknown_type", unknown)


async def test_a_newer_program_reads_letters_of_unknown_type_again(pool: asyncpg.Pool) -> None:
    known_by_now = fact("contract.signed", contract("acme", "C1"))
    await recorder(pool)([raw(json.dumps(_wire(type="contract.sung")).encode())])
    await pool.execute("UPDATE dead_letter SET raw = $1", json.dumps(known_by_now.wire()).encode())
    assert await again.read_again(pool) == 1
    assert await again.read_again(pool) == 0
    assert [row["id"] for row in await _events(pool)] == [known_by_now.id]
    assert await pool.fetchval("SELECT count(*) FROM pending") == 1


async def test_a_letter_that_is_read_again_into_a_conflict_loses_neither_content(pool: asyncpg.Pool) -> None:
    one = fact("contract.signed", contract("acme", "C1"), id="same")
    other = fact("contract.signed", contract("acme", "C2"), id="same")
    await tell(pool, [one])
    await recorder(pool)([raw(json.dumps(_wire(type="contract.sung")).encode())])
    await pool.execute("UPDATE dead_letter SET raw = $1", json.dumps(other.wire()).encode())
    assert await again.read_again(pool) == 0
    (stored,), (letter,) = await _events(pool), await _letters(pool)
    assert letter["kind"] == "conflict"
    assert {stored["data"], letter["raw"].decode()} == {one.canonical_data(), other.canonical_data()}


async def test_a_record_set_that_is_stored_is_skipped_without_work(pool: asyncpg.Pool) -> None:
    sets = raw(json.dumps(_wire()).encode(), b"poison", first=10)
    await recorder(pool)([sets])
    await recorder(pool)([sets])
    assert await pool.fetchval("SELECT stored FROM position") == 11
    assert (len(await _events(pool)), len(await _letters(pool))) == (1, 1)


def _read_ahead(sets: RecordSet) -> RecordSet:
    for _ in records.read_ahead(sets):
        pass
    assert sets.read
    return sets


async def test_what_was_read_ahead_is_stored_once_and_only_in_its_turn(pool: asyncpg.Pool) -> None:
    ahead = _read_ahead(raw(json.dumps(_wire()).encode(), b"poison", first=10))
    assert not await _events(pool)
    assert await pool.fetchval("SELECT count(*) FROM position") == 0
    await recorder(pool)([ahead])
    assert await pool.fetchval("SELECT stored FROM position") == 11
    assert (len(await _events(pool)), len(await _letters(pool))) == (1, 1)


async def test_what_was_read_ahead_and_stored_by_another_meanwhile_is_skipped(pool: asyncpg.Pool) -> None:
    ahead = _read_ahead(
        raw(json.dumps(_wire()).encode(), b"poison", json.dumps(_wire(id="2")).encode(), first=10)
    )
    await recorder(pool)([raw(json.dumps(_wire(id="another")).encode(), b"worse", first=10)])
    await recorder(pool)([ahead])
    assert {one["id"] for one in await _events(pool)} == {"another", "2"}
    assert [letter["raw"] for letter in await _letters(pool)] == [b"worse"]


async def test_what_was_read_ahead_is_read_again_after_its_transaction_failed(pool: asyncpg.Pool) -> None:
    ahead = _read_ahead(raw(json.dumps(_wire()).encode(), b"poison", first=10))
    await pool.execute("ALTER TABLE position ADD CONSTRAINT stuck CHECK (stored < 0)")
    with pytest.raises(asyncpg.CheckViolationError):
        await recorder(pool)([ahead])
    assert not await _events(pool)
    await pool.execute("ALTER TABLE position DROP CONSTRAINT stuck")
    await recorder(pool)([ahead])
    assert (len(await _events(pool)), len(await _letters(pool))) == (1, 1)


async def test_a_hole_before_what_was_read_ahead_is_still_a_hole(pool: asyncpg.Pool) -> None:
    await recorder(pool)([raw(json.dumps(_wire()).encode(), first=0)])
    ahead = _read_ahead(raw(json.dumps(_wire(id="2")).encode(), first=10))
    with pytest.raises(store.Hole):
        await replace(recorder(pool), holes=False)([ahead])
    assert len(await _events(pool)) == 1


async def test_positions_are_kept_for_each_cluster_and_group(pool: asyncpg.Pool) -> None:
    sets = raw(json.dumps(_wire()).encode(), first=10)
    await recorder(pool)([sets])
    await handlers.Recorder(pool, "another cluster", "impact", recorder(pool).stored)([sets])
    rows = await pool.fetch(
        "SELECT cluster, consumer, topic, partition, stored FROM position ORDER BY cluster"
    )
    assert [tuple(row) for row in rows] == [
        ("another cluster", "impact", "contracts", 0, 10),
        ("cluster", "impact", "contracts", 0, 10),
    ]


async def test_an_answer_in_a_fact_topic_is_no_fact(pool: asyncpg.Pool) -> None:
    answer = fact("loss.estimated", {"exporter": "acme", "ref": "acme/C1/1", "revision": 1,
                                     "at": "2020-04-01T00:00:00Z", "loss": None})  # fmt: skip
    await tell(pool, [answer])
    (letter,) = await _letters(pool)
    assert letter["kind"] == "unreadable"
    assert not await _events(pool)


async def test_nothing_of_a_batch_is_stored_when_its_transaction_fails(pool: asyncpg.Pool) -> None:
    await pool.execute("ALTER TABLE position ADD CONSTRAINT stuck CHECK (stored < 0)")
    with pytest.raises(asyncpg.CheckViolationError):
        await recorder(pool)([batch([_one()])])
    assert not await _events(pool)


def _one() -> Event:
    return fact("contract.signed", contract("acme", "C1"))
