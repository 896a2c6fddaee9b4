"""The fields a fact has, by the dotted names a mapping gives them, and what kind of value each one takes.

``lines.0.quantity`` is the quantity of the first line, ``attributes.medical_use`` an attribute, ``rates.USD`` a rate.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, TypeAdapter, ValidationError

from events import values
from events.envelope import expected
from events.registry import DATA, FACT_TOPICS, TOPICS

Kind = Literal[
    "text", "number", "whole", "flag", "instant", "when", "day", "country", "currency", "unit", "code"
]
FACTS = tuple(kind for topic in FACT_TOPICS for kind in TOPICS[topic].types)

_KINDS: tuple[tuple[Any, Kind], ...] = (
    (values.Instant, "instant"), (values.When, "when"), (values.Day, "day"), (values.Place, "country"),
    (values.Currency, "currency"), (values.Unit, "unit"), (values.HsCode, "code"),
)  # fmt: skip
_PLAIN: dict[Any, Kind] = {Decimal: "number", int: "whole", bool: "flag", date: "day"}


@dataclass(frozen=True, eq=False)
class Field:
    """One value of a fact: what it is called, its kind, and the check it has to pass."""

    path: str
    kind: Kind
    check: TypeAdapter[Any]

    def wire(self, value: Any) -> Any:
        """The value as it stands in an event. Raises ValueError, saying what was expected."""
        try:
            found = self.check.validate_python(value)
            return found if isinstance(found, str | int) else self.check.dump_python(found, mode="json")
        except ValidationError as error:
            raise ValueError(expected(error.errors(include_url=False)[0])) from None


RECORDED = Field("recordedat", "instant", TypeAdapter(values.Instant))


def known(event_type: str) -> None:
    """Raises ValueError where there is no such type of fact."""
    if event_type not in FACTS:
        raise ValueError(f"no fact is called {event_type}{near(event_type, FACTS)}")


@cache
def field(event_type: str, path: str) -> Field:
    """The field of this name. Raises ValueError: no such field, with those that are called alike."""
    hint: Any = DATA[event_type]
    for part in path.split("."):
        hint = _inside(hint, part, path)
    kind = _kind(hint)
    if kind is None:
        raise ValueError(f"{path} holds several values: name one of them, such as {_example(hint, path)}")
    return Field(path, kind, TypeAdapter(hint))


@cache
def items(event_type: str, path: str) -> type[BaseModel]:
    """The model of the items of a list, such as the lines of a contract. Raises ValueError where it is no list."""
    hint: Any = DATA[event_type]
    for part in path.split("."):
        hint = _inside(hint, part, path)
    bare = _bare(hint)
    item = _bare(get_args(bare)[0]) if get_origin(bare) is tuple else None
    if not (isinstance(item, type) and issubclass(item, BaseModel)):
        raise ValueError(f"{path} is no list of things with fields of their own; give it under `fields`")
    return item


@cache
def required(model: type[BaseModel]) -> tuple[str, ...]:
    """The names of the fields that a fact cannot do without."""
    return tuple(info.alias or name for name, info in model.model_fields.items() if info.is_required())


def names(model: type[BaseModel]) -> list[str]:
    """The names of all fields, as they stand in an event."""
    return [info.alias or name for name, info in model.model_fields.items()]


def near(name: str, among: Any) -> str:
    """What the name may have been meant to be, as the end of a sentence."""
    found = get_close_matches(name, list(among), 3, 0.6)
    return f"; did you mean {' or '.join(found)}?" if found else ""


def _inside(hint: Any, part: str, path: str) -> Any:
    bare = _bare(hint)
    if isinstance(bare, type) and issubclass(bare, BaseModel):
        for name, info in bare.model_fields.items():
            if part == (info.alias or name):
                return _hints(bare)[name]
        raise ValueError(f"{path}: there is no field {part}{near(part, names(bare))}")
    if get_origin(bare) is dict:
        return get_args(bare)[1]
    if get_origin(bare) is tuple and part.isdigit():
        return get_args(bare)[0]
    raise ValueError(f"{path}: nothing stands below {part!r}")


@cache
def _hints(model: type[BaseModel]) -> dict[str, Any]:
    return get_type_hints(model, include_extras=True)


def _bare(hint: Any) -> Any:
    """The type without ``None`` and without what is asked of it."""
    if get_origin(hint) is Annotated:
        return _bare(get_args(hint)[0])
    if get_origin(hint) in (Union, UnionType):
        inside = [one for one in get_args(hint) if one is not NoneType]
        return _bare(inside[0]) if len(inside) == 1 else hint
    return hint


def _kind(hint: Any) -> Kind | None:
    stated = [one for one in get_args(hint) if one is not NoneType] if _optional(hint) else [hint]
    for wanted, kind in _KINDS:
        if stated == [wanted]:
            return kind
    bare = _bare(hint)
    if get_origin(bare) in (tuple, dict) or (isinstance(bare, type) and issubclass(bare, BaseModel)):
        return None
    return _PLAIN.get(bare, "text")


def _optional(hint: Any) -> bool:
    return get_origin(hint) in (Union, UnionType) and NoneType in get_args(hint)


def _example(hint: Any, path: str) -> str:
    bare = _bare(hint)
    if isinstance(bare, type) and issubclass(bare, BaseModel):
        return f"{path}.{names(bare)[0]}"
    return f"{path}.NAME" if get_origin(bare) is dict else f"{path}.0"
