"""What somebody outside sees of running workers: how soon an answer comes, how much memory, how soon they start."""

import asyncio
import itertools
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from uuid import uuid4

import asyncpg

from bench import consuming
from bench.books import NOW, books, law
from bench.figures import Figure
from events.envelope import Event, event
from events.wire import encode
from services.impact import handlers
from services.intake.handlers import send
from services.runtime import kafka
from services.runtime.embedded import find
from services.runtime.settings import Endpoints, Settings

ROOT = Path(__file__).parents[1]
_numbers = itertools.count()
_QUIET = 3.0
_PATIENCE = 300.0
_SECONDS = 10.0
Made = Callable[[int], tuple[str, Event]]
"""The number of an event → what is looked for to know that it arrived, and the event."""


@contextmanager
def workers(endpoints: Endpoints, count: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """So many worker processes, stopped at the end."""
    environment = {**os.environ, "KAFKA_BOOTSTRAP": endpoints.bootstrap, "DATABASE_URL": endpoints.database_url,
                   "TRACKER_CLOCK": "story", "PYTHONPATH": str(ROOT)}  # fmt: skip
    made = [subprocess.Popen([sys.executable, "-m", "services.impact"], env=environment, stderr=subprocess.DEVNULL)
            for _ in range(count)]  # fmt: skip
    try:
        yield made
    finally:
        for one in made:
            one.terminate()
        for one in made:
            one.wait(60)


def peak_memory(process: "subprocess.Popen[bytes]") -> float:
    """The most memory the process ever held, in MB."""
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


async def load(endpoints: Endpoints, pool: asyncpg.Pool, copies: int, without: Sequence[Event] = ()) -> None:
    """Tell the running workers these many stories, without some facts, and wait until all is judged."""
    await handlers.move_now(pool, NOW)
    gone = {(one.source, one.id) for one in without}
    await _tell(endpoints, [one for one in (*law(), *books(copies)) if (one.source, one.id) not in gone])
    await settled(pool)


async def _tell(endpoints: Endpoints, facts: Sequence[Event]) -> None:
    producer = kafka.producer(endpoints.bootstrap)
    await producer.start()
    await send(producer, facts)
    await producer.stop()


async def settled(pool: asyncpg.Pool) -> None:
    """Until nothing has waited, and no fact has come, for a while."""
    before, since = None, time.perf_counter()
    while time.perf_counter() - since < _QUIET:
        now = await pool.fetchrow(
            "SELECT (SELECT count(*) FROM event) AS facts, (SELECT count(*) FROM pending) AS pending, "
            "(SELECT count(*) FROM due) AS due, (SELECT count(*) FROM outbox) AS outbox"
        )
        if now is None or now != before or now["pending"] or now["due"] or now["outbox"] or not now["facts"]:
            before, since = now, time.perf_counter()
        await asyncio.sleep(0.2)


@asynccontextmanager
async def _seen(address: str, table: str, key: str) -> AsyncIterator[dict[str, float]]:
    """When the row of each key was first visible to others, by notices that Postgres sends at each commit."""
    found: dict[str, float] = {}
    connection = await asyncpg.connect(address)

    def came(*told: object) -> None:
        found.setdefault(str(told[3]), time.perf_counter())

    await connection.execute(f"""
        CREATE OR REPLACE FUNCTION bench_seen() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN PERFORM pg_notify('bench', NEW.{key}); RETURN NULL; END $$;
        CREATE TRIGGER bench_seen AFTER INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION bench_seen()""")
    await connection.add_listener("bench", came)
    try:
        yield found
    finally:
        await connection.execute(f"DROP TRIGGER bench_seen ON {table}")
        await connection.close()


async def latencies(endpoints: Endpoints, rate: float, seconds: float) -> list[float]:
    """Seconds from the sending of a contract to its visible verdict, for contracts told at this rate a second."""
    signed = [one for one in books(1) if one.type == "contract.signed" and one.time <= NOW]

    def made(number: int) -> tuple[str, Event]:
        data = signed[number % len(signed)].wire()["data"]
        contract = f"new-{uuid4().hex[:12]}"
        told = event("contract.signed", {**data, "contract": contract}, source="bench", id=contract,
                     recordedat=NOW + timedelta(microseconds=next(_numbers)))  # fmt: skip
        return f"{data['exporter']}/{contract}/{data['lines'][0]['line']}", told

    async with _seen(endpoints.database_url, "verdict", "ref") as found:
        return await _timed(endpoints, "contracts", made, found, rate, seconds)


async def bare_latencies(endpoints: Endpoints, rate: float, seconds: float) -> list[float]:
    """The same with nothing but a row stored for each event, by the same runtime."""
    connection = await asyncpg.connect(endpoints.database_url)
    await connection.execute("DROP TABLE IF EXISTS seen")
    await connection.execute("CREATE TABLE seen (source text, id text, data text, PRIMARY KEY (source, id))")
    await connection.close()
    first = next(one for one in books(1) if one.type == "contract.signed")
    data = first.wire()["data"]

    def made(_: int) -> tuple[str, Event]:
        name = uuid4().hex
        return name, event("contract.signed", {**data, "contract": name}, source="bench", id=name)

    topic = await consuming.filled(endpoints.bootstrap, 0)
    command = [sys.executable, str(ROOT / "bench" / "streams" / "ours.py"), endpoints.bootstrap, endpoints.database_url,
               topic, f"bench-{uuid4().hex[:8]}"]  # fmt: skip
    process = subprocess.Popen(
        command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.DEVNULL
    )
    try:
        async with _seen(endpoints.database_url, "seen", "id") as found:
            await _timed(endpoints, topic, made, found, 10, 5)  # it has its partitions
            return await _timed(endpoints, topic, made, found, rate, seconds)
    finally:
        process.terminate()
        process.wait(30)


async def _timed(
    endpoints: Endpoints, topic: str, made: Made, found: dict[str, float], rate: float, seconds: float
) -> list[float]:
    producer = kafka.producer(endpoints.bootstrap)
    await producer.start()
    sent: dict[str, float] = {}
    began = time.perf_counter()
    try:
        for count in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, began + count / rate - time.perf_counter()))
            key, told = made(count)
            sent[key] = time.perf_counter()
            body, kind = encode([told])
            await producer.send(topic, body, key=told.partitionkey.encode(),
                                headers=[("content-type", kind.encode())])  # fmt: skip
        await producer.flush()
        while len(found.keys() & sent.keys()) < len(sent):
            if time.perf_counter() - began > seconds + _PATIENCE:
                raise RuntimeError(
                    f"{len(sent) - len(found.keys() & sent.keys())} of {len(sent)} are not there"
                )
            await asyncio.sleep(0.05)
    finally:
        await producer.stop()
    return [found[key] - moment for key, moment in sent.items()]


