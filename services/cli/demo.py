"""`tracker demo`: the seed story through the real servers and processors, watched while it happens."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import asyncpg
import typer
from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from events.envelope import Event
from services.cli import show, story
from services.cli.checkpoints import SQL, Progress, checkpoint, progress
from services.cli.options import Format, Printed
from services.domain.judge import VERDICTS
from services.impact.handlers import tick
from services.intake.handlers import send
from services.runtime import kafka
from services.runtime.embedded import running
from services.runtime.postgres import migrate, pool
from services.runtime.settings import Endpoints, NeedsAction, Settings
from services.runtime.topics import create_topics

_PATIENCE = 90.0
Once = Annotated[
    bool, typer.Option("--once", help="End after the last checkpoint instead of waiting for Ctrl-C.")
]


def demo(once: Once = False, form: Printed = Format.TABLE) -> None:
    """China, spring 2020: contracts signed, rule enacted, orders flagged, licences granted, orders released."""
    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(_demo(once, form))


async def _demo(once: bool, form: Format) -> None:
    loop = asyncio.get_running_loop()
    me = asyncio.current_task()
    assert me is not None
    for sign in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(sign, me.cancel)
    settings = Settings.from_environment(os.environ)
    folder = settings.data / "demo"
    if settings.database_url is None:
        shutil.rmtree(folder, ignore_errors=True)
    said = _Said(form)
    said.step("Starting Apache Kafka and Postgres (the first time their packages are fetched)")
    began = time.monotonic()
    async with running(Settings(settings.kafka_bootstrap, settings.database_url, folder)) as endpoints:
        await migrate(endpoints.database_url)
        await create_topics(endpoints.bootstrap)
        said.step(f"Both are up after {time.monotonic() - began:.1f} s; the processors follow")
        async with _worker(endpoints, folder) as worker:
            found = await _play(endpoints, said, worker)
            said.summary(found)
            if not once:
                said.step("The services stay up until Ctrl-C. Look closer meanwhile, in another terminal:")
                said.step(f"  TRACKER_DATA={folder} tracker verdicts --verdict unlicensed")
                await worker.wait()


@contextlib.asynccontextmanager
async def _worker(endpoints: Endpoints, folder: Any) -> AsyncIterator[asyncio.subprocess.Process]:
    """One worker of the processors, a process of its own; its log lies in the data folder."""
    environment = {**os.environ, "KAFKA_BOOTSTRAP": endpoints.bootstrap, "DATABASE_URL": endpoints.database_url,
                   "TRACKER_CLOCK": "story"}  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "worker.log").open("wb") as log:
        worker = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "services.impact", env=environment, stdout=log, stderr=log
        )
        try:
            yield worker
        finally:
            if worker.returncode is None:
                worker.terminate()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(worker.wait(), 20)
            if worker.returncode is None:
                worker.kill()
                await worker.wait()


async def _play(
    endpoints: Endpoints, said: "_Said", worker: asyncio.subprocess.Process
) -> list[dict[str, Any]]:
    """Tell the story stage by stage, each judged to its end, and read each checkpoint from the store."""
    events = story.told()
    found: list[dict[str, Any]] = []
    producer = kafka.producer(endpoints.bootstrap)
    await producer.start()
    try:
        async with pool(endpoints.database_url, 3) as connections, connections.acquire() as connection:
            if await connection.fetchval(SQL["foreign"]):
                raise NeedsAction("This database holds facts that are not the story's. Point DATABASE_URL at an "
                                  "empty one, or unset it: the demo then starts a database of its own.")  # fmt: skip
            stored = 0
            with said.live(events) as screen:
                for stage in story.stages(events):
                    stored += len(stage.events)
                    await send(producer, stage.events)
                    await _until(connection, connections, stage, stored, screen, worker)
                    if stage.label is not None:
                        found.append(await checkpoint(connection, stage.label, stage.now))
                        screen.reached(found[-1])
    finally:
        await producer.stop()
    return found


async def _until(
    connection: Any, connections: asyncpg.Pool, stage: story.Stage, stored: int, screen: "_Screen",
    worker: asyncio.subprocess.Process,
) -> None:  # fmt: skip
    """Wait until all that was sent is stored and judged, then let the present come to the stage's end."""
    moved, patience = False, time.monotonic() + _PATIENCE
    while time.monotonic() < patience and worker.returncode is None:
        state = await progress(connection)
        screen.show(
            stage, state, await connection.fetch(SQL["by_class"]), await connection.fetch(SQL["latest"])
        )
        if state.events + state.dead_letters >= stored and not state.waiting:
            if moved:
                return
            await tick(connections, stage.now)
            moved = True
            continue
        await asyncio.sleep(0.05)
    screen.late(stage, worker.returncode)


