"""`tracker assess`: the answers of the services, from files alone; what cannot be used is told in one line."""

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from events import schemas
from events.impacts import Loss
from services.domain.answers import KEYS
from tests.cli.conftest import CE, CONTRACT, FACTS, LINES, NMPA, Run, refused, told

APRIL_5, APRIL_12 = "2020-04-05T09:00+08:00", "2020-04-12T09:00+08:00"


def answers(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    assert (done.returncode, done.stderr) == (0, "")
    return [json.loads(line) for line in done.stdout.splitlines()]


def verdicts(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [row["verdict"] for row in answers(done)]


def test_each_open_line_is_answered_with_the_published_keys(run: Run, book: Path) -> None:
    rows = answers(run("assess", book, "--format", "json", "--at", APRIL_5))
    schema = Draft202012Validator(json.loads((schemas.FOLDER / "verdict-row.schema.json").read_text()))
    assert [list(row) for row in rows] == [list(KEYS)] * 2
    for row in rows:
        schema.validate(row)
    kits, monitors = rows
    assert (kits["ref"], kits["verdict"], kits["rule"], kits["clause"]) == (
        "acme/C1/1",
        "unlicensed",
        "cn-2020-05",
        "1",
    )
    assert (kits["at"], kits["now"]) == ("2020-04-05T01:00:00Z", "2020-04-05T01:00:00Z")
    assert (kits["blocked_quantity"], kits["blocked_value"], kits["currency"]) == ("1000", "12000", "EUR")
    assert "nmpa_registration" in kits["missing"]
    assert kits["loss"]["blocked_value"]["base"] == "12000"
    assert list(kits["loss"]) == list(Loss.model_fields)
    assert (monitors["verdict"], monitors["rule"], monitors["loss"]) == ("clear", None, None)


def test_what_was_learnt_later_was_not_known_before(run: Run, book: Path) -> None:
    asked = ("assess", book, "--format", "json", "--at", APRIL_12)
    assert verdicts(run(*asked, "--known", APRIL_12)) == ["unlicensed", "clear"]
    assert verdicts(run(*asked, "--known", "2020-04-16T00:00+08:00")) == ["needs_documents", "clear"]


def test_without_a_clock_it_is_judged_when_the_last_fact_was_learnt(run: Run, book: Path) -> None:
    rows = answers(run("assess", book, "--format", "json"))
    assert {row["now"] for row in rows} == {"2020-04-15T04:00:00Z"}
    assert {row["now"] for row in answers(run("assess", book, "--format", "json", "--now", APRIL_5))} == {
        "2020-04-05T01:00:00Z"
    }


def test_order_and_repetition_change_no_byte(run: Run, book: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.jsonl"
    other.write_text(
        "\n".join([*reversed(book.read_text().splitlines()), "", *book.read_text().splitlines()])
    )
    asked = ("--format", "json", "--at", APRIL_12)
    assert run("assess", other, book, *asked).stdout == run("assess", book, *asked).stdout


def test_a_batch_over_many_lines_and_a_batch_a_line_are_read(run: Run, book: Path, tmp_path: Path) -> None:
    batch = [json.loads(line) for line in book.read_text().splitlines()]
    (tmp_path / "pretty.json").write_text(json.dumps(batch, indent=2))
    (tmp_path / "one-line.json").write_text(json.dumps(batch))
    expected = run("assess", book, "--format", "json").stdout
    for name in ("pretty.json", "one-line.json"):
        assert run("assess", name, "--format", "json").stdout == expected


def test_people_see_columns_without_colours_where_output_is_no_terminal(run: Run, book: Path) -> None:
    done = run("assess", book, "--at", APRIL_5)
    head, kits, monitors, *summary = done.stdout.splitlines()
    assert head.split()[:3] == ["line", "buyer", "verdict"]
    assert kits.split()[:4] == ["acme/C1/1", "hospital-es", "unlicensed", "cn-2020-05/1"]
    assert "nmpa_registration, cn-2020-05-declaration, destination_conformity" in kits
    assert monitors.split()[:3] == ["acme/C1/2", "hospital-es", "clear"]
    assert summary[0].split("  ") == ["2 open lines: 1 clear", "1 unlicensed", ""]
    assert summary[1] == "blocked 12,000 EUR"
    assert "\x1b" not in done.stdout


def test_a_spreadsheet_gets_a_header_and_no_formula(run: Run, tmp_path: Path) -> None:
    evil = {**CONTRACT, "buyer": "=cmd|' /C calc'!A0", "lines": LINES[:1]}
    (tmp_path / "evil.jsonl").write_text(json.dumps(told("contract.signed", evil)))
    rows = list(
        csv.DictReader(run("assess", "evil.jsonl", "--format", "csv", "--at", APRIL_5).stdout.splitlines())
    )
    assert list(rows[0]) == list(KEYS)
    assert rows[0]["buyer"] == "'=cmd|' /C calc'!A0"
    assert rows[0]["missing"] == "nmpa_registration; cn-2020-05-declaration; destination_conformity"
    assert rows[0]["open_quantity"] == "1000"


LIGHT = """
rule: cn-2020-05
published: 2020-03-31T18:00+08:00
exported_from: CN
clauses:
  - {clause: "9", in_force: [{from: 2020-04-01T00:00+08:00}], goods: [{class: office_chair}]}
"""


def test_a_pack_with_the_same_rule_id_wins_over_the_shipped_one(run: Run, book: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "pack.yaml").write_text(LIGHT)
    asked = ("--format", "json", "--at", APRIL_5)
    for arguments in (("assess", book, "--rules", "mine"), ("assess", book, "mine/pack.yaml")):
        rows = answers(run(*arguments, *asked))
        assert [(row["verdict"], row["clause"]) for row in rows] == [("clear", None), ("prohibited", "9")]


def test_a_book_without_open_lines_has_no_rows(run: Run, tmp_path: Path) -> None:
    (tmp_path / "ce.jsonl").write_text(json.dumps(told("licence.granted", CE)))
    assert answers(run("assess", "ce.jsonl", "--format", "json")) == []
    assert run("assess", "ce.jsonl").stdout == "No open lines.\n"


def test_whoever_stops_reading_causes_no_error(book: Path) -> None:
    command = f"{sys.executable} -m services.cli assess {book} --format json | head -c 1"
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, timeout=120, check=True)
    assert (done.stdout, done.stderr) == ("{", "")


def test_a_missing_file_is_told(run: Run) -> None:
    assert "nope.jsonl: there is no such file. Check the name" in refused(run("assess", "nope.jsonl"))
    assert "is a folder" in refused(run("assess", "."))


BAD = {
    '{"specversion": "1.0", ': "line 2: not JSON",
    json.dumps(
        told("contract.signed", {**CONTRACT, "signed": "2020-03-20T10:00"})
    ): "line 2: signed: expected an instant with its offset, such as 2020-04-01T00:00+08:00",
    json.dumps(
        told("licence.granted", {**NMPA, "colour": "red"})
    ): "line 2: colour: no such field is known here",
    json.dumps(told("licence.lost", NMPA)): "line 2: type: 'licence.lost' is not known to this version",
    json.dumps(
        told("licence.granted", {**NMPA, "quantity": 1.5, "unit": "KGM"})
    ): "line 2: quantity: expected a quantity",
}


@pytest.mark.parametrize("line", BAD)
def test_a_line_that_cannot_be_read_is_told_with_its_number(run: Run, tmp_path: Path, line: str) -> None:
    (tmp_path / "bad.jsonl").write_text(f"{json.dumps(told(*FACTS[1]))}\n{line}\n{line}\n")
    message = refused(run("assess", "bad.jsonl"))
    assert f"bad.jsonl, {BAD[line]}" in message
    assert message.endswith("(and 1 more)\n")


def test_a_broken_batch_over_many_lines_is_told_with_the_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text('[\n  {"specversion": "1.0",\n  }\n]\n')
    assert "bad.json, line 3: not JSON" in refused(run("assess", "bad.json"))


def test_an_empty_file_is_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text("\n")
    assert "empty.jsonl: no events, so nothing to assess" in refused(run("assess", "empty.jsonl"))


@pytest.mark.parametrize("option", ["--at", "--known", "--now"])
def test_a_bad_instant_is_told(run: Run, book: Path, option: str) -> None:
    for text in ("yesterday", "2020-04-01", "2020-04-01T00:00"):
        message = refused(run("assess", book, option, text))
        assert (
            f"'{option}': '{text}': expected an instant with its offset, such as 2020-04-01T00:00+08:00"
            in message
        )


def test_an_unknown_option_format_or_command_is_told(run: Run, book: Path) -> None:
    assert "No such option: --colour" in refused(run("assess", book, "--colour"))
    assert "'table', 'json', 'csv'" in refused(run("assess", book, "--format", "xml"))
    assert "No such command 'asess'" in refused(run("asess", book))
    assert "FILE" in refused(run("assess"))


def test_a_bad_pack_is_told_with_document_clause_and_field(run: Run, book: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    pack = tmp_path / "mine" / "pack.yaml"
    pack.write_text(f"{LIGHT}\n---\n{LIGHT.replace('cn-2020-05', 'x').replace('in_force', 'inforce')}")
    message = refused(run("assess", book, "--rules", "mine"))
    assert "mine/pack.yaml, document 2 (x), clause 9, in_force: expected, but missing (and 1 more)" in message
    pack.write_text(f"{LIGHT}rule: twice\n")
    assert "mine/pack.yaml, line 7: not YAML: the key rule stands twice" in refused(
        run("assess", book, "--rules", "mine")
    )
    pack.unlink()
    assert "mine: holds no rule pack" in refused(run("assess", book, "--rules", "mine"))
    assert "yours: there is no such folder" in refused(run("assess", book, "--rules", "yours"))
