"""The OpenAPI document: it is what the models say, and the door keeps to it whatever is made up from it."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from events.registry import FACT_TOPICS, TOPICS
from services.intake import openapi
from services.intake.app import application
from services.runtime.settings import Endpoints
from tests.intake.door import Client, problem, signed

_CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,ignored_auth"


def test_the_document_that_is_checked_in_is_what_the_models_say() -> None:
    assert not openapi.drifted()


def test_a_document_that_says_something_else_has_drifted(tmp_path: Path) -> None:
    assert openapi.drifted(tmp_path / "nowhere.json")
    (tmp_path / "old.json").write_text(openapi.text().replace("Tell facts", "Tell"))
    assert openapi.drifted(tmp_path / "old.json")


def test_every_path_of_the_door_stands_in_the_document_and_no_other() -> None:
    served = {route.path for route in application(Endpoints("127.0.0.1:1", "postgresql://x")).routes}  # type: ignore[attr-defined]
    assert served == set(openapi.document()["paths"])


def test_every_type_of_fact_and_no_answer_stands_in_the_document() -> None:
    schemas = openapi.document()["components"]["schemas"]
    facts = {name for topic in FACT_TOPICS for name in TOPICS[topic].types}
    assert {name.rpartition("/")[2] for name in schemas["Fact"]["discriminator"]["mapping"].values()} == facts
    assert not set(TOPICS["impacts"].types) & set(schemas)


def test_whatever_the_document_refers_to_is_there() -> None:
    document = openapi.document()
    schemas, waiting, found = document["components"]["schemas"], [document], set[str]()
    while waiting:
        node: Any = waiting.pop()
        if isinstance(node, dict):
            found |= {node["$ref"]} if "$ref" in node else set()
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node
    assert found
    assert {name.removeprefix("#/components/schemas/") for name in found} <= set(schemas)


def test_an_event_that_is_taken_fits_the_document() -> None:
    document = openapi.document()
    schema = {"$ref": "#/components/schemas/Fact", "components": document["components"]}
    jsonschema.validate(signed("C1"), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(signed("C1") | {"type": "contract.sung"}, schema)


@pytest.mark.servers
@pytest.mark.asyncio(loop_scope="session")
async def test_the_door_serves_the_document(door: Client) -> None:
    answer = await door.http.get("/openapi.json")
    assert answer.json() == openapi.document()


@pytest.mark.servers
@pytest.mark.asyncio(loop_scope="session")
async def test_a_problem_is_as_the_document_says(door: Client) -> None:
    schema = {"$ref": "#/components/schemas/Problem", "components": openapi.document()["components"]}
    jsonschema.validate(problem(await door.post({}), 422), schema)


@pytest.mark.servers
@pytest.mark.asyncio(loop_scope="session")
async def test_requests_made_up_from_the_document_meet_no_server_error(door: Client, tmp_path: Path) -> None:
    command = [
        str(Path(sys.executable).with_name("schemathesis")), "run", f"{door.http.base_url}/openapi.json", "--checks", _CHECKS,
        "--phases", "fuzzing", "--max-examples", "60", "--seed", "20200401", "--no-shrink", "--continue-on-failure",
        "--suppress-health-check", "all", "--warnings", "off", "-H", f"Authorization: Bearer {door.token}",
    ]  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        *command, cwd=tmp_path, env={**os.environ, "PYTHONWARNINGS": ""}, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
