"""JSON: an array of objects as a table, what lies within them by dotted names such as ``sources.0.price``."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from services.intake.cells import Cell
from services.intake.mapped import Broken, Row
from services.intake.mapping import File
from services.runtime.yaml_text import FileError, read_bytes

MOST_JSON = 256 * 1024 * 1024
MOST_DEEP = 8


def json_rows(path: Path, how: File) -> tuple[list[str], Iterator[Row | Broken]]:
    """The names within the objects of an array, and the objects as rows. Raises FileError where there is none."""
    content = read_bytes(path)
    if len(content) > MOST_JSON:
        raise FileError(f"{path}: larger than {MOST_JSON:,} bytes. Split it into several files.")
    try:
        found = json.loads(content, parse_float=Decimal, parse_int=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise FileError(f"{path}: not JSON: {error}. Check that the file is complete.") from error
    for part in (how.rows or "").split("."):
        found = found.get(part) if part and isinstance(found, dict) else found
    if not isinstance(found, list):
        raise FileError(
            f"{path}: expected an array of objects. Say where it stands: `file: {{rows: path.to.it}}`."
        )
    flat = [dict(_flat(one)) if isinstance(one, dict) else None for one in found]
    names = list(dict.fromkeys(name for one in flat if one is not None for name in one))
    return names, _items(flat, names)


def _no_number(said: str) -> Decimal:
    raise ValueError(f"{said} is no number")


def _items(flat: list[dict[str, Cell] | None], names: list[str]) -> Iterator[Row | Broken]:
    nothing: dict[str, Cell] = dict.fromkeys(names, "")
    for number, one in enumerate(flat, 1):
        if one is None:
            yield Broken(f"item {number}", "expected an object with names and values")
        else:
            yield Row(f"item {number}", nothing | one)


def _flat(inside: Any, under: str = "", deep: int = 0) -> Iterator[tuple[str, Cell]]:
    pairs = inside.items() if isinstance(inside, dict) else enumerate(inside)
    for name, value in pairs:
        path = f"{under}{name}"
        if isinstance(value, dict | list) and deep < MOST_DEEP:
            yield from _flat(value, f"{path}.", deep + 1)
        elif not isinstance(value, dict | list):
            yield path, _json_cell(value)


def _json_cell(value: Any) -> Cell:
    if isinstance(value, Decimal | str):
        return value
    return "" if value is None else "true" if value else "false"
