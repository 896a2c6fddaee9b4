"""Mappings read from their files and checked against the vocabulary, before the first row of a table is read."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from events.envelope import expected
from events.registry import DATA
from services.intake import fields
from services.intake.cells import Dates, Numbers
from services.intake.mapping import Condition, Fact, File, GroupBy, Rule, TableMapping, Value
from services.runtime.yaml_text import FileError, documents


@dataclass(frozen=True)
class _Wrong:
    place: str
    told: str


def load(path: Path) -> TableMapping:
    """The mapping in a file. Raises FileError: the first mistake, its field, and what was expected there."""
    found = _read(path)
    try:
        mapping = TableMapping.model_validate(found)
    except ValidationError as error:
        raise _refused(path, [_told(one) for one in error.errors(include_url=False)]) from error
    if wrong := [
        one for number, fact in enumerate(mapping.facts) for one in _mistakes(number, fact, mapping)
    ]:
        raise _refused(path, wrong)
    return mapping


def _read(path: Path, deep: int = 0) -> dict[str, Any]:
    """The mapping as written; one that is ``based_on`` another changes single keys, fields and items of that."""
    found = documents(path)
    if len(found) != 1 or not isinstance(found[0], dict):
        raise FileError(
            f"{path}: expected one mapping of columns to fields. See seeds/mappings for examples."
        )
    if "list" in found[0]:
        raise FileError(
            f"{path}: is the mapping of an official list. Read that with tracker ingest list-snapshot."
        )
    given = dict(found[0])
    other = given.pop("based_on", None)
    if other is None:
        return given
    if not isinstance(other, str) or deep > 3:
        raise FileError(
            f"{path}, based_on: expected the name of another mapping that is not based on this one."
        )
    return _laid_over(given, _read(path.with_name(other), deep + 1), 1)


def _laid_over(over: dict[str, Any], under: dict[str, Any], deep: int) -> dict[str, Any]:
    found = dict(under)
    for key, value in over.items():
        before = found.get(key)
        if deep and isinstance(value, dict) and isinstance(before, dict) and key not in ("file", "group_by"):
            found[key] = _laid_over(value, before, deep - (key != "each"))
        else:
            found[key] = value
    return found


def _refused(path: Path, wrong: list[_Wrong]) -> FileError:
    more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
    place = f"{wrong[0].place}: " if wrong[0].place else ""
    return FileError(f"{path}, {place}{wrong[0].told}{more}")


def _told(problem: Any) -> _Wrong:
    place = ".".join(str(part) for part in problem["loc"])
    told = re.sub(r" or instance of \w+$", "", expected(problem))
    told = told.replace("a valid tuple", "a list").replace("a valid dictionary", "names with values")
    if problem["type"] == "extra_forbidden":
        told = f"no such key is known here{fields.near(str(problem['loc'][-1]), _keys())}"
    return _Wrong(place, told)


def _keys() -> list[str]:
    parts = (Rule, Value, Condition, GroupBy, Fact, File, TableMapping, Numbers, Dates)
    return sorted({"from", "class", "is"} | {name for part in parts for name in part.model_fields})


def _mistakes(number: int, fact: Fact, mapping: TableMapping) -> Iterator[_Wrong]:
    """What only the vocabulary can tell: events and fields that do not exist, and those that are missing."""
    here = f"facts.{number}"
    try:
        fields.known(fact.event)
    except ValueError as error:
        yield _Wrong(f"{here}.event", str(error))
        return
    yield from _missing(here, fact)
    for place, value in fact.values():
        path, inside = _path(place)
        try:
            field = fields.field(fact.event, path)
            for stated in _stated(value):
                field.wire(stated)
        except ValueError as error:
            yield _Wrong(f"{here}.{place}", str(error))
        siblings = fact.each[inside] if inside else fact.fields
        if value.only_with and value.only_with not in siblings:
            told = f"only_with: there is no field {value.only_with} beside it"
            yield _Wrong(f"{here}.{place}", f"{told}{fields.near(value.only_with, siblings)}")
    if fact.event == "contract.signed" and mapping.group_by and mapping.group_by.at_most:
        yield _Wrong("group_by.at_most", "a contract is one fact, however many lines it has; leave this out")


def _missing(here: str, fact: Fact) -> Iterator[_Wrong]:
    """The fields that the fact, and each item of its lists, cannot do without."""
    tops = {path.split(".")[0] for path in (*fact.fields, *fact.each)}
    for name in fields.required(DATA[fact.event]):
        if name not in tops:
            yield _Wrong(f"{here}.fields", f"{name} is missing, and {fact.event} needs it")
    for part, inside in fact.each.items():
        try:
            wanted = list(fields.required(fields.items(fact.event, part)))
        except ValueError as error:
            yield _Wrong(f"{here}.each.{part}", str(error))
            continue
        for name in wanted:
            if name not in {path.split(".")[0] for path in inside}:
                yield _Wrong(f"{here}.each.{part}", f"{name} is missing, and each of {part} needs it")


def _path(place: str) -> tuple[str, str]:
    """The path of a value in its fact, and the list it is an item of."""
    kind, _, path = place.partition(".")
    if kind == "fields":
        return path, ""
    part, _, name = path.partition(".")
    return f"{part}.0.{name}", part


def _stated(value: Value) -> Iterator[Any]:
    """What the mapping itself states, to be checked like what stands in a cell."""
    if value.constant is not None:
        yield value.constant
    yield from (one for one in (value.otherwise, value.empty) if one is not None)
    yield from value.values.values()
    yield from (rule.value for rule in value.rules if rule.value is not None)
