"""What a blocked line costs, by the terms accountants and courts use, each figure with its steps.

The worked example, in thousands: a contract worth 1,000 is blocked as a whole. Parts for 350 are in stock and would
fetch 140; parts for 120 are on order, unpaid, and could be called off for 40 or resold for 50; 150 would still have to
be spent; damages for delay are capped at 50; 5 went on storage; the buyer has paid 300 in advance.

    stock_write_down     350 − 140                         210
    commitment_loss      min(40, 120 − 50)                  40
    penalty              the cap                            50     0 while force majeure exempts
    other                stated                              5
    out_of_pocket        210 + 40 + 50 + 5                 305     255 if exempt
    lost_margin          1,000 − 350 − 120 − 150           380
    expectation_loss     305 + 380                         685
    accounting_charge    210 + 40 + 50 + 5                 305
    cash_call            300 + 50 + 40                     390
"""

from collections.abc import Mapping
from datetime import datetime
from functools import cache

import polars as pl

from services.domain import claims, idle_parts, inputs, penalties, totals
from services.domain.book import Book
from services.domain.columns import FINE
from services.domain.figures import figure, same
from services.domain.forecast import releases
from services.domain.loss_text import loss_json, steps_json, tagged
from services.domain.money import Rates, digits
from services.domain.purchases import parcels

DEFAULTS: Mapping[str, tuple[str, str]] = {
    "stock": ("none", "nothing recorded as bought is nothing bought"),
    "orders": ("none", "nothing recorded as ordered is nothing ordered"),
    "salvage": (
        "0; carrying value in low",
        "nobody is known to buy it; at best it finds another use at cost",
    ),
    "salvage_unit_cost": ("0", "a price is taken as net of selling it unless a cost is given"),
    "cancellation_fee": ("not cancellable", "no right to call an order off is presumed"),
    "prepaid": ("0", "an order is paid on delivery unless said otherwise"),
    "proceeds": ("the cost", "what left the stock without a price was put to use"),
    "cost_to_go": ("unknown", "a margin without it would be invented"),
    "deadline": ("none", "without a deadline nothing is late and nothing can be in time"),
    "liquidated_damages": ("none", "delay costs what the contract says it does"),
    "force_majeure": ("not exempt", "a party that wants to be excused must have given notice"),
    "release": ("never", "no lead time is published: delay runs to its cap; without a cap it is unknown"),
    "advance": ("none", "nothing received is nothing to refund"),
    "guarantee": ("none", "no guarantee is known that could be called"),
    "other": ("0", "storage, demurrage, freight back and fees are counted when stated"),
    "recoveries": ("0", "returns to suppliers and insurance are counted when stated"),
}
"""Each missing input: what is taken instead, and why."""

TERMS = ("blocked_value", "stock_write_down", "commitment_loss", "penalty", "onerous_provision", "other", "recoveries",
         "out_of_pocket", "lost_margin", "expectation_loss", "accounting_charge", "cash_call", "expected",
         "avoidable")  # fmt: skip


def estimate(
    book: Book,
    rows: pl.DataFrame,
    *,
    now: datetime,
    known: datetime | None = None,
    at: datetime | None = None,
    others: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """The rows of ``verdicts.assess`` with two more columns of JSON text, null for lines that lose nothing.

    ``loss``: the terms by name, each ``{low, base, high, currency}`` (amounts as text; null, with a ``reason``, where
    nothing can be said), and ``probability``. ``loss_steps``: ``tags`` (input → given, default, estimated) and
    ``steps`` (term → how it was reckoned). Purchases count up to ``at``, else ``now``; nothing else depends on either.
    Rows with ``ended_at`` were cancelled then: delay counts up to that instant, and they will not be exported.
    ``others``: lines (exporter, contract) that are reckoned apart from these and bear whatever names no line.
    """
    book, moment = book.known(known), at if at is not None else now
    lines = rows.with_row_index("n")
    figures = claims.stated(book, lines, moment, others)
    told = figures.filter(
        pl.col("term").is_in([*claims.TERMS, *(p for of in claims.PIECES.values() for p in of)])
    )
    chosen = lines.filter((pl.col("blocked_quantity") > 0) | pl.col("n").is_in(told["n"].implode()))
    if chosen.is_empty():
        return rows.with_columns(loss=pl.lit(None, pl.String), loss_steps=pl.lit(None, pl.String))
    bought = parcels(book, moment, named=others is not None)
    reckoned = _reckoned(book, lines, chosen, figures, bought, moment)
    texts = reckoned.select("n", loss=loss_json(TERMS), loss_steps=steps_json(TERMS))
    return lines.join(texts, on="n", how="left", maintain_order="left").drop("n")


def _reckoned(
    book: Book, lines: pl.DataFrame, chosen: pl.DataFrame, figures: pl.DataFrame, bought: pl.DataFrame,
    moment: datetime,
) -> pl.DataFrame:  # fmt: skip
    """The chosen lines with every term as ``figures.figure`` lays it out, and the tags of the inputs."""
    rates = Rates(book.fx)
    frame = claims.terms(book, chosen, moment)
    for more in (releases(book, chosen), claims.contract_sums(book, lines, chosen, moment)):
        frame = frame.join(more, on="n", how="left", maintain_order="left")
    frame = inputs.with_stated(frame, figures, rates)
    parts = idle_parts.of(book, bought, lines, frame, moment, rates)
    frame = frame.join(parts, on="n", how="left", maintain_order="left")
    frame = penalties.terms(idle_parts.terms(frame.with_columns(_blocked_value()), rates))
    return tagged(totals.terms(frame, figures, rates))


@cache
def _blocked_value() -> list[pl.Expr]:
    worth = pl.col("unit_price").cast(FINE) * pl.col("blocked_quantity").cast(FINE)
    priced = pl.format(
        "{} {} × {} {}", digits(pl.col("blocked_quantity")), "unit", digits(pl.col("unit_price")), "currency"
    )
    return [
        worth.alias("late_value"),
        *figure("blocked_value", same(worth), steps=pl.concat_list(priced)),
    ]
