"""The fold of contracts: what every line was at an instant, after amendments, shipments and cancellations."""

from datetime import datetime

import polars as pl

from services.domain.book import Book
from services.domain.columns import INSTANT, MONEY, QUANTITY
from services.domain.units import converted

KEY = ["exporter", "contract"]
_TERMS = ["manufacturer", "buyer", "buyer_country", "end_user", "exported_from", "made_in", "destination", "currency",
          "incoterm", "facts_complete", "terms"]  # fmt: skip
_LINE = ["class", "attributes", "hs", "hs_year"]
_ORDER = ["time", "recorded_at", "source", "id"]


def instant(text: pl.Expr) -> pl.Expr:
    """Canonical RFC 3339 text as an instant; a day, or nothing, is null."""
    return text.str.to_datetime(time_unit="us", time_zone="UTC", format="%+", strict=False)


def folded(book: Book, moment: datetime, ended: bool = False) -> pl.DataFrame:
    """The open lines at the instant (``ended``: all that ever were), in order of exporter, contract and line.

    Columns: ``line_id`` UInt32 · ``ref, exporter, contract, line, party`` (who exports now), buyer, buyer_country,
    end_user, exported_from, made_in, destination, currency, incoterm, unit, class, hs, manufacturer`` (null: unknown) ·
    ``attributes, terms`` Struct · ``hs_year`` Int64 · ``facts_complete`` Boolean · ``quantity, open, shipped``
    Decimal(38,6) · ``unit_price, cost_to_go`` Decimal(38,4) · ``export_at, deadline, signed_at, changed_at`` instants · ``signed`` String (an instant, or a day). Line numbers sort by number.
    """
    lines = _joined(book, moment)
    return _numbered(lines if ended else lines.filter((pl.col("open") > 0) & ~pl.col("over")).drop("over"))


def _joined(book: Book, moment: datetime) -> pl.DataFrame:
    contracts = _contracts(book, moment)
    cancelled = _cancelled(book, moment)
    lines = versions(book, moment).filter("latest").join(contracts, on=KEY, how="inner")
    lines = lines.join(cancelled, on=[*KEY, "line"], how="left")
    lines = lines.with_columns(
        over=pl.col("removed") | pl.col("whole_over") | pl.col("line_over").fill_null(False)
    )
    lines = _shipped(book, lines, moment).with_columns(
        destination=pl.coalesce("line_destination", "destination"),
        manufacturer=pl.coalesce("line_manufacturer", "manufacturer"),
        facts_complete=pl.col("facts_complete").fill_null(False),
    )
    makers = (
        book.of("exporter.registered")
        .filter(pl.col("time") <= moment)
        .group_by("exporter")
        .agg(pl.col("maker").fill_null(False).last().alias("maker"))
    )
    lines = lines.join(makers, left_on="party", right_on="exporter", how="left")
    return lines.with_columns(
        manufacturer=pl.coalesce("manufacturer", pl.when(pl.col("maker")).then(pl.col("party")))
    ).drop("maker", "line_destination", "line_manufacturer", "removed", "latest", "whole_over", "line_over")


def _contracts(book: Book, moment: datetime) -> pl.DataFrame:
    """One row per signed contract, amendments applied field by field; ``whole_over``: it was cancelled."""
    columns = [*_ORDER, *KEY, *_TERMS, "signed"]
    signed = book.of("contract.signed").select(columns)
    amended = book.of("contract.amended").with_columns(signed=pl.lit(None, pl.String)).select(columns)
    events = pl.concat([signed, amended]).filter(pl.col("time") <= moment).sort(_ORDER)
    fields = [pl.col(name).drop_nulls().last() for name in _TERMS]
    contracts = events.group_by(KEY, maintain_order=True).agg(
        *fields,
        pl.col("signed").drop_nulls().first(),
        signed_at=pl.col("time").filter(pl.col("signed").is_not_null()).first(),
    )
    contracts = contracts.filter(pl.col("signed").is_not_null())
    whole = book.of("contract.cancelled").filter((pl.col("time") <= moment) & pl.col("line").is_null())
    assigned = book.of("contract.assigned").filter(pl.col("time") <= moment)
    party = assigned.group_by(KEY, maintain_order=True).agg(party=pl.col("to").last())
    ended = whole.select(KEY).unique().with_columns(whole_over=pl.lit(True))
    contracts = contracts.join(ended, on=KEY, how="left").join(party, on=KEY, how="left")
    return contracts.with_columns(
        party=pl.coalesce("party", "exporter"), whole_over=pl.col("whole_over").fill_null(False)
    )


