"""A duty is reckoned on what may be exported, and on nothing else."""

from decimal import Decimal
from typing import Any

import pytest

from events.envelope import Event
from services.domain.duties import Owed, duties
from tests.domain.blocked import NOW, book, fact, granted, line, rule, signed


def _duty(duty: dict[str, Any], **scope: Any) -> Event:
    """From 1 April a duty on kits that leave China, but for Portugal."""
    document = rule(effect={"duty": duty}, routes=[], **scope).wire()["data"]["document"]
    return fact("rule.enacted", document=document | {"rule": "duty"}, pack="sha256:" + "0" * 64)


def owed(duty: dict[str, Any], *facts: Event, **scope: Any) -> list[Owed]:
    """What is owed on acme/C1/1 under a rule with this duty and no other."""
    return list(duties(book(*facts, under=_duty(duty, **scope)), "acme/C1/1", now=NOW))


def test_a_share_of_the_value_is_owed() -> None:
    (one,) = owed({"rate": "0.2"}, signed())
    assert one == Owed("duty", "1", Decimal(200000), "EUR", "0.2 × 1000 H87 × 1000 EUR")


def test_an_amount_is_owed_by_the_unit_it_counts_in() -> None:
    tonnes = line(quantity="2500", unit="KGM", unit_price="3")
    (one,) = owed({"amount": "50", "currency": "USD", "per": "TNE"}, signed(tonnes))
    assert (one.amount, one.currency) == (Decimal(125), "USD")


def test_it_is_rounded_half_even_to_its_currency() -> None:
    (one,) = owed({"rate": "0.5"}, signed(line(quantity="1", unit_price="0.05")))
    assert one.amount == Decimal("0.02")


@pytest.mark.parametrize(("threshold", "many"), [("1000", 1), ("1000.01", 0)])
def test_from_a_price_on_and_not_below_it(threshold: str, many: int) -> None:
    assert len(owed({"rate": "0.1", "currency": "EUR", "from_price": threshold}, signed())) == many


def test_the_price_is_converted_at_the_rate_of_the_day_or_said_to_lack_one() -> None:
    duty = {"rate": "0.1", "currency": "USD", "from_price": "1050"}
    (unknown,) = owed(duty, signed())
    assert unknown.amount is None
    assert "no EUR/USD rate published" in unknown.step
    rate = fact("fx.published", date="2020-04-01", base="EUR", rates={"USD": "1.10"})
    (one,) = owed(duty, signed(), rate)
    assert one.amount == Decimal(100000)


def test_a_unit_that_cannot_be_converted_is_unknown_and_said() -> None:
    (one,) = owed({"amount": "50", "currency": "USD", "per": "TNE"}, signed())
    assert (one.amount, one.step) == (None, "H87 cannot be converted into TNE")


def test_whether_it_reaches_the_line_may_be_unknown() -> None:
    (one,) = owed({"rate": "0.2"}, signed(), goods=[{"class": "kit", "where": {"medical_use": "true"}}])
    assert one.amount is None
    assert "whether it reaches" in one.step


def test_nothing_is_owed_elsewhere_nor_on_what_may_not_leave() -> None:
    assert owed({"rate": "0.2"}, signed(destination="PT")) == []
    assert owed({"rate": "0.2"}, signed(), rule()) == []
    assert list(duties(book(signed()), "acme/C1/2", now=NOW)) == []


def test_what_a_licence_lets_go_owes_the_duty() -> None:
    assert len(owed({"rate": "0.2"}, signed(), rule(), granted("2020-01-01T00:00+00:00"))) == 1
