"""Options that several commands take, each with one meaning."""

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from events.values import instant_of


class Format(StrEnum):
    """How rows are printed: for people, for programs, for spreadsheets."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def instant(text: str) -> datetime:
    """The instant an option says. Raises typer.BadParameter, which tells what was expected."""
    try:
        return instant_of(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r}: {error}") from error


At = Annotated[
    datetime | None,
    typer.Option("--at", parser=instant, metavar="INSTANT", help="Judge as of this instant in the world."),
]
Known = Annotated[
    datetime | None,
    typer.Option(
        "--known", parser=instant, metavar="INSTANT", help="Only what had been learnt by this instant."
    ),
]
Now = Annotated[
    datetime | None,
    typer.Option(
        "--now",
        parser=instant,
        metavar="INSTANT",
        help="The present instant (default: --at, or the last fact).",
    ),
]
Rules = Annotated[
    list[Path] | None,
    typer.Option(
        "--rules", metavar="DIR", help="A folder of rule packs beside those shipped; its rules win."
    ),
]
Printed = Annotated[Format, typer.Option("--format", help="How to print.")]
