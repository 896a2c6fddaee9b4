"""The runner: facts flow through the ledger while workers are hurt; then one worker ends the work and all is checked.

Nothing is taken for granted: a worker that is killed is frozen first, and asked of Postgres whether it was in the
middle of a transaction; how soon anything was stored again is measured from outside.
"""

import asyncio
import contextlib
import os
import random
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import asyncpg
import psutil

from tests.faults.book import ACT, NOON, Record, record
from tests.faults.checkers import Broken, broken, see
from tests.faults.ledger import Ledger, Sender
from tests.faults.tally import Row
from tests.impact.stage import present
from tests.impact.workers import LAUNCHED, ROOT, Pair, settled, until

IN_TRANSACTION = frozenset({"before_record", "in_hand_on", "under_reassess", "after_publish"})
"""The named points that lie between the begin and the commit of a transaction."""
CHUNK = 10


async def start(
    pair: Pair, log: Path, *, kill_at: str = "", sabotage: str = "", group: str = "impact"
) -> asyncio.subprocess.Process:
    """One worker as an operator starts it, or one that was broken on purpose or reads as another group."""
    broken_one = bool(sabotage) or group != "impact"
    module = "tests.faults.sabotaged_worker" if broken_one else "services.impact"
    environment = {**os.environ, "KAFKA_BOOTSTRAP": pair.bootstrap, "DATABASE_URL": pair.database, "TRACKER_CLOCK": "story",
                   "TRACKER_KILL_AT": kill_at, "SABOTAGE": sabotage, "FAULT_GROUP": group}  # fmt: skip
    with log.open("ab") as out:
        return await asyncio.create_subprocess_exec(
            *LAUNCHED, sys.executable, "-m", module, cwd=ROOT, env=environment, stdout=out, stderr=out
        )


async def end(process: asyncio.subprocess.Process) -> None:
    """Ends a worker of ours, whatever state it is in."""
    if process.returncode is None:
        process.kill()
    await process.wait()


async def leave(process: asyncio.subprocess.Process) -> None:
    """Asks it to go, so that its group need not wait for it; one that does not go is ended."""
    if process.returncode is None:
        process.terminate()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), 20)
    await end(process)


@contextlib.asynccontextmanager
async def workers(pair: Pair, log: Path, count: int = 1) -> AsyncIterator[list[asyncio.subprocess.Process]]:
    """So many workers, ended with the context however it ends."""
    started = [await start(pair, log) for _ in range(count)]
    try:
        yield started
    finally:
        await asyncio.gather(*(leave(one) for one in started))


@contextlib.asynccontextmanager
async def supervised(pair: Pair, log: Path, row: Row) -> AsyncIterator[None]:
    """A worker that is started again whenever it ends, as whoever supervises does; each new start is counted."""

    async def keep() -> None:
        while True:
            process = await start(pair, log)
            try:
                await process.wait()
            finally:
                await leave(process)
            row.notes["workers that ended"] += 1
            await asyncio.sleep(0.5)

    keeping = asyncio.ensure_future(keep())
    try:
        yield
        if keeping.done():
            keeping.result()
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


async def open_transactions(pool: asyncpg.Pool, pid: int) -> int:
    """How many transactions this process has open in Postgres, told by the ports of its connections."""
    ports = [one.laddr.port for one in psutil.Process(pid).net_connections("tcp")]
    asked = (
        "SELECT count(*) FROM pg_stat_activity WHERE client_port = ANY($1::int[]) AND xact_start IS NOT NULL"
    )
    return int(await pool.fetchval(asked, ports))


