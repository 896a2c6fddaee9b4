"""Rows of verdicts, printed: a tall table on a terminal, a line each elsewhere, and below them what they come to."""

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from events.values import plain
from services.cli import show
from services.cli.options import Format
from services.domain.answers import KEYS

Row = Mapping[str, Any]
_COLUMNS = ("line", "buyer", "verdict", "clause", "nearest route", "missing", "open", "blocked", "unit",
            "blocked value", "currency", "changes")  # fmt: skip
_RIGHT = ("open", "blocked", "blocked value")


def output(rows: Sequence[Row], form: Format) -> None:
    """The rows in the form that was asked for."""
    match form:
        case Format.JSON:
            show.json_lines(rows)
        case Format.CSV:
            show.csv_rows(KEYS, rows)
        case Format.TABLE:
            _table(rows)


def _table(rows: Sequence[Row]) -> None:
    console = show.console()
    if not rows:
        console.print("No open lines.")
        return
    console.print(_tall(rows) if sys.stdout.isatty() else _wide(rows))
    console.print(summary(rows))


def _wide(rows: Sequence[Row]) -> Table:
    table = show.table("", _COLUMNS, numbers=_RIGHT)
    for row in rows:
        blocked, value = _blocked(row)
        told = (row["ref"], row["buyer"], row["verdict"], _clause(row), row["route"], ", ".join(row["missing"]),
                row["open_quantity"], blocked, row["unit"], value, row["currency"] if value else "",
                show.instant(row["next_change_at"]))  # fmt: skip
        table.add_row(*(Text(cell or "") for cell in told))
    return table


def _tall(rows: Sequence[Row]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", border_style="dim", pad_edge=False, expand=True)
    table.add_column("line\nbuyer", overflow="fold", ratio=3)
    table.add_column("verdict\nclause", overflow="fold", min_width=15)
    table.add_column("nearest route\nmissing", overflow="fold", ratio=3)
    table.add_column("open\nblocked", justify="right", no_wrap=True)
    for row in rows:
        blocked, value = _blocked(row)
        why = Text(row["route"] or "")
        if row["missing"]:
            why.append(f"\n{', '.join(row['missing'])}", style="yellow")
        if row["next_change_at"]:
            why.append(f"\nchanges {show.instant(row['next_change_at'])}", style="dim")
        sums = Text(f"{show.number(row['open_quantity'])} {row['unit']}")
        if blocked:
            sums.append(f"\n{show.number(blocked)} {row['unit']}", style="red")
        if value:
            sums.append(f"\n{show.number(value)} {row['currency']}", style="red")
        table.add_row(
            Text(row["ref"]).append(f"\n{row['buyer'] or ''}", style="dim"),
            show.verdict(row["verdict"]).append(f"\n{_clause(row)}", style="dim not bold"),
            why,
            sums,
        )
    return table


def summary(rows: Sequence[Row]) -> Text:
    """How many lines have which verdict, and the value blocked in each currency."""
    counted = Counter(row["verdict"] for row in rows)
    blocked: dict[str, Decimal] = {}
    for row in rows:
        if _blocked(row)[1]:
            blocked[row["currency"]] = blocked.get(row["currency"], Decimal(0)) + Decimal(
                row["blocked_value"]
            )
    said = Text(f"{len(rows)} open lines: ", style="bold")
    for name in (name for name in show.STYLES if counted[name]):
        said.append(f"{counted[name]} {name}  ", style=show.STYLES[name])
    sums = ", ".join(f"{show.number(plain(blocked[currency]))} {currency}" for currency in sorted(blocked))
    return said.append(f"· blocked {sums or 'nothing'}")


def _clause(row: Row) -> str:
    return f"{row['rule']}/{row['clause']}" if row["rule"] else ""


def _blocked(row: Row) -> tuple[str, str]:
    """Quantity and value that are blocked; nothing where they are 0 or not known."""
    quantity, value = row["blocked_quantity"], row["blocked_value"]
    return ("" if quantity == "0" else quantity, "" if value in (None, "0") else value)
