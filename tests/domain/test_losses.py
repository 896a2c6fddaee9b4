"""What a blocked line loses, term by term: the worked example of the module first."""

from typing import Any

import pytest

from events.envelope import Event
from services.domain.losses import DEFAULTS
from tests.domain.blocked import (
    NOW,
    base,
    book,
    bought,
    fact,
    granted,
    lead_time,
    line,
    loss,
    losses,
    notified,
    rates,
    rows,
    signed,
    stated,
    steps,
    three,
)

KEYS = ["blocked_value", "stock_write_down", "commitment_loss", "penalty", "onerous_provision", "other", "recoveries",
        "out_of_pocket", "lost_margin", "expectation_loss", "accounting_charge", "cash_call", "probability", "expected",
        "avoidable"]  # fmt: skip
FORCE_MAJEURE = {"force_majeure": {"notice_days": 14, "terminates_after_days": 90}}


def worked_example(*more: Event, **terms: Any) -> list[Event]:
    """The example that opens the module, in thousands: 1,000 kits at 1 each."""
    return [
        signed(
            line(unit_price="1", cost_to_go="0.15"),
            terms={"advance": "300", "liquidated_damages": {"cap": "0.05"}, **terms},
        ),
        bought("stock", unit_cost="0.35", salvage_unit_price="0.14"),
        bought("order", ordered=True, component="tube", unit_cost="0.12", cancellation_fee="40",
               salvage_unit_price="0.05"),
        stated("storage", "5"),
        *more,
    ]  # fmt: skip


def test_the_worked_example_of_the_module_comes_out_figure_by_figure() -> None:
    found = loss(worked_example())
    names = ("blocked_value", "stock_write_down", "commitment_loss", "penalty", "other", "out_of_pocket", "lost_margin",
             "expectation_loss", "accounting_charge", "cash_call")  # fmt: skip
    assert base(found, *names) == ["1000", "210", "40", "50", "5", "305", "380", "685", "305", "390"]


def test_the_worked_example_costs_255_when_force_majeure_exempts() -> None:
    found = loss(worked_example(notified("2020-04-02T00:00+00:00"), **FORCE_MAJEURE))
    assert base(found, "penalty", "out_of_pocket") == ["0", "255"]
    assert three(found, "penalty") == ["0", "0", "50"]


def test_a_loss_has_the_terms_by_name_in_one_order_each_with_low_base_high_and_currency() -> None:
    found = loss(worked_example())
    assert list(found) == KEYS
    known = [name for name in KEYS if name not in ("probability", "expected")]
    assert all(list(found[name]) == ["low", "base", "high", "currency"] for name in known)


def test_a_line_that_loses_nothing_has_no_loss() -> None:
    found = rows(book(signed(), bought("stock"), granted("2020-01-01T00:00+00:00")))
    assert found["blocked_quantity"].to_list() == [0]
    assert found["loss"].to_list() == found["loss_steps"].to_list() == [None]


def test_nothing_drifts_with_now() -> None:
    of = book(*worked_example(lead_time()))
    later = NOW.replace(month=5, day=20)
    assert losses(of) == losses(of, later)


def test_no_salvage_is_nothing_in_base_and_high_and_the_cost_in_low() -> None:
    found = loss([signed(), bought("stock")])
    assert three(found, "stock_write_down") == ["0", "1000", "1000"]


def test_stock_that_fetches_more_than_it_cost_is_not_written_down_but_scrap_is() -> None:
    found = loss([signed(), bought("stock", salvage_unit_price="3")])
    assert three(found, "stock_write_down") == ["0", "0", "1000"]


def test_the_cost_of_selling_lowers_what_stock_fetches_but_never_below_nothing() -> None:
    dear = bought("a", salvage_unit_price="0.40", salvage_unit_cost="0.10")
    hopeless = bought("b", salvage_unit_price="0.10", salvage_unit_cost="0.40")
    assert base(loss([signed(), dear]), "stock_write_down") == ["700"]
    assert base(loss([signed(), hopeless]), "stock_write_down") == ["1000"]


def test_an_order_without_a_cancellation_fee_cannot_be_called_off() -> None:
    firm = bought("order", ordered=True, salvage_unit_price="0.2")
    assert base(loss([signed(), firm]), "commitment_loss", "cash_call") == ["800", "1000"]


