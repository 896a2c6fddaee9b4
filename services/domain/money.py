"""Money as it is reckoned here: at ten decimals, rounded half-even to its currency once, converted at published rates.

A rate that nobody published is an error that is shown; it is never 1.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

import polars as pl

from events.rules import FxPublished
from events.values import MINOR_UNITS
from services.domain.columns import FINE, MONEY, Schema

NOTHING = pl.lit(Decimal(0), dtype=FINE)
_CURRENCIES = pl.Series(list(MINOR_UNITS), dtype=pl.String)
_DECIMALS = pl.Series(list(MINOR_UNITS.values()), dtype=pl.Int8)
_POWERS = pl.Series(range(5), dtype=pl.Int8)
_TENS = pl.Series([Decimal(10) ** n for n in range(5)], dtype=FINE)
_WIDE = pl.lit(Decimal(10) ** 13, dtype=FINE)
RATE: Schema = {
    "from": pl.String, "to": pl.String, "day": pl.Date, "up": FINE, "down": FINE, "rate": pl.String,
    "lacks": pl.String,
}  # fmt: skip


def rounded(amount: pl.Expr, currency: pl.Expr) -> pl.Expr:
    """The amount rounded half-even to the decimals of its currency, Decimal(38,4)."""
    places = _places(currency)
    by_places = amount.round(2, mode="half_to_even")
    for other in sorted(set(MINOR_UNITS.values())):
        by_places = (
            pl.when(places == other).then(amount.round(other, mode="half_to_even")).otherwise(by_places)
        )
    return by_places.cast(MONEY)


def digits(number: pl.Expr) -> pl.Expr:
    """A decimal as plain text without trailing zeros."""
    return number.cast(pl.String).str.strip_chars_end("0").str.strip_chars_end(".")


def shared_out(total: pl.Expr, weight: pl.Expr, currency: pl.Expr, over: list[str]) -> pl.Expr:
    """A sum split by weight within each group by largest remainder, so that the parts add up to it.

    Parts are whole smallest units of the currency. Ties go to the earlier row; without any weight the first bears all.
    """
    unit = pl.lit(Decimal(1), dtype=FINE) / _power(_places(currency))
    all_weight = weight.sum().over(over)
    # A product must fit 28 digits before the point; only beyond that is the share itself rounded first.
    small, some = all_weight < _WIDE, pl.when(all_weight > 0).then(all_weight)
    precise = total * pl.when(small).then(weight) / some
    exact = (
        pl.when(small)
        .then(precise)
        .otherwise(total * (weight / some))
        .fill_null(
            pl.when(pl.int_range(pl.len(), dtype=pl.UInt32).over(over) == 0).then(total).otherwise(NOTHING)
        )
        / unit
    )
    floor = exact.floor()
    left = (total / unit).round(0, mode="half_to_even") - floor.sum().over(over)
    place = (exact - floor).rank("ordinal", descending=True).over(over)
    one_each = pl.when(place.cast(FINE) <= left).then(pl.lit(Decimal(1), FINE)).otherwise(NOTHING)
    # Rounded shares leave more than one unit for each: the heaviest takes what they are off.
    heaviest = weight.rank("ordinal", descending=True).over(over) == 1
    return (floor + pl.when(small).then(one_each).when(heaviest).then(left).otherwise(NOTHING)) * unit


def _places(currency: pl.Expr) -> pl.Expr:
    return currency.replace_strict(_CURRENCIES, _DECIMALS, default=2, return_dtype=pl.Int8)


def _power(places: pl.Expr) -> pl.Expr:
    return places.replace_strict(_POWERS, _TENS, return_dtype=FINE)


@dataclass(frozen=True)
class Rates:
    """Published reference rates. Of two publications for one base and day the later one counts."""

    published: tuple[FxPublished, ...]

    def of(self, wanted: pl.DataFrame) -> pl.DataFrame:
        """The rate for each ``from, to`` (currencies) and ``day`` (Date), as ``RATE``: amount · up / down.

        ``rate`` says it in words; ``lacks`` is the error where no rate was published on or before the day.
        """
        distinct = wanted.select("from", "to", "day").unique().drop_nulls(["from", "to"])
        rows = [self._row(*row) for row in distinct.sort("from", "to", "day").iter_rows()]
        return pl.DataFrame(rows, schema=RATE, orient="row")

    def _row(self, here: str, there: str, day: date | None) -> tuple[Any, ...]:
        if here == there:
            return here, there, day, Decimal(1), Decimal(1), None, None
        found = None if day is None else self._latest(here, there, day)
        if found is None:
            when = "the day is unknown" if day is None else f"on or before {day.isoformat()}"
            return here, there, day, None, None, None, f"no {here}/{there} rate published {when}"
        on, base, up, down = found
        told = f"{here} to {there}: 1 {base} = {_told(base, here, down)}{_told(base, there, up)}({on.isoformat()})"
        return here, there, day, up, down, told, None

    def _latest(self, here: str, there: str, day: date) -> tuple[date, str, Decimal, Decimal] | None:
        for on in reversed(self._days[: bisect_right(self._days, day)]):
            for base, rates in sorted(
                self._by_day[on].items(), key=lambda item: (item[0] not in (here, there), item[0])
            ):
                if here in rates and there in rates and rates[here] > 0 and rates[there] > 0:
                    return on, base, rates[there], rates[here]
        return None

    @cached_property
    def _by_day(self) -> Mapping[date, Mapping[str, Mapping[str, Decimal]]]:
        days: dict[date, dict[str, Mapping[str, Decimal]]] = {}
        for one in self.published:
            days.setdefault(one.day, {})[one.base] = {**one.rates, one.base: Decimal(1)}
        return days

    @cached_property
    def _days(self) -> list[date]:
        return sorted(self._by_day)


def _told(base: str, currency: str, rate: Decimal) -> str:
    return "" if base == currency else f"{rate} {currency} "


def converted(
    frame: pl.DataFrame, rates: Rates, amounts: Iterable[str], *, source: str, target: str, day: pl.Expr
) -> pl.DataFrame:
    """The frame with these amounts in the target currency (columns hold currencies), unrounded.

    Beside them ``rate`` and ``lacks``, as ``Rates.of`` says; an amount without a rate is null.
    """
    none = pl.lit(None, pl.String)
    if frame[source].equals(frame[target]):
        return frame.with_columns(rate=none, lacks=none)
    keyed = frame.with_columns(pl.col(source).alias("from"), pl.col(target).alias("to"), day.alias("day"))
    found = keyed.join(
        rates.of(keyed), on=["from", "to", "day"], how="left", nulls_equal=True, maintain_order="left"
    )
    moved = (pl.col(name) * pl.col("up") / pl.col("down") for name in amounts)
    return found.with_columns(moved).drop("from", "to", "day", "up", "down")


def day_of(moment: pl.Expr) -> pl.Expr:
    """The day of an instant in UTC, by which rates are looked up."""
    return moment.dt.date()