async def shared_fan_out(endpoints: Endpoints, pool: asyncpg.Pool, name: str) -> float:
    """Seconds until nobody is due any more behind a new act that reaches everyone."""
    act = next(one for one in law() if one.type == "rule.enacted" and one.subject == "cn-2020-05")
    data = act.wire()["data"]
    told = event(act.type, {**data, "document": {**data["document"], "rule": name}}, source="bench", id=name,
                 recordedat=NOW)  # fmt: skip
    began = time.perf_counter()
    await _tell(endpoints, [told])
    while await pool.fetchval("SELECT count(*) FROM event WHERE source = 'bench' AND id = $1", name) == 0:
        await asyncio.sleep(0.02)
    while await pool.fetchval("SELECT (SELECT count(*) FROM pending) + (SELECT count(*) FROM due)"):
        await asyncio.sleep(0.05)
    return time.perf_counter() - began


async def living(
    endpoints: Endpoints, pool: asyncpg.Pool, copies: int, rates: Sequence[float]
) -> list[Figure]:
    """Latency at rest and during a fan-out, memory, and what further workers are good for."""
    with workers(endpoints, 1) as (worker,):
        await load(endpoints, pool, copies)
        quiet = [figure for rate in rates for figure in await _answered(endpoints, pool, rate)]
        during, _ = await asyncio.gather(
            latencies(endpoints, 5, 10), shared_fan_out(endpoints, pool, "xx-bench-0")
        )
        await settled(pool)
        lines = await pool.fetchval("SELECT count(*) FROM verdict")
        one = await shared_fan_out(endpoints, pool, "xx-bench-1")
        memory = peak_memory(worker)
    times = {1: one}
    for count in (2, 3):
        with workers(endpoints, count):
            await settled(pool)
            times[count] = await shared_fan_out(endpoints, pool, f"xx-bench-{count}")
    return [
        *quiet,
        Figure("5 a second during a fan-out, 99th percentile", spread(during)[1], "s", "1 s", 1, 1.0, 50, most=True),
        Figure("peak memory of a worker", memory, "MB", "500 MB", 500, 1.0, lines, most=True),
        *(Figure(f"a rule that reaches every line, {count} workers", times[count], "s", "one worker", one, 1.0, lines,
                 most=True) for count in (2, 3)),
    ]  # fmt: skip


async def _answered(endpoints: Endpoints, pool: asyncpg.Pool, rate: float) -> list[Figure]:
    """How soon contracts told at this rate are answered, beside rows that are only stored."""
    bare = spread(await bare_latencies(endpoints, rate, _SECONDS))
    await settled(pool)
    ours = spread(await latencies(endpoints, rate, _SECONDS))
    await settled(pool)
    told = int(rate * _SECONDS)
    return [
        Figure(f"event to visible verdict at {rate:g} a second, {which}", our, "s", "stored only", base, most / base,
               told, most=True)
        for which, our, base, most in zip(("median", "99th percentile"), ours, bare, (0.05, 0.2), strict=True)
    ]  # fmt: skip


def spread(took: Sequence[float]) -> tuple[float, float]:
    """The median and the 99th percentile."""
    cuts = quantiles(took, n=100, method="inclusive")
    return cuts[49], cuts[98]


async def start_to_verdict() -> Figure:
    """Seconds from the start of `tracker up` in a new folder to the first verdict that somebody can see."""
    with TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "TRACKER_DATA": folder,
            "PYTHONPATH": str(ROOT),
            "TRACKER_CLOCK": "story",
        }
        for name in ("KAFKA_BOOTSTRAP", "DATABASE_URL"):
            environment.pop(name, None)
        began = time.perf_counter()
        process = subprocess.Popen([sys.executable, "-m", "services.cli", "up"], env=environment,
                                   stdout=subprocess.PIPE, text=True)  # fmt: skip
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if "The processors run" in line:
                    break
            endpoints = find(Settings(None, None, Path(folder)))
            connection = await asyncpg.connect(endpoints.database_url)
            await connection.execute("INSERT INTO clock (now) VALUES ($1) ON CONFLICT DO NOTHING", NOW)
            await _tell(endpoints, [next(one for one in books(1) if one.type == "contract.signed")])
            while not await connection.fetchval("SELECT count(*) FROM verdict"):
                await asyncio.sleep(0.02)
            took = time.perf_counter() - began
            await connection.close()
        finally:
            process.terminate()
            process.wait(60)
    return Figure("start of `tracker up` in a new folder to the first verdict", took, "s", "a second", 1.0, 10, 1,
                  most=True)  # fmt: skip
