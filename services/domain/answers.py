"""Answers as people and programs read them: one JSON object per line, the same bytes for the same answer."""

import json
from collections.abc import Iterator, Mapping
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
    for row in rows.select(columns).iter_rows(named=True):
        loss = row.get("loss")
        yield {name: _value(row.get(name)) for name in KEYS[:-1]} | {
            "loss": None if loss is None else json.loads(loss)
        }


def lines(rows: pl.DataFrame) -> list[str]:
    """The rows as JSON Lines."""
    return [text(answer) for answer in answers(rows)]


def text(answer: Mapping[str, Any]) -> str:
    """One answer as one line of JSON."""
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":"))


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
