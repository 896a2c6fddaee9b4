"""One field of a fact, filled from the cells of a row as its mapping says, or refused with column, cell and reason."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from services.intake import cells, fields, goods, names, unit_names
from services.intake.cells import Cell, Dates, Numbers
from services.intake.countries import country
from services.intake.fields import Field
from services.intake.mapping import NAMED, Condition, Value, columns_in
from services.intake.said import first_of, plainly, says

Cells = Mapping[str, Cell]
_SHOWN = 60


class CellError(ValueError):
    """A cell cannot be read: the column, what stands there, and what was expected."""


@dataclass(frozen=True)
class Habits:
    """How the file writes numbers and days where a field says nothing else, what counts as an empty cell, its day."""

    numbers: Numbers
    dates: Dates
    blanks: frozenset[str]
    day: datetime | None = None

    def empty(self, cell: Cell | None) -> bool:
        """Whether the cell says nothing."""
        return cell is None or (isinstance(cell, str) and (not cell.strip() or cell.strip() in self.blanks))


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a row stands: its number in the file, and within its group."""

    number: str
    count: int


def fill(value: Value, field: Field, row: Cells, where: Standing, habits: Habits) -> Any | None:
    """The value as it stands in an event; None where the cell is empty and nothing is stated for that.

    Raises CellError.
    """
    if value.constant is not None:
        return (
            _stated(field, value.constant) if isinstance(value.constant, str) else field.wire(value.constant)
        )
    if value.day:
        return None if habits.day is None else field.wire(habits.day)
    if value.count or value.mark:
        return field.wire(str(where.count) if value.count else _mark(row))
    if _silent(value, row, habits):
        return None if value.empty is None else _stated(field, value.empty)
    try:
        found = _read(value, field, row, where, habits)
        return None if found is None else field.wire(found)
    except (ValueError, OverflowError) as error:
        raise CellError(f"{_place(value, row)}: {error}") from None


@cache
def _stated(field: Field, said: str) -> Any:
    return field.wire(said)


def _silent(value: Value, row: Cells, habits: Habits) -> bool:
    """Whether the cells it is read from say nothing: one of those a text joins, or all of several others."""
    if value.text is not None:
        return any(habits.empty(row[name]) for name in columns_in(value.text))
    named = value.column or tuple(one for one in (value.party, value.identifier, value.propose) if one)
    return all(habits.empty(row[name]) for name in named)


def _read(value: Value, field: Field, row: Cells, where: Standing, habits: Habits) -> Any | None:
    if value.party:
        identifier = cells.text(row[value.identifier]) if value.identifier else None
        return names.party(cells.text(row[value.party]), identifier, value.scheme)
    if value.propose:
        hs = _code(value, row, habits)
        text = cells.text(row[value.propose])
        return goods.propose(goods.shipped(), text, hs, value.hs_year).goods_class or value.otherwise
    if value.rules:
        return _ruled(value, row, habits)
    cell = (
        next(row[name] for name in value.column if not habits.empty(row[name]))
        if value.text is None
        else _joined(value.text, row, where)
    )
    if value.below is not None:
        width = value.number_as_code
        return value.below.name(cells.text(cell) if width is None else cells.code(cell, width))
    return _listed(value, cells.text(cell)) if value.values else _by_kind(value, field, cell, habits)


def _code(value: Value, row: Cells, habits: Habits) -> str | None:
    """The tariff code that helps to tell the goods, where there is one."""
    if value.hs is None or habits.empty(row[value.hs]):
        return None
    return cells.code(row[value.hs], value.number_as_code)


def _joined(template: str, row: Cells, where: Standing) -> str:
    return NAMED.sub(lambda found: where.number if found[1] == "#" else cells.text(row[found[1]]), template)


def _mark(row: Cells) -> str:
    """A name for the row made from its content: the same cells, the same name, wherever the row stands."""
    said = json.dumps([[name, str(cell)] for name, cell in row.items()])
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def _listed(value: Value, said: str) -> str | None:
    table = {key.casefold(): one for key, one in value.values.items()}
    found = table.get(said.casefold(), value.otherwise)
    if found is None and value.unlisted == "reject":
        near = fields.near(said, value.values)
        raise ValueError(f"no entry of `values` is for this{near}")
    return found


def _by_kind(value: Value, field: Field, cell: Cell, habits: Habits) -> Any:
    dates = value.dates or habits.dates
    if value.number_as_code is not None:
        return cells.code(cell, value.number_as_code)
    match field.kind:
        case "number":
            return cells.number(cell, value.numbers or habits.numbers, value.decimals)
        case "instant" | "when" | "day":
            instant = field.kind == "instant" or (field.kind == "when" and dates.time is not None)
            found = cells.moment(cell, dates, day=field.kind != "instant", instant=instant)
            return found + timedelta(days=value.plus_days)
        case "country":
            return country(cells.text(cell))
        case "currency":
            return cells.text(cell).upper()
        case "unit":
            return unit_names.unit(cells.text(cell)) or cells.text(cell).upper()
        case "code":
            return cells.code(cell, None)
        case "flag":
            return cells.flag(cell)
        case "text" | "whole":
            return cells.text(cell)


def _ruled(value: Value, row: Cells, habits: Habits) -> str | None:
    said = " ".join(cells.text(row[name]) for name in value.column if not habits.empty(row[name]))
    rule = first_of(value.rules, said, _code(value, row, habits) or "")
    return value.otherwise if rule is None else rule.value


def met(one: Condition, row: Cells, habits: Habits) -> bool:
    """Whether the row is one of those meant."""
    cell = row[one.column]
    if one.filled is not None:
        return habits.empty(cell) != one.filled
    said = cells.text(cell).casefold()
    if one.is_in:
        return said in {text.casefold() for text in one.is_in}
    if one.is_not:
        return said not in {text.casefold() for text in one.is_not}
    return says(plainly(said), one.says) if one.says else not says(plainly(said), one.says_not)


def reason_of(one: Condition) -> str:
    """Why a row that is not meant is passed over."""
    if one.reason:
        return one.reason
    if one.filled is not None:
        return f"{one.column} is {'empty' if one.filled else 'filled'}"
    return f"{one.column} is not one of those the mapping asks for"


def _place(value: Value, row: Cells) -> str:
    named = list(dict.fromkeys(value.columns()))
    shown = [f"{name} {_short(row[name])}" for name in named[:2]]
    return " and ".join(shown)


def _short(cell: Cell) -> str:
    said = repr(cell)[1:-1] if isinstance(cell, str) else str(cell)
    return f"“{said[:_SHOWN]}…”" if len(said) > _SHOWN else f"“{said}”"
