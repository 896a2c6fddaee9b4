"""`tracker ingest`: facts from files, checked line by line and told to the log."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from aiokafka.errors import KafkaError
from rich.text import Text

from services.cli import show, stored
from services.cli.options import Format, Printed
from services.intake.handlers import Report, ingest
from services.runtime import kafka
from services.runtime.topics import missing_topics

KEYS = ("file", "place", "reason")
_MOST_SHOWN = 50


class Kind(StrEnum):
    """What the files hold."""

    EVENTS = "events"
    RULE_PACK = "rule-pack"


Files = Annotated[list[Path], typer.Argument(metavar="FILE…", help="Files of that format.")]
Check = Annotated[bool, typer.Option("--check", help="Only check the files; no service is needed.")]


def ingest_files(kind: Kind, files: Files, check: Check = False, form: Printed = Format.TABLE) -> None:
    """Tells the facts of files to the running services. Safe to repeat. Ends with 1 where something was rejected."""
    report = asyncio.run(_checked(files, kind) if check else _told(files, kind))
    match form:
        case Format.JSON:
            show.json_lines([{"read": report.read, "sent": report.sent, "rejected": _rows(report)}])
        case Format.CSV:
            show.csv_rows(KEYS, _rows(report))
        case Format.TABLE:
            _print(report, check)
    if report.rejected:
        raise typer.Exit(1)


async def _checked(files: list[Path], kind: Kind) -> Report:
    return await ingest(files, kind.value, None)


async def _told(files: list[Path], kind: Kind) -> Report:
    found = stored.endpoints()
    versions: dict[str, list[str]] = {}
    if kind is Kind.RULE_PACK:
        async with stored.connected(found.database_url) as connection:
            rows = await connection.fetch(stored.SQL["versions"])
        versions = {row["subject"].removeprefix("rule:"): row["ids"] for row in rows}
    async with sending(found.bootstrap) as producer:
        return await ingest(files, kind.value, producer, versions)


@asynccontextmanager
async def sending(bootstrap: str) -> AsyncIterator[Any]:
    """A producer for topics that are known to be there. Raises ServerTrouble for all that goes wrong with Kafka."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        if missing := await missing_topics(bootstrap):
            raise stored.ServerTrouble(
                f"Apache Kafka at {bootstrap} lacks the topics {', '.join(missing)}. Run tracker topics."
            )
        producer = kafka.producer(bootstrap)
        await producer.start()
        try:
            yield producer
        finally:
            await producer.stop()
    except (KafkaError, OSError) as error:
        raise stored.kafka_trouble(bootstrap, error) from error


def _rows(report: Report) -> list[dict[str, Any]]:
    return [{"file": str(one.file), "place": one.place, "reason": one.reason} for one in report.rejected]


def _print(report: Report, check: bool) -> None:
    console = show.console()
    if report.rejected:
        table = show.table("Rejected", KEYS)
        for one in report.rejected[:_MOST_SHOWN]:
            table.add_row(Text(str(one.file)), Text(one.place, style="bold"), Text(one.reason, style="red"))
        console.print(table)
    if len(report.rejected) > _MOST_SHOWN:
        console.print(f"… and {len(report.rejected) - _MOST_SHOWN} more (all of them with --format json)")
    done = f"{report.read - len(report.rejected)} good" if check else f"{report.sent} sent"
    console.print(
        Text(f"{report.read} read, {done}, ").append(
            f"{len(report.rejected)} rejected", style="red" if report.rejected else ""
        )
    )
