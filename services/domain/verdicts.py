"""The sentence that is the product: a line may be exported at an instant if, for every clause in scope, some route has
all of its requirements met by some evidence."""

from datetime import UTC, datetime

import polars as pl

from events.values import MINOR_UNITS
from services.domain.book import Book
from services.domain.columns import FINE, MONEY, QUANTITY
from services.domain.court import Court
from services.domain.judge import RANK
from services.domain.timeline import outlook

EXPORTABLE = ("clear", "satisfied", "grandfathered", "needs_documents")


def assess(
    book: Book,
    *,
    now: datetime,
    at: datetime | None = None,
    known: datetime | None = None,
    reading: str | None = None,
) -> pl.DataFrame:
    """One row per open line: may it be exported at ``at`` (default: as planned, or now where that has passed)?

    ``known``: only what had been recorded by then counts (default: everything). ``reading`` settles an ambiguous act.

    Returns, in order of exporter, contract and line, the columns ``ref, exporter, contract, line, buyer`` String ·
    ``at, now`` instants · ``verdict, rule, clause, route`` String · ``missing, readings`` List(String) ·
    ``open_quantity, covered_quantity, blocked_quantity, unknown_quantity`` Decimal(38,6) in ``unit`` ·
    ``blocked_value`` Decimal(38,4) in ``currency`` · ``next_change_at`` instant · ``export_windows``
    List(Struct(from, until)); and for losses and sums ``class, destination, manufacturer, party`` String ·
    ``export_at, deadline, signed_at, blocked_since, rule_published`` instants · ``quantity`` · ``unit_price,
    cost_to_go`` Decimal(38,4) · ``terms`` · ``cited`` List(String).
    """
    return _shaped(outlook(Court.of(book.known(known), now, at, reading)), now.astimezone(UTC))


def as_it_stood(book: Book, *, now: datetime) -> pl.DataFrame:
    """The rows of ``assess`` for lines whose future nobody asks about any more: ``next_change_at`` is null."""
    return _shaped(outlook(Court.of(book.known(None), now, None, None), ahead=False), now.astimezone(UTC))


def _shaped(rows: pl.DataFrame, now: datetime) -> pl.DataFrame:
    blocked = pl.col("open") - pl.col("high")
    worth = blocked.cast(FINE) * pl.col("unit_price").cast(FINE)
    good = pl.col("verdict").is_in(EXPORTABLE)
    none = pl.lit([], dtype=rows.schema["export_windows"])
    return rows.select(
        "ref", "exporter", "contract", "line", "buyer", pl.col("moment").alias("at"), pl.lit(now).alias("now"),
        "verdict", "rule", "clause", "route", "missing", "readings",
        pl.col("open").alias("open_quantity"), pl.col("low").alias("covered_quantity"),
        blocked.cast(QUANTITY).alias("blocked_quantity"),
        (pl.col("high") - pl.col("low")).cast(QUANTITY).alias("unknown_quantity"), "unit",
        _to_currency(worth).alias("blocked_value"), "currency", "next_change_at",
        pl.when(good).then(none).otherwise(pl.col("export_windows").fill_null(none)).alias("export_windows"),
        "class", "destination", "manufacturer", "party", "export_at", "deadline", "signed_at",
        pl.when(~good).then("blocked_since").alias("blocked_since"), "rule_published", "quantity", "unit_price",
        "cost_to_go", "terms", "cited",
    )  # fmt: skip


def _to_currency(amount: pl.Expr) -> pl.Expr:
    """The amount rounded half-even to the decimals of its row's currency."""
    decimals = pl.col("currency").replace_strict(MINOR_UNITS, default=2, return_dtype=pl.Int8)
    rounded = amount.round(2, mode="half_to_even")
    for places in sorted(set(MINOR_UNITS.values())):
        rounded = (
            pl.when(decimals == places).then(amount.round(places, mode="half_to_even")).otherwise(rounded)
        )
    return rounded.cast(MONEY)


__all__ = ["EXPORTABLE", "RANK", "as_it_stood", "assess"]
