"""The doctor on running services: it asks the worker itself, and finds what waits, what hangs and what was ended."""

import asyncio
import json
import socket
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import asyncpg
import pytest

from tests.cli.running.conftest import Tracker

pytestmark = pytest.mark.servers
Findings = Mapping[str, dict[str, Any]]


def _findings(tracker: Tracker) -> Findings:
    done = tracker("doctor", "--format", "json")
    assert done.stderr == ""
    return {one["check"]: one for one in map(json.loads, done.stdout.splitlines())}


def _execute(tracker: Tracker, statement: str, *values: object) -> None:
    async def done() -> None:
        connection: Any = await asyncpg.connect(tracker.endpoints["DATABASE_URL"])
        try:
            await connection.execute(statement, *values)
        finally:
            await connection.close()

    asyncio.run(done())


@contextmanager
def _row(tracker: Tracker, table: str, column: str, key: object, **values: str) -> Iterator[None]:
    """A row that stands there for as long as the context lasts; values are SQL."""
    names, said = ", ".join([column, *values]), ", ".join(["$1", *values.values()])
    _execute(tracker, f"INSERT INTO {table} ({names}) VALUES ({said})", key)
    try:
        yield
    finally:
        _execute(tracker, f"DELETE FROM {table} WHERE {column} = $1", key)


def test_the_worker_is_asked_and_says_that_it_lives_and_is_ready(tracker: Tracker) -> None:
    found = [one for check, one in _findings(tracker).items() if check.startswith("worker ")]
    assert [one["ok"] for one in found] == [True]
    assert found[0]["check"].startswith(f"worker {socket.gethostname()}/")
    address = found[0]["says"].rpartition(" ")[2]
    with urllib.request.urlopen(address, timeout=5) as answer:
        figures = answer.read().decode()
    for kind in ("unreadable", "unknown_type"):
        assert f'tracker_dead_letters_total{{kind="{kind}",topic="contracts"}} 1.0' in figures


def test_a_worker_that_does_not_answer_is_found(tracker: Tracker) -> None:
    me = "00000000-0000-0000-0000-000000000001"
    host = f"'{socket.gethostname()}'"
    with _row(tracker, "worker", "worker", me, host=host, pid="77", metrics="'127.0.0.1:1'"):
        found = _findings(tracker)[f"worker {socket.gethostname()}/77"]
    assert not found["ok"]
    assert "does not answer at 127.0.0.1:1" in found["says"]


def test_a_worker_that_the_watchdog_ended_is_found_and_one_that_ended_long_ago_is_not(
    tracker: Tracker,
) -> None:
    ended = {
        "host": "'h'",
        "pid": "77",
        "metrics": "'h:1'",
        "ended_at": "now()",
        "watchdog": "'records wait'",
    }
    old = ended | {"seen_at": "now() - interval '2 hours'"}
    me, other = (f"00000000-0000-0000-0000-00000000000{n}" for n in (2, 3))
    with _row(tracker, "worker", "worker", other, **old):
        assert "watchdog" not in _findings(tracker)
        with _row(tracker, "worker", "worker", me, **ended):
            found = _findings(tracker)["watchdog"]
            table = tracker("doctor")
    assert not found["ok"]
    assert found["says"].startswith("ended worker h/77 ")
    assert found["says"].endswith(" s ago: records wait")
    assert "✗ watchdog: ended worker h/77" in table.stdout


def test_what_waits_for_too_long_is_found(tracker: Tracker) -> None:
    since = "now() - interval '1 hour'"
    with _row(tracker, "due", "exporter", "nobody by this name", bulk="false", since=since):
        found = _findings(tracker)["waiting"]
    assert not found["ok"]
    assert "an exporter has waited 60 min to be judged" in found["says"]
    assert _findings(tracker)["waiting"]["ok"]
