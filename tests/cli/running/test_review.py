"""`tracker review` on the running services: names are looked at, matched, and taken apart again."""

import json
import time
from pathlib import Path

import pytest

from tests.cli.conftest import CONTRACT, NMPA, refused, told
from tests.cli.running.conftest import APRIL_5, Tracker

pytestmark = pytest.mark.servers
TRADER = {**CONTRACT, "exporter": "review-trade", "contract": "R1", "manufacturer": "amber-medical"}
GRANT = {**NMPA, "licence": "R9", "holder": "amber-medical-co-ltd", "from": "2020-01-10T00:00+08:00"}


def _verdict(tracker: Tracker, wanted: str) -> bool:
    """Whether the order for kits of the trader comes to this verdict (none: it leaves the book)."""
    patience = time.monotonic() + 60
    while time.monotonic() < patience:
        rows = [row for row in tracker.rows("verdicts") if row["exporter"] == "review-trade"]
        if [row["verdict"] for row in rows[:1]] == ([wanted] if wanted else []):
            return True
        time.sleep(0.5)
    return False


def test_names_are_matched_by_themselves_taken_back_and_matched_by_somebody(
    tracker: Tracker, tmp_path: Path
) -> None:
    facts = [told("contract.signed", TRADER, APRIL_5), told("licence.granted", GRANT, APRIL_5)]
    (tmp_path / "facts.jsonl").write_text("".join(json.dumps(fact) + "\n" for fact in facts))
    assert tracker("ingest", "events", tmp_path / "facts.jsonl").returncode == 0
    assert _verdict(tracker, "unlicensed")
    (waiting,) = tracker.rows("review")
    assert (waiting["party"], waiting["same_as"], waiting["score"], waiting["automatic"]) == (
        "amber-medical", "amber-medical-co-ltd", "100", True)  # fmt: skip
    assert "tracker review auto" in tracker("review").stdout
    assert tracker.rows("review", "auto", "--check") == [waiting]
    assert _verdict(tracker, "unlicensed")
    assert tracker.rows("review", "auto") == [waiting]
    assert _verdict(tracker, "needs_documents")
    assert tracker.rows("review") == []
    pair = ("amber-medical", "amber-medical-co-ltd")
    assert "two parties" in tracker("review", "unmatch", *pair, "--reason", "another firm").stdout
    assert _verdict(tracker, "unlicensed")
    assert tracker.rows("review") == []
    assert "one party" in tracker("review", "match", *reversed(pair), "--by", "Mei").stdout
    assert _verdict(tracker, "needs_documents")
    decided = tracker.rows("review", "decided")
    assert [(row["decision"], row["holds"]) for row in decided] == [
        ("matched", False), ("unmatched", False), ("matched", True)]  # fmt: skip
    assert (decided[0]["by"], decided[1]["reason"], decided[2]["by"]) == ("name match", "another firm", "Mei")
    assert "name match" in tracker("review", "decided").stdout
    # The services are shared with other tests, which know of one contract.
    end = {"exporter": "review-trade", "contract": "R1", "at": APRIL_5}
    (tmp_path / "end.jsonl").write_text(json.dumps(told("contract.cancelled", end, APRIL_5)))
    assert tracker("ingest", "events", tmp_path / "end.jsonl").returncode == 0
    assert _verdict(tracker, "")


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (("match", "acme", "acme"), "same as itself already"),
        (("match", "acme", "acmee"), "There is acme"),
        (("unmatch", "acme", "hospital-es"), "are not matched"),
    ],
)
def test_what_decides_nothing_is_refused(tracker: Tracker, asked: tuple[str, ...], says: str) -> None:
    assert says in refused(tracker("review", *asked))
