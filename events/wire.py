"""How events travel in Kafka records and files: one CloudEvents object, or an array of them."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationError

from events.envelope import Event, UnknownType, explain, read

ONE = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
MOST_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something in a record that is no event: its place in the record, why, and its bytes."""

    index: int
    kind: Literal["unreadable", "unknown_type"]
    reason: str
    raw: bytes


def decode(value: bytes | None, content_type: str | None = None) -> list[Event | Unreadable]:
    """The events of one record, each readable by itself: one bad event in a batch spoils no other."""
    if not value:
        return [Unreadable(0, "unreadable", "the record is empty", b"")]
    if len(value) > MOST_BYTES:
        return [Unreadable(0, "unreadable", f"the record is larger than {MOST_BYTES} bytes", value)]
    try:
        content = json.loads(value.decode("utf-8"), object_pairs_hook=_object, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        return [Unreadable(0, "unreadable", f"not JSON: {error}", value)]
    if isinstance(content, list) != (content_type is not None and content_type.startswith(BATCH)):
        if content_type is not None:
            return [Unreadable(0, "unreadable", f"content-type {content_type} does not fit the content", value)]
    if isinstance(content, list):
        return [_one(index, item, json.dumps(item).encode()) for index, item in enumerate(content)]
    return [_one(0, content, value)]


def encode(events: Sequence[Event]) -> tuple[bytes, str]:
    """The record that carries these events, and its content type."""
    if len(events) == 1:
        return json.dumps(events[0].wire(), ensure_ascii=False).encode(), ONE
    return json.dumps([event.wire() for event in events], ensure_ascii=False).encode(), BATCH


def _one(index: int, item: object, raw: bytes) -> Event | Unreadable:
    try:
        return read(item)
    except UnknownType as error:
        return Unreadable(index, "unknown_type", str(error), raw)
    except (ValidationError, ValueError, RecursionError) as error:
        return Unreadable(index, "unreadable", explain(error), raw)


def _object(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    listed = list(pairs)
    found = dict(listed)
    if len(found) != len(listed):
        raise ValueError("a key stands twice in one object")
    if len(found) > 10_000:
        raise ValueError("an object with more than 10000 keys")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a number")
