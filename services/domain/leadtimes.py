"""How long authorities take, as they or others published it, and how likely they are done in time."""

import math
from datetime import datetime, timedelta
from decimal import Decimal

import polars as pl

from services.domain.book import Book

PROBABILITY = pl.Decimal(38, 4)
_SHARES = (0.1, 0.5, 0.9)
_DAY = timedelta(days=1)


def lead_times(book: Book) -> pl.DataFrame:
    """The latest published lead time of each scheme, in days.

    A fast track shortens only the earliest figure, since nobody knows who will be let on it, and only until a later
    publication says the ordinary time again.
    """
    return book.once("lead times", lambda: _lead_times(book))


def _lead_times(book: Book) -> pl.DataFrame:
    said = book.of("leadtime.published").select(
        "scheme", "time", "p10_days", "p50_days", "p90_days", fast=pl.col("fast_track").fill_null(False)
    )
    last = said.unique(["scheme", "fast"], keep="last", maintain_order=True)
    plain, fast = last.filter(~pl.col("fast")), last.filter("fast")
    both = plain.join(
        fast, on="scheme", how="full", coalesce=True, suffix="_fast", maintain_order="left_right"
    )
    still = pl.col("time_fast") >= pl.col("time")
    return both.select(
        "scheme",
        p10_days=pl.when(still).then("p10_days_fast").otherwise(pl.coalesce("p10_days", "p10_days_fast")),
        p50_days=pl.coalesce("p50_days", "p50_days_fast"), p90_days=pl.coalesce("p90_days", "p90_days_fast"),
    )  # fmt: skip


def odds(lacks: pl.DataFrame) -> pl.Series:
    """The probability that each is granted by the deadline, four decimals; null where nothing says."""
    rows = lacks.select("start", "deadline", "p10_days", "p50_days", "p90_days", "expected")
    kinds = rows.unique(maintain_order=True)
    found = kinds.with_columns(odds=pl.Series([_odds_of(*kind) for kind in kinds.rows()], dtype=PROBABILITY))
    return rows.join(found, on=rows.columns, how="left", nulls_equal=True, maintain_order="left")["odds"]


def _odds_of(
    start: datetime | None, deadline: datetime | None, p10: int | None, p50: int | None, p90: int | None,
    expected: datetime | None,
) -> Decimal | None:  # fmt: skip
    if start is None or deadline is None or p10 is None or p50 is None or p90 is None:
        return None
    if expected is not None:  # the authority's own word moves the middle; the spread stays
        p50 = max(0, math.ceil((expected - start) / _DAY))
        p10, p90 = min(p10, p50), max(p90, p50)
    return probability((deadline - start) / _DAY, (p10, p50, p90))


def probability(days: float, quantiles: tuple[int, int, int]) -> Decimal:
    """The probability of a grant within so many days, log-linear between the 10, 50 and 90 % quantiles and beyond."""
    if days < 0:
        return Decimal(0)
    at = [math.log(max(1, q)) for q in quantiles]
    here = math.log(max(1.0, days))
    lower = 0 if here < at[1] else 1
    span = at[lower + 1] - at[lower]
    if span == 0:
        return Decimal(lower)  # all of the probability lies in one instant
    share = _SHARES[lower] + (_SHARES[lower + 1] - _SHARES[lower]) * (here - at[lower]) / span
    return Decimal(repr(round(min(1.0, max(0.0, share)), 4)))
