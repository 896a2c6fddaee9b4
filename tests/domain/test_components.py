"""Whose components lie idle: what a purchase without a line is good for, and who gets it first."""

from typing import Any

from events.envelope import Event
from tests.domain.blocked import base, book, fact, line, loss, losses, signed


def pooled(quantity: str, kind: str = "purchased", /, **more: Any) -> Event:
    """Parts for kits in general, one a kit, at 1 euro each."""
    data = {"exporter": "acme", "purchase": "pool", "class": "kit", "component": "swab", "quantity": quantity,
            "unit": "H87", "unit_cost": "1", "currency": "EUR", "at": "2020-03-05T00:00+00:00", "per_unit": "1",
            **more}  # fmt: skip
    return fact(f"component.{kind}", **{name: value for name, value in data.items() if value is not None})


def named(contract: str, quantity: str, line: str = "1", **more: Any) -> Event:
    return pooled(quantity, **{"purchase": f"for {contract}", "contract": contract, "line": line, **more})


def free(contract: str = "C2", **more: Any) -> Event:
    """A contract to Portugal, that nothing blocks."""
    return signed(line(destination="PT", **more), contract=contract)


def blocked(contract: str = "C1", **more: Any) -> Event:
    return signed(line(**more), contract=contract)


def lost(*facts: Event, term: str = "stock_write_down") -> dict[str, str]:
    return {ref: one[term]["base"] for ref, one in losses(book(*facts)).items()}


def test_unblocked_lines_come_first_and_only_the_rest_is_lost() -> None:
    assert lost(blocked(), free(), pooled("1500")) == {"acme/C1/1": "500"}
    assert lost(blocked(), free(), pooled("1000")) == {"acme/C1/1": "0"}


def test_what_no_line_needs_is_nobodys_loss() -> None:
    assert lost(blocked(), free(), pooled("2500")) == {"acme/C1/1": "1000"}


def test_among_blocked_lines_the_earlier_export_comes_first() -> None:
    later = blocked("C0", export_at="2020-04-21T00:00+00:00")
    assert lost(blocked(), later, pooled("1500")) == {"acme/C0/1": "500", "acme/C1/1": "1000"}


def test_a_line_needs_per_unit_times_what_is_open() -> None:
    sent = fact("goods.shipped", exporter="acme", contract="C1", line="1", quantity="900", unit="H87",
                at="2020-03-01T12:00+00:00")  # fmt: skip
    assert lost(blocked(), sent, pooled("5000", per_unit="0.5", at="2020-03-02T00:00+00:00")) == {
        "acme/C1/1": "50"
    }


def test_what_was_shipped_since_used_up_its_part() -> None:
    sent = fact("goods.shipped", exporter="acme", contract="C1", line="1", quantity="400", unit="H87",
                at="2020-03-20T00:00+00:00")  # fmt: skip
    assert lost(blocked(), sent, pooled("500")) == {"acme/C1/1": "100"}


def test_another_class_another_exporter_and_another_contract_get_nothing_of_it() -> None:
    other = signed(line(**{"destination": "PT", "class": "mask"}), contract="C2")
    stranger = signed(line(destination="PT"), exporter="globex", manufacturer="globex")
    assert lost(blocked(), other, stranger, pooled("1000")) == {"acme/C1/1": "1000"}
    assert lost(blocked(), free(), pooled("1000", contract="C1")) == {"acme/C1/1": "1000"}


def test_a_purchase_for_a_class_serves_its_subclasses() -> None:
    of = blocked(**{"class": "kit.rapid"})
    assert lost(of, pooled("1000")) == {"acme/C1/1": "1000"}


def test_a_purchase_that_names_nothing_serves_every_line_of_the_exporter() -> None:
    masks = signed(line(**{"destination": "PT", "quantity": "300", "class": "mask"}), contract="C2")
    assert lost(blocked(), masks, pooled("1000", **{"class": None})) == {"acme/C1/1": "700"}


def test_a_need_that_a_narrower_purchase_meets_is_not_met_again_by_a_wider_one() -> None:
    wide = pooled("1000", purchase="wide", **{"class": None})
    assert lost(blocked(), pooled("600"), wide) == {"acme/C1/1": "1000"}


def test_a_named_purchase_meets_its_line_before_the_pool_does() -> None:
    assert lost(blocked(), named("C1", "800"), pooled("1000")) == {"acme/C1/1": "1000"}


def test_stock_of_a_blocked_line_goes_to_an_unblocked_one_that_lacks_the_same_part() -> None:
    facts = [blocked(), free(), named("C1", "1000"), named("C2", "700")]
    assert lost(*facts) == {"acme/C1/1": "700"}


def test_without_per_unit_stock_stays_with_its_line() -> None:
    facts = [blocked(), free(), named("C1", "1000", per_unit=None), named("C2", "700")]
    assert lost(*facts) == {"acme/C1/1": "1000"}


def test_without_per_unit_a_pool_is_shared_by_open_quantity() -> None:
    assert lost(blocked(), free(quantity="3000"), pooled("1000", per_unit=None)) == {"acme/C1/1": "250"}


def test_open_orders_are_shared_after_stock() -> None:
    order = pooled("1000", "ordered", purchase="order", cancellation_fee="100")
    facts = [blocked(), free(), pooled("1500"), order]
    assert lost(*facts) == {"acme/C1/1": "500"}
    assert lost(*facts, term="commitment_loss") == {"acme/C1/1": "50"}


def test_what_was_sold_of_a_pool_was_the_blocked_lines() -> None:
    sale = fact("component.disposed", exporter="acme", purchase="pool", quantity="500", proceeds="100", currency="EUR",
                at="2020-04-02T00:00+00:00")  # fmt: skip
    assert lost(blocked(), free(), pooled("2000", salvage_unit_price="1"), sale) == {"acme/C1/1": "400"}


def test_a_purchase_for_a_line_that_is_not_in_the_book_is_no_line_of_it() -> None:
    assert base(loss([blocked(), named("C9", "1000")]), "stock_write_down") == ["0"]


def test_quantities_are_converted_only_by_the_table_of_units() -> None:
    order = pooled("2", "ordered", unit="KGM", per_unit="0.002", unit_cost="100", cancellation_fee="10")
    grams = pooled("500", unit="GRM", per_unit="2", unit_cost="0.1")
    facts = [blocked(), order, grams]
    assert lost(*facts, term="commitment_loss") == {"acme/C1/1": "7.5"}


def test_of_a_pool_what_was_bought_first_is_used_first() -> None:
    old = pooled("1000", purchase="z", unit_cost="1")
    new = pooled("1000", purchase="a", unit_cost="5", at="2020-03-06T00:00+00:00")
    assert lost(blocked(), free(), old, new) == {"acme/C1/1": "5000"}
