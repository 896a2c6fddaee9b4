"""What cannot be judged is set aside with its error, alone; everybody else goes on, and its next fact tries it again."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import asyncpg
import pytest
from polars.exceptions import ComputeError, PanicException

from services.cli.doctor import _postgres
from services.impact import again, reassess
from services.impact.judged import judge
from services.runtime.settings import Endpoints
from tests.impact.stage import NOON, contract, fact, folded, present, settle, stored, tell
from tests.impact.test_reassess import law, registration

pytestmark = pytest.mark.servers
Judge = Callable[..., Any]


def _breaking(who: set[str], error: BaseException) -> Judge:
    """A judgement that breaks wherever one of these exporters is among those to judge; it counts how often."""

    def broken(facts: Any, slice_: frozenset[str], now: datetime) -> Any:
        if who & slice_:
            broken.__dict__["times"] = broken.__dict__.get("times", 0) + 1
            raise error
        return judge(facts, slice_, now)

    return broken


async def _stale(pool: asyncpg.Pool) -> dict[str, str]:
    rows = await pool.fetch("SELECT exporter, stale FROM exporter WHERE stale IS NOT NULL ORDER BY exporter")
    return {row["exporter"]: row["stale"] for row in rows}


@pytest.mark.parametrize("error", [ValueError("a bug"), ComputeError("a bug"), PanicException("a bug")])
async def test_one_exporter_that_cannot_be_judged_stops_nobody_else(
    pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    names = [f"maker-{n:02}" for n in range(20)]
    facts = [*law(), *(fact("contract.signed", contract(name, "C1")) for name in names)]
    broken = _breaking({"maker-13"}, error)
    monkeypatch.setattr(reassess, "judge", broken)
    await present(pool, NOON)
    await tell(pool, facts)
    await settle(pool)
    assert await _stale(pool) == {"maker-13": f"{type(error).__name__}: a bug"}
    assert not await pool.fetch("SELECT 1 FROM due")
    others = [line for line in folded(facts, NOON) if '"maker-13"' not in line]
    assert len(others) == 19
    assert await stored(pool, NOON) == others
    assert broken.__dict__["times"] <= 6, "found by halving, not one by one"


async def test_its_next_fact_tries_it_again_and_the_clock_does_not(
    pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = [
        *law(),
        fact("contract.signed", contract("acme", "C1")),
        registration("acme", "2020-05-02T09:00:00Z"),
    ]
    await present(pool, NOON)
    await tell(pool, facts)
    await settle(pool)
    with monkeypatch.context() as patched:
        broken = _breaking({"acme"}, ValueError("a bug"))
        patched.setattr(reassess, "judge", broken)
        later = datetime.fromisoformat("2020-05-03T00:00:00+00:00")
        for _ in range(3):
            await present(pool, later)
            await settle(pool)
        assert broken.__dict__["times"] == 1
        assert await _stale(pool) == {"acme": "ValueError: a bug"}
    facts.append(registration("acme", since="2020-05-01T00:00:00Z"))
    await tell(pool, facts[-1:])
    await settle(pool)
    assert await _stale(pool) == {}
    assert await stored(pool, later) == folded(facts, later)


async def test_the_next_start_tries_it_again(pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = [*law(), fact("contract.signed", contract("acme", "C1"))]
    await present(pool, NOON)
    await tell(pool, facts)
    with monkeypatch.context() as patched:
        patched.setattr(reassess, "judge", _breaking({"acme"}, ValueError("a bug")))
        await settle(pool)
    assert await _stale(pool)
    await again.outdated(pool)
    await settle(pool)
    assert (await _stale(pool), await stored(pool, NOON)) == ({}, folded(facts, NOON))


async def test_a_slice_is_set_aside_as_a_whole(pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = [
        fact("contract.signed", contract(name, "C1") | {"manufacturer": "works"}) for name in ("acme", "bolt")
    ]
    facts = [*law(), *shared, fact("contract.signed", contract("core", "C1")),
             registration("works", quantity="150", unit="H87")]  # fmt: skip
    monkeypatch.setattr(reassess, "judge", _breaking({"bolt"}, ValueError("a bug")))
    await present(pool, NOON)
    await tell(pool, facts)
    await settle(pool)
    assert list(await _stale(pool)) == ["acme", "bolt"]
    assert [row["exporter"] for row in await pool.fetch("SELECT exporter FROM verdict")] == ["core"]


async def test_an_answer_that_postgres_refuses_is_set_aside(pool: asyncpg.Pool) -> None:
    await pool.execute("ALTER TABLE verdict ADD CONSTRAINT not_bolt CHECK (exporter <> 'bolt')")
    await present(pool, NOON)
    await tell(pool, [*law(), *(fact("contract.signed", contract(name, "C1")) for name in ("acme", "bolt"))])
    await settle(pool)
    assert [row["exporter"] for row in await pool.fetch("SELECT exporter FROM verdict")] == ["acme"]
    assert "not_bolt" in (await _stale(pool))["bolt"]


@pytest.mark.parametrize(
    "error", [ConnectionResetError("gone"), MemoryError(), asyncpg.DeadlockDetectedError("both"),
              asyncpg.UndefinedTableError("no table")]
)  # fmt: skip
async def test_what_is_no_fault_of_the_exporter_never_sets_it_aside(
    pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(reassess, "judge", _breaking({"acme"}, error))
    await present(pool, NOON)
    await tell(pool, [*law(), fact("contract.signed", contract("acme", "C1"))])
    with pytest.raises(type(error)):
        await settle(pool)
    assert await _stale(pool) == {}
    assert await pool.fetchval("SELECT count(*) FROM due") == 1, "it stays due"


async def test_doctor_names_what_was_set_aside_and_why(pool: asyncpg.Pool, database: str) -> None:
    await pool.execute("INSERT INTO exporter VALUES ('acme', NULL, 'ValueError: a bug')")
    (found,) = [one for one in await _postgres(Endpoints("", database), None) if one.check == "exporters"]
    assert not found.ok
    assert "1 could not be judged (acme: ValueError: a bug)" in found.says
