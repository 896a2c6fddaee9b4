"""`tracker scenario`: cases that hold end with 0, that do not with 1 and a difference, that cannot be read with 2."""

import json
from pathlib import Path

import pytest

from services.runtime.packs import RULES
from tests.cli.conftest import Run, refused

CASES = """
- scenario: A kit maker with a CE certificate only
  rules: [cn-2020-05]
  given:
    - contract.signed: {exporter: acme, contract: C1, manufacturer: acme, buyer: hospital-es, exported_from: CN, destination: ES, currency: EUR, signed: 2020-03-20T10:00+08:00,
        lines: [{line: 1, class: covid_test_kit, hs: "38220090", hs_year: 2017, quantity: 1000, unit: H87, unit_price: "12.00", export_at: 2020-04-05T09:00+08:00, deadline: 2020-04-30T00:00+02:00}]}
    - licence.granted: {scheme: ce_marking, licence: L1, holder: acme, goods: [{class: covid_test_kit}], from: 2020-01-10T00:00+08:00}
    - licence.granted: {scheme: nmpa_registration, licence: L2, holder: acme, goods: [{class: covid_test_kit}], from: 2020-04-10T00:00+08:00, recorded: 2020-04-15T12:00+08:00}
    - assume: documents_filed
  then:
    - {line: acme/C1/1, at: 2020-04-05T09:00+08:00, verdict: unlicensed, rule: cn-2020-05, missing: [nmpa_registration], loss: {blocked_value: {base: "12000.00"}}}
    - {line: acme/C1/1, at: 2020-04-12T09:00+08:00, known: 2020-04-12T09:00+08:00, verdict: unlicensed, next_change_at: null}
    - {line: acme/C1/1, at: 2020-04-12T09:00+08:00, known: 2020-04-16T00:00+08:00, verdict: satisfied}
"""


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    path = tmp_path / "cases.yaml"
    path.write_text(CASES)
    return path


def test_cases_that_hold_are_counted(run: Run, cases: Path) -> None:
    done = run("scenario", cases)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "✓ cases.yaml: 1 case holds\n1 case, 3 answers, 0 not as expected\n"


def test_a_case_that_does_not_hold_shows_the_difference_and_ends_with_1(run: Run, cases: Path) -> None:
    cases.write_text(CASES.replace("verdict: satisfied", "verdict: partial, covered_quantity: 600"))
    done = run("scenario", cases)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.splitlines() == [
        "✗ cases.yaml: 0 of 1 case holds",
        "    A kit maker with a CE certificate only",
        "      acme/C1/1 at 2020-04-12 01:00Z known 2020-04-15 16:00Z",
        "        - verdict: partial",
        "        + verdict: satisfied",
        "        - covered_quantity: 600",
        "        + covered_quantity: 1000",
        "1 case, 3 answers, 1 not as expected",
    ]


def test_programs_get_a_line_for_each_answer(run: Run, cases: Path) -> None:
    cases.write_text(CASES.replace("acme/C1/1, at: 2020-04-05", "acme/C1/7, at: 2020-04-05"))
    done = run("scenario", cases, "--format", "json")
    first, second, _ = (json.loads(line) for line in done.stdout.splitlines())
    assert done.returncode == 1
    assert (first["line"], first["holds"]) == ("acme/C1/7", False)
    assert first["differences"] == [{"key": "line", "expected": "acme/C1/7", "found": None}]
    assert (second["holds"], second["differences"]) == (True, [])


def test_a_pack_that_is_given_wins(run: Run, cases: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    text = (RULES / "cn-2020-05.yaml").read_text()
    (tmp_path / "mine" / "later.yaml").write_text(
        text.replace("2020-04-01T00:00+08:00", "2020-04-06T00:00+08:00")
    )
    done = run("scenario", cases, "--rules", "mine")
    assert done.returncode == 1
    assert "+ verdict: clear" in done.stdout


BAD = {
    "rules: [cn-2020-05]|rules: [cn-1999-01]": "the rule cn-1999-01 is not known. Name the folder",
    "contract.signed:|contract.sealed:": "given 1 (contract.sealed): type: 'contract.sealed' is not known",
    "destination: ES|destination: SPAIN": "given 1 (contract.signed): destination: expected an ISO 3166-1 country",
    "assume: documents_filed|assume: the_best": "assume: expected documents_filed, not the_best",
    "at: 2020-04-05T09:00+08:00, verdict|at: 2020-04-05, verdict": "then 1: at: expected an instant with its offset",
    "verdict: satisfied|veredict: satisfied": "then 3: veredict: no such key is known here",
    "verdict: satisfied}|}": "then 3: expected a key of the answer, such as verdict",
    "  then:|  than:": "a scenario: expected then",
    "  given:|  given: {": "cases.yaml, line ",
}


@pytest.mark.parametrize("change", BAD)
def test_cases_that_cannot_be_read_are_told_with_the_place(run: Run, cases: Path, change: str) -> None:
    before, after = change.split("|")
    cases.write_text(CASES.replace(before, after, 1))
    assert BAD[change] in refused(run("scenario", cases))


def test_a_missing_file_and_one_without_cases_are_told(run: Run, tmp_path: Path) -> None:
    assert "nope.yaml: there is no such file" in refused(run("scenario", "nope.yaml"))
    (tmp_path / "empty.yaml").write_text("a: 1\n")
    assert "empty.yaml: expected one list of scenarios" in refused(run("scenario", "empty.yaml"))
