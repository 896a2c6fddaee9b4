"""Rows of verdicts, printed: a tall table on a terminal, a line each elsewhere, and below them what they come to."""

import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from rich.table import Table
from rich.text import Text

from events.values import plain
from services.cli import show
from services.cli.options import Format
from services.domain.answers import KEYS

Row = Mapping[str, Any]
_COLUMNS = ("line", "buyer", "verdict", "clause", "nearest route", "missing", "open", "blocked", "unit",
            "blocked value", "currency", "out of pocket", "changes")  # fmt: skip
_RIGHT = ("open", "blocked", "blocked value", "out of pocket")


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
                row["open_quantity"], blocked, row["unit"], value, row["currency"] if value else "", _loss(row)[0],
                show.instant(row["next_change_at"]))  # fmt: skip
        table.add_row(*(Text(cell or "") for cell in told))
    return table


def _tall(rows: Sequence[Row]) -> Table:
    table = show.tall()
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
        if any(_loss(row)):
            sums.append(f"\nloses {show.number(_loss(row)[0])} {_loss(row)[1]}", style="red")
        table.add_row(
            Text(row["ref"]).append(f"\n{row['buyer'] or ''}", style="dim"),
            show.verdict(row["verdict"]).append(f"\n{_clause(row)}", style="dim not bold"),
            why,
            sums,
        )
    return table


def summary(rows: Sequence[Row]) -> Text:
    """How many lines have which verdict, the value blocked, and what is lost out of pocket, in each currency."""
    counted = Counter(row["verdict"] for row in rows)
    said = Text(f"{len(rows)} open lines: ", style="bold")
    for name in (name for name in show.STYLES if counted[name]):
        said.append(f"{counted[name]} {name}  ", style=show.STYLES[name])
    blocked = _sums((_blocked(row)[1], row["currency"]) for row in rows)
    lost = _sums(_loss(row) for row in rows)
    said.append(f"\nblocked {blocked or 'nothing'}")
    return said.append(f"\nout of pocket {lost}") if lost else said


def _sums(amounts: Iterable[tuple[str, str]]) -> str:
    """The amounts added up by currency; what is not known is left out."""
    sums: dict[str, Decimal] = {}
    for amount, currency in amounts:
        if amount:
            sums[currency] = sums.get(currency, Decimal(0)) + Decimal(amount)
    return ", ".join(f"{show.number(plain(sums[currency]))} {currency}" for currency in sorted(sums))


def _loss(row: Row) -> tuple[str, str]:
    """What the line loses out of pocket (base) and its currency; nothing where it loses nothing or nobody can say."""
    term = (row["loss"] or {}).get("out_of_pocket") or {}
    amount = term.get("base")
    return (amount, term["currency"]) if amount and amount != "0" else ("", "")


def _clause(row: Row) -> str:
    return f"{row['rule']}/{row['clause']}" if row["rule"] else ""


def _blocked(row: Row) -> tuple[str, str]:
    """Quantity and value that are blocked; nothing where they are 0 or not known."""
    quantity, value = row["blocked_quantity"], row["blocked_value"]
    return ("" if quantity == "0" else quantity, "" if value in (None, "0") else value)
