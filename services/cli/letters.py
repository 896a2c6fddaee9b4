"""`tracker dead-letters`: what was told and could not be read, where it stands, why, and another try."""

import asyncio
import re
from typing import Annotated, Any

import asyncpg
import typer
from rich.text import Text

from events.values import instant_text
from services.cli import show, stored
from services.cli.options import Format, Printed
from services.cli.stored import SQL
from services.impact.again import read_again
from services.runtime.postgres import pool
from services.runtime.settings import NeedsAction

KEYS = ("letter", "kind", "reason", "learnt_at", "resumed_at", "cluster")
WHAT_TO_DO = {
    "unreadable": "Correct it where it comes from and tell it again.",
    "unknown_type": "A newer tracker may know the type: install it, then run tracker dead-letters resume.",
    "conflict": "Another content has this source and id: tell the fact again under an id of its own.",
    "refused": "Postgres refused the content: correct it where it comes from and tell it again.",
}
_PLACE = re.compile(r"([A-Za-z0-9._-]+)/(\d{1,9})/(\d{1,18})/(\d{1,9})")
app = typer.Typer(help="What could not be read: list, show, resume.", no_args_is_help=True)
All = Annotated[bool, typer.Option("--all", help="Also those that were read later.")]
Letter = Annotated[
    str, typer.Argument(metavar="LETTER", help="TOPIC/PARTITION/OFFSET/INDEX, as list names it.")
]


@app.command(name="list")
def listed(every: All = False, form: Printed = Format.TABLE) -> None:
    """All dead letters that wait for somebody."""
    rows = stored.read(lambda connection: connection.fetch(SQL["letters"], every))
    found = [_told(row) for row in rows]
    match form:
        case Format.JSON:
            show.json_lines(found)
        case Format.CSV:
            show.csv_rows(KEYS, found)
        case Format.TABLE:
            _print(found)


@app.command(name="show")
def shown(letter: Letter, form: Printed = Format.TABLE) -> None:
    """One dead letter with its bytes, and what to do about it."""
    place = _PLACE.fullmatch(letter)
    if place is None:
        raise typer.BadParameter(
            f"{letter!r}: expected TOPIC/PARTITION/OFFSET/INDEX, such as contracts/0/17/0"
        )
    asked = (place[1], int(place[2]), int(place[3]), int(place[4]))
    rows = stored.read(lambda connection: connection.fetch(SQL["letter"], *asked))
    if not rows:
        raise NeedsAction(f"There is no dead letter {letter}. See tracker dead-letters list.")
    found = [{**_told(row), "raw": bytes(row["raw"]).decode(errors="backslashreplace")} for row in rows]
    match form:
        case Format.JSON:
            show.json_lines(found)
        case Format.CSV:
            show.csv_rows((*KEYS, "raw"), found)
        case Format.TABLE:
            for one in found:
                _print_one(one)


@app.command(name="resume")
def resume() -> None:
    """Read letters of unknown type again (a newer tracker may know the type); let paused topics go on."""
    count, topics = asyncio.run(resumed(stored.endpoints().database_url))
    print(f"{count} dead letters could be read.")
    for topic in topics:
        print(f"The topic {topic} goes on.")


async def resumed(address: str) -> tuple[int, list[str]]:
    """How many letters could be read, and which topics were paused."""
    try:
        async with pool(address, 1) as connections:
            count = await read_again(connections)
            topics = {row["topic"] for row in await connections.fetch(SQL["resume_topics"])}
            return count, sorted(topics)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, ValueError) as error:
        raise stored.postgres_trouble(address)(error) from error


def _told(row: Any) -> dict[str, Any]:
    return {
        "letter": f"{row['topic']}/{row['partition']}/{row['offset']}/{row['index']}",
        "kind": row["kind"],
        "reason": row["reason"],
        "learnt_at": instant_text(row["learnt_at"]),
        "resumed_at": instant_text(row["resumed_at"]) if row["resumed_at"] else None,
        "cluster": row["cluster"],
    }


def _print(rows: list[dict[str, Any]]) -> None:
    console = show.console()
    if not rows:
        console.print("No dead letters.")
        return
    table = show.table(f"{len(rows)} dead letters", ("letter", "kind", "told at", "reason"))
    for row in rows:
        table.add_row(
            Text(row["letter"], style="bold"),
            Text(row["kind"], style="yellow"),
            show.instant(row["learnt_at"]),
            Text(row["reason"]),
        )
    console.print(table)


def _print_one(row: dict[str, Any]) -> None:
    console = show.console()
    console.print(Text(f"{row['letter']}  ", style="bold").append(row["kind"], style="yellow"))
    console.print(Text(f"{row['reason']}\ntold at {show.instant(row['learnt_at'])}"))
    if row["resumed_at"]:
        console.print(Text(f"read on {show.instant(row['resumed_at'])}", style="green"))
    else:
        console.print(Text(WHAT_TO_DO[row["kind"]], style="bold"))
    console.print(Text(row["raw"], style="dim"), soft_wrap=True)
