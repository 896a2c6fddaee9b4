"""`tracker assess`: events and rule packs in, verdicts and losses out, with no service running."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from events.envelope import Event
from events.values import plain
from services.cli import show
from services.cli.options import At, Format, Known, Now, Printed, Rules
from services.domain import verdicts
from services.domain.answers import KEYS, answers
from services.domain.book import Book, frame_of
from services.runtime import event_files, packs
from services.runtime.yaml_text import FileError

Files = Annotated[
    list[Path], typer.Argument(metavar="FILE…", help="Events as JSON Lines; rule packs as .yaml.")
]


def assess(
    files: Files,
    rules: Rules = None,
    at: At = None,
    known: Known = None,
    now: Now = None,
    form: Printed = Format.TABLE,
) -> None:
    """May each line of each contract be exported, why not, and what would change that?"""
    given = [event for path in files if not _is_pack(path) for event in event_files.events(path)]
    acts = packs.acts(rules or (), [path for path in files if _is_pack(path)])
    if not given:
        raise FileError(
            f"{', '.join(map(str, files))}: no events, so nothing to assess. Give a file of events."
        )
    told = [*packs.shared_facts(), *(act.event() for act in acts.values()), *given]
    rows = _judged(Book.from_events(frame_of(told)), now or at or _latest(given), at, known)
    match form:
        case Format.JSON:
            show.json_lines(rows)
        case Format.CSV:
            show.csv_rows(KEYS, rows)
        case Format.TABLE:
            print_rows(rows)


def print_rows(rows: Sequence[dict[str, Any]]) -> None:
    """The rows for people, and below them how many lines have which verdict and what is blocked."""
    if not rows:
        show.console().print("No open lines.")
        return
    table = show.table(
        f"{len(rows)} open lines", ("line", "buyer", "verdict", "clause", "nearest route", "missing", "open", "blocked",
                                    "blocked value", "changes"),
        numbers=("open", "blocked", "blocked value"),
    )  # fmt: skip
    for row in rows:
        table.add_row(*_cells(row))
    console = show.console()
    console.print(table)
    console.print(_summary(rows))


def _cells(row: dict[str, Any]) -> list[Text | str]:
    blocked = row["blocked_value"] not in (None, "0")
    return [
        Text(row["ref"]),
        Text(row["buyer"] or ""),
        show.verdict(row["verdict"]),
        Text(f"{row['rule']}/{row['clause']}" if row["rule"] else ""),
        Text(row["route"] or ""),
        Text(", ".join(row["missing"])),
        Text(f"{show.number(row['open_quantity'])} {row['unit']}"),
        Text(show.number(row["blocked_quantity"]) if row["blocked_quantity"] != "0" else ""),
        Text(f"{show.number(row['blocked_value'])} {row['currency']}" if blocked else ""),
        Text(show.instant(row["next_change_at"])),
    ]


def _summary(rows: Sequence[dict[str, Any]]) -> Text:
    counted = Counter(row["verdict"] for row in rows)
    blocked: Counter[str] = Counter()
    for row in rows:
        if row["blocked_value"]:
            blocked[row["currency"]] += Decimal(row["blocked_value"])  # type: ignore[assignment]
    said = Text()
    for name in (name for name in show.STYLES if counted[name]):
        said.append(f"{counted[name]} {name}   ", style=show.STYLES[name])
    sums = ", ".join(f"{show.number(plain(Decimal(blocked[c])))} {c}" for c in sorted(blocked) if blocked[c])
    return said.append(f"blocked: {sums}" if sums else "nothing blocked", style="bold")


def _judged(book: Book, now: datetime, at: datetime | None, known: datetime | None) -> list[dict[str, Any]]:
    return list(answers(verdicts.assess(book, now=now, at=at, known=known)))


def _latest(events: Sequence[Event]) -> datetime:
    return max(event.recordedat or event.time for event in events)


def _is_pack(path: Path) -> bool:
    return path.suffix in (".yaml", ".yml")
