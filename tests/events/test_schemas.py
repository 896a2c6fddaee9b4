"""The published documents are what the models say, and what the models say is what travels."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from events import schemas
from events.envelope import event
from events.registry import DATA, FACT_TOPICS, TOPICS

ROOT = Path(__file__).parents[2]
STORY = ROOT / "seeds" / "story"
DESIGN_KEYS = (
    "ref exporter contract line buyer at now verdict rule clause route missing readings open_quantity"
    " covered_quantity blocked_quantity unknown_quantity unit blocked_value currency next_change_at export_windows loss"
)


def published(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((schemas.FOLDER / name).read_text())
    return content


@cache
def validator(name: str) -> Draft202012Validator:
    schema = published(name)
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=FormatChecker())


def test_the_checked_in_documents_are_what_the_models_say() -> None:
    assert schemas.drifted() == [], "run python -m events.schemas --write"


def test_a_changed_a_missing_and_a_left_over_document_are_each_told(tmp_path: Path) -> None:
    schemas.write(tmp_path)
    assert schemas.drifted(tmp_path) == []
    (tmp_path / "asyncapi.json").write_text("{}\n")
    (tmp_path / "fx.published.schema.json").unlink()
    (tmp_path / "gone.schema.json").write_text("{}\n")
    assert schemas.drifted(tmp_path) == ["asyncapi.json", "fx.published.schema.json", "gone.schema.json"]


def test_the_asyncapi_document_says_what_version_3_asks_for() -> None:
    document = published("asyncapi.json")
    assert document["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= set(document["info"])
    assert set(document["channels"]) == set(TOPICS)
    for operation in document["operations"].values():
        assert operation["action"] in ("send", "receive")
        assert operation["channel"]["$ref"].removeprefix("#/channels/") in TOPICS


def test_every_reference_of_the_asyncapi_document_leads_somewhere() -> None:
    document = published("asyncapi.json")
    for reference in _references(document):
        place, _, inside = reference.partition("#")
        found: Any = published(place.removeprefix("./")) if place else document
        for part in inside.strip("/").split("/") if inside else ():
            found = found[part]
        assert found


def test_each_topic_is_a_channel_with_its_types() -> None:
    channels = published("asyncapi.json")["channels"]
    assert {name: set(channel["messages"]) for name, channel in channels.items()} == {
        name: set(topic.types) for name, topic in TOPICS.items()
    }


def test_a_row_has_exactly_the_keys_that_assess_prints() -> None:
    schema = published("verdict-row.schema.json")
    assert list(schema["properties"]) == DESIGN_KEYS.split()
    assert schema["required"] == DESIGN_KEYS.split()
    assert schema["additionalProperties"] is False


@pytest.mark.parametrize("topic", FACT_TOPICS)
def test_every_event_of_the_seed_story_fits_its_schema(topic: str) -> None:
    for text in (STORY / f"{topic}.jsonl").read_text().splitlines()[::7]:
        told = json.loads(text)
        problems = [error.message for error in validator(f"{told['type']}.schema.json").iter_errors(told)]
        assert problems == [], told["id"]


def test_what_the_program_writes_fits_its_schema() -> None:
    made = event(
        "list.entered",
        {"list": "unqualified", "party": "acme", "at": "2020-04-01T00:00+08:00"},
        source="test",
        id="1",
        recordedat="2020-04-02T00:00Z",
    )
    validator("list.entered.schema.json").validate(made.wire())


def test_an_event_says_when_it_was_true_in_the_envelope_or_in_its_data() -> None:
    data = {"exporter": "acme", "contract": "C1", "at": "2020-04-01T00:00:00Z"}
    bare = {"specversion": "1.0", "id": "1", "source": "s", "type": "contract.cancelled", "data": data}
    dated = {**bare, "time": data["at"], "data": {k: v for k, v in data.items() if k != "at"}}
    undated = {**bare, "data": dated["data"]}
    check = validator("contract.cancelled.schema.json")
    assert (check.is_valid(bare), check.is_valid(dated), check.is_valid(undated)) == (True, True, False)


@pytest.mark.parametrize("event_type", DATA)
def test_each_schema_refuses_a_field_nobody_knows_and_an_envelope_of_another_type(event_type: str) -> None:
    schema = published(f"{event_type}.schema.json")
    assert schema["properties"]["type"] == {"const": event_type}
    assert schema["properties"]["data"]["additionalProperties"] is False


def _references(content: object) -> list[str]:
    if isinstance(content, dict):
        own = [content["$ref"]] if isinstance(content.get("$ref"), str) else []
        return own + [one for part in content.values() for one in _references(part)]
    return [one for part in content for one in _references(part)] if isinstance(content, list) else []
