"""CloudEvents 1.0: the envelope that says of each fact where it comes from, when it was true and when we learnt it."""

import hashlib
import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import cache, cached_property
from json.encoder import encode_basestring
from typing import Any, Self

from pydantic import SerializeAsAny, ValidationError
from pydantic_core import ErrorDetails

from events.model import Data, Model, day_start
from events.registry import DATA
from events.values import Instant, Text, instant_of, instant_text, text_of

_JSON = re.compile(r"application/([a-z.+-]+\+)?json( *;.*)?")
_ATTRIBUTES = ("specversion", "id", "source", "type", "time", "recordedat", "datacontenttype", "data")
_EXPECTED = {
    "missing": "expected, but missing",
    "extra_forbidden": "no such field is known here",
    "string_type": "expected text",
    "string_unicode": "expected text without halves of characters",
}


class UnknownType(ValueError):
    """The type or the version of the event is not one that this program knows; a newer one may."""


class Event(Model):
    """One fact. ``id`` and ``source`` name it for ever.

    ``time`` is when it was true in the world, ``recordedat`` when it was learnt.
    """

    id: Text
    source: Text
    type: str
    time: Instant
    recordedat: Instant | None = None
    subject: str
    partitionkey: str
    data: SerializeAsAny[Data]

    def canonical_data(self) -> str:
        """The JSON text of ``data``: the same bytes for the same content, and what the store keeps."""
        return self._text

    @cached_property
    def _text(self) -> str:
        """Written out once: hash, wire and store all take it, and neither an event nor its data can change."""
        return self.data.model_dump_json(exclude_defaults=True)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        copied = super().model_copy(update=update, deep=deep)
        if update is not None and "data" in update:
            vars(copied).pop("_text", None)
        return copied

    def content_hash(self) -> bytes:
        """SHA-256 over all that identifies the content: two events of one id with other hashes are a conflict."""
        return hashlib.sha256(
            f"{self.type}\n{instant_text(self.time)[:-1]}+00:00\n{self.canonical_data()}".encode()
        ).digest()

    def wire(self) -> dict[str, Any]:
        """The event as a CloudEvents JSON object."""
        return {**self._head(), "data": self.data.model_dump(mode="json", exclude_defaults=True)}

    def wire_text(self) -> str:
        """The JSON text of ``wire``, some four times as fast."""
        head = ", ".join(f'"{name}": {encode_basestring(value)}' for name, value in self._head().items())
        return f'{{{head}, "data": {self.canonical_data()}}}'

    def _head(self) -> dict[str, str]:
        head = {"specversion": "1.0", "id": self.id, "source": self.source, "type": self.type,
                "time": instant_text(self.time)}  # fmt: skip
        if self.recordedat is not None:
            head["recordedat"] = instant_text(self.recordedat)
        return {**head, "subject": self.subject, "partitionkey": self.partitionkey,
                "datacontenttype": "application/json"}  # fmt: skip


def event(
    event_type: str, data: dict[str, Any], *, source: str, id: str, time: Any = None, recordedat: Any = None
) -> Event:
    """The event of this type with this content; ``time`` may be left to the field of ``data`` that says it.

    Raises:
        UnknownType: no such type.
        ValueError: the data does not fit its model, or ``time`` says another instant than ``data``; see ``explain``.
    """
    return read({"specversion": "1.0", "id": id, "source": source, "type": event_type, "time": time,
                 "recordedat": recordedat, "data": data})  # fmt: skip


def read(value: object) -> Event:
    """The event in a decoded CloudEvents object; attributes that others added are let pass. Raises as ``event``."""
    if not isinstance(value, dict):
        raise ValueError("expected a CloudEvents object")
    model = _model(value)
    time, recorded = (_instant(name, value.get(name)) for name in ("time", "recordedat"))
    data = _data(model, value, time)
    return _checked(
        id=text_of("id", value.get("id")),
        source=text_of("source", value.get("source")),
        type=value["type"],
        time=data.occurred_at(),
        recordedat=recorded,
        subject=data.subject(),
        partitionkey=data.partitionkey(),
        data=data,
    )


def _model(value: dict[str, Any]) -> type[Data]:
    version, kind = text_of("specversion", value.get("specversion")), text_of("type", value.get("type"))
    if version != "1.0":
        raise UnknownType(f"specversion: expected 1.0, not {version!r}")
    if kind not in DATA:
        raise UnknownType(f"type: {kind!r} is not known to this version")
    content = value.get("datacontenttype", "application/json")
    if not isinstance(content, str) or not _JSON.fullmatch(content):
        raise ValueError("datacontenttype: expected application/json")
    return DATA[kind]


def _instant(name: str, value: Any) -> datetime | None:
    try:
        return None if value is None else instant_of(value)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


def _data(model: type[Data], value: dict[str, Any], time: datetime | None) -> Data:
    """The data, its own clock filled from the envelope's ``time`` where it left it out; the two must agree."""
    content = value.get("data")
    if not isinstance(content, dict):
        raise ValueError("data: expected an object with the fields of this type")
    name = clock_of(model)
    if time is not None and name is not None and name not in content and model.clock not in content:
        content = {**content, name: time}
    data = model.model_validate(content)
    stated = getattr(data, model.clock)
    if time is not None and not _agree(time, stated):
        raise ValueError(
            f"time: the envelope says {time.isoformat()}, data.{name or model.clock} {stated.isoformat()}"
        )
    return data


@cache
def clock_of(model: type[Data]) -> str | None:
    """The field of the data, by its name on the wire, that says when it was true; None where no field does."""
    field = model.model_fields.get(model.clock)
    return None if field is None else field.alias or model.clock


def _agree(time: datetime, stated: datetime | date) -> bool:
    """The same instant; a day known without its hour begins and ends somewhere on earth within these bounds."""
    if isinstance(stated, datetime):
        return time == stated
    start = day_start(stated)
    return start - timedelta(hours=14) <= time <= start + timedelta(hours=36)


def _checked(**content: Any) -> Event:
    """An event of parts that were all checked: pydantic's own ``model_construct`` takes four times as long."""
    made = Event.__new__(Event)
    object.__setattr__(made, "__dict__", content)
    object.__setattr__(made, "__pydantic_fields_set__", set(content))
    object.__setattr__(made, "__pydantic_extra__", None)
    object.__setattr__(made, "__pydantic_private__", None)
    return made


def explain(error: Exception) -> str:
    """An error of reading as one line: each field with what was expected there."""
    if not isinstance(error, ValidationError):
        return str(error)
    told = _told(error)
    more = f"; and {len(told) - 5} more" if len(told) > 5 else ""
    return "; ".join(f"{place}: {message}" if place else message for place, message in told[:5]) + more


def fields(error: Exception) -> tuple[tuple[str, str], ...]:
    """The same as ``explain``, apart: the fields of the envelope at fault, and what was expected in each."""
    if isinstance(error, ValidationError):
        return tuple((f"data.{place}" if place else "data", message) for place, message in _told(error))
    name, colon, message = str(error).partition(": ")
    return ((name, message),) if colon and name in _ATTRIBUTES else (("", str(error)),)


def _told(error: ValidationError) -> list[tuple[str, str]]:
    return [
        (".".join(str(part) for part in item["loc"]), expected(item))
        for item in error.errors(include_url=False)
    ]


def expected(item: ErrorDetails) -> str:
    """What was expected in the place where one error was found."""
    told = item["msg"].removeprefix("Value error, ")
    return _EXPECTED.get(item["type"]) or told.replace("Input should be", "expected", 1)
