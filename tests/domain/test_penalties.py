"""What delay costs, and when force majeure exempts."""

from typing import Any

import pytest

from tests.domain.blocked import (
    base,
    book,
    fact,
    granted,
    lead_time,
    line,
    loss,
    losses,
    notified,
    rule,
    signed,
    stated,
    steps,
    three,
)

# 1,000 kits at 1,000: a million; 0.1 % a day is 1,000, 5 % is 50,000. The block is 1 April, the deadline the 30th.
DAILY = {"rate_per_day": "0.001"}
CAPPED = {"rate_per_day": "0.001", "cap": "0.05"}
FORCE_MAJEURE = {"notice_days": 14, "terminates_after_days": 60}


def delayed(damages: dict[str, str] | None = None, **more: Any) -> Any:
    terms = {"liquidated_damages": damages or CAPPED, **more}
    return signed(terms=terms)


def test_delay_runs_from_the_deadline_to_the_release_at_each_quantile() -> None:
    found = loss([delayed(), lead_time(10, 40, 100)])
    assert three(found, "penalty") == ["0", "11000", "50000"]  # 11 April · 11 May · 10 July


def test_without_a_cap_delay_costs_what_it_lasts() -> None:
    assert three(loss([delayed(DAILY), lead_time(10, 40, 100)]), "penalty") == ["0", "11000", "71000"]


def test_without_a_lead_time_delay_runs_to_its_cap() -> None:
    assert three(loss([delayed()]), "penalty") == ["50000", "50000", "50000"]


def test_without_a_cap_and_without_a_release_the_penalty_is_unknown_and_says_so() -> None:
    found = loss([delayed(DAILY)])
    assert three(found, "penalty") == [None, None, None]
    assert (
        found["penalty"]["reason"] == "damages for delay have no cap, and nothing says when the line may go"
    )
    assert found["out_of_pocket"]["reason"] == found["penalty"]["reason"]


def test_only_a_cap_is_due_from_the_first_day_late() -> None:
    assert three(loss([delayed({"cap": "0.02"}), lead_time(10, 40, 100)]), "penalty") == [
        "0",
        "20000",
        "20000",
    ]


def test_a_cap_stated_as_a_sum_bounds_it_too() -> None:
    assert base(loss([delayed(), stated("liquidated_damages_cap", "700")]), "penalty") == ["700"]
    assert base(loss([delayed(DAILY), stated("liquidated_damages_cap", "700")]), "penalty") == ["700"]


def test_a_prohibited_line_is_late_without_end() -> None:
    never = {"route": "none", "all": [{"never": True}]}
    found = losses(book(delayed(), lead_time(), under=rule(routes=[never])))["acme/C1/1"]
    assert (three(found, "penalty"), found["probability"]) == (["50000"] * 3, "0")


def test_without_agreed_damages_delay_costs_nothing() -> None:
    assert three(loss([signed()]), "penalty") == ["0", "0", "0"]


def test_only_the_blocked_part_is_late() -> None:
    sent = fact("goods.shipped", exporter="acme", contract="C1", line="1", quantity="600", unit="H87",
                at="2020-03-20T00:00+00:00")  # fmt: skip
    assert base(loss([delayed(), sent]), "penalty") == ["20000"]


def test_a_window_that_is_known_is_the_release() -> None:
    coming = granted("2020-04-25T00:00+00:00")
    found = loss([delayed(), coming, lead_time()])
    assert (three(found, "penalty"), found["probability"]) == (["0"] * 3, "1")


def test_days_to_the_release_may_be_stated() -> None:
    found = loss([delayed(), lead_time(), stated("release_days", "31")])
    assert (three(found, "penalty"), found["probability"]) == (["2000"] * 3, "0")


def test_low_exempts_while_notice_may_still_have_been_given_and_base_does_not() -> None:
    assert three(loss([delayed(force_majeure=FORCE_MAJEURE)]), "penalty") == ["0", "50000", "50000"]


def test_notice_in_time_exempts_in_base_and_late_notice_nowhere() -> None:
    terms = delayed(force_majeure={"notice_days": 1})
    assert three(loss([terms, notified("2020-04-02T00:00+00:00")]), "penalty") == ["0", "0", "50000"]
    assert three(loss([terms, notified("2020-04-02T00:00:01+00:00")]), "penalty") == ["50000"] * 3


def test_notice_without_a_clause_exempts_as_the_law_of_sales_does() -> None:
    assert three(loss([delayed(), notified("2020-04-02T00:00+00:00")]), "penalty") == ["0", "0", "50000"]


def test_force_majeure_exempts_in_base_only_as_long_as_it_runs() -> None:
    facts = [
        delayed(DAILY, force_majeure=FORCE_MAJEURE),
        notified("2020-04-02T00:00+00:00"),
        lead_time(70, 80, 90),
    ]
    assert three(loss(facts), "penalty") == ["0", "20000", "61000"]  # it runs to 31 May; 20 days after, of 51


def test_force_majeure_may_be_said_to_end_earlier() -> None:
    until = notified("2020-04-02T00:00+00:00", until="2020-05-10T00:00+00:00")
    assert base(
        loss([delayed(DAILY, force_majeure=FORCE_MAJEURE), until, lead_time(10, 40, 50)]), "penalty"
    ) == ["1000"]


def test_what_was_late_before_the_block_is_not_exempt() -> None:
    late = signed(line(export_at="2020-03-20T00:00+00:00", deadline="2020-03-22T00:00+00:00"),
                  terms={"liquidated_damages": DAILY, "force_majeure": FORCE_MAJEURE})  # fmt: skip
    found = loss([late, notified("2020-04-02T00:00+00:00"), lead_time(10, 40, 50)])
    assert three(found, "penalty") == ["10000", "10000", "60000"]


@pytest.mark.parametrize(
    ("day", "low"), [("2020-03-31T12:00+00:00", "0"), ("2020-03-31T12:00:01+00:00", "50000")]
)
def test_a_contract_signed_after_the_rule_was_published_is_not_exempt(day: str, low: str) -> None:
    terms = {"liquidated_damages": CAPPED, "force_majeure": FORCE_MAJEURE}
    found = loss([signed(signed=day, terms=terms), notified("2020-04-02T00:00+00:00")])
    assert three(found, "penalty") == [low, low, "50000"]


def test_the_steps_say_why_delay_costs_what_it_does() -> None:
    told = steps(book(delayed(force_majeure=FORCE_MAJEURE), lead_time()))["steps"]["penalty"]
    assert told == [
        "damages for delay: 0.001 a day, at most 0.05 of 1000000 EUR",
        "deadline 2020-04-30",
        "release: registration: 10/40/100 days from block of 2020-04-01",
        "days late, not exempt: 0 / 11 / 71",
        "force majeure: exempt in low only, no notice on file",
    ]
