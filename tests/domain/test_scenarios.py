"""Golden cases in short form: how they are read, what they assume, and when an answer is what they expect."""

from typing import Any

import pytest

from services.domain import scenarios
from services.domain.scenarios import CaseError, Difference, read, run, same
from services.runtime.packs import acts, shared_facts

LINE = {"line": "1", "class": "covid_test_kit", "quantity": "10", "unit": "H87", "unit_price": "2.50",
        "export_at": "2020-04-05T09:00+08:00"}  # fmt: skip
SIGNED = {"exporter": "acme", "contract": "C1", "manufacturer": "acme", "buyer": "b", "exported_from": "CN",
          "destination": "ES", "currency": "EUR", "signed": "2020-03-20T10:00+08:00", "lines": [LINE]}  # fmt: skip
GRANTED = {"scheme": "nmpa_registration", "licence": "L1", "holder": "acme", "from": "2020-04-02T00:00+08:00"}
CONTRACT, GRANT = {"contract.signed": SIGNED}, {"licence.granted": GRANTED}
ASSUMED = {"assume": "documents_filed"}


def case(
    *given: object, then: object = None, rules: object = ("cn-2020-05",), **more: object
) -> scenarios.Case:
    expected = [then or {"line": "acme/C1/1", "verdict": "satisfied"}]
    return read({"scenario": "A case", "rules": list(rules), "given": list(given), "then": expected, **more})  # type: ignore[call-overload]


def differences(one: scenarios.Case) -> list[Difference]:
    known = {name: act.event() for name, act in acts().items()}
    return [difference for outcome in run(one, known, shared_facts()) for difference in outcome.differences]


def told(one: scenarios.Case) -> Any:
    (difference,) = differences(one)
    return difference.found


def test_a_line_is_judged_as_planned_unless_the_case_says_when() -> None:
    assert differences(case(CONTRACT, GRANT, ASSUMED)) == []
    early = {"line": "acme/C1/1", "at": "2020-04-01T12:00+08:00", "verdict": "satisfied"}
    assert differences(case(CONTRACT, GRANT, ASSUMED, then=early)) == [
        Difference("verdict", "satisfied", "unlicensed")
    ]


def test_the_plan_is_that_of_the_last_amendment_that_was_known() -> None:
    """Planned for the 5th it needs a registration; planned anew for the 29th of March it would not have."""
    moved = {"contract.amended": {"exporter": "acme", "contract": "C1", "at": "2020-03-25T00:00Z",
             "lines": [{**LINE, "export_at": "2020-03-29T09:00+08:00"}], "recorded": "2020-04-02T00:00Z"}}  # fmt: skip
    before = {"line": "acme/C1/1", "known": "2020-04-01T00:00Z", "verdict": "unlicensed"}
    assert differences(case(CONTRACT, moved, then=before)) == []
    assert differences(case(CONTRACT, moved, then={"line": "acme/C1/1", "verdict": "clear"})) == []


def test_a_fact_is_learnt_when_it_happens_unless_the_case_says_when() -> None:
    known = {"line": "acme/C1/1", "known": "2020-04-03T00:00+08:00", "verdict": "satisfied"}
    assert differences(case(CONTRACT, GRANT, ASSUMED, then=known)) == []
    late = {"licence.granted": {**GRANTED, "recorded": "2020-04-04T00:00+08:00"}}
    assert told(case(CONTRACT, late, ASSUMED, then=known)) == "unlicensed"


def test_a_rule_is_learnt_on_its_publication_unless_the_case_says_when() -> None:
    known = {"line": "acme/C1/1", "known": "2020-04-01T00:00+08:00", "verdict": "unlicensed"}
    assert differences(case(CONTRACT, then=known)) == []
    late = [{"rule": "cn-2020-05", "recorded": "2020-04-02T00:00+08:00"}]
    assert told(case(CONTRACT, then=known, rules=late)) == "clear"


def test_documents_are_pending_unless_assumed_and_what_is_told_of_one_stands() -> None:
    assert told(case(CONTRACT, GRANT)) == "needs_documents"
    paper = {
        "exporter": "acme",
        "document": "D",
        "form": "destination_conformity",
        "by": "exporter",
        "contract": "C1",
    }
    refused = {"document.filed": {**paper, "at": "2020-04-01T00:00Z", "refused": "true"}}
    assert told(case(CONTRACT, GRANT, ASSUMED, refused)) == "unlicensed"


