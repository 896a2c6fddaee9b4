"""`tracker up` as a user starts it, once for all tests here: servers of its own, a small book, the fifth of April."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from services.runtime import kafka
from tests.cli.conftest import FACTS, told

APRIL_5 = "2020-04-05T09:00+08:00"
UNKNOWN_TYPE = json.dumps(told("contract.sung", {"contract": "C1"})).encode()
POISON = (b'{"specversion": ', UNKNOWN_TYPE)
_ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Tracker:
    """The command, with the environment in which it finds its servers."""

    folder: Path
    environment: Mapping[str, str]

    def __call__(self, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
        """Runs a command to its end."""
        return subprocess.run(
            [sys.executable, "-m", "services.cli", *map(str, arguments)], cwd=self.folder, capture_output=True,
            text=True, timeout=120, check=False, env={**self.environment, **environment},
        )  # fmt: skip

    def start(self, *arguments: object, **environment: str) -> subprocess.Popen[str]:
        """Starts a command that goes on until it is asked to stop."""
        return subprocess.Popen(
            [sys.executable, "-m", "services.cli", *map(str, arguments)], cwd=self.folder,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**self.environment, **environment},
        )  # fmt: skip

    def rows(self, *arguments: object) -> list[dict[str, Any]]:
        """The rows a command prints as JSON."""
        done = self(*arguments, "--format", "json")
        assert (done.returncode, done.stderr) == (0, "")
        return [json.loads(line) for line in done.stdout.splitlines()]

    @property
    def endpoints(self) -> dict[str, str]:
        found = json.loads((self.folder / "data" / "endpoints.json").read_text())
        return {"KAFKA_BOOTSTRAP": found["bootstrap"], "DATABASE_URL": found["database_url"]}


TOLD = "3 rows: 3 told, 0 unchanged, 0 rejected. 3 facts, 0 known already, 3 sent.\n"


def until(said: str, process: subprocess.Popen[str]) -> None:
    """Reads what the process says until it says this."""
    assert process.stdout is not None
    for line in process.stdout:
        if said in line:
            return
    assert process.stderr is not None
    raise AssertionError(f"ended without saying {said!r}: {process.stderr.read()}")


def ended(process: subprocess.Popen[str], sign: signal.Signals) -> tuple[int, str, str]:
    """How the process ends when it is asked to: code, the rest of its output, and its errors."""
    process.send_signal(sign)
    out, errors = process.communicate(timeout=60)
    return process.returncode, out, errors


@pytest.fixture(scope="session")
def book_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The book of ``tests.cli.conftest`` as a file in which each fact says when it was learnt."""
    path = tmp_path_factory.mktemp("book") / "book.jsonl"
    facts = [told(kind, data, learnt or data.get("signed") or data["from"]) for kind, data, learnt in FACTS]
    path.write_text("".join(json.dumps(fact) + "\n" for fact in facts))
    return path


@pytest.fixture(scope="session")
def tracker(tmp_path_factory: pytest.TempPathFactory, book_file: Path) -> Iterator[Tracker]:
    """The running services with the book told and judged, and two records beside it that cannot be read."""
    folder = tmp_path_factory.mktemp("up")
    left_out = ("KAFKA_BOOTSTRAP", "DATABASE_URL")
    environment = {name: value for name, value in os.environ.items() if name not in left_out}
    environment |= {"PYTHONPATH": str(_ROOT), "TRACKER_DATA": str(folder / "data"), "COLUMNS": "80"}
    made = Tracker(folder, environment)
    services = made.start("up", TRACKER_CLOCK="story")
    try:
        until("The processors run", services)
        asyncio.run(_present(made.endpoints["DATABASE_URL"]))
        asyncio.run(_poison(made.endpoints["KAFKA_BOOTSTRAP"]))
        done = made("ingest", "events", book_file)
        assert (done.returncode, done.stdout) == (0, TOLD), done.stderr
        _settled(made)
        yield made
    finally:
        code, _, errors = ended(services, signal.SIGTERM)
    assert (code, errors) == (0, "")


async def _present(address: str) -> None:
    connection: Any = await asyncpg.connect(address)
    try:
        await connection.execute("INSERT INTO clock (now) VALUES ($1)", datetime.fromisoformat(APRIL_5))
    finally:
        await connection.close()


async def _poison(bootstrap: str) -> None:
    producer = kafka.producer(bootstrap)
    await producer.start()
    try:
        for value in POISON:
            await producer.send_and_wait("contracts", value, partition=0)
    finally:
        await producer.stop()


def _settled(tracker: Tracker) -> None:
    """Waits until the book is judged in full: the kits for the act, the monitors free."""
    patience = time.monotonic() + 60
    found: list[str] = []
    while time.monotonic() < patience:
        found = [row["verdict"] for row in tracker.rows("verdicts")]
        if found == ["unlicensed", "clear"] and len(tracker.rows("dead-letters", "list")) == len(POISON):
            return
        time.sleep(0.5)
    raise AssertionError(f"not judged in time: {found}")
