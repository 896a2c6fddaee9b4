"""CloudEvents 1.0: the envelope that says of each fact where it comes from, when it was true and when we learnt it."""

import hashlib
from typing import Any

from pydantic import Field, SerializeAsAny, ValidationError

from events.model import Data, Model
from events.registry import DATA
from events.values import Id, Instant, Text


class UnknownType(ValueError):
    """The type of the event is not one this version knows."""


class Event(Model):
    """One fact. ``id`` and ``source`` name it for ever; ``time`` is when it was true, ``recordedat`` when it was learnt."""

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
        return self.data.model_dump_json(exclude_defaults=True)

    def content_hash(self) -> bytes:
        """SHA-256 over all that identifies the content: two events of one id with other hashes are a conflict."""
        return hashlib.sha256(f"{self.type}\n{self.time.isoformat()}\n{self.canonical_data()}".encode()).digest()

    def wire(self) -> dict[str, Any]:
        """The event as a CloudEvents JSON object."""
        head = {
            "specversion": "1.0",
            "id": self.id,
            "source": self.source,
            "type": self.type,
            **self.model_dump(mode="json", include={"time", "recordedat"}, exclude_none=True),
            "subject": self.subject,
            "partitionkey": self.partitionkey,
            "datacontenttype": "application/json",
        }
        return {**head, "data": self.data.model_dump(mode="json", exclude_defaults=True)}


class _Envelope(Model):
    """What a CloudEvents object must say before its data is read; extension attributes of others are let pass."""

    model_config = {**Model.model_config, "extra": "ignore"}
    specversion: str = Field(pattern=r"^1\.0$")
    id: Text
    source: Text
    type: Id
    time: Instant | None = None
    recordedat: Instant | None = None
    datacontenttype: str = Field(default="application/json", pattern=r"^application/([a-z.+-]*\+)?json(;.*)?$")
    data: dict[str, Any]


def event(
    event_type: str, data: dict[str, Any], *, source: str, id: str, time: Any = None, recordedat: Any = None
) -> Event:
    """The event of this type with this content; ``time`` may be left to the field of ``data`` that says it.

    Raises:
        UnknownType: no such type.
        ValidationError: the data does not fit its model, or ``time`` says another instant than ``data``.
    """
    return read({"specversion": "1.0", "id": id, "source": source, "type": event_type, "time": time,
                 "recordedat": recordedat, "data": data})  # fmt: skip


def read(value: object) -> Event:
    """The event in a decoded CloudEvents object. Raises as ``event`` does."""
    envelope = _Envelope.model_validate(value)
    model = DATA.get(envelope.type)
    if model is None:
        raise UnknownType(f"type: {envelope.type!r} is not known to this version")
    data = _with_clock(model, envelope)
    occurred = data.occurred_at()
    return Event.model_construct(
        id=envelope.id,
        source=envelope.source,
        type=envelope.type,
        time=occurred,
        recordedat=envelope.recordedat,
        subject=data.subject(),
        partitionkey=data.partitionkey(),
        data=data,
    )


def _with_clock(model: type[Data], envelope: _Envelope) -> Data:
    """The data, its own clock filled from the envelope's ``time`` where it left it out; the two must agree."""
    content = envelope.data
    field = model.model_fields.get(model.clock)
    name = (field.alias or model.clock) if field else model.clock
    if field is not None and name not in content and envelope.time is not None:
        content = {**content, name: envelope.time}
    data = model.model_validate(content)
    stated = getattr(data, model.clock)
    if envelope.time is not None and hasattr(stated, "hour") and stated != envelope.time:
        raise ValueError(f"time: the envelope says {envelope.time.isoformat()}, data.{name} says {stated.isoformat()}")
    return data


def explain(error: Exception) -> str:
    """An error of reading as one line: each field with what was expected there."""
    if not isinstance(error, ValidationError):
        return str(error)
    told = [(".".join(str(part) for part in item["loc"]), item["msg"]) for item in error.errors(include_url=False)]
    return "; ".join(f"{place}: {message}" if place else message for place, message in told[:5])
