"""Answers judged anew beside those that are stored, and where the two differ. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import polars as pl

from services.domain.answers import CLOCKED, answers, text
from services.domain.book import Book
from services.domain.contracts import wake
from services.domain.losses import estimate
from services.domain.remains import remains
from services.domain.verdicts import assess

FOUND_BY = ("buyer", "class", "destination", "export_at", "verdict", "open_quantity", "blocked_value", "value",
            "currency")  # fmt: skip
REMAIN = ("ended_at", "buyer", "class", "destination", "export_at", "verdict", "blocked_value", "currency")
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
    kept = {}
    for row, answer in zip(rows.iter_rows(named=True), answers(rows), strict=True):
        value = row["open_quantity"] * row["unit_price"]
        found_by = tuple({**row, "value": value.quantize(Decimal("0.0001"))}[name] for name in FOUND_BY)
        due, cites, told = row["next_change_at"], tuple(row["cited"]), _unclocked(answer)
        one = Judged(_key(row), found_by, due, cites, told, row["loss"], row["loss_steps"])
        kept[one.key] = one
    return kept


def _remains(rows: pl.DataFrame) -> dict[Key, Remain]:
    left = {}
    for row, answer in zip(rows.iter_rows(named=True), answers(rows), strict=True):
        told = _unclocked(answer)
        columns, cites = tuple(row[name] for name in REMAIN), tuple(row["cited"])
        one = Remain(_key(row), columns, cites, told, row["loss"], row["loss_steps"])
        left[one.key] = one
    return left


def _key(row: Mapping[str, Any]) -> Key:
    return row["exporter"], row["contract"], row["line"]


def _unclocked(answer: Mapping[str, Any]) -> str:
    return text({name: value for name, value in answer.items() if name not in (*CLOCKED, "loss")})


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
