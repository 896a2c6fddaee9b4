"""Money: ten decimals, half-even, published rates, parts that add up; all held to Python's decimal."""

from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from events.rules import FxPublished
from events.values import decimals_of
from services.domain.columns import FINE
from services.domain.money import Rates, converted, digits, rounded, shared_out

CURRENCIES = ("EUR", "JPY", "KWD", "CLF")
AMOUNTS = st.decimals(-(10**12), 10**12, places=10, allow_nan=False)


def fx(day: str, base: str = "EUR", **rates: str) -> FxPublished:
    return FxPublished.model_validate({"date": day, "base": base, "rates": rates})


def asked(day: str, here: str, there: str, *published: FxPublished) -> dict[str, object]:
    wanted = pl.DataFrame({"from": [here], "to": [there], "day": [date.fromisoformat(day)]})
    return Rates(published).of(wanted).row(0, named=True)


def in_frame(amounts: list[Decimal], currency: str) -> pl.DataFrame:
    return pl.DataFrame({"amount": amounts, "currency": [currency] * len(amounts)},
                        schema={"amount": FINE, "currency": pl.String})  # fmt: skip


@given(st.lists(AMOUNTS, min_size=1, max_size=20), st.sampled_from(CURRENCIES))
@settings(deadline=None, max_examples=60)
def test_rounding_is_half_even_to_the_currency_as_pythons(amounts: list[Decimal], currency: str) -> None:
    found = in_frame(amounts, currency).select(rounded(pl.col("amount"), pl.col("currency"))).to_series()
    unit = Decimal(1).scaleb(-decimals_of(currency))
    assert found.to_list() == [amount.quantize(unit, ROUND_HALF_EVEN) for amount in amounts]


@pytest.mark.parametrize(("amount", "expected"), [("2.345", "2.34"), ("2.355", "2.36"), ("-2.345", "-2.34")])
def test_a_half_goes_to_the_even_neighbour(amount: str, expected: str) -> None:
    told = in_frame([Decimal(amount)], "EUR").select(digits(rounded(pl.col("amount"), pl.col("currency"))))
    assert told.item() == expected


@given(st.decimals(0, 10**9, places=6), st.decimals(0, 10**6, places=4))
@settings(deadline=None, max_examples=60)
def test_products_of_cast_decimals_are_pythons(one: Decimal, other: Decimal) -> None:
    frame = pl.DataFrame(
        {"one": [one], "other": [other]}, schema={"one": pl.Decimal(38, 6), "other": pl.Decimal(38, 4)}
    )
    with localcontext() as context:
        context.prec = 60
        assert frame.select(pl.col("one").cast(FINE) * pl.col("other").cast(FINE)).item() == one * other


def test_uncast_products_would_keep_the_scale_of_their_inputs() -> None:
    quarter = pl.DataFrame(
        {"x": [Decimal("0.25")], "y": [Decimal("0.05")]},
        schema={"x": pl.Decimal(38, 2), "y": pl.Decimal(38, 2)},
    )
    assert quarter.select(pl.col("x") * pl.col("y")).item() == Decimal("0.01")
    assert quarter.select(pl.col("x").cast(FINE) * pl.col("y").cast(FINE)).item() == Decimal("0.0125")


@given(
    st.decimals(0, 10**13, places=2),
    st.lists(st.decimals(0, 10**15, places=4), min_size=1, max_size=8),
    st.sampled_from(["EUR", "KWD"]),
)
@example(Decimal(10) ** 13, [Decimal(10) ** 15] * 3, "EUR")
@example(Decimal("9999999999999.99"), [Decimal(10) ** 15 - 1, Decimal(10) ** 15 - 2, Decimal(1)], "KWD")
@settings(deadline=None, max_examples=80)
def test_parts_of_a_sum_add_up_to_it(total: Decimal, weights: list[Decimal], currency: str) -> None:
    frame = pl.DataFrame({"weight": weights}, schema={"weight": FINE}).with_columns(
        g=pl.lit(1), total=pl.lit(total, FINE), currency=pl.lit(currency)
    )
    split = shared_out(pl.col("total"), pl.col("weight"), pl.col("currency"), ["g"])
    parts = frame.select(split).to_series().to_list()
    assert sum(parts) == total
    assert all(part >= 0 and -part.normalize().as_tuple().exponent <= decimals_of(currency) for part in parts)


def test_the_largest_remainder_gets_what_is_left_and_ties_go_to_the_first() -> None:
    frame = pl.DataFrame(
        {"w": [Decimal(1), Decimal(2), Decimal(1), Decimal(0)]}, schema={"w": FINE}
    ).with_columns(g=pl.lit(1))
    split = shared_out(pl.lit(Decimal("0.05"), FINE), pl.col("w"), pl.lit("EUR"), ["g"])
    assert frame.select(digits(split)).to_series().to_list() == ["0.01", "0.03", "0.01", "0"]


def test_a_rate_is_the_latest_on_or_before_the_day() -> None:
    published = fx("2020-03-30", USD="1.10"), fx("2020-04-01", USD="1.20")
    assert asked("2020-03-31", "EUR", "USD", *published)["up"] == Decimal("1.10")
    assert asked("2020-04-01", "EUR", "USD", *published)["up"] == Decimal("1.20")


def test_a_rate_goes_both_ways_and_across_the_base() -> None:
    found = asked("2020-04-01", "USD", "CNY", fx("2020-04-01", USD="1.25", CNY="8"))
    assert (found["up"], found["down"]) == (Decimal(8), Decimal("1.25"))
    back = asked("2020-04-01", "CNY", "EUR", fx("2020-04-01", USD="1.25", CNY="8"))
    assert (back["up"], back["down"]) == (Decimal(1), Decimal(8))


def test_a_later_publication_of_the_same_day_corrects_it_and_a_direct_quote_comes_first() -> None:
    assert asked("2020-04-01", "EUR", "USD", fx("2020-04-01", USD="1"), fx("2020-04-01", USD="2"))["up"] == 2
    cross = fx("2020-04-01", base="AUD", EUR="1", USD="9")
    assert asked("2020-04-01", "EUR", "USD", cross, fx("2020-04-01", USD="2"))["up"] == 2


@pytest.mark.parametrize(
    "published",
    [(), (fx("2020-04-02", USD="1"),), (fx("2020-04-01", CNY="8"),), (fx("2020-04-01", USD="0"),)],
)
def test_a_missing_rate_is_an_error_and_never_one(published: tuple[FxPublished, ...]) -> None:
    found = asked("2020-04-01", "USD", "EUR", *published)
    assert (found["up"], found["lacks"]) == (None, "no USD/EUR rate published on or before 2020-04-01")


@given(
    st.decimals(0, 10**10, places=4),
    st.decimals("0.000001", 10**4, places=6),
    st.decimals("0.000001", 10**4, places=6),
)
@settings(deadline=None, max_examples=60)
def test_conversion_is_pythons_to_the_cent(amount: Decimal, here: Decimal, there: Decimal) -> None:
    frame = in_frame([amount], "USD").with_columns(to=pl.lit("CNY"), on=pl.lit(date(2020, 4, 1)))
    rates = Rates(
        (
            FxPublished.model_validate(
                {"date": "2020-04-01", "base": "EUR", "rates": {"USD": here, "CNY": there}}
            ),
        )
    )
    moved = converted(frame, rates, ["amount"], source="currency", target="to", day=pl.col("on"))
    with localcontext() as context:
        context.prec = 60
        exact = amount * there / here
    assert abs(moved["amount"].item() - exact) <= Decimal("0.0000000002") * (1 + 1 / here)
