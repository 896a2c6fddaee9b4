"""Answers judged anew beside those that are stored, and where the two differ. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from services.domain.answers import unclocked
from services.domain.book import Book
from services.domain.columns import FINE, MONEY
from services.domain.contracts import wake
from services.domain.losses import estimate
from services.domain.remains import remains
from services.domain.verdicts import assess

FOUND_BY = ("buyer", "class", "destination", "export_at", "verdict", "open_quantity", "blocked_value", "value",
            "currency")  # fmt: skip
REMAIN = ("ended_at", "buyer", "class", "destination", "export_at", "verdict", "blocked_value", "currency")
KEY = ("exporter", "contract", "line")
Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Judged:
    """One line's answer as it is stored: the printed row without its clock, its loss, and columns to find it by."""

    key: Key
    columns: tuple[Any, ...]
    next_change_at: datetime | None
    cited: tuple[str, ...]
    answer: str
    loss: str | None
    steps: str | None

    @property
    def export_at(self) -> datetime:
        planned: datetime = self.columns[FOUND_BY.index("export_at")]
        return planned


@dataclass(frozen=True, slots=True)
class Remain:
    """What is left of a line cancelled while blocked, as it is stored (``REMAIN``, then answer, loss, steps)."""

    key: Key
    columns: tuple[Any, ...]
    cited: tuple[str, ...]
    answer: str
    loss: str
    steps: str


def judge(
    facts: pl.DataFrame, slice_: frozenset[str], now: datetime
) -> tuple[dict[Key, Judged], dict[Key, Remain], dict[str, datetime]]:
    """The answers for a slice, what is left of its cancelled lines, and when each exporter's next fact comes true."""
    book, mine = Book.from_events(facts), pl.col("exporter").is_in(list(slice_))
    rows = assess(book, now=now)
    left = remains(book, rows, now=now).filter(mine)
    rows = estimate(book, rows, now=now).filter(mine)
    return _kept(rows), _remains(left), dict(wake(book, now).iter_rows())


def _kept(rows: pl.DataFrame) -> dict[Key, Judged]:
    worth = pl.col("open_quantity").cast(FINE) * pl.col("unit_price").cast(FINE)
    rows = rows.with_columns(value=worth.round(4, mode="half_to_even").cast(MONEY))
    rest = ("next_change_at", "cited", "loss", "loss_steps")
    kept = {}
    for row, found_by, (due, cites, loss, steps), answer in zip(
        rows.select(KEY).iter_rows(),
        rows.select(FOUND_BY).iter_rows(),
        rows.select(rest).iter_rows(),
        unclocked(rows),
        strict=True,
    ):
        kept[row] = Judged(row, found_by, due, tuple(cites), answer, loss, steps)
    return kept


def _remains(rows: pl.DataFrame) -> dict[Key, Remain]:
    found = zip(
        rows.select(KEY).iter_rows(),
        rows.select(REMAIN).iter_rows(),
        rows.select("cited", "loss", "loss_steps").iter_rows(),
        unclocked(rows),
        strict=True,
    )
    return {
        key: Remain(key, columns, tuple(cites), answer, loss, steps)
        for key, columns, (cites, loss, steps), answer in found
    }


def verdicts_differ(before: Any, after: Judged | None) -> bool:
    """What is printed of the line differs, its planned instant among it ("at" is printed from that)."""
    if before is None or after is None:
        return before is not after
    return (before["answer"], before["export_at"]) != (after.answer, after.export_at)


def losses_differ(before: Any, after: Judged | Remain | None) -> bool:
    """The loss, or how it was reckoned; ``before`` is a stored verdict or what is stored as left of a line."""
    old = (before["loss"], before["steps"]) if before else (None, None)
    return bool(old != ((after.loss, after.steps) if after else (None, None)))


def columns_differ(before: Any, after: Judged, engine: int) -> bool:
    """Only what the line is found by, or the engine that judged it: nobody need be told."""
    return tuple(before[name] for name in FOUND_BY) != after.columns or (before["cited"], before["engine"]) != (
        list(after.cited), engine
    )  # fmt: skip


def remain_differs(before: Any, after: Remain, engine: int) -> bool:
    """Whether what is stored as left of a line is any other than what was found."""
    if before is None or losses_differ(before, after):
        return True
    return (*(before[name] for name in REMAIN), before["answer"], before["engine"]) != (
        *after.columns,
        after.answer,
        engine,
    )
