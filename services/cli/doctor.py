"""`tracker doctor`: is everything there, reachable and in step? In plain words what is wrong, and what to do."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import typer
from aiokafka.errors import KafkaError
from rich.text import Text

from events.registry import FACT_TOPICS
from services.cli import show, stored
from services.cli.doctor_findings import LATE, Finding, behind, counted, paused, topics
from services.cli.doctor_workers import workers
from services.cli.options import Format, Printed
from services.cli.stored import SQL
from services.impact.app import GROUP
from services.impact.store import ENGINE
from services.impact.store import SQL as IMPACT_SQL
from services.runtime import clock
from services.runtime.postgres import MIGRATIONS
from services.runtime.settings import Endpoints, NeedsAction
from services.runtime.topics import cluster_id, ends, members, missing_topics, other_settings

KEYS = ("check", "ok", "says", "do")


def doctor(form: Printed = Format.TABLE) -> None:
    """Looks whether all is well. Ends with 1 where something is wrong."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    findings = asyncio.run(examined())
    rows = [{key: getattr(one, key) for key in KEYS} for one in findings]
    match form:
        case Format.JSON:
            show.json_lines(rows)
        case Format.CSV:
            show.csv_rows(KEYS, rows)
        case Format.TABLE:
            _print(findings)
    if not all(one.ok for one in findings):
        raise typer.Exit(1)


async def examined() -> list[Finding]:
    """All findings; where a server is missing, nothing more is asked of it."""
    settings = stored.settings()
    try:
        found = stored.endpoints()
    except NeedsAction as error:
        return [Finding("servers", False, *_split(str(error)))]
    set_by = (
        "set in the environment"
        if settings.kafka_bootstrap and settings.database_url
        else f"in {settings.data}"
    )
    findings = [Finding("servers", True, f"found, {set_by}")]
    cluster = await _cluster(found.bootstrap)
    findings += await _asked("Apache Kafka", lambda: _kafka(found.bootstrap))
    findings += await _asked("Postgres", lambda: _postgres(found, cluster))
    return findings


async def _asked(name: str, look: Callable[[], Awaitable[list[Finding]]]) -> list[Finding]:
    try:
        return await look()
    except NeedsAction as error:
        return [Finding(name, False, *_split(str(error)))]


async def _cluster(bootstrap: str) -> str | None:
    try:
        return await cluster_id(bootstrap)
    except (KafkaError, OSError):
        return None


async def _kafka(bootstrap: str) -> list[Finding]:
    try:
        missing, workers = await missing_topics(bootstrap), await members(bootstrap, GROUP)
        others = await other_settings(bootstrap)
    except (KafkaError, OSError) as error:
        raise stored.kafka_trouble(bootstrap, error) from error
    running = (
        Finding("workers", True, f"{workers} running")
        if workers
        else Finding("workers", False, "none runs, so nothing is judged", "Start one: tracker up.")
    )
    return [Finding("Apache Kafka", True, f"answers at {bootstrap}"), topics(missing, others), running]


async def _postgres(found: Endpoints, cluster: str | None) -> list[Finding]:
    async with stored.connected(found.database_url) as connection:
        answers = Finding("Postgres", True, "answers")
        if late := await _not_applied(connection):
            return [answers, Finding("schema", False, f"lacks {', '.join(late)}", "Run tracker migrate.")]
        findings = [answers, Finding("schema", True, "up to date"), *await _counts(connection)]
        findings.append(await _present(connection))
        findings += await workers(connection)
        if cluster is not None:
            findings += await _lags(connection, found.bootstrap, cluster)
        return findings


async def _not_applied(connection: Any) -> list[str]:
    known = await connection.fetchval("SELECT to_regclass('migration') IS NOT NULL")
    applied = {row["name"] for row in await connection.fetch(SQL["applied"])} if known else set()
    return [file.name for file in sorted(MIGRATIONS.glob("[0-9]*.sql")) if file.name not in applied]


async def _counts(connection: Any) -> list[Finding]:
    counts = await connection.fetchrow(SQL["counts"], ENGINE)
    waits = await connection.fetchrow(IMPACT_SQL["waiting"])
    findings = counted(counts, await connection.fetch(SQL["stale"]), waits)
    return [*findings, *(paused(row) for row in await connection.fetch(SQL["paused"]))]


async def _present(connection: Any) -> Finding:
    now = await connection.fetchval("SELECT now FROM clock")
    if now is None:
        return Finding("clock", False, "has never run", "Start a worker: tracker up.")
    late = (clock.now() - now).total_seconds()
    return Finding("clock", True, f"stands at {show.instant(now)}" if late > LATE else "runs with the time")


async def _lags(connection: Any, bootstrap: str, cluster: str) -> list[Finding]:
    rows = await connection.fetch(SQL["stored_positions"], cluster, GROUP)
    held = {row["topic"]: row["stored"] for row in rows}
    try:
        written, running = await ends(bootstrap, FACT_TOPICS), await members(bootstrap, GROUP)
    except (KafkaError, OSError) as error:
        raise stored.kafka_trouble(bootstrap, error) from error
    return [
        behind(name, max(0, written.get(name, 0) - held.get(name, 0)), running > 0) for name in FACT_TOPICS
    ]


def _split(message: str) -> tuple[str, str]:
    says, _, do = message.partition(". ")
    return (f"{says}.", do) if do else (message, "")


def _print(findings: list[Finding]) -> None:
    console = show.console()
    for one in findings:
        mark, style = ("✓", "green") if one.ok else ("✗", "bold red")
        said = (
            Text(f"{mark} ", style=style)
            .append(f"{one.check}: ", style="bold")
            .append(one.says, style="default")
        )
        console.print(said.append(f"  {one.do}" if one.do else "", style="yellow"))
    wrong = sum(not one.ok for one in findings)
    console.print(
        Text("All is well." if not wrong else f"{wrong} of {len(findings)} need somebody.", style="bold")
    )
