"""Answers as people and programs read them: one JSON object per line, the same bytes for the same answer."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import polars as pl

from events.values import instant_text, plain

KEYS = (
    "ref", "exporter", "contract", "line", "buyer", "at", "now", "verdict", "rule", "clause", "route", "missing",
    "readings", "open_quantity", "covered_quantity", "blocked_quantity", "unknown_quantity", "unit", "blocked_value",
    "currency", "next_change_at", "export_windows", "loss",
)  # fmt: skip
CLOCKED = ("at", "now")


def answers(rows: pl.DataFrame) -> Iterator[dict[str, Any]]:
    """Each row of ``assess`` (``loss`` as JSON text, where estimated) as plain JSON values, keys in order."""
    columns = [name for name in KEYS if name in rows.columns]
    return map(answer, rows.select(columns).iter_rows(named=True))


def answer(row: Mapping[str, Any]) -> dict[str, Any]:
    """One row as plain JSON values, keys in order; what it does not say is null."""
    loss = row.get("loss")
    return {name: _value(row.get(name)) for name in KEYS[:-1]} | {
        "loss": None if loss is None else json.loads(loss)
    }


def lines(rows: pl.DataFrame) -> list[str]:
    """The rows as JSON Lines: ``text`` of each of ``answers``, found column by column."""
    loss = rows["loss"].to_list() if "loss" in rows.columns else [None] * rows.height
    told = (text(None if one is None else json.loads(one)) for one in loss)
    return _joined(KEYS, [*_columns(rows, KEYS[:-1]), told])


def unclocked(rows: pl.DataFrame) -> list[str]:
    """The same without ``at``, ``now`` and ``loss``: what stays the same however late it is asked."""
    keys = [name for name in KEYS if name not in (*CLOCKED, "loss")]
    return _joined(keys, _columns(rows, keys))


def _joined(keys: Sequence[str], columns: Sequence[Iterable[str]]) -> list[str]:
    template = "{" + ",".join(f"{text(key)}:%s" for key in keys) + "}"
    return [template % row for row in zip(*columns, strict=True)]


def _columns(rows: pl.DataFrame, keys: Sequence[str]) -> list[list[str]]:
    return [_texts(rows[key]) if key in rows.columns else ["null"] * rows.height for key in keys]


def _texts(column: pl.Series) -> list[str]:
    """Each value as JSON. Most values stand in many rows, and are written once."""
    if column.dtype == pl.List:
        return [text(_value(value)) if value else "[]" for value in column.to_list()]
    told: dict[Any, str] = {}
    return [told.get(value) or told.setdefault(value, text(_value(value))) for value in column.to_list()]


def text(value: Any) -> str:
    """A JSON value, such as one answer, as one line."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _value(value: Any) -> Any:
    match value:
        case Decimal():
            return plain(value)
        case datetime():
            return instant_text(value)
        case list():
            return [_value(item) for item in value]
        case dict():
            return {name: _value(item) for name, item in value.items()}
        case _:
            return value