def test_assumed_documents_are_filed_anew_when_the_contract_changes() -> None:
    moved = {
        "contract.amended": {
            "exporter": "acme",
            "contract": "C1",
            "at": "2020-04-03T00:00Z",
            "destination": "FR",
        }
    }
    assert differences(case(CONTRACT, GRANT, ASSUMED, moved)) == []


def test_a_line_that_is_not_open_is_told() -> None:
    gone = {"contract.cancelled": {"exporter": "acme", "contract": "C1", "at": "2020-04-01T00:00Z"}}
    for one in (
        case(CONTRACT, gone),
        case(GRANT),
        case(CONTRACT, then={"line": "acme/C1/9", "verdict": "clear"}),
    ):
        assert [difference.key for difference in differences(one)] == ["line"]


def test_a_rule_that_nobody_knows_is_told() -> None:
    with pytest.raises(CaseError, match="the rule cn-1999-01 is not known"):
        differences(case(CONTRACT, rules=["cn-1999-01"]))


@pytest.mark.parametrize(
    ("expected", "found", "key"),
    [
        ("null", None, "rule"),
        ("1000", "1000", "open_quantity"),
        ("12000.00", "12000", "blocked_value"),
        ("2020-04-10T00:00+08:00", "2020-04-09T16:00:00Z", "next_change_at"),
        (["b", "a"], ["a", "b"], "missing"),
        ([], [], "readings"),
        (
            [{"from": "2020-04-10T00:00+08:00"}],
            [{"from": "2020-04-09T16:00:00Z", "until": None}],
            "export_windows",
        ),
        ({"penalty": {"base": "5.0"}}, {"penalty": {"base": "5", "low": "0"}, "other": {}}, "loss"),
    ],
)
def test_an_answer_is_what_was_expected_however_it_was_written(
    expected: object, found: object, key: str
) -> None:
    assert same(expected, found, key)


@pytest.mark.parametrize(
    ("expected", "found", "key"),
    [
        ("null", "cn-2020-05", "rule"),
        ("cn-2020-05", None, "rule"),
        ("1000", "100", "open_quantity"),
        ("1.10", "1.01", "blocked_value"),
        ("2020-04-10T00:00Z", "2020-04-09T16:00:00Z", "next_change_at"),
        (["a"], ["a", "b"], "missing"),
        (["a", "a"], ["a", "b"], "missing"),
        ([{"from": "2020-04-10T00:00Z"}], [], "export_windows"),
        ({"penalty": {"base": "5"}}, None, "loss"),
        ({"penalty": {"base": "5"}}, {"penalty": {"base": None}}, "loss"),
    ],
)
def test_an_answer_that_differs_is_told(expected: object, found: object, key: str) -> None:
    assert not same(expected, found, key)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("text", "a scenario: expected keys and values"),
        ({"scenario": "S"}, "a scenario: expected rules, given, then"),
        ({"scenario": "S", "rules": "x", "given": [], "then": []}, "S: rules: expected a list"),
        ({"scenario": "S", "rules": [{"role": "x"}], "given": [], "then": []}, "S: rules: expected rule"),
        ({"scenario": "S", "rules": [], "given": ["x"], "then": []}, "S: given 1: expected keys and values"),
        ({"scenario": "S", "rules": [], "given": [{}], "then": []}, "S: given 1: expected one fact"),
        ({"scenario": "S", "rules": [], "given": [GRANT | CONTRACT], "then": []}, "S: given 1: expected one fact"),
        ({"scenario": "S", "rules": [], "given": [], "then": [{"verdict": "clear"}]}, "S: then 1: expected line"),
        ({"scenario": "S", "rules": [], "given": [], "then": [{"line": "x"}]}, "S: then 1: expected a key"),
        ({"scenario": "S", "rules": [], "given": [], "then": [], "else": []}, "a scenario: else: no such key"),
    ],
)  # fmt: skip
def test_a_case_that_cannot_be_read_is_told_with_the_place(raw: object, expected: str) -> None:
    with pytest.raises(CaseError) as caught:
        read(raw)
    assert expected in str(caught.value)
