"""The published form of the vocabulary: an AsyncAPI document and a JSON Schema per type, generated from the models.

``python -m events.schemas --write`` writes them to ``events/schemas/``; without the option it says which have drifted.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from events.envelope import clock_of
from events.impacts import VerdictRow
from events.registry import DATA, TOPICS, Topic
from events.wire import BATCH, ONE

FOLDER = Path(__file__).with_name("schemas")
_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_FORMAT = "application/schema+json;version=draft-2020-12"
_FOR_FACTS = "Facts: kept for ever, read by the tracker. A record carries one event or an array of events."
_FOR_ANSWERS = "Answers: written by the tracker whenever a verdict or a loss changes."


def documents() -> dict[str, dict[str, Any]]:
    """Every published document by its file name."""
    rows = {"$schema": _DRAFT, **_plain(VerdictRow.model_json_schema())}
    return {
        "asyncapi.json": _asyncapi(),
        "verdict-row.schema.json": rows,
        **{_file(name): event_schema(name) for name in DATA},
    }


def event_schema(event_type: str) -> dict[str, Any]:
    """The JSON Schema of one event of this type as it travels, envelope and data."""
    model = DATA[event_type]
    data: dict[str, Any] = _plain(model.model_json_schema())
    definitions = data.pop("$defs", {})
    return {"$schema": _DRAFT, **_envelope(event_type, data), "$defs": definitions}


def drifted(folder: Path = FOLDER) -> list[str]:
    """The files of the folder that are not what the models say now: changed, missing or left over."""
    expected = {name: _text(content) for name, content in documents().items()}
    there = {path.name: path.read_text() for path in folder.glob("*.json")}
    return sorted(name for name in expected | there if expected.get(name) != there.get(name))


def write(folder: Path = FOLDER) -> None:
    """Writes every document and removes those of types that are no more."""
    folder.mkdir(exist_ok=True)
    for path in folder.glob("*.json"):
        path.unlink()
    for name, content in documents().items():
        (folder / name).write_text(_text(content))


def _asyncapi() -> dict[str, Any]:
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Contract Impact Tracker",
            "version": "1.0.0",
            "description": "Contracts, licences, purchases and rules go in; verdicts and losses come out.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": ONE,
        "channels": {topic.name: _channel(topic) for topic in TOPICS.values()},
        "operations": {_operation(topic): _action(topic) for topic in TOPICS.values()},
        "components": {"messages": {name: _message(name) for name in sorted(DATA)}},
    }


def _channel(topic: Topic) -> dict[str, Any]:
    return {
        "address": topic.name,
        "description": f"{_FOR_FACTS if topic.facts else _FOR_ANSWERS} Batches have the content type {BATCH}.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in topic.types},
        "bindings": {"kafka": {"topic": topic.name, "bindingVersion": "0.5.0"}},
    }


def _operation(topic: Topic) -> str:
    return f"record_{topic.name}" if topic.facts else f"publish_{topic.name}"


def _action(topic: Topic) -> dict[str, Any]:
    return {
        "action": "receive" if topic.facts else "send",
        "channel": {"$ref": f"#/channels/{topic.name}"},
        "messages": [{"$ref": f"#/channels/{topic.name}/messages/{name}"} for name in topic.types],
    }


def _message(event_type: str) -> dict[str, Any]:
    return {
        "name": event_type,
        "contentType": ONE,
        "summary": (DATA[event_type].__doc__ or "").strip().splitlines()[0],
        "bindings": {"kafka": {"key": {"type": "string"}, "bindingVersion": "0.5.0"}},
        "payload": {"schemaFormat": _FORMAT, "schema": {"$ref": f"./{_file(event_type)}"}},
    }


def _envelope(event_type: str, data: dict[str, Any]) -> dict[str, Any]:
    """The JSON Schema of an event whose data has the given one; the data's own clock may be left to ``time``."""
    text = {"type": "string", "minLength": 1, "maxLength": 2000}
    instant = {"type": "string", "format": "date-time"}
    clock = clock_of(DATA[event_type])
    required = [name for name in data["required"] if name != clock]
    properties = {
        "specversion": {"const": "1.0"},
        "type": {"const": event_type},
        "id": {**text, "description": "With source it names the event for ever."},
        "source": text,
        "time": {**instant, "description": f"When it was true in the world{_same_as(clock)}."},
        "recordedat": {**instant, "description": "When it was learnt; absent: when the record was stored."},
        "subject": {"type": "string"},
        "partitionkey": {"type": "string"},
        "datacontenttype": {"const": "application/json"},
        "data": {**data, "required": required},
    }
    says_when = [{"required": ["time"]}, {"properties": {"data": {"required": [clock]}}}] if clock else []
    return {
        "title": event_type,
        "type": "object",
        "required": ["specversion", "type", "id", "source", "data"],
        "properties": properties,
        **({"anyOf": says_when} if says_when else {}),
    }


def _same_as(clock: str | None) -> str:
    return f", the same as data.{clock}" if clock else ""


def _file(event_type: str) -> str:
    return f"{event_type}.schema.json"


def _plain(schema: Any) -> Any:
    """The schema without the titles that pydantic makes from field names: they say nothing new."""
    if isinstance(schema, list):
        return [_plain(part) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    return {
        name: _plain(part) for name, part in schema.items() if name != "title" or not isinstance(part, str)
    }


def _text(content: object) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> int:
    """Writes the documents, or names those that have drifted; returns the exit code."""
    if arguments == ["--write"]:
        write()
        return 0
    for name in drifted():
        print(f"{FOLDER.name}/{name} is not what the models say: run python -m events.schemas --write")
    return 1 if drifted() else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
