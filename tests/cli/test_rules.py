"""`tracker rules`: which clauses bind at an instant, as far as was known by another, each with its citation."""

import csv
import json
from pathlib import Path

from tests.cli.conftest import Run, refused

APRIL_20 = "2020-04-20T00:00Z"


def in_force(run: Run, *arguments: str) -> dict[str, dict[str, object]]:
    done = run("rules", "--format", "json", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return {f"{row['rule']}/{row['clause']}": row for row in rows}


def test_a_clause_is_told_with_its_citation_from_its_first_instant_to_its_last(run: Run) -> None:
    row = in_force(run, "--at", APRIL_20)["cn-2020-05/1"]
    assert (row["issuers"], row["number"], row["dated"]) == (
        ["MOFCOM", "GAC", "NMPA"],
        "2020 No. 5",
        "2020-03-31",
    )
    assert row["url"]
    assert (row["since"], row["effect"]) == ("2020-03-31T16:00:00Z", "block")
    assert "cn-2020-12" in str(row["amended_by"])
    assert "cn-2020-05/1" in in_force(run, "--at", "2020-04-01T00:00+08:00")
    assert "cn-2020-05/1" not in in_force(run, "--at", "2020-03-31T23:59+08:00")


def test_a_row_says_where_goods_leave_from_which_they_are_and_by_which_routes_they_may(run: Run) -> None:
    rows = in_force(run, "--at", APRIL_20)
    kits = rows["cn-2020-05/1"]
    assert (kits["exported_from"], kits["routes"]) == (["CN"], ["domestic registration"])
    assert "covid_test_kit" in str(kits["goods"])
    origin = in_force(run, "--at", "2025-01-01T00:00Z")["cn-2024-46-origin/2"]
    assert origin["exported_from"] == ["any except CN"]


def test_acts_of_a_file_count_from_when_they_were_learnt(run: Run, tmp_path: Path) -> None:
    clause = {"clause": "1", "in_force": [{"from": "2020-03-13"}], "goods": [{"class": "food"}]}
    act = {"rule": "xx-1", "published": "2020-03-11T00:00Z", "exported_from": "AL", "clauses": [clause]}
    ended = act | {"clauses": [clause | {"in_force": [{"from": "2020-03-13", "through": "2020-04-30"}]}]}
    digest = f"sha256:{'0' * 64}"
    facts = [
        {"specversion": "1.0", "id": day, "source": "urn:test", "type": "rule.enacted", "recordedat": f"{day}T00:00Z",
         "data": {"document": document, "pack": digest}}
        for day, document in (("2020-03-11", act), ("2020-05-01", ended))
    ]  # fmt: skip
    path = tmp_path / "acts.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in facts))
    asked = ("--from", str(path), "--at", APRIL_20)
    assert in_force(run, *asked)["xx-1/1"]["until"] == "2020-05-01T00:00:00Z"
    assert in_force(run, *asked, "--known", APRIL_20)["xx-1/1"]["until"] is None
    assert "xx-1/1" not in in_force(run, *asked, "--known", "2020-03-01T00:00Z")
    assert "xx-1/1" not in in_force(run, "--at", APRIL_20)


def test_stored_acts_are_asked_for_alone(run: Run, tmp_path: Path) -> None:
    done = run("rules", "--stored", "--from", str(tmp_path / "acts.jsonl"))
    assert done.returncode == 2
    assert "--stored: goes without --rules and --from" in " ".join(done.stderr.replace("│", "").split())


def test_what_was_published_later_was_not_known_before(run: Run) -> None:
    row = in_force(run, "--at", APRIL_20, "--known", APRIL_20)["cn-2020-05/1"]
    assert (row["amended_by"], row["until"]) == ([], None)
    assert in_force(run, "--at", APRIL_20, "--known", "2020-03-01T00:00Z").keys().isdisjoint({"cn-2020-05/1"})


def test_readings_are_named_where_nobody_has_decided_and_only_there(run: Run) -> None:
    night, settled = "2020-04-26T00:00Z", "2020-04-28T00:00Z"
    undecided = in_force(run, "--at", night, "--known", night)
    assert undecided["cn-2020-05/1"]["readings"] == ["cn-2020-12/alternative", "cn-2020-12/cumulative"]
    assert undecided["us-fema-2020/328.102"]["readings"] == []
    assert in_force(run, "--at", night, "--known", settled)["cn-2020-05/1"]["readings"] == []


def test_a_suspended_clause_is_out_and_comes_back_by_itself(run: Run) -> None:
    clauses = [
        set(in_force(run, "--at", at))
        for at in ("2025-11-01T00:00Z", "2026-01-01T00:00Z", "2027-01-01T00:00Z")
    ]
    assert ["cn-2024-46/2" in names for names in clauses] == [True, False, True]


def test_people_and_spreadsheets_are_told_the_same(run: Run) -> None:
    table, sheet = (run("rules", "--at", APRIL_20, "--format", form).stdout for form in ("table", "csv"))
    names = [f"{row['rule']}/{row['clause']}" for row in csv.DictReader(sheet.splitlines())]
    assert names
    for name, line in zip(names, table.splitlines()[1:], strict=True):
        assert line.startswith(name)


def test_a_time_before_all_rules_has_none(run: Run) -> None:
    assert run("rules", "--at", "1990-01-01T00:00Z").stdout == "No clause is in force at 1990-01-01 00:00Z.\n"


def test_a_bad_instant_and_a_bad_folder_are_told(run: Run, tmp_path: Path) -> None:
    assert "expected an instant with its offset" in refused(run("rules", "--at", "2020-04-20"))
    assert "there is no such folder of rule packs" in refused(run("rules", "--rules", str(tmp_path / "nope")))