@dataclass
class _Said:
    """What is told beside the numbers; with ``--format json`` it goes to standard error."""

    form: Format

    def step(self, text: str) -> None:
        print(text, file=sys.stderr if self.form is Format.JSON else sys.stdout, flush=True)

    def live(self, events: Sequence[Event]) -> "_Screen":
        looked_at = self.form is Format.TABLE and sys.stdout.isatty()
        return _Screen(
            self, len(events), Live(console=show.console(), refresh_per_second=8) if looked_at else None
        )

    def summary(self, found: list[dict[str, Any]]) -> None:
        match self.form:
            case Format.JSON:
                print(json.dumps({"checkpoints": found}, ensure_ascii=False), flush=True)
            case Format.CSV:
                keys = ["label", "now", "lines", "by_verdict", "blocked_value", "out_of_pocket"]
                show.csv_rows(keys, found)
            case Format.TABLE:
                show.console().print(_summary(found))


@dataclass
class _Screen:
    """The live picture on a terminal; elsewhere a line for each checkpoint."""

    said: _Said
    events: int
    live: Live | None
    _reached: list[dict[str, Any]] = field(default_factory=list)

    def __enter__(self) -> "_Screen":
        if self.live:
            self.live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.live:
            self.live.stop()

    def show(
        self, stage: story.Stage, state: Progress, classes: Sequence[Any], latest: Sequence[Any]
    ) -> None:
        if self.live:
            self.live.update(_picture(stage, state, self.events, classes, latest))

    def reached(self, found: dict[str, Any]) -> None:
        self._reached.append(found)
        if not self.live:
            told = ", ".join(f"{name} {number}" for name, number in found["by_verdict"].items())
            self.said.step(f"{found['label']:>10}  {found['lines']} lines: {told or 'nothing judged'}")

    def late(self, stage: story.Stage, code: int | None) -> None:
        why = "the worker is behind" if code is None else f"the worker has ended with {code}: see worker.log"
        self.said.step(
            f"{stage.now:%Y-%m-%d}: not everything is judged yet; {why}. Going on with what is stored."
        )


def _picture(
    stage: story.Stage, state: Progress, events: int, classes: Sequence[Any], latest: Sequence[Any]
) -> Group:
    head = Text.assemble(
        (f"{stage.now:%d %B %Y, %H:%M} in Shanghai", "bold"),
        f"   {state.events:,} of {events:,} events stored   {state.waiting} waiting   {state.lines} open lines",
    )
    return Group(head, _by_class(classes), _latest(latest))


def _by_class(rows: Sequence[Any]) -> Table:
    present = [name for name in VERDICTS if any(row["verdict"] == name for row in rows)]
    table = show.table("Open lines by verdict", ["goods", *present], present)
    counts = {(row["class"], row["verdict"]): row["lines"] for row in rows}
    for name in sorted({row["class"] or "" for row in rows}):
        cells = [Text(str(counts.get((name or None, v), "·")), style=show.STYLES.get(v, "")) for v in present]
        table.add_row(name or "unclassified", *cells)
    return table


def _latest(rows: Sequence[Any]) -> Table:
    table = show.table("Latest changes", ["line", "was", "is", "because of"])
    for row in rows:
        cause = ", ".join(row["cause"][:2])
        table.add_row(
            row["ref"], show.verdict(row["was"] or ""), show.verdict(row["verdict"] or "closed"), cause
        )
    return table


def _summary(found: list[dict[str, Any]]) -> Table:
    present = [name for name in VERDICTS if any(name in one["by_verdict"] for one in found)]
    columns = ["noon in Shanghai", "lines", *present, "blocked value", "out of pocket (EUR)"]
    table = show.table("What happened to the contracts", columns, [*columns[1:-2], columns[-1]])
    for one in found:
        blocked = "  ".join(f"{name} {_short(value)}" for name, value in one["blocked_value"].items())
        lost = one["out_of_pocket"]
        day = "2020-03-31 (before)" if one["label"] == "before" else one["label"]
        counts = [
            Text(str(one["by_verdict"].get(name, "·")), style=show.STYLES.get(name, "")) for name in present
        ]
        span = f"{_short(lost['base'])} ({_short(lost['low'])} to {_short(lost['high'])})"
        table.add_row(
            day, str(one["lines"]), *counts, blocked or "none", span if lost["base"] != "0" else "none"
        )
    return table


def _short(amount: str) -> str:
    """An amount to the tenth of a million, or to the thousand: 51.3m, 788k."""
    number = float(amount)
    return f"{number / 1e6:,.1f}m" if number >= 1e6 else f"{number / 1e3:,.0f}k"
