"""The fold of contracts: what every line was at an instant, after amendments, shipments and cancellations.

One fold answers for one instant, or for many at once: given a frame of contracts with an instant each, every contract
is folded to each of its instants side by side.
"""

from datetime import datetime

import polars as pl

from services.domain.book import Book
from services.domain.codex import SHARED
from services.domain.columns import INSTANT, QUANTITY
from services.domain.parties import compared
from services.domain.units import converted
from services.domain.versions import FOLD, KEY, LINE, Folds, until, versions

_TERMS = ["manufacturer", "buyer", "buyer_country", "end_user", "exported_from", "made_in", "destination", "currency",
          "incoterm", "facts_complete", "terms"]  # fmt: skip
_PARTIES = ("party", "bought_by", "end_user", "manufacturer")
_ORDER = ["time", "recorded_at", "source", "id"]
OWN = ("contract.signed", "contract.amended", "contract.assigned", "contract.cancelled", "goods.shipped",
       "exporter.registered")  # fmt: skip
"""The facts a contract's fold depends on."""


def folded(book: Book, folds: Folds, ended: bool = False) -> pl.DataFrame:
    """The open lines at an instant (``ended``: all that ever were), in order of exporter, contract and line.

    ``folds``: one instant for all contracts, or a frame ``exporter, contract, fold_at`` of instants to fold each to.

    Columns: ``line_id`` UInt32 · ``fold_at`` instant · ``ref, exporter, contract, line, buyer`` as told · each by the
    one name its party is compared by, ``party`` (who exports now), ``bought_by``, ``end_user, manufacturer`` (null:
    unknown) · ``buyer_country, exported_from, made_in, destination, currency, incoterm, unit, class, hs`` String ·
    ``attributes, terms`` Struct · ``hs_year`` Int64 · ``facts_complete`` Boolean ·
    ``quantity, open, shipped`` Decimal(38,6) · ``unit_price, cost_to_go`` Decimal(38,4) · ``export_at, deadline,
    signed_at, changed_at`` instants · ``signed`` String (an instant, or a day). Line numbers sort by number.
    """
    if not isinstance(folds, datetime):
        return _folded(book, folds, ended)
    return book.once(("folded", folds, ended), lambda: _folded(book, folds, ended))


def _folded(book: Book, folds: Folds, ended: bool) -> pl.DataFrame:
    if ended:
        return numbered(_joined(book, folds))
    lines = folded(book, folds, ended=True).filter((pl.col("open") > 0) & ~pl.col("over")).drop("over")
    return lines.with_columns(line_id=pl.int_range(pl.len(), dtype=pl.UInt32))


def _joined(book: Book, folds: Folds) -> pl.DataFrame:
    lines = versions(book, folds).filter("latest").join(_contracts(book, folds), on=FOLD, how="inner")
    cancelled = until(book.of("contract.cancelled"), folds).filter(pl.col("line").is_not_null())
    cancelled = cancelled.select(*LINE).unique().with_columns(line_over=pl.lit(True))
    lines = lines.join(cancelled, on=LINE, how="left").with_columns(
        over=pl.col("removed") | pl.col("whole_over") | pl.col("line_over").fill_null(False)
    )
    lines = _shipped(book, lines, folds).with_columns(
        destination=pl.coalesce("line_destination", "destination"),
        manufacturer=pl.coalesce("line_manufacturer", "manufacturer"),
        facts_complete=pl.col("facts_complete").fill_null(False),
        bought_by="buyer",
    )
    lines = lines.with_columns(compared(name, book.names) for name in _PARTIES)
    return _made_by_itself(book, lines).drop(
        "line_destination", "line_manufacturer", "removed", "latest", "whole_over", "line_over"
    )


def _made_by_itself(book: Book, lines: pl.DataFrame) -> pl.DataFrame:
    """Where no manufacturer is named, an exporter that says it is a maker made the goods itself."""
    said = (
        book.of("exporter.registered")
        .select(party="exporter", said_at="time", maker="maker")
        .sort("said_at", maintain_order=True)
    )
    told = lines.select("party", "fold_at").unique().sort("fold_at")
    told = told.join_asof(said, left_on="fold_at", right_on="said_at", by="party", check_sortedness=False)
    lines = lines.join(told.select("party", "fold_at", "maker"), on=["party", "fold_at"], how="left")
    own = pl.when(pl.col("maker").fill_null(False)).then(pl.col("party"))
    return lines.with_columns(manufacturer=pl.coalesce("manufacturer", own)).drop("maker")


