"""What is left of orders that ended while they were blocked: the parts bought for them still lie there.

That is how most blocked orders end: the buyer calls off, and the loss stays until its components are disposed of.
"""

from dataclasses import replace
from datetime import datetime, timedelta

import polars as pl

from services.domain.book import Book
from services.domain.losses import estimate
from services.domain.purchases import parcels
from services.domain.verdicts import assess

_LINE = ["exporter", "contract", "line"]
_MOMENT = timedelta(microseconds=1)


def remains(book: Book, rows: pl.DataFrame, *, now: datetime, known: datetime | None = None) -> pl.DataFrame:
    """The lines cancelled while blocked whose own components are still on hand or on order, with their losses.

    Each is as it was judged just before it was cancelled, with ``loss`` and ``loss_steps`` as of ``now``; only
    purchases that name the line count. ``rows``: those of ``verdicts.assess``, whose columns these have.
    """
    book = book.known(known)
    held = parcels(book, now).filter(pl.col("kind").is_in(["stock", "order"]) & pl.col("line").is_not_null())
    ended = _ended(book, now).join(held.select(_LINE).unique(), on=_LINE, how="semi")
    found = [rows.select(pl.exclude("loss", "loss_steps")).clear()]
    for (moment,), lines in ended.group_by("ended_at", maintain_order=True):
        assert isinstance(moment, datetime)
        judged = assess(book, now=moment - _MOMENT).join(lines, on=_LINE, how="semi")
        found.append(judged.filter(pl.col("blocked_quantity") > 0).select(found[0].columns))
    return estimate(_named_only(book), pl.concat(found).sort("ref"), now=now)


def _ended(book: Book, now: datetime) -> pl.DataFrame:
    """When each line was first cancelled, by itself or with its contract: exporter, contract, line, ended_at."""
    cancelled = book.of("contract.cancelled").filter(pl.col("time") <= now)
    every = pl.concat(
        book.of(name).select("exporter", "contract", pl.col("lines").list.eval(pl.element().struct.field("line")))
        for name in ("contract.signed", "contract.amended")
    )  # fmt: skip
    every = every.explode("lines", empty_as_null=False).drop_nulls().rename({"lines": "line"}).unique()
    alone = cancelled.drop_nulls("line").select(*_LINE, ended_at="time")
    whole = cancelled.filter(pl.col("line").is_null()).select("exporter", "contract", ended_at="time")
    both = pl.concat([alone, every.join(whole, on=["exporter", "contract"]).select(alone.columns)])
    return both.group_by(_LINE).agg(pl.col("ended_at").min()).sort("ended_at", *_LINE)


def _named_only(book: Book) -> Book:
    line = pl.col("data").str.json_path_match("$.line")
    pooled = pl.col("type").is_in(["component.purchased", "component.ordered"]) & line.is_null()
    return replace(book, events=book.events.filter(~pooled))