def test_an_order_is_taken_and_resold_where_that_is_cheaper() -> None:
    found = loss([signed(), bought("order", ordered=True, salvage_unit_price="0.9", cancellation_fee="300")])
    assert base(found, "commitment_loss", "cash_call") == ["100", "1000"]


def test_what_is_prepaid_is_lost_with_the_fee_and_not_paid_again() -> None:
    order = bought("order", ordered=True, cancellation_fee="50", prepaid="200")
    found = loss([signed(), order])
    assert base(found, "commitment_loss", "cash_call") == ["250", "50"]


def test_a_delivery_shrinks_its_order_and_fee_and_prepayment_with_it() -> None:
    order = bought("order", ordered=True, cancellation_fee="100", salvage_unit_price="0")
    delivery = bought("order", quantity="250", at="2020-03-20T00:00+00:00")
    found = loss([signed(), order, delivery])
    assert base(found, "stock_write_down", "commitment_loss") == ["250", "75"]


def test_a_delivery_takes_what_it_does_not_say_from_its_order() -> None:
    order = bought("order", ordered=True, salvage_unit_price="0.6")
    delivery = fact("component.purchased", exporter="acme", purchase="order", component="swab", quantity="1000",
                    unit="H87", unit_cost="1", currency="EUR", at="2020-03-20T00:00+00:00")  # fmt: skip
    assert base(loss([signed(), order, delivery]), "stock_write_down", "commitment_loss") == ["400", "0"]


def test_a_sale_after_the_block_turns_the_estimate_into_a_fact() -> None:
    sale = fact("component.disposed", exporter="acme", purchase="stock", quantity="400", proceeds="300", currency="EUR",
                at="2020-04-02T00:00+00:00")  # fmt: skip
    found = loss([signed(), bought("stock", salvage_unit_price="0.5"), sale])
    assert base(found, "stock_write_down") == ["400"]  # 400 − 300 realised, 600 × 0.5 still estimated


def test_a_sale_before_the_block_has_nothing_to_do_with_it() -> None:
    sale = fact("component.disposed", exporter="acme", purchase="stock", proceeds="300", currency="EUR",
                at="2020-03-20T00:00+00:00")  # fmt: skip
    assert base(loss([signed(), bought("stock"), sale]), "stock_write_down") == ["0"]


def test_an_order_called_off_costs_its_fee_less_what_came_back() -> None:
    order = bought("order", ordered=True, cancellation_fee="100", prepaid="400")
    off = fact("component.order_cancelled", exporter="acme", purchase="order", proceeds="350", currency="EUR",
               at="2020-04-02T00:00+00:00")  # fmt: skip
    found = loss([signed(), order, off])
    assert base(found, "commitment_loss", "cash_call") == ["150", "0"]


def test_a_line_shipped_in_part_bears_stock_in_proportion() -> None:
    sent = fact("goods.shipped", exporter="acme", contract="C1", line="1", quantity="400", unit="H87",
                at="2020-03-25T00:00+00:00")  # fmt: skip
    found = loss([signed(), bought("stock"), sent])
    assert base(found, "blocked_value", "stock_write_down") == ["600000", "600"]


def test_what_was_ordered_after_the_rule_was_published_is_avoidable_and_outside_the_total() -> None:
    late = bought("late", at="2020-04-01T12:00+00:00", salvage_unit_price="0.25")
    found = loss([signed(line(cost_to_go="100")), bought("stock"), late])
    assert base(found, "stock_write_down", "avoidable", "out_of_pocket") == ["1000", "750", "1000"]
    assert base(found, "lost_margin") == ["898000"]  # all that fulfilling would have cost


def test_a_delivery_after_the_rule_of_what_was_ordered_before_was_not_avoidable() -> None:
    order = bought("order", ordered=True)
    delivery = bought("order", at="2020-04-01T12:00+00:00")
    assert base(loss([signed(), order, delivery]), "stock_write_down", "avoidable") == ["1000", "0"]


