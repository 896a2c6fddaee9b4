"""A line that was cancelled while blocked is open no longer, and what it still loses is shown all the same."""

import json
from typing import Any

import pytest

from services.domain.answers import KEYS
from services.runtime.packs import acts, shared_facts
from services.runtime.postgres import migrate, pool
from tests.cli.conftest import Run
from tests.impact.stage import NOON, contract, fact, present, settle, tell

pytestmark = pytest.mark.servers
PARTS = {"exporter": "acme", "purchase": "P1", "contract": "C1", "line": "1", "component": "fabric", "quantity": "100",
         "unit": "MTR", "unit_cost": "1.00", "currency": "EUR", "at": "2020-03-21T00:00:00Z"}  # fmt: skip


@pytest.fixture
async def called_off(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two blocked contracts of acme; of C1, for which fabric was bought, the buyer has called off."""
    await migrate(database)
    async with pool(database) as connections:
        await present(connections, NOON)
        end = {"exporter": "acme", "contract": "C1", "at": "2020-04-09T00:00:00Z"}
        await tell(connections, [
            *shared_facts(), acts()["cn-2020-05"].event(), fact("component.purchased", PARTS),
            *(fact("contract.signed", contract("acme", name)) for name in ("C1", "C2")),
            fact("contract.cancelled", end),
        ])  # fmt: skip
        await settle(connections)
    monkeypatch.setenv("DATABASE_URL", database)
    monkeypatch.setenv("KAFKA_BOOTSTRAP", "127.0.0.1:1")


def _rows(run: Run, *arguments: str) -> list[dict[str, Any]]:
    done = run(*arguments, "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    return [json.loads(row) for row in done.stdout.splitlines()]


@pytest.mark.usefixtures("called_off")
async def test_explain_says_that_it_was_cancelled_while_blocked_and_what_it_still_loses(run: Run) -> None:
    (found,) = _rows(run, "explain", "acme/C1/1")
    assert found["cancelled_at"] == "2020-04-09T00:00:00Z"
    assert (found["answer"]["verdict"], found["clause"]["rule"]) == ("unlicensed", "cn-2020-05")
    assert found["answer"]["loss"]["out_of_pocket"]["base"] == "100"
    assert found["loss_steps"]["steps"]["stock_write_down"][0].startswith("fabric (P1): 100 MTR")
    said = run("explain", "acme/C1/1").stdout
    assert "Cancelled while blocked, on 2020-04-09" in said
    assert "100" in said.partition("stock write down")[2]
    (open_,) = _rows(run, "explain", "acme/C2/1")
    assert open_["cancelled_at"] is None
    assert "cancelled_at" in run("explain", "acme/C1/1", "--format", "csv").stdout


@pytest.mark.usefixtures("called_off")
async def test_exposure_counts_it_apart_from_the_open_lines(run: Run) -> None:
    (row,) = _rows(run, "exposure", "--by", "class")
    assert (row["lines"], row["blocked_lines"], row["blocked_value"]) == (1, 1, "250")
    assert row["out_of_pocket"]["base"] == "0"
    left = row["cancelled_while_blocked"]
    assert (left["lines"], left["not_reckoned"]) == (1, 0)
    assert left["out_of_pocket"] == {"low": "0", "base": "100", "high": "100"}
    assert "cancelled" in run("exposure").stdout


@pytest.mark.usefixtures("called_off")
async def test_verdicts_stay_one_row_for_each_open_line(run: Run) -> None:
    rows = _rows(run, "verdicts")
    assert [row["ref"] for row in rows] == ["acme/C2/1"]
    assert tuple(rows[0]) == KEYS