class Progress:
    """How many records are stored, looked at ten times a second; and how long after an instant there were more."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self.pool = pool
        self.samples: list[tuple[float, int]] = []

    async def watch(self) -> None:
        while True:
            with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
                asked = self.pool.fetchval(
                    "SELECT coalesce(sum(stored + 1), 0)::bigint FROM position", timeout=2
                )
                self.samples.append((time.monotonic(), await asked))
            await asyncio.sleep(0.1)

    @property
    def stored(self) -> int:
        return self.samples[-1][1] if self.samples else 0

    def after(self, instant: float) -> float | None:
        """Seconds from the instant until something more was stored; None where nothing more was to come."""
        before = max((stored for at, stored in self.samples if at <= instant), default=0)
        return next((at - instant for at, stored in self.samples if at > instant and stored > before), None)


@dataclass
class Scene:
    """One database, one log, one ledger, and the facts that flow through them."""

    pair: Pair
    pool: asyncpg.Pool
    folder: Path
    row: Row
    chance: random.Random
    records: Iterable[Record]
    least: int = 0
    pace: float = 0.5
    hurts: list[float] = field(default_factory=list)
    hurry: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.log, self.ledger_file = self.folder / "workers.log", self.folder / "ledger.jsonl"
        self.ledger, self.progress = Ledger(self.ledger_file), Progress(self.pool)
        self.sender = Sender(self.pair.bootstrap, self.ledger)

    @contextlib.asynccontextmanager
    async def flowing(self) -> AsyncIterator[None]:
        """Facts flow as long as the context lasts, a chunk at each ``pace``; then at once up to ``least`` events."""
        await present(self.pool, NOON)
        await self.sender.send([record(ACT)])
        watching = asyncio.ensure_future(self.progress.watch())
        sending = asyncio.ensure_future(self._flow())
        try:
            yield
            self.hurry.set()
            await sending
        finally:
            sending.cancel()
            watching.cancel()
            await asyncio.gather(sending, watching, return_exceptions=True)
            self.ledger.flush()

    async def _flow(self) -> None:
        waiting = iter(self.records)
        while chunk := list(islice(waiting, CHUNK)):
            if self.hurry.is_set() and self.sender.sent >= self.least:
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.hurry.wait(), self.pace)
            await self.sender.send(chunk)

    async def kill(self, process: asyncio.subprocess.Process) -> None:
        """Freeze it, see whether it is in a transaction, kill it."""
        process.send_signal(signal.SIGSTOP)
        in_transaction = await open_transactions(self.pool, process.pid)
        process.kill()
        await process.wait()
        self.killed("random", in_transaction > 0)

    def killed(self, where: str, in_transaction: bool) -> None:
        self.row.trials += 1
        self.row.bit += in_transaction
        self.row.notes["in a transaction"] += in_transaction
        self.row.notes[where] += 1
        self.hurts.append(time.monotonic())

    async def ended(self, seconds: float = 240, count: int = 1, without: Sequence[str] = ()) -> None:
        """Lets workers end the work, and checks everything."""
        async with workers(self.pair, self.log, count):
            await until(lambda: settled(self.pair, self.pool), f"all is settled\n{self.words()}", seconds)
        await self.check(without)

    async def check(self, without: Sequence[str] = ()) -> None:
        found = await self.look(without)
        assert not found, "\n".join(map(str, found)) + self.words()

    async def look(self, without: Sequence[str] = ()) -> list[Broken]:
        """What does not hold now; what was lost or doubled goes into the table."""
        self.ledger.close()
        seen = await see(self.pair.bootstrap, self.pair.database, self.ledger_file)
        found = broken(seen, NOON, without)
        for one in found:
            if one.checker == "lost or doubled":
                self.row.doubled += sum(example.startswith("doubled") for example in one.examples)
                self.row.lost += sum(example.startswith("lost") for example in one.examples)
        self.row.events += len(seen.acked)
        self.row.recoveries += [took for at in self.hurts if (took := self.progress.after(at)) is not None]
        self.row.notes["sent again after no answer"] += self.ledger.outcomes["unknown"]
        return found

    def words(self) -> str:
        return "\nthe workers said at last:\n" + (
            self.log.read_text()[-3000:] if self.log.exists() else "nothing"
        )