def test_a_missing_cost_to_go_leaves_the_margin_unknown_with_its_reason() -> None:
    found = loss([signed()])
    assert three(found, "lost_margin") == [None, None, None]
    assert found["lost_margin"]["reason"] == "the cost still to come is not given"
    assert found["expectation_loss"]["base"] is None
    assert found["out_of_pocket"]["base"] == "0"


def test_a_stated_term_replaces_the_estimate_and_is_tagged_given() -> None:
    facts = [signed(), bought("stock"), stated("stock_write_down", "123.45")]
    assert three(loss(facts), "stock_write_down") == ["123.45"] * 3
    assert base(loss(facts), "out_of_pocket") == ["123.45"]
    told = steps(book(*facts))
    assert told["tags"]["stock_write_down"] == "given"
    assert told["steps"]["stock_write_down"] == ["stated: 123.45 EUR"]


def test_the_last_statement_of_a_figure_counts() -> None:
    first, then = stated("storage", "5"), stated("storage", "7", at="2020-04-02T00:00+00:00")
    assert base(loss([signed(), then, first]), "other") == ["7"]


def test_a_stated_penalty_is_the_onerous_provision_too_unless_that_is_stated() -> None:
    assert base(loss([signed(), stated("penalty", "9")]), "onerous_provision", "cash_call") == ["9", "9"]
    both = [signed(), stated("penalty", "9"), stated("onerous_provision", "4")]
    assert base(loss(both), "penalty", "onerous_provision", "accounting_charge") == ["9", "4", "4"]


def test_a_stated_value_of_the_stock_leaves_the_rest_of_its_cost_as_write_down() -> None:
    assert three(loss([signed(), bought("stock"), stated("nrv", "900")]), "stock_write_down") == ["100"] * 3


def test_recoveries_lower_what_is_out_of_pocket_but_not_the_charge() -> None:
    facts = [signed(), bought("stock"), stated("insurance", "100"), stated("supplier_returns", "50")]
    assert base(loss(facts), "recoveries", "out_of_pocket", "accounting_charge") == ["150", "850", "1000"]


def test_a_stated_loss_shows_on_a_line_that_nothing_blocks() -> None:
    found = loss([signed(), granted("2020-01-01T00:00+00:00"), stated("storage", "5")])
    assert base(found, "blocked_value", "other", "out_of_pocket") == ["0", "5", "5"]


def test_a_loss_stated_for_a_contract_goes_to_its_blocked_lines_and_adds_up() -> None:
    free = line(4, destination="PT")
    found = losses(book(signed(line(1), line(2), line(3), free), stated("demurrage", "100", line=None)))
    assert [one["other"]["base"] for one in found.values()] == ["33.34", "33.33", "33.33"]
    assert list(found) == ["acme/C1/1", "acme/C1/2", "acme/C1/3"]


def test_an_advance_is_split_over_all_lines_by_value_and_only_the_blocked_ones_refund_it() -> None:
    free = line(2, destination="PT", unit_price="3000")
    found = losses(book(signed(line(1), free, terms={"advance": "100"})))
    assert {ref: one["cash_call"]["base"] for ref, one in found.items()} == {"acme/C1/1": "25"}


def test_an_advance_is_what_was_received_where_that_is_known() -> None:
    paid = fact("contract.dated", exporter="acme", contract="C1", fact="advance_payment_received", value="80",
                currency="EUR", at="2020-03-10T00:00+00:00")  # fmt: skip
    assert base(loss([signed(terms={"advance": "100"}), paid]), "cash_call") == ["80"]


def test_a_guarantee_counts_as_far_as_it_exceeds_the_claim_it_secures() -> None:
    assert base(loss([signed(terms={"advance": "100", "guarantee": "130"})]), "cash_call") == ["130"]
    assert base(loss([signed(terms={"advance": "100", "guarantee": "60"})]), "cash_call") == ["100"]


def test_each_term_keeps_its_currency_and_sums_are_in_that_of_the_contract() -> None:
    facts = [
        signed(),
        bought("stock", currency="CNY"),
        rates("2020-03-31", CNY="8"),
        rates("2020-04-02", CNY="5"),
    ]
    found = loss(facts)
    assert found["stock_write_down"] == {"low": "0", "base": "1000", "high": "1000", "currency": "CNY"}
    assert found["out_of_pocket"] == {"low": "0", "base": "125", "high": "125", "currency": "EUR"}
    assert "CNY to EUR: 1 EUR = 8 CNY (2020-03-31)" in steps(book(*facts))["steps"]["out_of_pocket"]


