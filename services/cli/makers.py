"""`tracker makers`: who could ship instead, from registers and lists only; nobody's contracts are looked at."""

import re
from datetime import datetime
from difflib import get_close_matches
from typing import Annotated, Any

import polars as pl
import typer
from rich.text import Text

from services.cli import show, stored
from services.cli.options import At, Format, Known, Printed
from services.cli.stored import SQL
from services.domain import makers as domain
from services.domain.book import Book
from services.domain.columns import EVENT_SCHEMA
from services.impact import store
from services.runtime.settings import NeedsAction

KEYS = ("party", "class", "licensed", "held", "missing")
Class = Annotated[str, typer.Option("--class", help="The goods, by their class.")]
Destination = Annotated[str, typer.Option("--destination", help="The country they would go to, such as ES.")]
Origin = Annotated[
    str | None, typer.Option("--from", help="Dispatched from here (default: where each is registered).")
]
Attributes = Annotated[
    list[str] | None,
    typer.Option("--attribute", metavar="NAME=VALUE", help="What else the clauses ask of the goods."),
]


def makers(
    goods: Class,
    destination: Destination,
    at: At = None,
    known: Known = None,
    origin: Origin = None,
    attribute: Attributes = None,
    form: Printed = Format.TABLE,
) -> None:
    """Who holds the evidence that the clauses in force ask for, and who lacks what."""
    for option, place in (("--destination", destination), ("--from", origin)):
        if place is not None and not re.fullmatch(r"[A-Z]{2}(-[A-Z0-9]{1,3})?", place):
            raise typer.BadParameter(
                f"{option} {place!r}: expected a country by its two capital letters, such as ES"
            )
    facts, now = stored.read(_registers)
    book = Book.from_events(facts)
    _is_known(book, goods)
    rows = domain.makers(book, at=at or now, goods_class=goods, destination=destination, known=known,
                         exported_from=origin, attributes=dict(map(_pair, attribute or ())))  # fmt: skip
    found = sorted(rows.iter_rows(named=True), key=_order)
    match form:
        case Format.JSON:
            show.json_lines([{key: row[key] for key in KEYS} for row in found])
        case Format.CSV:
            show.csv_rows(KEYS, found)
        case Format.TABLE:
            _print(found, at or now)


async def _registers(connection: Any) -> tuple[pl.DataFrame, datetime]:
    rows = [tuple(row) for row in await connection.fetch(SQL["registers"])]
    return pl.DataFrame(rows, schema=dict(EVENT_SCHEMA), orient="row"), await store.present(connection)


def _is_known(book: Book, goods: str) -> None:
    """Raises NeedsAction for a class that is not in the published goods: a mistyped one would find nobody."""
    names = {entry.goods_class for published in book.goods for entry in published.classes}
    if names and goods not in names:
        near = get_close_matches(goods, sorted(names), n=5, cutoff=0.3) or sorted(names)
        raise NeedsAction(f"--class {goods!r}: no such class of goods. There is {', '.join(near)}.")


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise typer.BadParameter(f"--attribute {text!r}: expected NAME=VALUE, such as medical_use=true")
    return name, value


def _order(row: dict[str, Any]) -> tuple[int, int, str]:
    return {True: 0, None: 1, False: 2}[row["licensed"]], len(row["missing"]), row["party"]


def _print(rows: list[dict[str, Any]], at: datetime) -> None:
    console = show.console()
    if not rows:
        console.print(
            f"Nobody is known to hold evidence that clauses in force at {show.instant(at)} ask for."
        )
        return
    able = sum(row["licensed"] is True for row in rows)
    table = show.table(
        f"{able} of {len(rows)} may ship at {show.instant(at)}", ("who", "may ship", "holds", "lacks")
    )
    said = {True: Text("✓", style="green"), None: Text("?", style="magenta"), False: Text("✗", style="red")}
    for row in rows:
        lacks = Text(", ".join(row["missing"]), style="yellow")
        table.add_row(
            Text(row["party"], style="bold"), said[row["licensed"]], Text(", ".join(row["held"])), lacks
        )
    console.print(table)
