"""Every version of every line: what was signed, and what each amendment put in its place."""

from datetime import datetime

import polars as pl

from services.domain.book import Book
from services.domain.columns import INSTANT, MONEY, QUANTITY

KEY = ["exporter", "contract"]
FOLD = [*KEY, "fold_at"]
LINE = [*FOLD, "line"]
Folds = datetime | pl.DataFrame
_GOODS = ["class", "attributes", "hs", "hs_year"]
_ORDER = ["time", "recorded_at", "source", "id"]


def instant(text: pl.Expr) -> pl.Expr:
    """Canonical RFC 3339 text as an instant; a day, or nothing, is null."""
    return text.str.to_datetime(time_unit="us", time_zone="UTC", format="%+", strict=False)


def until(events: pl.DataFrame, folds: Folds) -> pl.DataFrame:
    """The events that had come true by the instant their contract is folded to, with that instant as ``fold_at``."""
    if isinstance(folds, datetime):
        events = events.filter(pl.col("time") <= folds)
        return events.with_columns(pl.Series("fold_at", [folds], INSTANT).new_from_index(0, events.height))
    return events.join(folds, on=KEY).filter(pl.col("time") <= pl.col("fold_at"))


def versions(book: Book, folds: Folds) -> pl.DataFrame:
    """Every version of every line by its fold's instant, in order; ``latest`` marks the last.

    ``changed_at`` is when goods or destination last became others than before (papers filed earlier hold no longer).
    """
    parts = ["line", *_GOODS, "quantity", "unit", "unit_price", "export_at", "deadline", "cost_to_go"]
    frames = [
        until(book.of(name), folds)
        .select(*_ORDER, *FOLD, pl.col("destination").alias("contract_destination"), pl.col("lines"))
        .explode("lines", empty_as_null=False)
        .unnest("lines")
        .rename({"destination": "line_destination", "manufacturer": "line_manufacturer"})
        for name in ("contract.signed", "contract.amended")
    ]
    removed = (
        until(book.of("contract.amended"), folds)
        .filter(pl.col("removed").list.len() > 0)
        .select(*_ORDER, *FOLD, line="removed")
        .explode("line")
        .with_columns(removed=pl.lit(True))
    )
    rows = pl.concat([*frames, removed], how="diagonal").sort(_ORDER, maintain_order=True)
    rows = rows.with_columns(
        removed=pl.col("removed").fill_null(False),
        latest=pl.struct(LINE).is_last_distinct(),
        quantity=pl.col("quantity").cast(QUANTITY),
        unit_price=pl.col("unit_price").cast(MONEY),
        cost_to_go=pl.col("cost_to_go").cast(MONEY),
        export_at=instant(pl.col("export_at")),
        deadline=instant(pl.col("deadline")),
    )
    return _changed(book, rows, folds).select(
        "time", *FOLD, *parts, "line_destination", "line_manufacturer", "removed", "latest", "changed_at"
    )


def _changed(book: Book, rows: pl.DataFrame, folds: Folds) -> pl.DataFrame:
    """The rows with ``changed_at``; only contracts that were amended need a second look."""
    amended = until(book.of("contract.amended"), folds)
    if amended.is_empty():
        return rows.with_columns(changed_at=pl.lit(None, dtype=INSTANT))
    moved = amended.filter(pl.col("destination").is_not_null()).select(
        *_ORDER, *FOLD, contract_destination="destination"
    )
    moved = rows.filter("latest").select(LINE).join(moved, on=FOLD)
    touched = rows.join(amended.select(FOLD).unique(), on=FOLD, how="semi").filter(~pl.col("removed"))
    given = touched.select(
        *_ORDER, *LINE, "contract_destination", goods=pl.struct(*_GOODS, "line_destination")
    )
    steps = pl.concat([given, moved], how="diagonal").sort(_ORDER, maintain_order=True)
    steps = steps.with_columns(pl.col("goods", "contract_destination").forward_fill().over(LINE))
    steps = steps.filter(pl.col("goods").is_not_null()).with_columns(
        is_now=pl.struct(
            pl.col("goods").struct.field(*_GOODS),
            place=pl.coalesce(pl.col("goods").struct.field("line_destination"), "contract_destination"),
        )
    )
    later = pl.int_range(pl.len()).over(LINE) > 0
    differs = later & pl.col("is_now").ne_missing(pl.col("is_now").shift().over(LINE))
    last = steps.filter(differs).group_by(LINE).agg(changed_at=pl.col("time").max())
    return rows.join(last, on=LINE, how="left")
