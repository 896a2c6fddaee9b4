"""One named figure of a loss as columns: low, base and high, its currency, why it is unknown, and its steps."""

from collections.abc import Mapping

import polars as pl

from services.domain.claims import TERMS
from services.domain.columns import FINE, MONEY
from services.domain.forecast import CASES
from services.domain.money import digits, rounded

NO_TEXT = pl.lit(None, dtype=pl.String)
NO_STEPS = pl.lit([], dtype=pl.List(pl.String))


def figure(
    name: str, cases: Mapping[str, pl.Expr], *, currency: pl.Expr | None = None, reason: pl.Expr = NO_TEXT,
    steps: pl.Expr = NO_STEPS,
) -> list[pl.Expr]:  # fmt: skip
    """The columns of a term: ``NAME_low, _base, _high`` rounded once, and ``_currency, _reason, _steps``.

    A figure that the user stated (``said_NAME`` in ``said_NAME_of``) replaces the estimate. ``currency`` defaults to
    the contract's. A case that is null says why in ``reason``.
    """
    own = pl.col("currency") if currency is None else currency.fill_null(pl.col("currency"))
    if name not in TERMS:
        return _columns(name, cases, own, reason, steps)
    said, of = pl.col(f"said_{name}"), pl.col(f"said_{name}_of")
    there = said.is_not_null()
    told = pl.concat_list(pl.format("stated: {} {}", digits(said), of))
    return _columns(
        name,
        {case: pl.when(there).then(said).otherwise(amount) for case, amount in cases.items()},
        pl.when(there).then(of).otherwise(own),
        pl.when(~there).then(reason),
        pl.when(there).then(told).otherwise(steps),
    )


def _columns(
    name: str, cases: Mapping[str, pl.Expr], currency: pl.Expr, reason: pl.Expr, steps: pl.Expr
) -> list[pl.Expr]:
    unknown = pl.any_horizontal(cases[case].is_null() for case in CASES)
    return [
        *(rounded(cases[case].cast(FINE), currency).cast(MONEY).alias(f"{name}_{case}") for case in CASES),
        currency.alias(f"{name}_currency"),
        pl.when(unknown).then(reason.fill_null("unknown")).alias(f"{name}_reason"),
        steps.fill_null(NO_STEPS).alias(f"{name}_steps"),
    ]


def same(amount: pl.Expr) -> dict[str, pl.Expr]:
    """The same amount in all three cases."""
    return dict.fromkeys(CASES, amount)
