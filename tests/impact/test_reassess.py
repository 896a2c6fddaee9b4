"""Judging anew: what differs is written once, with its cause, and what has not changed is left alone."""

import json
from datetime import datetime
from typing import Any

import asyncpg
import pytest

from events.envelope import Event
from events.impacts import LossEstimated, VerdictChanged
from events.wire import decode
from services.impact import again, handlers, reassess, store
from services.runtime.packs import acts, shared_facts
from tests.impact.stage import NOON, contract, fact, folded, present, settle, stored, tell

pytestmark = pytest.mark.servers


def law() -> list[Event]:
    """The taxonomy, and the act of 31 March 2020: five medical goods need a domestic registration."""
    return [*shared_facts(), acts()["cn-2020-05"].event()]


def registration(
    holder: str, until: str | None = None, since: str = "2020-01-01T00:00:00Z", **more: Any
) -> Event:
    data = {"scheme": "nmpa_registration", "licence": f"R-{holder}", "holder": holder, "from": since} | more
    return fact("licence.granted", data | ({"until": until} if until else {}))


async def _history(pool: asyncpg.Pool) -> list[asyncpg.Record]:
    return list(await pool.fetch("SELECT * FROM history ORDER BY exporter, contract, line, revision"))


async def _outbox(pool: asyncpg.Pool, kind: str = "verdict.changed") -> list[Event]:
    rows = await pool.fetch("SELECT body FROM outbox ORDER BY seq")
    told = [one for row in rows for one in decode(row["body"])]
    return [one for one in told if isinstance(one, Event) and one.type == kind]


async def _ready(pool: asyncpg.Pool, *facts: Event) -> list[Event]:
    """The law and these facts recorded and judged, at noon; what there was to tell has been told."""
    told = [*law(), *facts]
    await present(pool, NOON)
    await tell(pool, told)
    await settle(pool)
    await pool.execute("DELETE FROM outbox")
    return told


async def test_a_contract_is_judged_and_its_answer_told(pool: asyncpg.Pool) -> None:
    await present(pool, NOON)
    await tell(pool, [*law(), fact("contract.signed", contract("acme", "C1"))])
    await settle(pool)
    (row,) = await pool.fetch("SELECT * FROM verdict")
    assert (row["ref"], row["verdict"], row["revision"]) == ("acme/C1/1", "unlicensed", 1)
    assert str(row["blocked_value"]) == "250.0000"
    (told,) = await _outbox(pool)
    assert isinstance(told.data, VerdictChanged)
    assert (told.data.before, told.data.after) == (None, json.loads(row["answer"]))


async def test_the_same_facts_again_change_nothing(pool: asyncpg.Pool) -> None:
    facts = await _ready(pool, fact("contract.signed", contract("acme", "C1")))
    before = await _history(pool)
    await tell(pool, facts)
    await pool.execute("INSERT INTO due VALUES ('acme', false)")
    assert await settle(pool) == 1
    assert (await _history(pool), await _outbox(pool)) == (before, [])


async def test_a_grant_reaches_its_holder_and_says_why(pool: asyncpg.Pool) -> None:
    signed = [fact("contract.signed", contract(name, "C1")) for name in ("acme", "bolt")]
    await _ready(pool, *signed)
    grant = registration("acme")
    await tell(pool, [grant])
    assert await settle(pool) == 1
    (told,) = await _outbox(pool)
    assert isinstance(told.data, VerdictChanged)
    assert told.data.ref == "acme/C1/1"
    assert told.data.after is not None
    assert told.data.after["verdict"] == "needs_documents"
    assert any("R-acme" in cause or grant.id in cause for cause in told.data.cause), told.data.cause


