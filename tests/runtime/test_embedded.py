"""The embedded servers, for real: they serve, keep what they were given, and leave nothing behind."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from services.runtime.embedded import EmbeddedError, InUse, NotRunning, ServerEnded, children, find, running
from services.runtime.settings import Endpoints, Settings

pytestmark = pytest.mark.servers

_PROGRAM = """
import asyncio, sys
from pathlib import Path
from services.runtime.embedded import running
from services.runtime.settings import Settings

async def main():
    async with running(Settings(None, None, Path(sys.argv[1]))) as endpoints:
        print(endpoints.bootstrap, flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(None, None, tmp_path / "data")


async def test_a_record_comes_back_from_the_broker(bootstrap: str) -> None:
    await _new_topic(bootstrap, "comes-back")
    await _produce(bootstrap, "comes-back", b"a contract")
    assert await _first(bootstrap, "comes-back") == b"a contract"


async def test_each_test_has_an_empty_database_of_its_own(database: str) -> None:
    tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
    assert await _value(database, tables) == 0


async def test_text_sorts_by_code_point_whatever_the_machine(database: str) -> None:
    ordered = "SELECT string_agg(t, ' ' ORDER BY t) FROM unnest(ARRAY['a', 'B', 'é', 'b']) t"
    assert await _value(database, ordered) == "B a b é"


async def test_only_who_knows_the_password_gets_in(embedded: Endpoints) -> None:
    _, _, place = embedded.database_url.rpartition("@")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(f"postgresql://tracker:guess@{place}", timeout=10)


async def test_postgres_never_runs_as_root_and_may_do_no_more_than_pass_private_folders(
    embedded: Endpoints,
) -> None:
    port = embedded.database_url.rpartition(":")[2].partition("/")[0]
    mine = psutil.Process().children()
    postmaster = next(child for child in mine if f"--port={port}" in child.cmdline())
    assert postmaster.uids().effective != 0
    status = Path(f"/proc/{postmaster.pid}/status").read_text()
    assert int(status.partition("CapPrm:")[2].split()[0], 16) in {0, 1 << 1}


async def test_both_keep_their_data_over_a_restart(settings: Settings) -> None:
    async with running(settings) as first:
        await _new_topic(first.bootstrap, "kept")
        await _produce(first.bootstrap, "kept", b"before")
        await _value(first.database_url, "CREATE TABLE kept AS SELECT 'before' AS said")
    async with running(settings) as second:
        assert await _first(second.bootstrap, "kept") == b"before"
        assert await _value(second.database_url, "SELECT said FROM kept") == "before"


async def test_a_second_program_in_the_same_folder_is_told_and_finds_the_running_pair(
    settings: Settings,
) -> None:
    async with running(settings) as endpoints:
        with pytest.raises(InUse, match=f"process {os.getpid()}"):
            async with running(settings):
                pytest.fail("two programs got the same folder")
        assert find(settings) == endpoints
    with pytest.raises(NotRunning, match="tracker up"):
        find(settings)


async def test_nothing_is_left_when_the_program_is_killed_and_the_data_is_whole(settings: Settings) -> None:
    async with _program(settings) as (program, bootstrap):
        await _new_topic(bootstrap, "survives")
        await _produce(bootstrap, "survives", b"acknowledged")
        servers = psutil.Process(program.pid).children(recursive=True)
        assert {"java", "postgres"} <= {server.name() for server in servers}
        program.kill()
        await program.wait()
        assert await _gone(servers)
    async with running(settings) as endpoints:
        assert await _first(endpoints.bootstrap, "survives") == b"acknowledged"


async def test_servers_that_a_dead_program_left_running_are_ended_first(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(children, "LEFT_OVER_SECONDS", 1.0)
    async with _program(settings) as (program, _):
        java = next(c for c in psutil.Process(program.pid).children() if c.name() == "java")
        java.suspend()  # it cannot hear the signal of its parent's death
        program.kill()
        await program.wait()
        assert java.is_running()
        async with running(settings) as endpoints:
            await _new_topic(endpoints.bootstrap, "after")
        assert await _gone([java])


async def test_a_server_that_ends_by_itself_ends_the_program_with_its_log(settings: Settings) -> None:
    with pytest.raises(ServerEnded, match=r"Kafka ended with code -9(.|\n)*kafka\.log"):
        await _run_until_the_broker_is_killed(settings)


async def test_a_lock_file_with_the_number_of_a_stranger_does_not_stop_postgres(settings: Settings) -> None:
    async with running(settings):
        pass
    stale = settings.data / "postgres" / "postmaster.pid"
    stale.write_text(f"{os.getpid()}\n{stale.parent}\n0\n1\n\n127.0.0.1\n\nready\n")
    async with running(settings) as endpoints:
        assert await _value(endpoints.database_url, "SELECT 1") == 1


async def test_an_address_that_is_set_is_used_and_only_the_other_server_is_started(
    embedded: Endpoints, tmp_path: Path
) -> None:
    async with running(Settings(embedded.bootstrap, None, tmp_path)) as endpoints:
        assert endpoints.bootstrap == embedded.bootstrap
        assert await _value(endpoints.database_url, "SELECT 1") == 1
    assert not (tmp_path / "kafka").exists()


async def test_a_broker_that_cannot_start_stops_postgres_too(settings: Settings) -> None:
    (settings.data / "kafka").mkdir(parents=True)
    (settings.data / "kafka" / "meta.properties").write_text("version=1\nnode.id=7\ncluster.id=another\n")
    with pytest.raises(EmbeddedError, match="Kafka ended with code 1"):
        async with running(settings):
            pytest.fail("a broker started on another node's data")
    assert not (settings.data / "postgres" / "postmaster.pid").exists()


async def _run_until_the_broker_is_killed(settings: Settings) -> None:
    async with running(settings):
        mine = [c for c in psutil.Process().children() if str(settings.data) in " ".join(c.cmdline())]
        next(child for child in mine if child.name() == "java").kill()
        await asyncio.sleep(60)


@asynccontextmanager
async def _program(settings: Settings) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """A program of its own that runs the pair, and the broker's address as it said it."""
    arguments = ["-c", _PROGRAM, str(settings.data)]
    program = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=asyncio.subprocess.PIPE)
    try:
        assert program.stdout
        yield program, (await asyncio.wait_for(program.stdout.readline(), 60)).decode().strip()
    finally:
        if program.returncode is None:
            program.kill()
        await program.wait()


async def _gone(processes: list[psutil.Process]) -> bool:
    _, alive = await asyncio.to_thread(psutil.wait_procs, processes, timeout=20)
    return not alive


async def _new_topic(bootstrap: str, name: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, 1, 1)])
    finally:
        await admin.close()


async def _produce(bootstrap: str, topic: str, value: bytes) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True)
    await producer.start()
    try:
        await producer.send_and_wait(topic, value)
    finally:
        await producer.stop()


async def _first(bootstrap: str, topic: str) -> bytes:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, 0)])
        record = await asyncio.wait_for(consumer.getone(), 30)
        return bytes(record.value)
    finally:
        await consumer.stop()


async def _value(address: str, query: str) -> object:
    connection = await asyncpg.connect(address, timeout=10)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()
