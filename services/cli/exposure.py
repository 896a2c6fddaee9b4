"""`tracker exposure`: what is blocked in the whole book and what that costs, summed by what one asks for."""

from typing import Annotated, Any

import typer
from rich.text import Text

from events.values import plain
from services.cli import show, stored
from services.cli.options import Format, Printed
from services.cli.stored import SQL

_NARROW = 110
GROUPS = ("class", "destination", "week", "exporter", "buyer", "verdict")
SUMS = ("lines", "blocked_lines", "value", "blocked_value", "currency", "out_of_pocket", "not_reckoned",
        "cancelled_while_blocked")  # fmt: skip
CASES = ("low", "base", "high")
By = Annotated[str, typer.Option("--by", metavar="NAME,…", help=f"What to sum by, of {', '.join(GROUPS)}.")]


def exposure(by: By = "class,destination", form: Printed = Format.TABLE) -> None:
    """Blocked value and money lost over all open lines, per currency; lines cancelled while blocked beside them."""
    names = [name.strip() for name in by.split(",") if name.strip()]
    if wrong := [name for name in names if name not in GROUPS]:
        raise typer.BadParameter(
            f"--by {wrong[0]!r}: expected names of {', '.join(GROUPS)} with commas between"
        )
    found = stored.read(lambda connection: _summed(connection, names))
    match form:
        case Format.JSON:
            show.json_lines(found)
        case Format.CSV:
            show.csv_rows((*names, *SUMS), found)
        case Format.TABLE:
            _print(found, names)


async def _summed(connection: Any, names: list[str]) -> list[dict[str, Any]]:
    rows = [_row(row, names) for row in await connection.fetch(SQL["exposure"], names)]
    return sorted(rows, key=lambda row: [row[name] or "" for name in names])


def _row(row: Any, names: list[str]) -> dict[str, Any]:
    return {
        **{name: row[name] for name in names},
        **{name: row[name] for name in ("lines", "blocked_lines")},
        **{name: plain(row[name]) for name in ("value", "blocked_value")},
        "currency": row["currency"],
        "out_of_pocket": {case: plain(row[case]) for case in CASES},
        "not_reckoned": row["not_reckoned"],
        "cancelled_while_blocked": {
            "lines": row["cancelled_lines"],
            "out_of_pocket": {case: plain(row[f"cancelled_{case}"]) for case in CASES},
            "not_reckoned": row["cancelled_not_reckoned"],
        },
    }


def _print(rows: list[dict[str, Any]], names: list[str]) -> None:
    console = show.console()
    if not rows:
        console.print("No open lines.")
        return
    narrow = console.width < _NARROW
    gone = any(row["cancelled_while_blocked"]["lines"] for row in rows)
    numbers = ["blocked lines", "blocked value", "out of pocket" if narrow else "out of pocket (low to high)"]
    numbers += ["of cancelled lines"] if gone else []
    table = show.table("Exposure", (*names, *numbers[:2], "", *numbers[2:]), numbers)
    for column in table.columns[: len(names)]:
        column.no_wrap = True
    for row in rows:
        style = "red" if row["blocked_lines"] else ""
        table.add_row(
            *(Text(row[name] or "unclassified") for name in names),
            Text(f"{row['blocked_lines']} of {row['lines']}", style=style),
            Text(show.number(row["blocked_value"]) if row["blocked_lines"] else "", style=style),
            row["currency"],
            _lost(row, narrow),
            *([_of_cancelled(row["cancelled_while_blocked"], narrow)] if gone else []),
        )
    console.print(table)


def _of_cancelled(row: dict[str, Any], narrow: bool) -> Text:
    """What lines cancelled while blocked still lose, after how many there are."""
    return Text(f"{row['lines']}: ").append_text(_lost(row, narrow)) if row["lines"] else Text("")


def _lost(row: dict[str, Any], narrow: bool) -> Text:
    lost = row["out_of_pocket"]
    if lost["high"] == "0":
        return Text("")
    said = Text(show.number(lost["base"]), style="red")
    if not narrow:
        said.append(f" ({show.number(lost['low'])} to {show.number(lost['high'])})", style="dim")
    return said.append(f" + {row['not_reckoned']} lines unknown") if row["not_reckoned"] else said
