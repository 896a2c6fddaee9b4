"""`tracker keys`: who may tell facts over HTTP. A key is shown once, when it is made; only its hash is kept."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

import typer
from pydantic import TypeAdapter, ValidationError
from rich.text import Text

from events.values import Id, instant_text
from services.cli import show, stored
from services.cli.options import Format, Printed
from services.intake import keys
from services.intake.keys import KINDS, SQL, Scope, of_exporters
from services.runtime import clock
from services.runtime.settings import NeedsAction

T = TypeVar("T")
COLUMNS = ("name", "exporters", "kinds", "sources", "created_at", "revoked_at")
app = typer.Typer(help="Keys of the HTTP door: add, list, revoke.", no_args_is_help=True)
_ID: TypeAdapter[str] = TypeAdapter(Id)


def _id(text: str) -> str:
    try:
        return _ID.validate_python(text)
    except ValidationError as error:
        raise typer.BadParameter(
            f"{text!r}: expected 1 to 200 characters, none of them a control one."
        ) from error


def _kind(text: str) -> str:
    if text not in KINDS:
        raise typer.BadParameter(f"{text!r}: expected a topic or type of facts: {', '.join(KINDS)}.")
    return text


Name = Annotated[str, typer.Argument(metavar="NAME", parser=_id, help="What you call the key.")]
Exporters = Annotated[
    list[str] | None,
    typer.Option(
        "--exporter", parser=_id, metavar="EXPORTER", help="Whose facts it may tell; may be repeated."
    ),
]
Operator = Annotated[
    bool, typer.Option("--operator", help="It may tell everybody's facts, also rules and licences.")
]
Kinds = Annotated[
    list[str] | None,
    typer.Option("--kind", parser=_kind, metavar="TOPIC|TYPE",
                 help="Which facts (default of an exporter: contracts, purchases, document.filed); may be repeated."),
]  # fmt: skip
Sources = Annotated[
    list[str] | None,
    typer.Option("--source", parser=_id, metavar="SOURCE",
                 help="What its events may be from, and all below it (default: /EXPORTER); may be repeated."),
]  # fmt: skip


@app.command(name="add")
def add(
    name: Name,
    exporters: Exporters = None,
    operator: Operator = False,
    kinds: Kinds = None,
    sources: Sources = None,
    form: Printed = Format.TABLE,
) -> None:
    """Makes a key and shows it, once."""
    if bool(exporters) == operator:
        raise typer.BadParameter("say whose facts the key may tell: --exporter EXPORTER, or --operator.")
    scope = (
        of_exporters(exporters, kinds or (), sources or ())
        if exporters
        else Scope(None, tuple(kinds or Scope(None).kinds), tuple(sources) if sources else None)
    )
    token = _asked(lambda connection: keys.add(connection, name, scope, clock.now()))
    if token is None:
        raise NeedsAction(f"There is a key {name} already. Choose another name; names are not used again.")
    if form is Format.TABLE:
        _print_new(name, scope, token)
    else:
        _rows([{**_told(name, scope), "key": token}], form, (*COLUMNS[:4], "key"))


@app.command(name="list")
def listed(form: Printed = Format.TABLE) -> None:
    """All keys, and what each may tell; never the keys themselves."""
    rows = _asked(lambda connection: connection.fetch(SQL["keys"]))
    found = [
        {**{name: row[name] for name in COLUMNS[:4]},
         **{name: instant_text(row[name]) if row[name] else None for name in COLUMNS[4:]}}
        for row in rows
    ]  # fmt: skip
    if form is Format.TABLE:
        _print(found)
    else:
        _rows(found, form, COLUMNS)


@app.command(name="revoke")
def revoke(name: Name) -> None:
    """From the next request on, the key opens nothing."""
    since = _asked(lambda connection: keys.revoke(connection, name, clock.now()))
    if since is None:
        raise NeedsAction(f"There is no key {name}. See tracker keys list.")
    print(f"The key {name} opens nothing since {show.instant(since)}.")


def _asked(work: Callable[[Any], Awaitable[T]]) -> T:
    async def ask() -> T:
        async with stored.connected(stored.endpoints().database_url) as connection:
            return await work(connection)

    return asyncio.run(ask())


def _told(name: str, scope: Scope) -> dict[str, Any]:
    lists = {"exporters": scope.exporters, "kinds": scope.kinds, "sources": scope.sources}
    return {"name": name, **{key: list(value) if value else None for key, value in lists.items()}}


def _rows(rows: list[dict[str, Any]], form: Format, columns: tuple[str, ...]) -> None:
    if form is Format.JSON:
        show.json_lines(rows)
    else:
        show.csv_rows(columns, rows)


def _print_new(name: str, scope: Scope, token: str) -> None:
    console = show.console()
    whose = "everybody's" if scope.exporters is None else f"those of {', '.join(scope.exporters)}"
    console.print(Text(f"The key {name} may tell facts ({', '.join(scope.kinds)}), {whose}."))
    if scope.sources:
        console.print(Text(f"Their source is {' or '.join(scope.sources)}, or lies below it."))
    console.print(Text(token, style="bold"), soft_wrap=True)
    console.print("Keep it now: it is shown only here. Send it as  Authorization: Bearer KEY")


def _print(rows: list[dict[str, Any]]) -> None:
    console = show.console()
    if not rows:
        console.print("No keys. Make one: tracker keys add NAME --exporter EXPORTER")
        return
    table = show.table(f"{len(rows)} keys", ("name", "whose", "which facts", "sources", "revoked"))
    for row in rows:
        table.add_row(
            Text(row["name"], style="bold"),
            Text(", ".join(row["exporters"]) if row["exporters"] else "everybody's"),
            Text(", ".join(row["kinds"])),
            Text(", ".join(row["sources"]) if row["sources"] else "any"),
            Text(row["revoked_at"] or "", style="red"),
        )
    console.print(table)