def versions(book: Book, moment: datetime) -> pl.DataFrame:
    """Every version of every line by the instant, in order; ``latest`` marks the last.

    ``changed_at`` is when goods or destination last became others than before (papers filed earlier hold no longer).
    """
    parts = ["line", *_LINE, "quantity", "unit", "unit_price", "export_at", "deadline", "cost_to_go"]
    frames = [
        book.of(name)
        .filter(pl.col("time") <= moment)
        .select(*_ORDER, *KEY, pl.col("destination").alias("contract_destination"), pl.col("lines"))
        .explode("lines", empty_as_null=False)
        .unnest("lines")
        .rename({"destination": "line_destination", "manufacturer": "line_manufacturer"})
        for name in ("contract.signed", "contract.amended")
    ]
    removed = (
        book.of("contract.amended")
        .filter((pl.col("time") <= moment) & (pl.col("removed").list.len() > 0))
        .select(*_ORDER, *KEY, line="removed")
        .explode("line")
        .with_columns(removed=pl.lit(True))
    )
    rows = pl.concat([*frames, removed], how="diagonal").sort(_ORDER, maintain_order=True)
    key = [*KEY, "line"]
    rows = rows.with_columns(
        removed=pl.col("removed").fill_null(False),
        latest=pl.int_range(pl.len()).over(key) == pl.len().over(key) - 1,
        quantity=pl.col("quantity").cast(QUANTITY),
        unit_price=pl.col("unit_price").cast(MONEY),
        cost_to_go=pl.col("cost_to_go").cast(MONEY),
        export_at=instant(pl.col("export_at")),
        deadline=instant(pl.col("deadline")),
    )
    return _changed(book, rows, moment).select(
        *_ORDER[:1], *KEY, *parts, "line_destination", "line_manufacturer", "removed", "latest", "changed_at"
    )


def _changed(book: Book, rows: pl.DataFrame, moment: datetime) -> pl.DataFrame:
    """The rows with ``changed_at``; only contracts that were amended need a second look."""
    key = [*KEY, "line"]
    first = rows.with_columns(changed_at=pl.lit(None, dtype=INSTANT))
    amended = book.of("contract.amended").filter(pl.col("time") <= moment)
    if amended.is_empty():
        return first
    moved = amended.filter(pl.col("destination").is_not_null()).select(
        *_ORDER, *KEY, contract_destination="destination"
    )
    moved = first.filter("latest").select(key).join(moved, on=KEY)
    goods = pl.struct(*_LINE, "line_destination")
    given = rows.filter(~pl.col("removed")).select(*_ORDER, *key, "contract_destination", goods=goods)
    steps = pl.concat([given, moved], how="diagonal").sort(_ORDER, maintain_order=True)
    steps = steps.with_columns(pl.col("goods", "contract_destination").forward_fill().over(key))
    steps = steps.filter(pl.col("goods").is_not_null()).with_columns(
        is_now=pl.struct(
            pl.col("goods").struct.field(*_LINE),
            place=pl.coalesce(pl.col("goods").struct.field("line_destination"), "contract_destination"),
        )
    )
    later = pl.int_range(pl.len()).over(key) > 0
    differs = later & pl.col("is_now").ne_missing(pl.col("is_now").shift().over(key))
    last = steps.filter(differs).group_by(key).agg(last_change=pl.col("time").max())
    return first.join(last, on=key, how="left").with_columns(changed_at="last_change")


def _cancelled(book: Book, moment: datetime) -> pl.DataFrame:
    cancelled = book.of("contract.cancelled")
    named = cancelled.filter((pl.col("time") <= moment) & pl.col("line").is_not_null())
    return named.select(*KEY, "line").unique().with_columns(line_over=pl.lit(True))


def _shipped(book: Book, lines: pl.DataFrame, moment: datetime) -> pl.DataFrame:
    """The lines with what was shipped of them and what is still open, in the line's unit."""
    key = [*KEY, "line"]
    gone = book.of("goods.shipped").filter(pl.col("time") <= moment)
    gone = gone.join(lines.select(*key, line_unit="unit"), on=key).with_columns(
        amount=converted(pl.col("quantity").cast(QUANTITY), pl.col("unit"), pl.col("line_unit"))
    )
    totals = gone.group_by(key).agg(shipped=pl.col("amount").sum())
    lines = lines.join(totals, on=key, how="left")
    zero = pl.lit(0, dtype=QUANTITY)
    return lines.with_columns(pl.col("shipped").fill_null(zero)).with_columns(
        open=pl.max_horizontal(pl.col("quantity") - pl.col("shipped"), zero)
    )


def _numbered(lines: pl.DataFrame) -> pl.DataFrame:
    number = pl.col("line").cast(pl.Int64, strict=False)
    ordered = lines.sort("exporter", "contract", number.is_null(), number, "line", maintain_order=True)
    return ordered.with_row_index("line_id").with_columns(
        ref=pl.concat_str("exporter", "contract", "line", separator="/")
    )


def quantity_by(book: Book, moment: datetime, cut_off: datetime) -> pl.DataFrame:
    """The quantity each line had at a cut-off, as known at the fold's instant: exporter, contract, line, ``had``."""
    key = [*KEY, "line"]
    rows = versions(book, min(moment, cut_off)).filter(pl.col("latest"))
    had = pl.when("removed").then(pl.lit(0, dtype=QUANTITY)).otherwise("quantity")
    return rows.select(*key, had=had)


def wake(book: Book, now: datetime) -> pl.DataFrame:
    """When the earliest fact of an exporter that lies ahead comes true: ``exporter`` String, ``wake_at`` instant."""
    own = pl.col("data").str.json_path_match("$.exporter")
    ahead = book.events.filter(pl.col("time") > now).select("time", exporter=own)
    return (
        ahead.drop_nulls().group_by("exporter").agg(wake_at=pl.col("time").min()).cast({"wake_at": INSTANT})
    )
