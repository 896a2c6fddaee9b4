"""How events travel in Kafka records and files: one CloudEvents object, or an array of them."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from pydantic import ValidationError
from pydantic_core import from_json

from events.envelope import Event, UnknownType, explain, fields, read

ONE = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
MOST_BYTES = 8 * 1024 * 1024
MOST_KEYS = 10_000
MOST_EVENTS = 20_000
_SPACE = b" \t\n\r"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something in a record that is no event: its place in the record, why, and its bytes.

    ``fields``: where the content is at fault, each field and what was expected there.
    """

    index: int
    kind: Literal["unreadable", "unknown_type"]
    reason: str
    raw: bytes
    fields: tuple[tuple[str, str], ...] = ()


def decode(value: bytes | None, content_type: str | None = None) -> list[Event | Unreadable]:
    """The events of one record, each readable by itself: one bad event in a batch spoils no other.

    ``content_type`` is the record's header; without it the content itself says whether it is a batch.
    """
    if not value:
        return [Unreadable(0, "unreadable", "the record is empty: expected a CloudEvents object", b"")]
    if len(value) > MOST_BYTES:
        return [Unreadable(0, "unreadable", f"the record is larger than {MOST_BYTES} bytes", value)]
    try:
        content = _strict(value)
    except ValueError as error:
        return _one_by_one(value, content_type, error)
    if content_type is not None and isinstance(content, list) != content_type.startswith(BATCH):
        return [_misnamed(value, content_type)]
    if not isinstance(content, list):
        return [_event(0, content, value)]
    if len(content) > MOST_EVENTS:
        return [Unreadable(0, "unreadable", f"the record holds more than {MOST_EVENTS} events", value)]
    found = [_event(index, item) for index, item in enumerate(content)]
    return found if all(isinstance(one, Event) for one in found) else _with_bytes(found, value)


def encode(events: Sequence[Event]) -> tuple[bytes, str]:
    """The record that carries these events, and its content type."""
    if len(events) == 1:
        return events[0].wire_text().encode(), ONE
    return f"[{', '.join(event.wire_text() for event in events)}]".encode(), BATCH


def _event(index: int, item: object, raw: bytes = b"") -> Event | Unreadable:
    try:
        return read(item)
    except UnknownType as error:
        return Unreadable(index, "unknown_type", str(error), raw, fields(error))
    except (ValidationError, ValueError, RecursionError) as error:
        return Unreadable(index, "unreadable", explain(error), raw, fields(error))


def _strict(text: bytes) -> object:
    """The JSON content, without NaN, lone surrogates, deep nesting, repeated keys and objects beyond ``MOST_KEYS``.

    The parser keeps the last of two equal keys. In the text each key, the last one or not, ends with a quote before a
    colon; where there are no more of these than keys in the content, none was lost. Text may hold more: look closely.
    """
    content: object = from_json(text, allow_inf_nan=False)
    parts = content if isinstance(content, list) else [content]
    keys = [_keys(part) for part in parts]
    if text.translate(None, _SPACE).count(b'":') != sum(keys):
        json.loads(text, object_pairs_hook=_object)
    for part, most in zip(parts, keys, strict=True):
        if most > MOST_KEYS:
            _refuse_large_objects(part)
    return content


def _keys(content: object) -> int:
    """How many keys the objects in it have."""
    if isinstance(content, dict):
        inner: Iterable[object] = content.values()
        keys = len(content)
    elif isinstance(content, list):
        inner, keys = content, 0
    else:
        return 0
    for value in inner:
        if type(value) is dict or type(value) is list:
            keys += _keys(value)
    return keys


def _object(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key[:60]!r} stands twice in one object")
        found[key] = value
    return found


def _refuse_large_objects(content: object) -> None:
    waiting = [content]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            if len(one) > MOST_KEYS:
                raise ValueError(f"an object has more than {MOST_KEYS} keys")
            waiting += [value for value in one.values() if isinstance(value, dict | list)]
        elif isinstance(one, list):
            waiting += [value for value in one if isinstance(value, dict | list)]


def _one_by_one(value: bytes, content_type: str | None, error: ValueError) -> list[Event | Unreadable]:
    """A record that cannot be read as a whole: where it is a batch, only the events at fault are lost."""
    slices = _slices(value)
    if slices is None or len(slices) > MOST_EVENTS:
        return [Unreadable(0, "unreadable", f"not JSON: {error}", value)]
    if content_type is not None and not content_type.startswith(BATCH):
        return [_misnamed(value, content_type)]
    return [_alone(index, raw) for index, raw in enumerate(slices)]


def _alone(index: int, raw: bytes) -> Event | Unreadable:
    try:
        return _event(index, _strict(raw), raw)
    except ValueError as error:
        return Unreadable(index, "unreadable", f"not JSON: {error}", raw)


def _with_bytes(found: list[Event | Unreadable], value: bytes) -> list[Event | Unreadable]:
    """Beside each event that could not be read, its bytes as they came."""
    slices = _slices(value) or [value] * len(found)
    return [
        one if isinstance(one, Event) else replace(one, raw=raw)
        for one, raw in zip(found, slices, strict=True)
    ]


def _slices(value: bytes) -> list[bytes] | None:
    """The bytes of each item of a JSON array, or None where the text is no array whose items can be told apart."""
    decoder = json.JSONDecoder()
    found: list[bytes] = []
    try:
        text = value.decode()
        at = _past_space(text, 0)
        if text[at : at + 1] != "[":
            return None
        while text[at] != "]":
            start = _past_space(text, at + 1)
            if text[start] == "]" and not found:
                return found
            _, end = decoder.raw_decode(text, start)
            found.append(text[start:end].encode())
            at = _past_space(text, end)
            if text[at] not in ",]":
                return None
        return found if not text[at + 1 :].strip() else None
    except (ValueError, IndexError, RecursionError):
        return None


def _past_space(text: str, at: int) -> int:
    while text[at : at + 1] in (" ", "\t", "\n", "\r"):
        at += 1
    return at


def _misnamed(value: bytes, content_type: str) -> Unreadable:
    reason = f"content-type {content_type} does not fit the content: expected {ONE} for an object, {BATCH} for an array"
    return Unreadable(0, "unreadable", reason, value)
