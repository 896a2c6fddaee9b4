"""`tracker review`: names that may mean one party, for somebody to say so; and what has been said."""

import asyncio
import getpass
from collections.abc import Sequence
from typing import Annotated, Any

import polars as pl
import typer
from rich.text import Text

from events.envelope import Event, explain
from events.values import instant_text, plain
from services.cli import show, stored
from services.cli.ingest import sending
from services.cli.options import Format, Printed
from services.cli.stored import SQL
from services.domain.columns import EVENT_SCHEMA
from services.intake import review
from services.intake.handlers import send
from services.intake.named import Candidate
from services.intake.review import Parties
from services.runtime import clock
from services.runtime.settings import NeedsAction

KEYS = ("party", "name", "same_as", "same_as_name", "score", "exporters", "automatic", "doubts")
DECIDED = ("party", "same_as", "decision", "by", "score", "reason", "holds", "at")
app = typer.Typer(
    help="Names that may mean one party: list, match, unmatch, auto, decided.", invoke_without_command=True
)
Party = Annotated[str, typer.Argument(metavar="PARTY", help="A name, as facts give it.")]
SameAs = Annotated[str, typer.Argument(metavar="SAME_AS", help="The other name.")]
Reason = Annotated[str | None, typer.Option("--reason", help="Why, for whoever looks at it later.")]
By = Annotated[str | None, typer.Option("--by", help="Who decides (default: your user name).")]
Check = Annotated[bool, typer.Option("--check", help="Only show them.")]


@app.callback()
def waiting(context: typer.Context, form: Printed = Format.TABLE) -> None:
    """Names in contracts and names in registers and lists that may mean one party, the likeliest first."""
    if context.invoked_subcommand is None:
        _output(*_queue(), form)


@app.command(name="match")
def match(party: Party, same_as: SameAs, reason: Reason = None, by: By = None) -> None:
    """Say that two names mean one party. What either holds then counts for both; it can be taken back."""
    parties = stored.read(_parties)
    for name in (party, same_as):
        parties.is_known(name)
    _tell([_decision("matched", party, same_as, reason, by)])
    print(f"Told: {party} and {same_as} are one party. Whoever deals with either is judged anew.")


@app.command(name="unmatch")
def unmatch(party: Party, same_as: SameAs, reason: Reason = None, by: By = None) -> None:
    """Take a match back. What else either of them is matched with stays."""
    stored.read(_parties).matched(party, same_as)
    _tell([_decision("unmatched", party, same_as, reason, by)])
    print(f"Told: {party} and {same_as} are two parties. Whoever deals with either is judged anew.")


@app.command(name="auto")
def auto(check: Check = False, form: Printed = Format.TABLE) -> None:
    """Match the names that are beyond doubt, each by a decision of its own that can be taken back."""
    parties, queue = _queue()
    sure = [one for one in queue if one.sure]
    if not check:
        _tell(review.by_themselves(sure, clock.now()))
    _output(parties, sure, form)
    if form is Format.TABLE and sure:
        said = "would be told" if check else "told"
        show.console().print(f"{len(sure)} matches {said}, decided by: {review.BY_NAME}.")


@app.command(name="decided")
def decided(form: Printed = Format.TABLE) -> None:
    """All decisions in their order, those of name matches among them, and whether each still holds."""
    told = review.history(stored.read(_parties).decisions)
    rows = [dict(zip(DECIDED, (*row[:-1], instant_text(row[-1])), strict=True)) for row in told]
    match form:
        case Format.JSON:
            show.json_lines(rows)
        case Format.CSV:
            show.csv_rows(DECIDED, rows)
        case Format.TABLE:
            _print_decided(rows)


def _queue() -> tuple[Parties, list[Candidate]]:
    parties = stored.read(_parties)
    return parties, parties.queue()


async def _parties(connection: Any) -> Parties:
    told = await connection.fetch(SQL["told_parties"])
    registered = await connection.fetch(SQL["registered_parties"])
    names = await connection.fetch(SQL["exporter_names"])
    rows = [tuple(row) for row in await connection.fetch(SQL["decisions"])]
    return Parties(
        {row["party"]: row["exporters"] for row in told},
        frozenset(row["party"] for row in registered),
        {row["exporter"]: (row["name"], row["country"]) for row in names},
        pl.DataFrame(rows, schema=dict(EVENT_SCHEMA), orient="row"),
    )


def _decision(kind: str, party: str, same_as: str, reason: str | None, by: str | None) -> Event:
    """The decision as a fact. Raises NeedsAction where it says nothing that can be decided."""
    try:
        return review.decision(kind, party, same_as, by=by or _user(), at=clock.now(), reason=reason)
    except ValueError as error:
        raise NeedsAction(f"{explain(error)}. Name two parties by two names.") from error


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError) as error:
        raise NeedsAction("Nobody is named as who decides. Say it with --by NAME.") from error


def _tell(facts: Sequence[Event]) -> None:
    async def told() -> None:
        async with sending(stored.endpoints().bootstrap) as producer:
            await send(producer, facts)

    if facts:
        asyncio.run(told())


def _output(parties: Parties, queue: Sequence[Candidate], form: Format) -> None:
    rows = [_row(parties, one) for one in queue]
    match form:
        case Format.JSON:
            show.json_lines(rows)
        case Format.CSV:
            show.csv_rows(KEYS, rows)
        case Format.TABLE:
            _print(rows)


def _row(parties: Parties, one: Candidate) -> dict[str, Any]:
    return {
        "party": one.party.party, "name": one.party.told, "same_as": one.same_as.party,
        "same_as_name": one.same_as.told, "score": plain(one.score), "exporters": parties.told[one.party.party],
        "automatic": one.sure, "doubts": list(one.doubts),
    }  # fmt: skip


def _print(rows: list[dict[str, Any]]) -> None:
    console = show.console()
    if not rows:
        console.print("No names wait to be looked at.")
        return
    columns = ("in contracts", "in registers", "alike", "exporters", "doubts")
    table = show.table(
        f"{len(rows)} pairs of names may be one party", columns, numbers=("alike", "exporters")
    )
    for row in rows:
        doubts = (
            Text("none", style="green")
            if row["automatic"]
            else Text("; ".join(row["doubts"]), style="yellow")
        )
        sides = [Text(row[side], style="bold", overflow="fold") for side in ("party", "same_as")]
        table.add_row(*sides, row["score"], str(row["exporters"]), doubts)
    console.print(table)
    if sure := sum(row["automatic"] for row in rows):
        console.print(
            f"{sure} of them beyond doubt: tracker review auto. The others: tracker review match A B."
        )
    else:
        console.print("Say which are one party: tracker review match A B.")


def _print_decided(rows: list[dict[str, Any]]) -> None:
    console = show.console()
    if not rows:
        console.print("Nothing has been decided.")
        return
    table = show.table(
        f"{len(rows)} decisions", ("at", "decision", "party", "same as", "by", "alike", "reason", "holds")
    )
    for row in rows:
        cells = (show.instant(row["at"]), row["decision"], row["party"], row["same_as"], row["by"], row["score"],
                 row["reason"])  # fmt: skip
        holds = Text("✓", style="green") if row["holds"] else Text("✗", style="dim")
        table.add_row(*(Text(cell or "", overflow="fold") for cell in cells), holds)
    console.print(table)