def test_components_in_several_currencies_are_one_term_in_that_of_the_contract() -> None:
    parts = [bought("a", currency="CNY"), bought("b", currency="USD")]
    found = loss([signed(), *parts, rates("2020-04-01", CNY="8", USD="1.25")])
    assert found["stock_write_down"] == {"low": "0", "base": "925", "high": "925", "currency": "EUR"}


def test_a_rate_that_nobody_published_is_an_error_that_is_shown_and_never_one() -> None:
    found = loss([signed(), bought("stock", currency="CNY"), rates("2020-04-02", CNY="8")])
    assert base(found, "stock_write_down", "out_of_pocket", "expected") == ["1000", None, None]
    assert found["out_of_pocket"]["reason"] == "no CNY/EUR rate published on or before 2020-04-01"
    assert found["accounting_charge"]["reason"] == "no CNY/EUR rate published on or before 2020-04-01"


def test_the_expected_loss_is_what_is_out_of_pocket_if_the_line_does_not_go_in_time() -> None:
    found = loss(
        [signed(), bought("stock"), lead_time(29, 58, 116)]
    )  # the deadline is 29 days after the block
    assert found["probability"] == "0.1"
    assert base(found, "expected") == ["900"]


def test_without_a_deadline_there_is_no_penalty_and_no_probability() -> None:
    of = line()
    del of["deadline"]
    terms = {"liquidated_damages": {"cap": "0.05"}}
    found = loss([signed(of, terms=terms), bought("stock"), lead_time()])
    assert (base(found, "penalty"), found["probability"], base(found, "expected")) == (["0"], None, [None])


def test_every_input_is_tagged_and_every_default_has_its_reason() -> None:
    told = steps(book(*worked_example()))
    assert set(told["tags"].values()) <= {"given", "default", "estimated"}
    assert told["tags"]["stock"] == "given"
    assert told["tags"]["release"] == told["tags"]["guarantee"] == "default"
    assert told["tags"]["other"] == "given"
    assert all(reason for _, reason in DEFAULTS.values())


def test_steps_show_the_figures_they_were_reckoned_from() -> None:
    told = steps(book(*worked_example()))["steps"]
    assert told["blocked_value"] == ["1000 H87 × 1 EUR"]
    assert told["stock_write_down"] == ["swab (stock): 1000 H87 × 0.35 EUR, fetches 0.14 each → 210"]
    assert told["commitment_loss"] == [
        "tube (order): 1000 H87 × 0.12 EUR, called off for 40, fetches 0.05 each → 40"
    ]
    assert told["lost_margin"] == ["1000 − 350 stock − 120 on order − 150 to go EUR"]


@pytest.mark.parametrize("hostile", ['"', "\\", "</script>", "é中", "=1+1"])
def test_names_of_components_cannot_break_the_text(hostile: str) -> None:
    told = steps(book(signed(), bought("stock", component=hostile)))
    assert told["steps"]["stock_write_down"][0].startswith(f"{hostile} (stock)")


def test_the_same_facts_give_the_same_bytes() -> None:
    facts = worked_example(lead_time(), bought("b", component="box"), bought("a", component="box"))
    one, other = rows(book(*facts)), rows(book(*reversed(facts)))
    assert one.select("loss", "loss_steps").equals(other.select("loss", "loss_steps"))


def test_only_what_was_known_counts() -> None:
    late = fact("component.purchased", exporter="acme", purchase="p", contract="C1", line="1", component="x",
                quantity="1", unit="H87", unit_cost="10", currency="EUR", at="2020-03-05T00:00+00:00")  # fmt: skip
    late = late.model_copy(update={"recordedat": NOW.replace(day=20)})
    of = book(signed(), late)
    before, after = rows(of, known=NOW), rows(of)
    assert '"stock_write_down":{"low":"0","base":"0"' in before["loss"].item()
    assert '"stock_write_down":{"low":"0","base":"10"' in after["loss"].item()
