"""`tracker verdicts`: what the running services have stored, line by line, or what the stored facts say of another
instant."""

import contextlib
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import typer

from services.cli import rows, show, stored
from services.cli.options import At, Format, Known, Printed
from services.cli.stored import SQL
from services.domain import losses
from services.domain.answers import KEYS, answers
from services.domain.book import Book
from services.domain.judge import VERDICTS
from services.domain.verdicts import assess
from services.impact import store

_PAUSE = 1.0
Exporter = Annotated[str | None, typer.Option("--exporter", help="Only lines of this exporter.")]
Buyer = Annotated[str | None, typer.Option("--buyer", help="Only lines for this buyer.")]
Class = Annotated[str | None, typer.Option("--class", help="Only goods of this class and its subclasses.")]
Verdict = Annotated[
    str | None, typer.Option("--verdict", help=f"Only lines judged so: {', '.join(VERDICTS)}.")
]
Watch = Annotated[bool, typer.Option("--watch", help="Go on, and show what changes, until Ctrl-C.")]


@dataclass(frozen=True, slots=True)
class Asked:
    """Which lines are wanted; None: all of them."""

    exporter: str | None
    buyer: str | None
    goods: str | None
    verdict: str | None


def verdicts(
    exporter: Exporter = None,
    buyer: Buyer = None,
    goods: Class = None,
    verdict: Verdict = None,
    at: At = None,
    known: Known = None,
    watch: Watch = False,
    form: Printed = Format.TABLE,
) -> None:
    """What the running services know: may each line be exported, why not, and what does that cost?"""
    if verdict is not None and verdict not in VERDICTS:
        raise typer.BadParameter(f"--verdict {verdict!r}: expected one of {', '.join(VERDICTS)}")
    if watch and (at or known):
        raise typer.BadParameter("--watch follows the present: leave out --at and --known")
    asked = Asked(exporter, buyer, goods, verdict)
    if watch:
        with contextlib.suppress(KeyboardInterrupt):
            _watch(asked, form)
    elif at or known:
        rows.output(stored.read(lambda connection: judged(connection, asked, at, known)), form)
    else:
        found = stored.read(lambda connection: current(connection, asked))
        rows.output([row for _, row in found], form)


async def current(connection: Any, asked: Asked) -> list[tuple[int, dict[str, Any]]]:
    """The stored answers, as ``assess`` prints them at the present instant, each with its revision."""
    now = await store.present(connection)
    found = await connection.fetch(SQL["verdicts"], asked.exporter, asked.buyer, asked.goods, asked.verdict)
    return [(row["revision"], stored.printed(row, now)) for row in found]


async def judged(
    connection: Any, asked: Asked, at: datetime | None, known: datetime | None
) -> list[dict[str, Any]]:
    """What the stored facts say of another instant, or of what was known by one."""
    named = (
        [asked.exporter] if asked.exporter else [row[0] for row in await connection.fetch(SQL["exporters"])]
    )
    book = Book.from_events(await store.facts_of(connection, await store.closed(connection, named)))
    now = await store.present(connection)
    found = assess(book, now=now, at=at, known=known)
    found = losses.estimate(book, found, now=now, known=known, at=at)
    wanted = [_wanted(row, asked) for row in found.iter_rows(named=True)]
    return [row for row, keep in zip(answers(found), wanted, strict=True) if keep]


def _wanted(row: dict[str, Any], asked: Asked) -> bool:
    goods = asked.goods is None or f"{row['class']}.".startswith(f"{asked.goods}.")
    same = [(asked.exporter, row["exporter"]), (asked.buyer, row["buyer"]), (asked.verdict, row["verdict"])]
    return goods and all(want in (None, has) for want, has in same)


def _watch(asked: Asked, form: Format) -> None:
    """On a terminal the table anew whenever it changed; elsewhere each line once, and again when it changed."""
    shown: dict[str, Any] = {}
    first = True
    while True:
        found = stored.read(lambda connection: current(connection, asked))
        fresh = [row for revision, row in found if shown.get(row["ref"]) != revision]
        gone = shown.keys() - {row["ref"] for _, row in found}
        if fresh or gone or first:
            _show([row for _, row in found], fresh, form, first)
        shown = {row["ref"]: revision for revision, row in found}
        first = False
        time.sleep(_PAUSE)


def _show(found: Sequence[Any], fresh: Sequence[Any], form: Format, first: bool) -> None:
    if form is Format.TABLE and sys.stdout.isatty():
        show.console().clear()
        rows.output(list(found), form)
    elif form is Format.CSV and not first:
        show.csv_rows(KEYS, fresh, header=False)
    else:
        rows.output(list(fresh), form)
    sys.stdout.flush()
