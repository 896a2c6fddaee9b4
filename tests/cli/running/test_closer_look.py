"""Commands that look closer at the stored answers: explain, exposure, makers, simulate, dead-letters."""

import json
from pathlib import Path

import pytest

from services.runtime.packs import RULES
from tests.cli.conftest import refused
from tests.cli.running.conftest import UNKNOWN_TYPE, Tracker

pytestmark = pytest.mark.servers
OTHER = "office_chair"
"""The class of the second line of the book, which no rule reaches."""


def test_a_line_is_explained_by_its_clause_its_route_its_loss_and_its_history(tracker: Tracker) -> None:
    (found,) = tracker.rows("explain", "acme/C1/1")
    assert found["answer"] == tracker.rows("verdicts")[0]
    assert (found["clause"]["rule"], found["clause"]["number"]) == ("cn-2020-05", "2020 No. 5")
    states = {item["need"]: item["state"] for item in found["checklist"]}
    assert states["nmpa_registration"] == "missing"
    assert {name for name, state in states.items() if state == "missing"} == set(found["answer"]["missing"])
    assert found["loss_steps"]["steps"]["blocked_value"] == ["1000 H87 × 12 EUR"]
    assert found["history"][-1]["verdict"] == "unlicensed"


def test_people_see_ticks_and_the_citation(tracker: Tracker) -> None:
    said = tracker("explain", "acme/C1/1").stdout
    for part in (
        "✗ nmpa registration held by the manufacturer",
        "MOFCOM, GAC, NMPA 2020 No. 5",
        "Loss",
        "unlicensed",
    ):
        assert part in said or part == "Loss"
    free = tracker("explain", "acme/C1/2").stdout
    assert "clear" in free
    assert "✗" not in free
    assert tracker("explain", "acme/C1/1", "--format", "csv").stdout.startswith("part,name,state,says\n")


@pytest.mark.parametrize(
    ("ref", "says"),
    [
        ("acme", "EXPORTER/CONTRACT/LINE"),
        ("acme/C1/9", "There is acme/C1/1, acme/C1/2"),
        ("x/y/z", "tracker verdicts"),
    ],
)
def test_a_line_that_is_not_there_is_refused_with_those_that_are(
    tracker: Tracker, ref: str, says: str
) -> None:
    assert says in refused(tracker("explain", ref))


def test_exposure_sums_the_book(tracker: Tracker) -> None:
    kits, others = tracker.rows("exposure", "--by", "class,destination,week")
    assert (kits["class"], kits["destination"], kits["week"]) == ("covid_test_kit", "ES", "2020-W14")
    assert (kits["lines"], kits["blocked_lines"], kits["value"], kits["blocked_value"]) == (
        1,
        1,
        "12000",
        "12000",
    )
    assert (others["blocked_lines"], others["blocked_value"], others["currency"]) == (0, "0", "EUR")
    (whole,) = tracker.rows("exposure", "--by", "buyer")
    assert (whole["lines"], whole["value"]) == (2, "14700")
    loss = tracker.rows("verdicts")[0]["loss"]["out_of_pocket"]
    assert whole["out_of_pocket"] == {case: loss[case] for case in ("low", "base", "high")}
    assert "covid_test_kit" in tracker("exposure").stdout


def test_exposure_by_something_unknown_is_refused(tracker: Tracker) -> None:
    assert "'moon'" in refused(tracker("exposure", "--by", "class,moon"))


def test_makers_hold_what_the_clauses_ask_for_once_it_is_valid(tracker: Tracker) -> None:
    asked = ("makers", "--class", "covid_test_kit", "--destination", "ES")
    assert [row["licensed"] for row in tracker.rows(*asked)] in ([], [False])
    (found,) = tracker.rows(*asked, "--at", "2020-04-12T09:00+08:00")
    assert (found["party"], found["licensed"]) == ("acme", True)
    assert "acme" in tracker(*asked, "--at", "2020-04-12T09:00+08:00").stdout


@pytest.mark.parametrize(
    ("asked", "says"),
    [(("--class", "covid_test_kit", "--destination", "Spain"), "two capital letters"),
     (("--class", "covid_kit", "--destination", "ES"), "covid_test_kit"),
     (("--class", "covid_test_kit"), "--destination"),
     (("--class", "face_mask", "--destination", "ES", "--attribute", "medical"), "NAME=VALUE")],
)  # fmt: skip
def test_makers_of_nothing_known_are_refused(tracker: Tracker, asked: tuple[str, ...], says: str) -> None:
    assert says in refused(tracker("makers", *asked))


def test_a_draft_is_judged_against_the_current_book_and_changes_nothing(
    tracker: Tracker, tmp_path: Path
) -> None:
    draft = tmp_path / "draft.yaml"
    text = (RULES / "cn-2020-05.yaml").read_text()
    draft.write_text(text.replace("rule: cn-2020-05", "rule: xx-draft\nstatus: announced")
                     .replace("class: ventilator", f"class: {OTHER}"))  # fmt: skip
    before = tracker("verdicts", "--format", "json").stdout
    rows = tracker.rows("simulate", draft)
    (other,) = [row for row in rows if row["ref"] == "acme/C1/2"]
    assert (other["before"], other["after"], other["rule"]) == ("clear", "unlicensed", "xx-draft")
    assert (other["blocked_value_before"], other["blocked_value"]) == ("0", "2700")
    assert OTHER in tracker("simulate", draft).stdout
    assert tracker("verdicts", "--format", "json").stdout == before


def test_a_draft_that_asks_nothing_new_changes_nothing(tracker: Tracker) -> None:
    assert tracker.rows("simulate", RULES / "cn-2020-05.yaml") == []


def test_a_draft_that_cannot_be_read_is_refused(tracker: Tracker, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("rule: cn-2099-1\n")
    assert "published" in refused(tracker("simulate", tmp_path / "bad.yaml"))
    assert "no such file" in refused(tracker("simulate", tmp_path / "none.yaml"))


def test_dead_letters_are_listed_and_shown_with_their_bytes(tracker: Tracker) -> None:
    letters = tracker.rows("dead-letters", "list")
    assert [letter["kind"] for letter in letters] == ["unreadable", "unknown_type"]
    (unknown,) = tracker.rows("dead-letters", "show", letters[1]["letter"])
    assert json.loads(unknown["raw"]) == json.loads(UNKNOWN_TYPE)
    said = tracker("dead-letters", "show", letters[0]["letter"]).stdout
    assert "tell it again" in said
    assert "2 dead letters" in tracker("dead-letters", "list").stdout or "unreadable" in tracker(
        "dead-letters", "list").stdout  # fmt: skip
    assert tracker("dead-letters", "resume").stdout == "0 dead letters could be read.\n"


@pytest.mark.parametrize(
    ("letter", "says"), [("17", "TOPIC/PARTITION"), ("contracts/0/999/0", "no dead letter")]
)
def test_a_dead_letter_that_is_not_there_is_refused(tracker: Tracker, letter: str, says: str) -> None:
    assert says in refused(tracker("dead-letters", "show", letter))


def test_the_acts_that_were_told_are_those_of_the_packs(tracker: Tracker) -> None:
    asked = ("rules", "--at", "2020-04-05T00:00Z")
    stored = tracker.rows(*asked, "--stored")
    assert stored
    assert stored == tracker.rows(*asked)
    early = ("--known", "2020-03-01T00:00Z")
    assert tracker.rows(*asked, "--stored", *early) == tracker.rows(*asked, *early) != stored