async def test_a_holder_corrected_releases_the_first_and_reaches_the_second(pool: asyncpg.Pool) -> None:
    signed = [fact("contract.signed", contract(name, "C1")) for name in ("acme", "bolt")]
    facts = await _ready(pool, *signed, registration("acme"))
    data = {
        "scheme": "nmpa_registration",
        "licence": "R-acme",
        "holder": "bolt",
        "from": "2020-01-01T00:00:00Z",
    }
    corrected = fact("licence.granted", data, recordedat="2020-04-11T00:00:00Z")
    await tell(pool, [corrected])
    await settle(pool)
    assert await stored(pool, NOON) == folded([*facts, corrected], NOON)
    verdicts = await pool.fetch("SELECT exporter, verdict FROM verdict ORDER BY exporter")
    assert [tuple(row) for row in verdicts] == [("acme", "unlicensed"), ("bolt", "needs_documents")]


async def test_a_withdrawn_grant_reaches_whom_the_grant_reached(pool: asyncpg.Pool) -> None:
    grant = registration("acme")
    facts = await _ready(pool, fact("contract.signed", contract("acme", "C1")), grant)
    gone = fact("fact.withdrawn", {"source": grant.source, "id": grant.id, "at": "2020-04-09T00:00:00Z",
                                   "reason": "entered by mistake"})  # fmt: skip
    await tell(pool, [gone])
    assert await settle(pool) == 1
    assert await stored(pool, NOON) == folded([*facts, gone], NOON)
    assert await pool.fetchval("SELECT verdict FROM verdict") == "unlicensed"


async def test_another_content_under_the_same_name_reaches_both_exporters(pool: asyncpg.Pool) -> None:
    rivals = [fact("contract.signed", contract(name, "C1"), id="same") for name in ("acme", "bolt")]
    loser, winner = sorted(rivals, key=Event.content_hash, reverse=True)
    facts = await _ready(pool, loser)
    await tell(pool, [winner])
    await settle(pool)
    assert await stored(pool, NOON) == folded([*facts, winner], NOON)
    assert await pool.fetchval("SELECT exporter FROM verdict") == winner.partitionkey


async def test_a_cancelled_line_leaves_with_a_last_word_and_keeps_its_count(pool: asyncpg.Pool) -> None:
    facts = await _ready(pool, fact("contract.signed", contract("acme", "C1")))
    end = fact("contract.cancelled", {"exporter": "acme", "contract": "C1", "at": "2020-04-10T00:00:00Z"})
    await tell(pool, [end])
    await settle(pool)
    assert not await pool.fetch("SELECT 1 FROM verdict")
    (told,) = await _outbox(pool)
    assert isinstance(told.data, VerdictChanged)
    assert (told.data.after, told.data.revision) == (None, 2)
    back = fact("fact.withdrawn", {"source": end.source, "id": end.id, "at": "2020-04-10T06:00:00Z",
                                   "reason": "another contract was meant"})  # fmt: skip
    await tell(pool, [back])
    await settle(pool)
    assert [row["revision"] for row in await _history(pool)] == [1, 2, 3]
    assert await stored(pool, NOON) == folded([*facts, end, back], NOON)


async def test_a_moved_export_date_is_told_although_the_verdict_stays(pool: asyncpg.Pool) -> None:
    facts = await _ready(pool, fact("contract.signed", contract("acme", "C1")))
    lines = contract("acme", "C1", "2020-05-02T00:00:00Z")["lines"]
    moved = fact(
        "contract.amended",
        {"exporter": "acme", "contract": "C1", "at": "2020-04-09T00:00:00Z", "lines": lines},
    )
    await tell(pool, [moved])
    await settle(pool)
    assert len(await _outbox(pool)) == 1
    assert await stored(pool, NOON) == folded([*facts, moved], NOON)


