"""`tracker ingest`: facts from files, checked row by row and told to the log."""

import asyncio
import gc
import logging
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from aiokafka.errors import KafkaError
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from events.envelope import Event
from services.cli import show, stored
from services.cli.held import held
from services.cli.options import Format, Printed, instant
from services.intake.files import FORMATS
from services.intake.formats.suggest import suggest
from services.intake.handlers import Report, Telling, ingest
from services.intake.rejects import ENDING
from services.intake.rows import Brought, Together
from services.runtime import event_files, kafka
from services.runtime.settings import NeedsAction
from services.runtime.topics import missing_topics
from services.runtime.yaml_text import FileError

KEYS = ("file", "place", "rows", "reason")
MOST_SHOWN = 15
COUNTS = ("rows", "told", "unchanged", "rejected", "facts", "known", "sent")


def _format(name: str) -> str:
    if name not in FORMATS:
        raise typer.BadParameter(f"{name!r}: expected one of {', '.join(FORMATS)}.")
    return name


Kind = Annotated[
    str,
    typer.Argument(metavar="FORMAT", callback=_format, help=f"What the files hold: {', '.join(FORMATS)}."),
]
Files = Annotated[list[Path], typer.Argument(metavar="FILE…", help="Files of that format.")]
Check = Annotated[bool, typer.Option("--check", help="Only check the files; no service is needed.")]
Mapping = Annotated[
    Path | None, typer.Option("--mapping", metavar="FILE.yaml", help="What the columns of the files mean.")
]
Day = Annotated[
    datetime | None,
    typer.Option("--day", parser=instant, metavar="INSTANT", help="When the list was published."),
]
Previous = Annotated[
    Path | None,
    typer.Option("--previous", metavar="FILE", help="The snapshot to compare the first file with."),
]
Skip = Annotated[
    int, typer.Option("--skip", min=0, metavar="ROWS", help="Go on behind so many rows of the first file.")
]
To = Annotated[
    Path | None,
    typer.Option(
        "--to",
        metavar="FILE.jsonl",
        help="Write the facts to a file for tracker assess; no service is needed.",
    ),
]
Suggest = Annotated[
    bool, typer.Option("--suggest-mapping", help="Propose a mapping for the first file, and do nothing else.")
]
Fact = Annotated[
    str | None,
    typer.Option("--event", metavar="TYPE", help="With --suggest-mapping: the fact that a row tells."),
]


def ingest_files(
    kind: Kind,
    files: Files,
    check: Check = False,
    mapping: Mapping = None,
    day: Day = None,
    previous: Previous = None,
    skip: Skip = 0,
    to: To = None,
    propose: Suggest = False,
    event: Fact = None,
    form: Printed = Format.TABLE,
) -> None:
    """Tells the facts of files to the running services. Safe to repeat. Ends with 1 where something was rejected."""
    _fit_together(check, to, propose, event)
    if propose:
        sys.stdout.write(suggest(files[0], kind, event))
        return
    files = _brought(files)
    collect_seldom()
    brought = Brought(mapping, day, previous)
    with _progress(form) as seen:
        if to is not None:
            report = _kept(kind, files, brought, Telling(skip=skip, seen=seen), to)
        else:
            work = _checked if check else _told
            report = asyncio.run(work(kind, files, brought, skip, seen))
    match form:
        case Format.JSON:
            show.json_lines([{name: getattr(report, name) for name in COUNTS} | {"first": _rows(report)}])
        case Format.CSV:
            show.csv_rows(KEYS, _rows(report))
        case Format.TABLE:
            _print(report, f"written to {to}" if to else "checked only" if check else None)
    if report.rejected:
        raise typer.Exit(1)


def _fit_together(check: bool, to: Path | None, propose: bool, event: str | None) -> None:
    """Raises NeedsAction where one option makes another idle."""
    if event is not None and not propose:
        raise NeedsAction("--event says what --suggest-mapping is to draft. Give both, or neither.")
    if check and to is not None:
        raise NeedsAction("--check only reads, --to writes. Give one of them.")


