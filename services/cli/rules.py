"""`tracker rules`: which clauses bind at an instant, as far as was known by another, each with its citation."""

import sys
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import polars as pl
import typer
from rich.table import Table
from rich.text import Text

from events.rule_document import Places, RuleDocument
from events.values import instant_text
from services.cli import show, stored
from services.cli.options import At, Format, Known, Printed, Rules
from services.domain.book import Book, frame_of
from services.domain.columns import EVENT_SCHEMA
from services.domain.rules import BEGINNING, END, Binding, Spans, worlds
from services.runtime import clock, event_files, packs

KEYS = ("rule", "clause", "title", "issuers", "number", "dated", "url", "published", "exported_from", "goods",
        "effect", "routes", "since", "until", "readings", "amended_by")  # fmt: skip
From = Annotated[
    list[Path] | None, typer.Option("--from", metavar="FILE", help="Acts in files of events as well.")
]
Stored = Annotated[
    bool, typer.Option("--stored", help="The acts that the running services know, instead of packs.")
]


def rules(
    at: At = None,
    known: Known = None,
    more: Rules = None,
    files: From = None,
    told: Stored = False,
    form: Printed = Format.TABLE,
) -> None:
    """Which rules are in force, with their citations."""
    if told and (more or files):
        raise typer.BadParameter(
            "--stored: goes without --rules and --from; tell those acts with tracker ingest."
        )
    moment = at or clock.now()
    book = stored.read(_stored) if told else _book(more or (), files or ())
    rows = list(in_force(list(book.known(known).rules), moment))
    match form:
        case Format.JSON:
            show.json_lines(rows)
        case Format.CSV:
            show.csv_rows(KEYS, rows)
        case Format.TABLE:
            _print(rows, moment)


def _book(folders: Iterable[Path], files: Iterable[Path]) -> Book:
    acts = [act.event() for act in packs.acts(folders).values()]
    return Book.from_events(frame_of([*acts, *(one for path in files for one in event_files.events(path))]))


async def _stored(connection: Any) -> Book:
    rows = [tuple(row) for row in await connection.fetch(stored.SQL["acts"])]
    return Book.from_events(pl.DataFrame(rows, schema=dict(EVENT_SCHEMA), orient="row"))


def in_force(documents: list[RuleDocument], at: datetime) -> Iterator[dict[str, Any]]:
    """The clauses that bind at the instant, in some reading of the acts: one row each, in order of rule and clause.

    ``routes`` are those open then; whether anybody has what they ask for is no question of the rule.
    ``readings`` names those between which nobody has decided, where they make a difference to the clause.
    """
    acts = {one.rule: one for one in documents}
    possible = worlds(documents)
    found: dict[tuple[str, str], list[Binding]] = {}
    for world in possible:
        for binding in world.bindings:
            if _holds(binding.spans, at):
                under = found.setdefault((binding.rule, binding.clause), [])
                under += [] if binding in under else [binding]
    for (rule, clause), bindings in sorted(found.items()):
        amending = {one.rule for one in documents for a in one.amends if (a.rule, a.clause) == (rule, clause)}
        open_readings = {label for world in possible for label in world.chosen if len(bindings) > 1}
        binding = min(bindings, key=lambda one: len(one.ways))
        yield _row(acts[rule], binding, at) | {
            "readings": sorted(
                label for label in open_readings if label.rpartition("/")[0] in {rule, *amending}
            ),
            "amended_by": sorted(amending),
        }


def _row(act: RuleDocument, binding: Binding, at: datetime) -> dict[str, Any]:
    since, until = next(span for span in binding.spans if span[0] <= at < span[1])
    citation = act.citation
    return {
        "rule": act.rule,
        "clause": binding.clause,
        "title": act.title,
        "issuers": list(citation.issuers) if citation else [],
        "number": citation.number if citation else None,
        "dated": citation.dated.isoformat() if citation and citation.dated else None,
        "url": _addresses(act),
        "published": instant_text(act.published),
        "exported_from": _places(binding.exported_from),
        "goods": sorted({one.goods_class or "any class" for one in binding.goods}),
        "effect": "duty" if binding.duty else "block",
        "routes": list(dict.fromkeys(way.name for way in binding.ways if _holds(way.spans, at))),
        "since": None if since == BEGINNING else instant_text(since),
        "until": None if until == END else instant_text(until),
    }


def _holds(spans: Spans, at: datetime) -> bool:
    return any(since <= at < until for since, until in spans)


def _places(places: Places) -> list[str]:
    """The countries by their codes, or "any" and which it leaves out."""
    if places.only is not None:
        return list(places.only)
    return [f"any except {', '.join(places.excluded)}" if places.excluded else "any"]


def _addresses(act: RuleDocument) -> list[str]:
    url = act.citation.url if act.citation else None
    return [url] if isinstance(url, str) else list(url or ())


def _print(rows: list[dict[str, Any]], at: datetime) -> None:
    console = show.console()
    if not rows:
        console.print(f"No clause is in force at {show.instant(at)}.")
        return
    console.print(_tall(rows) if sys.stdout.isatty() else _wide(rows))
    if sys.stdout.isatty():
        console.print(Text(f"{len(rows)} clauses in force at {show.instant(at)}", style="bold"))


def _wide(rows: list[dict[str, Any]]) -> Table:
    table = show.table(
        "", ("clause", "title", "citation", "from", "since", "until", "effect", "amended by", "source")
    )
    for row in rows:
        span = (show.instant(row["since"]), show.instant(row["until"]))
        told = (
            _name(row),
            row["title"],
            _cited(row),
            " ".join(row["exported_from"]),
            *span,
            row["effect"],
            _later(row),
            " ".join(row["url"]),
        )
        table.add_row(*(Text(cell or "") for cell in told))
    return table


def _tall(rows: list[dict[str, Any]]) -> Table:
    table = show.tall()
    table.add_column("clause", overflow="fold", ratio=2)
    table.add_column("citation", overflow="fold", ratio=3)
    table.add_column("in force", no_wrap=True)
    for row in rows:
        cited = Text(_cited(row))
        if _later(row):
            cited.append(f"\nwith {_later(row)}", style="yellow")
        for address in row["url"]:
            cited.append(f"\n{address}", style=f"dim link {address}")
        table.add_row(
            Text(_name(row), style="bold").append(f"\n{row['title'] or ''}", style="not bold"),
            cited,
            Text(f"{show.instant(row['since'])}\n{show.instant(row['until']) or 'no end'}\n{row['effect']}"),
        )
    return table


def _name(row: dict[str, Any]) -> str:
    return f"{row['rule']}/{row['clause']}"


def _cited(row: dict[str, Any]) -> str:
    return " ".join(part for part in (", ".join(row["issuers"]), row["number"], row["dated"]) if part)


def _later(row: dict[str, Any]) -> str:
    """The acts that amended the clause, and the readings under which it binds."""
    return ", ".join(row["amended_by"] + row["readings"])
