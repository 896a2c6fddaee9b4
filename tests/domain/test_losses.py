"""What a blocked line loses, term by term: the worked example of the module first."""

from decimal import Decimal
from typing import Any

from events.envelope import Event
from services.domain.losses import DEFAULTS
from tests.domain.blocked import (
    BLOCKED,
    NOW,
    PUBLISHED,
    base,
    book,
    bought,
    fact,
    line,
    loss,
    losses,
    rates,
    rows,
    signed,
    steps,
    three,
)

KEYS = ["blocked_value", "stock_write_down", "commitment_loss", "penalty", "onerous_provision", "other", "recoveries",
        "out_of_pocket", "lost_margin", "expectation_loss", "accounting_charge", "cash_call", "probability", "expected",
        "avoidable"]  # fmt: skip
DAMAGES = {"liquidated_damages": {"rate_per_day": "0.005", "cap": "0.05"}}
FORCE_MAJEURE = {"force_majeure": {"notice_days": 14, "terminates_after_days": 90}}


def stated(term: str, amount: str, currency: str = "EUR", line: str | None = "1", **more: Any) -> Event:
    return fact("loss.stated", exporter="acme", contract="C1", term=term, amount=amount, currency=currency,
                **({"line": line} if line else {}), **{"at": "2020-04-01T10:00+00:00", **more})  # fmt: skip


def notified(at: str, **more: Any) -> Event:
    return fact("contract.dated", exporter="acme", contract="C1", fact="force_majeure_notified", at=at, **more)


def lead_time(p10: int = 10, p50: int = 40, p90: int = 100, **more: Any) -> Event:
    return fact("leadtime.published", scheme="registration", p10_days=p10, p50_days=p50, p90_days=p90, source="test",
                **{"from": "2020-01-01T00:00+00:00"}, **more)  # fmt: skip


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
    assert all(list(found[name]) == ["low", "base", "high", "currency"] for name in KEYS if name != "probability" and name != "expected")


def test_a_line_that_loses_nothing_has_no_loss() -> None:
    grant = fact("licence.granted", scheme="registration", licence="L1", holder="acme", **{"from": "2020-01-01T00:00+00:00"})
    found = rows(book(*worked_example(grant)[:3], grant))
    assert found["blocked_quantity"].to_list() == [0]
    assert found["loss"].to_list() == found["loss_steps"].to_list() == [None]


def test_nothing_drifts_with_now() -> None:
    of = book(*worked_example(lead_time()))
    later = NOW.replace(month=5, day=20)
    assert losses(of) == losses(of, later)


# components

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


# whose components

def test_stock_for_a_class_goes_to_unblocked_lines_first_and_only_the_rest_is_lost() -> None:
    free = line(2, destination="XK" if False else "ES", export_at="2020-03-31T18:00+00:00", deadline=None)
    free.pop("deadline")
    for_class = fact("component.purchased", exporter="acme", purchase="p", component="swab", quantity="1500", unit="H87",
                     unit_cost="1", currency="EUR", at="2020-03-05T00:00+00:00", per_unit="1", **{"class": "kit"})  # fmt: skip
    found = loss([signed(), signed(line(1, **{"class": "mask"}), contract="C2"), for_class])
    assert base(found, "stock_write_down") == ["1000"]  # masks are another class; 500 are wanted by nobody