def _contracts(book: Book, folds: Folds) -> pl.DataFrame:
    """One row per signed contract, amendments applied field by field; ``whole_over``: it was cancelled."""
    columns = [*_ORDER, *KEY, *_TERMS, "signed"]
    signed = book.of("contract.signed").select(columns)
    amended = book.of("contract.amended").with_columns(signed=pl.lit(None, pl.String)).select(columns)
    events = until(pl.concat([signed, amended]), folds).sort(_ORDER)
    contracts = events.group_by(FOLD, maintain_order=True).agg(
        *(pl.col(name).drop_nulls().last() for name in _TERMS),
        pl.col("signed").drop_nulls().first(),
        signed_at=pl.col("time").filter(pl.col("signed").is_not_null()).first(),
    )
    contracts = contracts.filter(pl.col("signed").is_not_null())
    whole = until(book.of("contract.cancelled"), folds).filter(pl.col("line").is_null())
    ended = whole.select(FOLD).unique().with_columns(whole_over=pl.lit(True))
    assigned = until(book.of("contract.assigned"), folds)
    party = assigned.group_by(FOLD, maintain_order=True).agg(party=pl.col("to").last())
    contracts = contracts.join(ended, on=FOLD, how="left").join(party, on=FOLD, how="left")
    return contracts.with_columns(
        party=pl.coalesce("party", "exporter"), whole_over=pl.col("whole_over").fill_null(False)
    )


def _shipped(book: Book, lines: pl.DataFrame, folds: Folds) -> pl.DataFrame:
    """The lines with what was shipped of them and what is still open, in the line's unit."""
    gone = until(book.of("goods.shipped"), folds)
    gone = gone.join(lines.select(*LINE, line_unit="unit"), on=LINE).with_columns(
        amount=converted(pl.col("quantity").cast(QUANTITY), pl.col("unit"), pl.col("line_unit"))
    )
    totals = gone.group_by(LINE).agg(shipped=pl.col("amount").sum())
    zero = pl.lit(0, dtype=QUANTITY)
    lines = lines.join(totals, on=LINE, how="left").with_columns(pl.col("shipped").fill_null(zero))
    return lines.with_columns(open=pl.max_horizontal(pl.col("quantity") - pl.col("shipped"), zero))


def numbered(lines: pl.DataFrame) -> pl.DataFrame:
    """The lines in order of exporter, contract and line (by number), with ``line_id`` and ``ref``."""
    number = pl.col("line").cast(pl.Int64, strict=False)
    ordered = lines.sort(
        "exporter", "contract", number.is_null(), number, "line", "fold_at", maintain_order=True
    )
    return ordered.with_row_index("line_id").with_columns(
        ref=pl.concat_str("exporter", "contract", "line", separator="/")
    )


def quantity_by(book: Book, lines: pl.DataFrame, cut_off: datetime) -> pl.DataFrame:
    """What lines had at a cut-off, as far as their own fold knows: exporter, contract, line, fold_at, ``had``."""
    folds = (
        lines.select(FOLD)
        .unique()
        .with_columns(known_to="fold_at", fold_at=pl.min_horizontal("fold_at", pl.lit(cut_off)))
    )
    rows = (
        versions(book, folds.select(FOLD).unique())
        .filter("latest")
        .select(*LINE, had=pl.when("removed").then(pl.lit(0, dtype=QUANTITY)).otherwise("quantity"))
    )
    return rows.join(folds, on=FOLD).drop("fold_at").rename({"known_to": "fold_at"})


def wake(book: Book, now: datetime) -> pl.DataFrame:
    """When the earliest fact of an exporter that lies ahead comes true: ``exporter`` String, ``wake_at`` instant."""
    # What everybody is judged by names no exporter, and a nomenclature is a megabyte to search for one.
    own, shared = pl.col("data").str.json_path_match("$.exporter"), pl.col("type").is_in(list(SHARED))
    ahead = book.events.filter(pl.col("time") > now, ~shared).select("time", exporter=own).drop_nulls()
    return ahead.group_by("exporter").agg(wake_at=pl.col("time").min()).cast({"wake_at": INSTANT})