async def test_the_clock_judges_exactly_the_two_lines_that_change_by_themselves(pool: asyncpg.Pool) -> None:
    names = [f"maker-{n}" for n in range(12)]
    ends = {"maker-3": "2020-05-02T09:00:00Z", "maker-7": "2020-05-02T14:00:00Z"}
    facts = await _ready(
        pool,
        *(fact("contract.signed", contract(name, "C1")) for name in names),
        *(registration(name, ends.get(name)) for name in names),
    )
    judged = []
    for hour in (8, 9, 12, 14, 20):
        now = datetime.fromisoformat(f"2020-05-02T{hour:02}:30:00+00:00")
        await present(pool, now)
        judged += [(hour, row["exporter"]) for row in await pool.fetch("SELECT exporter FROM due")]
        await settle(pool)
        assert await stored(pool, now) == folded(facts, now)
    assert judged == [(9, "maker-3"), (14, "maker-7")]
    assert [told.data.ref for told in await _outbox(pool) if isinstance(told.data, VerdictChanged)] == [
        "maker-3/C1/1", "maker-7/C1/1",
    ]  # fmt: skip


async def test_the_present_never_goes_back(pool: asyncpg.Pool) -> None:
    await present(pool, NOON)
    await present(pool, datetime.fromisoformat("2019-01-01T00:00:00+00:00"))
    assert await pool.fetchval("SELECT now FROM clock") == NOON


async def test_a_contract_signed_tomorrow_appears_by_itself(pool: asyncpg.Pool) -> None:
    data = contract("acme", "C1") | {"signed": "2020-04-12T00:00:00Z"}
    await _ready(pool, fact("contract.signed", data))
    assert not await pool.fetch("SELECT 1 FROM verdict")
    await present(pool, datetime.fromisoformat("2020-04-12T00:00:00+00:00"))
    assert await settle(pool) == 1
    assert await pool.fetchval("SELECT ref FROM verdict") == "acme/C1/1"


