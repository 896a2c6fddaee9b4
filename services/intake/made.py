"""The facts that a mapping makes of one row, and of several rows that belong together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from events.envelope import Event
from events.registry import DATA
from services.intake import fields, rows
from services.intake.fields import Field
from services.intake.filled import CellError, Cells, Habits, Standing, fill, met
from services.intake.mapping import Fact, TableMapping, Value

_MOST_TOLD = 3


@dataclass(slots=True)
class Content:
    """What a fact says: its fields by their dotted names, the items of its lists, and when it was learnt."""

    given: dict[str, Any]
    items: dict[str, list[dict[str, Any]]]
    recorded: Any = None


Made = list[list[Content]]
"""For each fact of the mapping, what was made of it: nothing, one, or one for each row of a group."""


@dataclass(slots=True)
class _Reading:
    """One row being read: its cells, where it stands, and what is wrong so far, with its fields."""

    row: Cells
    where: Standing
    habits: Habits
    wrong: dict[str, list[str]] = field(default_factory=dict)

    def has_told(self, name: str) -> bool:
        """Whether something is wrong with the cell for this field."""
        return any(name in names for names in self.wrong.values())


def make(mapping: TableMapping, row: Cells, where: Standing, habits: Habits) -> Made:
    """The facts of a row. Raises CellError: the first cells that cannot be read."""
    reading = _Reading(row, where, habits)
    made = [_contents(fact, reading) for fact in mapping.facts]
    if reading.wrong:
        told = [f"{error} (for {', '.join(names)})" for error, names in reading.wrong.items()]
        more = f"; and {len(told) - _MOST_TOLD} more" if len(told) > _MOST_TOLD else ""
        raise CellError("; ".join(told[:_MOST_TOLD]) + more)
    return made


def _contents(fact: Fact, reading: _Reading) -> list[Content]:
    if not all(met(one, reading.row, reading.habits) for one in fact.where):
        return []
    recorded = None if fact.recorded is None else _value(fact.recorded, fields.RECORDED, reading)
    given = _filled(fact, fact.fields, "", DATA[fact.event], reading)
    items = {
        part: [_filled(fact, inside, f"{part}.0.", fields.items(fact.event, part), reading)]
        for part, inside in fact.each.items()
    }
    return [Content(given, items, recorded)]


def _filled(
    fact: Fact, wanted: dict[str, Value], under: str, model: type[BaseModel], reading: _Reading
) -> dict[str, Any]:
    """The fields that say something; what a fact needs and nobody says is noted as wrong."""
    needed = fields.required(model)
    found = {
        name: _value(value, fields.field(fact.event, under + name), reading) for name, value in wanted.items()
    }
    for name, value in wanted.items():
        if found[name] is None and name in needed and not reading.has_told(_plain_path(under + name)):
            lacking = f"{', '.join(value.columns()) or name}: {_lack(value)}, and {fact.event} needs it"
            reading.wrong.setdefault(lacking, []).append(_plain_path(under + name))
    return {
        name: said
        for name, said in found.items()
        if said is not None
        and (wanted[name].only_with is None or found[str(wanted[name].only_with)] is not None)
    }


def _lack(value: Value) -> str:
    return "says nothing the mapping knows" if value.rules or value.propose else "empty"


def _value(value: Value, field: Field, reading: _Reading) -> Any | None:
    try:
        return fill(value, field, reading.row, reading.where, reading.habits)
    except CellError as error:
        reading.wrong.setdefault(str(error), []).append(_plain_path(field.path))
        return None


def _plain_path(path: str) -> str:
    """The name of a field as the mapping has it: its place among the items of a list is the same for all of them."""
    return path.replace(".0.", ".")


def merge(facts: Sequence[Fact], before: Made, more: Made) -> Made:
    """The facts of a group with one row more: items are added, and what is said of the whole has to be the same.

    Raises CellError where two rows contradict each other.
    """
    return [_merged(*three) for three in zip(facts, before, more, strict=True)]


def _merged(fact: Fact, before: list[Content], more: list[Content]) -> list[Content]:
    if not fact.each or not before or not more:
        return before + more
    (one,), (other,) = before, more
    for name in one.given.keys() | other.given.keys():
        if one.given.get(name) != other.given.get(name) and fact.fields[name].take == "same":
            said = ", ".join(fact.fields[name].columns()) or name
            raise CellError(
                f"{said}: {other.given.get(name)} here, {one.given.get(name)} on the first row of its group "
                "(`take: first` would keep that)"
            )
    for part in one.items:
        one.items[part] += other.items[part]
    return before


def events(mapping: TableMapping, made: Made) -> Iterator[Event]:
    """The facts, each content once. Raises ValueError where one is not as its type has to be."""
    told = set[str]()
    for fact, contents in zip(mapping.facts, made, strict=True):
        for one in contents:
            data = nested(one.given) | {
                part: [nested(i) for i in inside] for part, inside in one.items.items()
            }
            found = rows.fact(fact.event, data, source=mapping.source, recordedat=one.recorded)
            if found.id not in told:
                told.add(found.id)
                yield found


def nested(given: dict[str, Any]) -> dict[str, Any]:
    """Dotted names as objects and lists: ``{"goods.0.hs": "0101"}`` is ``{"goods": [{"hs": "0101"}]}``."""
    found: dict[str, Any] = {}
    for path, said in given.items():
        *above, last = path.split(".")
        inside = found
        for part in above:
            inside = inside.setdefault(part, {})
        inside[last] = said
    return {name: _lists(one) for name, one in found.items()}


def _lists(inside: Any) -> Any:
    if not isinstance(inside, dict):
        return inside
    whole = {name: _lists(one) for name, one in inside.items()}
    # A year is a key of an object, not a place in a list: lists are short, and counted from 0.
    if whole and all(name.isdigit() and int(name) < 1000 for name in whole):
        return [whole[name] for name in sorted(whole, key=int)]
    return whole
