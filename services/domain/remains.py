"""What is left of orders that ended while they were blocked: the parts bought for them still lie there.

That is how most blocked orders end: the buyer calls off, and the loss stays until its components are disposed of.
"""

from dataclasses import replace
from datetime import datetime, timedelta

import polars as pl

from services.domain.book import Book
from services.domain.columns import INSTANT, ORDER
from services.domain.losses import estimate
from services.domain.purchases import parcels
from services.domain.remembered import Remembered
from services.domain.verdicts import as_it_stood

_STOOD = Remembered(512)
_LINE = ["exporter", "contract", "line"]
_MOMENT = timedelta(microseconds=1)
_SIGNED = ("contract.signed", "contract.amended")
_OF_MONEY = ("component.ordered", "component.purchased", "component.disposed", "component.order_cancelled",
             "loss.stated", "licence.applied", "leadtime.published", "fx.published")  # fmt: skip
"""What no verdict looks at."""
_TIMELESS = ("goods.published", "codes.published", "party.matched", "party.unmatched")
"""What goods are, and who is who, is no news of its day: a class that was published later was one before."""


def remains(book: Book, rows: pl.DataFrame, *, now: datetime) -> pl.DataFrame:
    """The lines cancelled while blocked whose own components are still on hand or on order, with their losses.

    Each is as it was judged just before it was cancelled, by what was true or known by then, with ``ended_at``, and
    ``loss`` and ``loss_steps`` as of ``now``. Only purchases that name the line count: open lines may need the others;
    and figures for a whole contract that goes on stay with its open lines.
    ``rows``: those of ``verdicts.assess``, whose columns these have. Changes with the facts only, never with the clock.
    """
    book = book.known(None)
    found = [rows.select(pl.exclude("loss", "loss_steps"), ended_at=pl.lit(None, INSTANT)).clear()]
    ended = _left_with_parts(book, now)
    for moment in ended["ended_at"].unique().sort():
        lines = ended.filter(pl.col("ended_at") == moment)
        found.append(_blocked_then(book, lines, moment).select(found[0].columns))
    every = pl.concat(found).sort("ref")
    if every.is_empty():
        return every.with_columns(loss=pl.lit(None, pl.String), loss_steps=pl.lit(None, pl.String))
    return estimate(book, every, now=now, others=rows.select(_LINE[:2]))


def _blocked_then(book: Book, lines: pl.DataFrame, moment: datetime) -> pl.DataFrame:
    """Those of the lines that were blocked just before the moment, as they stood.

    That depends on nothing but what was true or known by then: only a fact that was so too makes it another.
    """
    then = _by_then(book, moment)
    then = then if _shares_balances(book) else _narrowed(then, lines)
    lines = lines.sort(_LINE)

    def judged() -> pl.DataFrame:
        rows = as_it_stood(then, now=moment - _MOMENT)
        rows = rows.join(lines, on=_LINE, how="inner", maintain_order="left")
        return rows.filter(pl.col("blocked_quantity") > 0)

    return _STOOD.found(then.events.sort(ORDER), lines, moment.isoformat(), make=judged)


def _left_with_parts(book: Book, now: datetime) -> pl.DataFrame:
    """The cancelled lines with parts of their own, and when: exporter, contract, line, ended_at."""
    cancelled = book.of("contract.cancelled").filter(pl.col("time") <= now)
    if cancelled.is_empty():  # the common case reads no purchase and judges nothing
        return cancelled.select(*_LINE, ended_at="time")
    held = parcels(book, now).filter(pl.col("kind").is_in(["stock", "order"])).drop_nulls("line")
    alone = cancelled.drop_nulls("line").select(*_LINE, ended_at="time")
    whole = cancelled.filter(pl.col("line").is_null()).select("exporter", "contract", ended_at="time")
    every = held.select(_LINE).unique()
    both = pl.concat([alone.join(every, on=_LINE, how="semi"), every.join(whole, on=_LINE[:2])])
    return both.group_by(_LINE).agg(pl.col("ended_at").min())


def _by_then(book: Book, moment: datetime) -> Book:
    """The book of what was true or known before the moment: a licence granted later did not free what was gone."""
    known = (pl.col("time") < moment) | (pl.col("recorded_at") < moment) | pl.col("type").is_in(_TIMELESS)
    return replace(book, events=book.events.filter(known & ~pl.col("type").is_in(_OF_MONEY)))


def _shares_balances(book: Book) -> bool:
    """Whether what others draw from a balance can matter to a line."""
    balances = [book.of(name).select("quantity", "value") for name in ("licence.granted", "quota.opened")]
    return any(frame[name].null_count() < frame.height for frame in balances for name in frame.columns)


def _narrowed(book: Book, lines: pl.DataFrame) -> Book:
    """Only the contracts of these exporters."""
    own = pl.col("data").str.json_path_match("$.exporter").is_in(lines["exporter"].unique().implode())
    signed = pl.col("type").is_in(_SIGNED)
    return replace(
        book, events=pl.concat([book.events.filter(~signed), book.events.filter(signed).filter(own)])
    )