def _brought(files: list[Path]) -> list[Path]:
    """The files without the tables of rejections that an earlier run left beside them: ``*`` names those as well."""
    given = [path for path in files if not path.name.endswith(ENDING)]
    if not given:
        raise FileError(f"{files[0]} is a table of rejections. Give the file it stands beside, mended.")
    if len(given) < len(files):
        show.error_console().print(f"Left out: {len(files) - len(given)} tables of rejections (*{ENDING})")
    return given


def collect_seldom() -> None:
    """Facts hold no cycles: looking for some among 20,000 of them would take a third of the time."""
    gc.freeze()
    gc.set_threshold(200_000, 50, 50)


async def _checked(
    kind: str, files: list[Path], brought: Brought, skip: int, seen: Callable[[Report], None]
) -> Report:
    return await ingest(files, FORMATS[kind], Telling(skip=skip, seen=seen), brought)


def _kept(kind: str, files: list[Path], brought: Brought, telling: Telling, to: Path) -> Report:
    """The facts of the files, written to another."""
    if to.resolve() in [one.resolve() for one in files]:
        raise FileError(f"{to}: is one of the files that are read. Give --to another name.")
    with event_files.writing(to) as write:
        return asyncio.run(ingest(files, FORMATS[kind], replace(telling, kept=write), brought))


async def _told(
    kind: str, files: list[Path], brought: Brought, skip: int, seen: Callable[[Report], None]
) -> Report:
    found = stored.endpoints()
    async with stored.connected(found.database_url) as connection, sending(found.bootstrap) as producer:
        rows = await connection.fetch(stored.SQL["versions"])
        versions = {row["subject"].removeprefix("rule:"): row["ids"] for row in rows}

        async def known(facts: Sequence[Event]) -> Sequence[bool]:
            return await stored.known(connection, facts)

        reader = FORMATS[kind]
        if isinstance(reader, Together) and (sources := reader.sources(brought)):
            brought = replace(brought, known=await held(connection, found.bootstrap, sources))
        telling = Telling(producer, known, versions, skip, seen)
        return await ingest(files, reader, telling, brought)


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


@contextmanager
def _progress(form: Format) -> Iterator[Callable[[Report], None]]:
    """A line that moves while rows are told, and says how to go on where it is interrupted."""
    console = show.error_console()
    columns = (
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[told]}"), TimeElapsedColumn(),
    )  # fmt: skip
    last = Report()

    def seen(report: Report) -> None:
        nonlocal last
        last = report
        progress.update(task, told=f"{report.rows:,} rows, {report.rejected:,} rejected")

    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("Telling", total=None, told="0 rows")
        try:
            yield seen
        except BaseException:
            if last.rows:
                console.print(
                    f"Stopped behind {last.rows:,} rows. Repeat the command: nothing is told twice. "
                    f"Faster with one file: --skip {last.rows}"
                )
            raise


def _rows(report: Report) -> list[dict[str, Any]]:
    return [
        {"file": str(one.file), "place": one.place, "rows": report.of_kind(one), "reason": one.reason}
        for one in sorted(report.first, key=report.of_kind, reverse=True)
    ]


def _print(report: Report, instead: str | None) -> None:
    """What became of the rows; ``instead``: what was done with the facts where they were not sent."""
    console = show.console()
    if rows := _rows(report):
        table = show.table(
            "Rejected, by kind of reason", ("rows", "for example", "reason"), numbers=("rows",)
        )
        for one in rows[:MOST_SHOWN]:
            place = f"{Path(one['file']).name}, {one['place']}"
            table.add_row(f"{one['rows']:,}", Text(place), Text(one["reason"], style="red"))
        console.print(table)
    if len(rows) > MOST_SHOWN:
        console.print(f"… and {len(rows) - MOST_SHOWN} further kinds of reason")
    if len(report.tables) == 1:
        console.print(f"All rejections: {report.tables[0]}")
    elif report.tables:
        console.print(f"All rejections: {len(report.tables)} tables beside their files, NAME.rejected.csv")
    line = Text(f"{report.rows:,} rows: {report.told:,} told, {report.unchanged:,} unchanged, ")
    line.append(f"{report.rejected:,} rejected", style="red" if report.rejected else "")
    made = instead or f"{report.known:,} known already, {report.sent:,} sent"
    console.print(line.append(f". {report.facts:,} facts, {made}."))
