"""All draws of a book in their order: what was used elsewhere, what was shipped, then open lines as planned."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import polars as pl

from events.rule_document import AllowanceNeeded, DatedNeeded, LicenceNeeded, QuotaNeeded
from services.domain import balances
from services.domain.book import Book
from services.domain.columns import FINE, INSTANT, QUANTITY
from services.domain.contracts import folded
from services.domain.evidence import Evidence
from services.domain.judge import Law, drawers, frames
from services.domain.units import converted

_FIRST = 0


def draw_all(law: Law, drawn: pl.DataFrame, evidence: Evidence, now: datetime) -> dict[int, balances.Page]:
    """Draw all finite balances in order; returns the page each open line that can ever draw finds, by ``line_id``.

    ``drawn``: open lines as folded to ``now``, and what was shipped (``gone``), both with their ``kind``. Lines that
    only ``looks`` find their page as well, and draw nothing.
    """
    reaching = _reaching(law, evidence)
    able = drawn.join(reaching, on="kind", how="semi")
    if able.is_empty():
        return {}
    gone = pl.col("shipped_at").is_not_null()
    rows = able.with_columns(
        moment=pl.when(gone).then("shipped_at").otherwise(pl.max_horizontal("export_at", pl.lit(now)))
    ).sort(~gone, pl.when(gone).then("shipped_at").otherwise("export_at"), "line_id", "event")  # fmt: skip
    rows = rows.with_row_index("r", offset=_FIRST + 1)
    ledger = balances.Ledger()
    _used(evidence, ledger, now)
    of_rows = drawers(frames(rows, law, evidence), law)
    named = set(rows.filter(pl.col("on_licence").is_not_null())["r"].to_list())
    looking = set(rows.filter("looks")["r"].to_list())
    for r in sorted({*of_rows, *named} - looking):
        if r in named:
            _draw_named(rows.row(r - _FIRST - 1, named=True), evidence, ledger)
        else:
            balances.draw(of_rows[r], balances.cover(of_rows[r], ledger.page(r)), ledger.page(r))
    return {line: ledger.page(r) for r, line in rows.filter(~gone).select("r", "line_id").iter_rows()}


def _reaching(law: Law, evidence: Evidence) -> pl.DataFrame:
    """The kinds of goods that some clause, at whatever instant, lets draw on a finite balance: ``kind``."""
    finite = pl.col("quantity").is_not_null() | pl.col("value").is_not_null()
    schemes = set(evidence.licences.filter(finite)["scheme"].to_list())
    shared = finite & pl.col("line").is_null() & pl.col("lot").is_null()
    credits = set(evidence.dated.filter(shared)["fact"].to_list())
    draws = {
        number
        for number, binding in enumerate(law.bindings)
        for way in binding.ways
        for need in way.needs
        if isinstance(need.asks, QuotaNeeded | AllowanceNeeded)
        or (isinstance(need.asks, LicenceNeeded) and need.asks.licence in schemes)
        or (isinstance(need.asks, DatedNeeded) and need.asks.dated in credits)
    }
    return law.scope.filter(pl.col("binding").is_in(sorted(draws))).select("kind").unique()


def gone(book: Book, moment: datetime) -> pl.DataFrame:
    """What was shipped by the instant, as lines of that much: drawn for ever, ahead of open lines."""
    key = ["exporter", "contract", "line"]
    shipped = book.of("goods.shipped").filter(pl.col("time") <= moment).select(
        *key, shipped_at="time", on_scheme="scheme", on_licence="licence", sent="quantity", sent_unit="unit",
        event=pl.concat_str("source", "id", separator=" "),
    )  # fmt: skip
    if shipped.is_empty():
        text = {name: pl.String() for name in ("on_scheme", "on_licence", "event")}
        return pl.DataFrame(schema={"shipped_at": INSTANT, **text})
    folds = shipped.select("exporter", "contract", fold_at=pl.lit(moment, dtype=INSTANT)).unique()
    lines = folded(book, folds, ended=True).drop("over")
    sent = converted(pl.col("sent").cast(QUANTITY), pl.col("sent_unit"), pl.col("unit"))
    # It left in full: nothing of it was shipped before it, so no cut-off is counted twice.
    left = shipped.join(lines, on=key).with_columns(open=sent, shipped=pl.lit(0, dtype=QUANTITY))
    return left.drop_nulls("open").drop("sent", "sent_unit")


def _used(evidence: Evidence, ledger: balances.Ledger, fold: datetime) -> None:
    """What of licences was used elsewhere by the instant, in each licence's own unit or currency."""
    used = evidence.book.of("licence.used").filter(pl.col("time") <= fold)
    if used.is_empty():
        return
    units = evidence.licences.group_by("scheme", "licence").agg(
        of_unit=pl.col("unit").drop_nulls().first(), of_currency=pl.col("currency").drop_nulls().first()
    )
    rows = used.join(units, on=["scheme", "licence"]).with_columns(
        amount=converted(pl.col("quantity").cast(QUANTITY), pl.col("unit"), pl.col("of_unit")),
        worth=pl.when(pl.col("currency") == pl.col("of_currency")).then(pl.col("value").cast(FINE)),
    )
    for scheme, licence, amount, worth in rows.select("scheme", "licence", "amount", "worth").iter_rows():
        if amount is not None:
            ledger.enter(_FIRST, f"{scheme}/{licence} quantity", amount, amount)
        if worth is not None:
            ledger.enter(_FIRST, f"{scheme}/{licence} value", worth, worth)


def _draw_named(row: Mapping[str, Any], evidence: Evidence, ledger: balances.Ledger) -> None:
    """A shipment that names its licence draws on it, whatever the line could have drawn on."""
    named = evidence.licences.filter(
        (pl.col("scheme") == row["on_scheme"]) & (pl.col("licence") == row["on_licence"])
    )
    sent = pl.DataFrame({"open": [row["open"]], "unit": [row["unit"]], "price": [row["unit_price"]]},
                        schema={"open": QUANTITY, "unit": pl.String, "price": FINE})  # fmt: skip
    for unit, currency in named.select("unit", "currency").unique(maintain_order=True).head(1).iter_rows():
        drawn = sent.select(
            amount=converted(pl.col("open"), pl.col("unit"), pl.lit(unit, pl.String)),
            worth=pl.col("open").cast(FINE) * pl.col("price"),
        ).row(0)
        name = f"{row['on_scheme']}/{row['on_licence']}"
        if drawn[0] is not None:
            ledger.enter(row["r"], f"{name} quantity", drawn[0], drawn[0])
        if currency == row["currency"]:
            ledger.enter(row["r"], f"{name} value", drawn[1], drawn[1])
