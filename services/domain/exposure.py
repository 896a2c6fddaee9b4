"""The sums of many lines: what is open, what is blocked and what it costs, by verdict and whatever else is asked.

Sums stay in the currency of their contracts; into one currency they go only at published rates, and what cannot be
converted is counted, never guessed.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import polars as pl

from events.rules import FxPublished
from services.domain.columns import FINE
from services.domain.forecast import CASES
from services.domain.money import Rates, converted, day_of, rounded

BY = ("class", "destination", "week")
VALUES = ("open", "covered", "blocked", "unknown")
LOSSES = ("out_of_pocket", "expectation_loss", "accounting_charge", "cash_call", "expected")
"""The terms of a loss that are in contract currency, and so can be summed beside the values."""
_MONEY = [f"{name}_value" for name in VALUES] + [f"{name}_{case}" for name in LOSSES for case in CASES]


def exposure(
    rows: pl.DataFrame,
    by: Sequence[str] = BY,
    *,
    currency: str | None = None,
    fx: Sequence[FxPublished] = (),
    on: date | None = None,
) -> pl.DataFrame:
    """Sums of the rows of ``losses.estimate`` by verdict and ``by``: columns of the rows, or ``week`` (of the export).

    With ``currency`` all sums are in it, each line at the rate of ``on``, else of the day it became blocked (a line
    that is not: the day of ``now``); otherwise there is a row per contract currency.

    Returns, in the order of ``by``, verdict and currency: ``by`` · ``verdict, currency`` String · ``lines`` ·
    ``open_value, covered_value, blocked_value, unknown_value`` and ``TERM_low, _base, _high`` of ``LOSSES``,
    Decimal(38,4) · ``silent_TERM``: lines whose term is unknown (or stated in a currency of its own) and not in the sum
    · ``unconverted``: lines left out of all sums for want of a rate, and ``lacks``: which.
    """
    lines = _valued(rows).with_columns(week=pl.col("export_at").dt.strftime("%G-W%V"))
    if currency is None:
        lines = lines.with_columns(lacks=pl.lit(None, pl.String))
    else:
        day = pl.lit(on, pl.Date) if on is not None else day_of(pl.coalesce("blocked_since", "now"))
        lines = lines.with_columns(target=pl.lit(currency))
        lines = converted(lines, Rates(tuple(fx)), _MONEY, source="currency", target="target", day=day)
        lines = lines.with_columns(currency="target")
    lines = lines.with_columns(rounded(pl.col(name), pl.col("currency")) for name in _MONEY)
    return _summed(lines, [*by, "verdict", "currency"])


def _summed(lines: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    there = pl.col("lacks").is_null()
    sums = lines.group_by(key, maintain_order=True).agg(
        pl.len().alias("lines"),
        pl.col(_MONEY).filter(there).sum(),
        *(
            (pl.col(f"{name}_base").is_null() & pl.col("loses") & there).sum().alias(f"silent_{name}")
            for name in LOSSES
        ),
        unconverted=(~there).sum(),
        lacks=pl.col("lacks").drop_nulls().unique().sort().str.join("; "),
    )
    lacks = pl.when(pl.col("unconverted") > 0).then("lacks")
    return sums.with_columns(lacks=lacks).sort(key, nulls_last=True)


def _valued(rows: pl.DataFrame) -> pl.DataFrame:
    """The lines with the value of each quantity, and the figures of their losses (nothing where nothing is lost)."""
    price, nothing = pl.col("unit_price").cast(FINE), pl.lit(Decimal(0), FINE)
    values = ((pl.col(f"{name}_quantity").cast(FINE) * price).alias(f"{name}_value") for name in VALUES)
    amounts = pl.Struct(dict.fromkeys((*CASES, "currency"), pl.String))
    shape = pl.Struct(dict.fromkeys(LOSSES, amounts))
    told = pl.col("loss").str.json_decode(shape)
    loses = pl.col("loss").is_not_null()
    losses = (
        pl.when(loses)
        .then(
            pl.when(told.struct.field(name).struct.field("currency") == pl.col("currency")).then(
                told.struct.field(name).struct.field(case).cast(FINE)
            )
        )
        .otherwise(nothing)
        .alias(f"{name}_{case}")
        for name in LOSSES
        for case in CASES
    )
    return rows.with_columns(*values, *losses, loses=loses)
