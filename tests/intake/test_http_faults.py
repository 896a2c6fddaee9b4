"""The HTTP door when things break: servers away or frozen, a stop in the middle of a request, the same posted again."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import psutil
import pytest

from services.impact.app import GROUP
from services.intake.load import RECORDER
from services.runtime.embedded import running
from services.runtime.embedded.children import free_port
from services.runtime.postgres import migrate
from services.runtime.settings import Endpoints, Settings
from services.runtime.topics import create_topics
from tests.impact.workers import ROOT, Pair, empty_topics, settled, until, worker
from tests.intake.door import BATCH, ONE, OPEN, OPERATOR, Client, key, opened, problem, signed

pytestmark = [pytest.mark.servers, pytest.mark.asyncio(loop_scope="session")]


async def test_how_far_the_tracker_is_behind_is_read_where_the_recorder_says_it() -> None:
    assert RECORDER == GROUP


async def test_the_same_request_twice_is_stored_once(
    bootstrap: str, endpoints: Endpoints, tmp_path: Path
) -> None:
    pair = Pair(bootstrap, endpoints.database_url)
    await empty_topics(bootstrap)
    batch = [signed(f"C{n}", id=f"{n}", recordedat=None) for n in range(3)]
    token = await key(endpoints.database_url, OPERATOR)
    async with opened(endpoints, token) as door, worker(pair, tmp_path / "log"):
        first, second = [await door.post(batch, BATCH) for _ in range(2)]
        assert first.json() == second.json() == {"events": 3, "topics": {"contracts": 3}}
        async with asyncpg.create_pool(endpoints.database_url) as pool:
            await until(lambda: settled(pair, pool), "all is stored")
            assert await pool.fetchval("SELECT count(*) FROM event") == 3
            assert await pool.fetchval("SELECT count(*) FROM dead_letter") == 0
            assert await pool.fetchval("SELECT sum(stored + 1) FROM position") == 2


async def test_without_postgres_it_says_so_and_how_long_to_wait(endpoints: Endpoints) -> None:
    away = replace(endpoints, database_url=f"postgresql://tracker:secret@127.0.0.1:{free_port()}/tracker")
    async with opened(away, "cit_" + "A" * 43) as door:
        for answer in (await door.post(signed("C1")), await door.http.get("/health/ready")):
            assert "Postgres does not answer." in problem(answer, 503)["detail"]
            assert int(answer.headers["retry-after"]) > 0
            assert "secret" not in answer.text
        assert (await door.http.get("/health/live")).status_code == 200


async def test_without_a_broker_it_says_so_and_how_long_to_wait(endpoints: Endpoints) -> None:
    token = await key(endpoints.database_url, OPERATOR)
    away = replace(endpoints, bootstrap=f"127.0.0.1:{free_port()}")
    async with opened(away, token) as door:
        for answer in (await door.post(signed("C1")), await door.http.get("/health/ready")):
            assert "Apache Kafka does not answer." in problem(answer, 503)["detail"]
            assert int(answer.headers["retry-after"]) > 0
        problem(await door.post({}), 422)


async def test_a_database_without_the_tables_is_named_as_that(bootstrap: str, database: str) -> None:
    async with opened(Endpoints(bootstrap, database), "cit_" + "A" * 43) as door:
        assert "tracker migrate" in problem(await door.post(signed("C1")), 503)["detail"]


async def test_frozen_servers_are_answered_for_in_time_and_it_goes_on_when_they_thaw(tmp_path: Path) -> None:
    async with running(Settings(None, None, tmp_path)) as endpoints:
        await migrate(endpoints.database_url)
        await create_topics(endpoints.bootstrap)
        token = await key(endpoints.database_url, OPERATOR)
        # What is behind is asked anew only after a minute: so the broker is met frozen while it should acknowledge.
        async with opened(endpoints, token, replace(OPEN, patience=2, fresh=60)) as door:
            assert (await door.post(signed("C1", id="1"))).status_code == 202
            with _frozen(_processes(tmp_path, "java")):
                assert "Apache Kafka" in problem(await _in_time(door, signed("C2", id="2")), 503)["detail"]
            await _taken(door, signed("C2", id="2"))
            with _frozen(_processes(tmp_path, "postgres")):
                assert "Postgres" in problem(await _in_time(door, signed("C3", id="3")), 503)["detail"]
            await _taken(door, signed("C3", id="3"))


async def _in_time(door: Client, event: dict[str, Any]) -> httpx.Response:
    async with asyncio.timeout(6):
        return await door.post(event)


async def _taken(door: Client, event: dict[str, Any]) -> None:
    """The same request, posted again until it is taken."""

    async def taken() -> bool:
        return (await door.post(event)).status_code == 202

    await until(taken, "the request is taken")


def _processes(folder: Path, name: str) -> list[psutil.Process]:
    """The server that runs this program, with all its children by now."""
    started = [psutil.Process(row["pid"]) for row in json.loads((folder / "children.json").read_text())]
    (server,) = [one for one in started if name in one.name()]
    return [server, *server.children(recursive=True)]


class _frozen:  # noqa: N801 - reads as the state it is
    """Processes that stand still for as long as the context lasts."""

    def __init__(self, processes: list[psutil.Process]) -> None:
        assert processes
        self._processes = processes

    def __enter__(self) -> None:
        for one in self._processes:
            one.suspend()

    def __exit__(self, *_: object) -> None:
        for one in self._processes:
            one.resume()


async def _started(endpoints: Endpoints) -> tuple[asyncio.subprocess.Process, str]:
    """The program as an operator starts it, and its address."""
    environment = {**os.environ, "KAFKA_BOOTSTRAP": endpoints.bootstrap, "DATABASE_URL": endpoints.database_url,
                   "TRACKER_HTTP": "127.0.0.1:0"}  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.intake", cwd=ROOT, env=environment,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    said = (await process.stdout.readline()).decode()
    assert said.startswith("Facts are taken at http://127.0.0.1:"), said
    return process, said.split()[-1].removesuffix("/events")


async def test_asked_to_stop_it_first_ends_the_requests_under_way(endpoints: Endpoints) -> None:
    token = await key(endpoints.database_url, OPERATOR)
    process, url = await _started(endpoints)
    half, body = asyncio.Event(), json.dumps(signed("C1")).encode()

    async def slowly() -> AsyncIterator[bytes]:
        yield body[:50]
        await asyncio.sleep(0.5)
        half.set()
        await asyncio.sleep(1)
        yield body[50:]

    try:
        async with httpx.AsyncClient(base_url=url, timeout=30) as http:
            head = {"content-type": ONE, "authorization": f"Bearer {token}"}
            request = asyncio.create_task(http.post("/events", content=slowly(), headers=head))
            await half.wait()
            process.send_signal(signal.SIGTERM)
            assert (await request).status_code == 202
            with pytest.raises(httpx.ConnectError):
                await http.get("/health/live")
        out, errors = await asyncio.wait_for(process.communicate(), 20)
        assert (process.returncode, out, errors) == (0, b"", b"")
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_nothing_of_a_request_is_written_to_the_log(endpoints: Endpoints) -> None:
    token = await key(endpoints.database_url, OPERATOR)
    process, url = await _started(endpoints)
    try:
        async with httpx.AsyncClient(base_url=url, timeout=30) as http:
            for credential in (token, "cit_" + "B" * 43):
                head = {"content-type": ONE, "authorization": f"Bearer {credential}"}
                await http.post("/events?key=cit_query", content=b"{poison", headers=head)
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        writer.write(b"cit_no request at all\r\n\r\n")
        assert b" 400 " in await reader.readline()
        writer.close()
        process.send_signal(signal.SIGTERM)
        out, errors = await asyncio.wait_for(process.communicate(), 20)
        assert (process.returncode, out, errors) == (0, b"", b"")
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_an_address_that_is_taken_is_named(endpoints: Endpoints) -> None:
    process, url = await _started(endpoints)
    try:
        environment = {**os.environ, "KAFKA_BOOTSTRAP": endpoints.bootstrap, "DATABASE_URL": endpoints.database_url,
                       "TRACKER_HTTP": url.removeprefix("http://")}  # fmt: skip
        second = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "services.intake", cwd=ROOT, env=environment, stderr=asyncio.subprocess.PIPE
        )
        _, errors = await asyncio.wait_for(second.communicate(), 30)
        assert second.returncode == 1
        assert errors.decode().startswith("intake: Nothing can listen at 127.0.0.1:")
        assert errors.count(b"\n") == 1
    finally:
        process.terminate()
        await process.wait()
