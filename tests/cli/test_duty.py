"""What a duty costs is shown beside the answer, and only where there is one."""

import json
from typing import Any

import pytest

from events.envelope import Event
from services.runtime.packs import acts, shared_facts
from services.runtime.postgres import migrate, pool
from tests.cli.conftest import Run
from tests.impact.stage import NOON, contract, fact, present, settle, tell

pytestmark = pytest.mark.servers


def _duty() -> Event:
    clause = {"clause": "1", "in_force": [{"from": "2020-04-01"}], "goods": [{"class": "face_mask"}],
              "effect": {"duty": {"rate": "0.2"}}}  # fmt: skip
    document = {
        "rule": "cn-duty",
        "published": "2020-03-31T00:00:00Z",
        "exported_from": "CN",
        "clauses": [clause],
    }
    return fact("rule.enacted", {"document": document, "pack": "sha256:" + "0" * 64})


async def _stored(database: str, monkeypatch: pytest.MonkeyPatch, *facts: Event) -> None:
    await migrate(database)
    async with pool(database) as connections:
        await present(connections, NOON)
        await tell(connections, [*shared_facts(), fact("contract.signed", contract("acme", "C1")), *facts])
        await settle(connections)
    monkeypatch.setenv("DATABASE_URL", database)
    monkeypatch.setenv("KAFKA_BOOTSTRAP", "127.0.0.1:1")


def _explained(run: Run) -> dict[str, Any]:
    done = run("explain", "acme/C1/1", "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


async def test_explain_says_what_it_costs_to_go(
    database: str, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    await _stored(database, monkeypatch, _duty())
    found = _explained(run)
    assert (found["answer"]["verdict"], found["answer"]["loss"]) == ("clear", None)
    assert found["duties"] == [
        {
            "rule": "cn-duty",
            "clause": "1",
            "amount": "50",
            "currency": "EUR",
            "step": "0.2 × 100 H87 × 2.5 EUR",
        }
    ]
    assert "Duty on what may leave, cn-duty/1: 50 EUR" in run("explain", "acme/C1/1").stdout
    assert "duty,cn-duty/1,50 EUR" in run("explain", "acme/C1/1", "--format", "csv").stdout


async def test_what_may_not_go_owes_nothing(database: str, monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    await _stored(database, monkeypatch, _duty(), acts()["cn-2020-05"].event())
    found = _explained(run)
    assert (found["answer"]["verdict"], found["duties"]) == ("unlicensed", [])
    assert "Duty" not in run("explain", "acme/C1/1").stdout
