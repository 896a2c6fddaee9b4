"""Output: tables that people like to look at, plain columns where nobody looks, JSON Lines and CSV for programs."""

import csv
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from events.values import instant_of
from services.domain.answers import text

STYLES = {
    "clear": "green", "satisfied": "green", "grandfathered": "cyan", "needs_documents": "yellow",
    "needs_review": "magenta", "partial": "dark_orange", "in_abeyance": "blue", "unlicensed": "red",
    "prohibited": "bold red",
}  # fmt: skip
_WIDE = 10_000


def console() -> Console:
    """The terminal; where output goes to a file or a pipe, as wide as the rows are and without colours."""
    if sys.stdout.isatty():
        return Console(highlight=False)
    return Console(highlight=False, width=_WIDE, no_color=True, force_terminal=False)


def error_console() -> Console:
    """Where progress and trouble are told: beside the output, never in it."""
    return Console(stderr=True, highlight=False)


def table(title: str, columns: Sequence[str], numbers: Iterable[str] = ()) -> Table:
    """An empty table; the columns in ``numbers`` stand to the right."""
    looked_at = sys.stdout.isatty()
    made = Table(
        title=title if looked_at else None, box=box.ROUNDED if looked_at else None, pad_edge=looked_at,
        header_style="bold", title_style="bold", title_justify="left", border_style="dim",
    )  # fmt: skip
    right = set(numbers)
    for name in columns:
        made.add_column(
            name, justify="right" if name in right else "left", no_wrap=not looked_at or name in right
        )
    return made


def tall() -> Table:
    """An empty table for a terminal, several lines to a row: it takes the whole width and cuts nothing off."""
    return Table(
        box=box.SIMPLE_HEAD,
        header_style="bold",
        border_style="dim",
        pad_edge=False,
        expand=True,
        show_lines=False,
    )


def verdict(name: str) -> Text:
    """A verdict in its colour."""
    return Text(name, style=STYLES.get(name, ""))


def instant(value: str | datetime | None) -> str:
    """An instant for people: to the minute, in UTC; nothing where there is none."""
    if value is None:
        return ""
    moment = instant_of(value)
    return f"{moment:%Y-%m-%d %H:%M}Z"


def number(value: str | None) -> str:
    """A number with its thousands apart."""
    if not value:
        return ""
    whole, point, decimals = value.partition(".")
    return f"{int(whole):,}{point}{decimals}"


def json_lines(rows: Iterable[Mapping[str, Any]]) -> None:
    """One JSON object a line."""
    for row in rows:
        sys.stdout.write(f"{text(row)}\n")


def csv_rows(keys: Sequence[str], rows: Iterable[Mapping[str, Any]], *, header: bool = True) -> None:
    """A header and a line per row; what is no text is written as JSON."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    if header:
        writer.writerow(keys)
    writer.writerows([_cell(row.get(key)) for key in keys] for row in rows)


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case str():
            # A spreadsheet would run a name that begins like a formula.
            return f"'{value}" if value[:1] in "=+-@\t\r" and value and not _is_number(value) else value
        case list() if all(isinstance(item, str) for item in value):
            return "; ".join(value)
        case _:
            return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _is_number(value: str) -> bool:
    return value.lstrip("-").replace(".", "", 1).isdigit()
