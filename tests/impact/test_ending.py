"""How a worker ends: when asked, also where its servers are gone; and with whoever started it."""

import asyncio
import sys
import time
from pathlib import Path

import asyncpg
import psutil
import pytest

from tests.faults.servers import servers
from tests.impact.asked import joined
from tests.impact.stage import NOON, contract, fact, folded, present, stored
from tests.impact.test_reassess import law
from tests.impact.workers import ROOT, Pair, send, settled, start, until, worker

FACTS = [*law(), *(fact("contract.signed", contract(f"maker-{number:03}", "C1")) for number in range(200))]
SOON = 15.0
_PROGRAM = """
import asyncio, sys
from pathlib import Path
from tests.impact.workers import Pair, start

async def main():
    nobody = Pair("127.0.0.1:1", "postgresql://nobody@127.0.0.1:1/nothing")
    print((await start(nobody, Path(sys.argv[1]))).pid, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


@pytest.mark.servers
async def test_a_worker_whose_servers_are_gone_ends_soon_when_asked_and_loses_nothing(tmp_path: Path) -> None:
    """What it has stored and not acknowledged yet cannot be acknowledged any more, which Kafka's client tries for ever."""
    log = tmp_path / "log"
    async with servers(tmp_path / "servers") as (made, pool):
        await present(pool, NOON)
        process = await start(made.pair, log)
        try:
            await until(lambda: joined(pool), "the worker is ready")
            await send(made.pair.bootstrap, [[one] for one in FACTS])
            await until(lambda: _some_stored(pool), "it is at work")
            await asyncio.gather(made.broker.kill(), made.postgres.kill())
            await asyncio.sleep(3)
            assert process.returncode is None, log.read_text()
            began = time.monotonic()
            process.terminate()
            assert await asyncio.wait_for(process.wait(), 60) == 0, log.read_text()
            assert time.monotonic() - began < SOON, log.read_text()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        await asyncio.gather(made.broker.start(), made.postgres.start())
        async with worker(made.pair, log):
            await until(lambda: _settled(made.pair, pool), "all is settled", 120)
        assert await stored(pool, NOON) == folded(FACTS, NOON)


async def test_a_worker_ends_with_the_tests_that_started_it_however_those_end(tmp_path: Path) -> None:
    arguments = ["-c", _PROGRAM, str(tmp_path / "log")]
    program = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert program.stdout
        started = psutil.Process(int(await asyncio.wait_for(program.stdout.readline(), 60)))
        assert started.is_running()
    finally:
        program.kill()
        await program.wait()
    await asyncio.to_thread(started.wait, 20)
    assert not started.is_running()


async def _some_stored(pool: asyncpg.Pool) -> bool:
    return bool(await pool.fetchval("SELECT count(*) FROM event"))


async def _settled(pair: Pair, pool: asyncpg.Pool) -> bool:
    """As ``settled``, where Postgres may have just come back."""
    try:
        return await settled(pair, pool)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        return False
