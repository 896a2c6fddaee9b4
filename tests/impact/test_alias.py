"""Facts that name a party by another name reach whoever is tied to it, in whatever order they and the match come."""

from itertools import permutations
from typing import Any

import asyncpg
import pytest

from events.envelope import Event
from services.impact import handlers
from services.impact.store import SQL
from tests.impact.stage import NOON, contract, fact, folded, present, settle, stored, tell
from tests.impact.test_reassess import law, registration

pytestmark = pytest.mark.servers
BLOCKED, FREE = "unlicensed", "needs_documents"


def same(one: str, other: str, kind: str = "matched", at: str = "2020-04-02T00:00:00Z") -> Event:
    return fact(f"party.{kind}", {"party": one, "same_as": other, "at": at, "by": "ana"})


async def _verdict(pool: asyncpg.Pool) -> str:
    return str(await pool.fetchval("SELECT verdict FROM verdict WHERE exporter = 'acme'"))


async def _judged(pool: asyncpg.Pool, *facts: Event) -> str:
    """The verdict once these facts have come, one after another, each handed on and judged before the next."""
    for one in facts:
        await tell(pool, [one])
        await settle(pool)
    return await _verdict(pool)


@pytest.mark.parametrize("order", list(permutations(range(4))))
async def test_contract_licence_and_matches_end_the_same_in_every_order(
    pool: asyncpg.Pool, order: tuple[int, ...]
) -> None:
    facts = [fact("contract.signed", contract("acme", "C1")), registration("acme-ltd"),
             same("acme", "acme medical"), same("acme-ltd", "acme medical")]  # fmt: skip
    await present(pool, NOON)
    await tell(pool, law())
    assert await _judged(pool, *(facts[n] for n in order)) == FREE
    assert await stored(pool, NOON) == folded([*law(), *facts], NOON)


async def test_a_match_taken_back_reaches_them_again(pool: asyncpg.Pool) -> None:
    await present(pool, NOON)
    start = [*law(), fact("contract.signed", contract("acme", "C1")), registration("acme-ltd")]
    match = same("acme", "acme-ltd")
    assert await _judged(pool, *start, match) == FREE
    undone = same("acme-ltd", "acme", "unmatched", "2020-04-03T00:00:00Z")
    assert await _judged(pool, undone) == BLOCKED
    assert await _judged(pool, same("acme", "acme-ltd", at="2020-04-04T00:00:00Z")) == FREE
    back = {"source": undone.source, "id": undone.id, "at": NOON, "reason": "an error"}
    assert await _judged(pool, fact("fact.withdrawn", back)) == FREE
    for one in (match, *await _stored(pool)):
        gone = {"source": one.source, "id": one.id, "at": NOON, "reason": "an error"}
        await _judged(pool, fact("fact.withdrawn", gone))
    assert await _verdict(pool) == BLOCKED


async def _stored(pool: asyncpg.Pool) -> list[Event]:
    rows = await pool.fetch("SELECT source, id, data FROM event WHERE type = 'party.matched'")
    return [same("x", "y").model_copy(update={"source": row["source"], "id": row["id"]}) for row in rows]


async def test_a_match_that_concerns_nobody_makes_nobody_due(pool: asyncpg.Pool) -> None:
    await present(pool, NOON)
    await _judged(pool, *law(), fact("contract.signed", contract("acme", "C1")))
    await tell(pool, [same("globex", "globex inc")])
    assert await settle(pool) == 0


async def test_who_draws_on_one_licence_by_two_names_of_its_holder_is_judged_together(
    pool: asyncpg.Pool,
) -> None:
    await present(pool, NOON)
    early = contract("globex", "C1", export_at="2020-04-20T00:00:00Z") | {"manufacturer": "maker-ltd"}
    late = contract("acme", "C1") | {"manufacturer": "maker"}
    facts = [*law(), registration("maker", quantity="150", unit="H87"), fact("contract.signed", late),
             fact("contract.signed", early)]  # fmt: skip
    await _judged(pool, *facts)
    apart = [row["exporter"] for row in await pool.fetch(SQL["slice"], ["acme"])]
    match = same("maker", "maker-ltd")
    await _judged(pool, match)
    assert apart == ["acme"]
    for one in ("acme", "globex"):
        assert [row["exporter"] for row in await pool.fetch(SQL["slice"], [one])] == ["acme", "globex"]
    assert await _verdict(pool) == "partial"
    assert await stored(pool, NOON) == folded([*facts, match], NOON)


async def test_a_match_of_who_signed_a_paper_reaches_whoever_the_contract_was_assigned_to(
    pool: asyncpg.Pool,
) -> None:
    """The paper is globex's, for all its goods; the contract is acme's, assigned to globex."""
    by_notary = _by_notary()
    facts = [fact("contract.signed", contract("acme", "C1")), registration("acme"),
             fact("contract.assigned", {"exporter": "acme", "contract": "C1", "to": "globex", "at": "2020-03-21T00:00:00Z"}),
             fact("document.filed", {"exporter": "globex", "document": "D1", "form": "statement", "by": "notary",
                                     "at": "2020-03-22T00:00:00Z"})]  # fmt: skip
    await present(pool, NOON)
    assert await _judged(pool, by_notary, *facts) == "needs_documents"
    match = same("notary", "the notary")
    await tell(pool, [match])
    while await handlers.hand_on(pool):
        pass
    assert {row["exporter"] for row in await pool.fetch("SELECT exporter FROM due")} >= {"acme", "globex"}
    await settle(pool)
    assert await _verdict(pool) == "satisfied"
    assert await stored(pool, NOON) == folded([by_notary, *facts, match], NOON)


def _by_notary() -> Event:
    clause: dict[str, Any] = {
        "clause": "1", "in_force": [{"from": "2020-04-01T00:00:00Z"}], "effect": "block",
        "goods": [{"class": "face_mask.surgical"}],
        "routes": [{"route": "attested", "all": [{"document": "statement", "by": "the notary"}]}],
    }  # fmt: skip
    citation = {"issuers": ["TEST"], "number": "1", "dated": "2020-03-31", "url": "https://example.org/1"}
    document = {"rule": "attested", "title": "Attested", "published": "2020-03-31T00:00:00Z", "timezone": "UTC",
                "exported_from": "CN", "citation": citation, "clauses": [clause]}  # fmt: skip
    return fact("rule.enacted", {"document": document, "pack": "sha256:" + "0" * 64})
