"""Sums of many lines: nothing lost, nothing added across currencies without a rate."""

from datetime import date
from decimal import Decimal

import polars as pl

from services.domain.exposure import exposure
from tests.domain.blocked import book, bought, lead_time, line, rates, rows, signed

FREE = {"destination": "PT"}
LINES = signed(line(1), line(2, **FREE), line(3, unit_price="500"))
DOLLARS = signed(line(1), contract="C2", currency="USD")


def one(frame: pl.DataFrame, **by: str) -> dict[str, object]:
    return frame.filter(**by).row(0, named=True)


def test_lines_are_summed_by_verdict_and_what_is_asked() -> None:
    found = exposure(rows(book(LINES)))
    assert found.select("class", "destination", "week", "verdict", "lines", "blocked_value").rows() == [
        ("kit", "ES", "2020-W17", "unlicensed", 2, Decimal(1500000)),
        ("kit", "PT", "2020-W17", "clear", 1, Decimal(0)),
    ]


def test_values_of_open_covered_blocked_and_unknown_quantities_add_up() -> None:
    found = exposure(rows(book(LINES, DOLLARS)), ["exporter"])
    parts = pl.col("covered_value") + pl.col("blocked_value") + pl.col("unknown_value")
    assert found.select(parts == pl.col("open_value")).to_series().all()


def test_currencies_are_never_summed_together_unasked() -> None:
    found = exposure(rows(book(LINES, DOLLARS)), [])
    assert found.filter(verdict="unlicensed").select("currency", "blocked_value").rows() == [
        ("EUR", Decimal(1500000)), ("USD", Decimal(1000000)),
    ]  # fmt: skip


def test_in_one_currency_each_line_is_at_the_rate_of_the_day_it_became_blocked() -> None:
    of = book(LINES, DOLLARS, rates("2020-04-01", USD="1.25"), rates("2020-04-02", USD="2"))
    found = one(exposure(rows(of), [], currency="EUR", fx=of.fx), verdict="unlicensed")
    assert found["blocked_value"] == Decimal(1500000 + 800000)
    stated = exposure(rows(of), [], currency="EUR", fx=of.fx, on=date(2020, 4, 2))
    assert one(stated, verdict="unlicensed")["blocked_value"] == Decimal(1500000 + 500000)


def test_a_line_without_a_rate_is_left_out_counted_and_named() -> None:
    of = book(LINES, DOLLARS)
    found = one(exposure(rows(of), [], currency="EUR", fx=of.fx), verdict="unlicensed")
    assert (found["lines"], found["blocked_value"], found["unconverted"]) == (3, Decimal(1500000), 1)
    assert found["lacks"] == "no USD/EUR rate published on or before 2020-04-01"


def test_losses_are_summed_and_unknown_ones_counted() -> None:
    terms = {"liquidated_damages": {"rate_per_day": "0.001"}}
    of = book(LINES, bought("stock"), bought("more", line="3"), signed(terms=terms, contract="C3"))
    found = one(exposure(rows(of), []), verdict="unlicensed")
    assert (found["out_of_pocket_low"], found["out_of_pocket_base"], found["silent_out_of_pocket"]) == (
        0,
        2000,
        1,
    )
    assert found["silent_expected"] == 3


def test_expected_losses_are_summed_where_a_probability_is_known() -> None:
    of = book(LINES, bought("stock"), lead_time(29, 58, 116))
    assert one(exposure(rows(of), []), verdict="unlicensed")["expected_base"] == 900