async def test_a_newer_engine_makes_everyone_due_in_bulk_and_tells_nothing_that_stayed(
    pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _ready(pool, *(fact("contract.signed", contract(name, "C1")) for name in ("acme", "bolt")))
    for module in (store, reassess):
        monkeypatch.setattr(module, "ENGINE", store.ENGINE + 1)
    await again.outdated(pool)
    due = await pool.fetch("SELECT exporter, bulk FROM due ORDER BY exporter")
    assert [tuple(row) for row in due] == [("acme", True), ("bolt", True)]
    await settle(pool)
    assert not await _outbox(pool)
    await again.outdated(pool)
    assert not await pool.fetch("SELECT 1 FROM due")


async def test_a_fan_out_waits_behind_a_single_fact(pool: asyncpg.Pool) -> None:
    names = [f"maker-{n:03}" for n in range(60)]
    await _ready(pool, *(fact("contract.signed", contract(name, "C1")) for name in names))
    await tell(pool, [acts()["cn-2020-12"].event(), registration("maker-050")])
    await handlers.hand_on(pool)
    ranks = {row["exporter"]: row["bulk"] for row in await pool.fetch("SELECT exporter, bulk FROM due")}
    assert len(ranks) == 60
    assert [name for name, bulk in ranks.items() if not bulk] == ["maker-050"]


async def test_a_wide_fact_is_handed_on_in_pages(pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handlers, "PAGE", 7)
    names = [f"maker-{n:03}" for n in range(20)]
    await tell(pool, [fact("contract.signed", contract(name, "C1")) for name in names])
    await handlers.hand_on(pool)
    await pool.execute("DELETE FROM due")
    await tell(pool, [acts()["cn-2020-05"].event()])
    found = []
    while await handlers.hand_on(pool):
        found.append(await pool.fetchval("SELECT count(*) FROM due"))
    assert found == [7, 14, 20]
    assert await pool.fetchval("SELECT count(*) FROM due WHERE NOT bulk") == 7, (
        "behind the first page, in bulk"
    )
    assert not await pool.fetch("SELECT 1 FROM pending")


async def test_a_reason_that_comes_while_judging_is_not_taken_away(pool: asyncpg.Pool) -> None:
    await _ready(pool, fact("contract.signed", contract("acme", "C1")))
    await pool.execute("INSERT INTO due VALUES ('acme', false)")
    async with pool.acquire() as judging, judging.transaction():
        requests = await judging.fetch(store.SQL["requests"], ["acme"])
        await pool.execute(store.SQL["make_due"], ["acme"], [False], [NOON])
        await judging.execute(store.SQL["settle"], *store.columns([tuple(row) for row in requests]))
    assert await pool.fetchval("SELECT count(*) FROM due") == 1


async def test_two_workers_judge_other_exporters_and_never_wait_for_each_other(pool: asyncpg.Pool) -> None:
    await _ready(pool, *(fact("contract.signed", contract(name, "C1")) for name in ("acme", "bolt")))
    await pool.execute("INSERT INTO due VALUES ('acme', false), ('bolt', false)")
    async with pool.acquire() as judging, judging.transaction():
        first = await judging.fetch(store.SQL["take_due"], 1, False)
        assert await handlers.reassess(pool, 10) == 1
    assert [row["exporter"] for row in await pool.fetch("SELECT exporter FROM due")] == [first[0]["exporter"]]


async def test_exporters_who_share_a_balance_are_judged_together(pool: asyncpg.Pool) -> None:
    facts = await _ready(
        pool,
        *(
            fact("contract.signed", contract(name, "C1") | {"manufacturer": "works"})
            for name in ("acme", "bolt")
        ),
        registration("works", quantity="150", unit="H87"),
    )
    end = fact("contract.cancelled", {"exporter": "acme", "contract": "C1", "at": "2020-04-10T00:00:00Z"})
    await tell(pool, [end])
    assert await settle(pool) == 2
    assert await stored(pool, NOON) == folded([*facts, end], NOON)
    assert await pool.fetchval("SELECT verdict FROM verdict WHERE exporter = 'bolt'") == "needs_documents"


async def test_losses_are_told_where_they_are_estimated(pool: asyncpg.Pool) -> None:
    bought = {"exporter": "acme", "purchase": "P1", "contract": "C1", "line": "1", "component": "fabric",
              "quantity": "100", "unit": "MTR", "unit_cost": "1.00", "currency": "EUR", "per_unit": "1",
              "at": "2020-03-21T00:00:00Z"}  # fmt: skip
    await present(pool, NOON)
    facts = [*law(), fact("contract.signed", contract("acme", "C1")), fact("component.purchased", bought)]
    await tell(pool, facts)
    await settle(pool)
    assert await stored(pool, NOON) == folded(facts, NOON)
    (told,) = await _outbox(pool, "loss.estimated")
    assert isinstance(told.data, LossEstimated)
    assert told.data.loss is not None
    assert told.data.loss["terms"]["stock_write_down"]["base"] == "100"


PARTS = {"exporter": "acme", "purchase": "P1", "contract": "C1", "line": "1", "component": "fabric",
         "quantity": "100", "unit": "MTR", "unit_cost": "1.00", "currency": "EUR", "per_unit": "1",
         "at": "2020-03-21T00:00:00Z"}  # fmt: skip
CALLED_OFF = {"exporter": "acme", "contract": "C1", "at": "2020-04-10T00:00:00Z"}


async def test_a_line_cancelled_while_blocked_keeps_its_loss_until_its_parts_are_sold(
    pool: asyncpg.Pool,
) -> None:
    await _ready(pool, fact("contract.signed", contract("acme", "C1")), fact("component.purchased", PARTS))
    await tell(pool, [fact("contract.cancelled", CALLED_OFF)])
    await settle(pool)
    (row,) = await pool.fetch("SELECT * FROM remain")
    assert (row["ref"], row["verdict"], str(row["blocked_value"])) == ("acme/C1/1", "unlicensed", "250.0000")
    assert json.loads(row["loss"])["stock_write_down"]["base"] == "100"
    (closed,) = await _outbox(pool)
    (kept,) = await _outbox(pool, "loss.estimated")
    assert isinstance(closed.data, VerdictChanged)
    assert isinstance(kept.data, LossEstimated)
    assert kept.data.loss is not None
    assert (closed.data.after, closed.data.revision) == (None, 2)
    assert (kept.data.loss["terms"]["out_of_pocket"]["base"], kept.data.revision) == ("100", 2)
    sale = {
        "exporter": "acme",
        "purchase": "P1",
        "proceeds": "30",
        "currency": "EUR",
        "at": "2020-04-10T09:00:00Z",
    }
    await tell(pool, [fact("component.disposed", sale)])
    await settle(pool)
    assert not await pool.fetch("SELECT 1 FROM remain")
    *_, last = await _outbox(pool, "loss.estimated")
    assert isinstance(last.data, LossEstimated)
    assert (last.data.loss, last.data.revision) == (None, 3)
    assert [(r["revision"], r["answer"] is None) for r in await _history(pool)] == [
        (1, False),
        (2, True),
        (3, True),
    ]


async def test_what_is_left_of_a_cancelled_line_changes_neither_by_itself_nor_when_it_is_judged_again(
    pool: asyncpg.Pool,
) -> None:
    await _ready(pool, fact("contract.signed", contract("acme", "C1")), fact("component.purchased", PARTS),
                 fact("contract.cancelled", CALLED_OFF))  # fmt: skip
    before = await pool.fetch("SELECT * FROM remain"), await _history(pool)
    assert len(before[0]) == 1
    await present(pool, datetime.fromisoformat("2021-01-01T00:00:00+00:00"))
    assert not await pool.fetch("SELECT 1 FROM due")
    await pool.execute("INSERT INTO due VALUES ('acme', false)")
    assert await settle(pool) == 1
    assert (await pool.fetch("SELECT * FROM remain"), await _history(pool)) == before
    assert not await _outbox(pool, "loss.estimated")


async def test_a_cancellation_taken_back_opens_the_line_and_leaves_nothing(pool: asyncpg.Pool) -> None:
    end = fact("contract.cancelled", CALLED_OFF)
    signed, parts = fact("contract.signed", contract("acme", "C1")), fact("component.purchased", PARTS)
    facts = await _ready(pool, signed, parts, end)
    back = fact("fact.withdrawn", {"source": end.source, "id": end.id, "at": "2020-04-10T06:00:00Z",
                                   "reason": "another contract was meant"})  # fmt: skip
    await tell(pool, [back])
    await settle(pool)
    assert not await pool.fetch("SELECT 1 FROM remain")
    assert await stored(pool, NOON) == folded([*facts, back], NOON)
    assert [one.data.revision for one in await _outbox(pool) if isinstance(one.data, VerdictChanged)] == [2]


async def test_in_whatever_order_they_come_the_same_is_left(pool: asyncpg.Pool) -> None:
    sale = {"exporter": "acme", "purchase": "P1", "quantity": "40", "proceeds": "30", "currency": "EUR",
            "at": "2020-04-10T09:00:00Z"}  # fmt: skip
    facts = [fact("contract.cancelled", CALLED_OFF), fact("component.disposed", sale), *law(),
             fact("component.purchased", PARTS), fact("contract.signed", contract("acme", "C1")),
             registration("acme", since="2020-04-10T06:00:00Z")]  # fmt: skip
    ends = []
    for told in (facts, facts[::-1]):
        await pool.execute(
            "TRUNCATE event, exporter, tie, name, pending, due, verdict, remain, history, outbox"
        )
        await present(pool, NOON)
        for one in told:
            await tell(pool, [one])
            await settle(pool)
        ends.append(await pool.fetch("SELECT * FROM remain"))
    assert ends[0] == ends[1]
    assert [json.loads(row["loss"])["stock_write_down"]["base"] for row in ends[0]] == ["70"]


async def test_a_newer_engine_looks_again_at_what_is_left(
    pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _ready(pool, fact("contract.signed", contract("acme", "C1")), fact("component.purchased", PARTS),
                 fact("contract.cancelled", CALLED_OFF))  # fmt: skip
    newer = store.ENGINE + 1
    for module in (store, reassess):
        monkeypatch.setattr(module, "ENGINE", newer)
    await again.outdated(pool)
    assert await settle(pool) == 1
    assert await pool.fetchval("SELECT engine FROM remain") == newer
    assert not await _outbox(pool, "loss.estimated")
