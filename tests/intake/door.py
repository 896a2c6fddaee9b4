"""The HTTP door as a client meets it: served on loopback beside a broker and a database of the test's own."""

import contextlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import asyncpg
import httpx

from events.registry import FACT_TOPICS
from events.wire import BATCH, ONE
from services.intake import keys
from services.intake.app import Bounds, application
from services.intake.keys import Scope, of_exporters
from services.intake.serving import listening, serving, url_of
from services.runtime import clock
from services.runtime.settings import Endpoints
from services.runtime.topics import ends
from tests.impact.stage import contract, fact

OPEN = Bounds(behind=10**9, patience=5)
"""Other tests leave records in the topics that this test's database has never stored."""
OPERATOR = Scope(None)
ACME = of_exporters(["acme"])
_numbers = count()


@dataclass(frozen=True)
class Client:
    """Posts to the door with a key."""

    http: httpx.AsyncClient
    token: str
    bootstrap: str
    database: str

    async def post(
        self, content: Any, kind: str = ONE, token: str | None = None, **headers: str
    ) -> httpx.Response:
        """The answer to a request with this body; what is no text or bytes is sent as JSON."""
        body = json.dumps(content) if isinstance(content, dict | list) else content
        told = {"content-type": kind, "authorization": f"Bearer {token or self.token}"}
        told |= {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.http.post("/events", content=body, headers={k: v for k, v in told.items() if v})

    async def key(self, scope: Scope, name: str | None = None) -> str:
        """A further key."""
        return await key(self.database, scope, name)

    async def records(self) -> Mapping[str, int]:
        """How many records the topics hold."""
        return await ends(self.bootstrap, FACT_TOPICS)


async def key(database: str, scope: Scope, name: str | None = None) -> str:
    """A new key in this database, by default under a name of its own."""
    connection = await asyncpg.connect(database)
    try:
        token = await keys.add(connection, name or f"key {next(_numbers)}", scope, clock.now())
    finally:
        await connection.close()
    assert token is not None
    return token


@contextlib.asynccontextmanager
async def opened(endpoints: Endpoints, token: str, bounds: Bounds = OPEN) -> AsyncIterator[Client]:
    """The door to these servers, on a free port."""
    with listening("127.0.0.1", 0) as listener:
        url = url_of(listener)
        async with (
            serving(application(endpoints, bounds), listener),
            httpx.AsyncClient(base_url=url, timeout=60) as http,
        ):
            yield Client(http, token, endpoints.bootstrap, endpoints.database_url)


def signed(name: str, exporter: str = "acme", **envelope: Any) -> dict[str, Any]:
    """A contract as its exporter tells it, from a source of its own."""
    return fact(
        "contract.signed", contract(exporter, name), **{"source": f"/{exporter}/erp", **envelope}
    ).wire()


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The problem an answer tells, which says what is wrong and nothing of what happened inside."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    for inside in ("Traceback", "asyncpg", "aiokafka", "postgresql://", ".py"):
        assert inside not in answer.text
    told: dict[str, Any] = answer.json()
    assert told["status"] == status
    assert told["type"].startswith("urn:contract-impact-tracker:problem:")
    assert told["title"]
    assert told["detail"].endswith(".")
    return told


def places(told: Mapping[str, Any]) -> Sequence[tuple[int, str]]:
    """Which fields of which events a problem names."""
    return [(one["index"], one["field"]) for one in told["errors"]]


__all__ = [
    "ACME",
    "BATCH",
    "ONE",
    "OPEN",
    "OPERATOR",
    "Client",
    "key",
    "opened",
    "places",
    "problem",
    "signed",
]
