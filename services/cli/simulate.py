"""`tracker simulate`: what a draft of a rule would do to the book as it stands, before anybody enacts it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import polars as pl
import typer
from rich.text import Text

from events.envelope import Event, event
from events.values import plain
from services.cli import show, stored
from services.cli.options import Format, Printed
from services.cli.stored import SQL
from services.domain.answers import answers
from services.domain.book import Book, frame_of
from services.domain.losses import estimate
from services.domain.verdicts import assess
from services.impact import store
from services.runtime import packs

KEYS = ("ref", "buyer", "class", "destination", "before", "after", "rule", "clause", "missing", "blocked_value_before",
        "blocked_value", "out_of_pocket_before", "out_of_pocket", "currency")  # fmt: skip
Draft = Annotated[Path, typer.Argument(metavar="RULE.yaml", help="The draft, as a rule pack.")]


def simulate(draft: Draft, form: Printed = Format.TABLE) -> None:
    """Which lines would be judged otherwise were this draft in force, and what that would cost."""
    acts = [enacted(act) for act in packs.load(draft)]
    before, after = stored.read(lambda connection: both(connection, acts))
    changed = [_row(before[ref], after[ref]) for ref in after if _differ(before.get(ref), after[ref])]
    match form:
        case Format.JSON:
            show.json_lines(changed)
        case Format.CSV:
            show.csv_rows(KEYS, changed)
        case Format.TABLE:
            _print(changed, len(after), [act.data.rule for act in acts])  # type: ignore[attr-defined]


def enacted(act: packs.Act) -> Event:
    """The draft as a fact, in force as it says, whatever it says of its own status."""
    document = act.document.model_dump(mode="json", exclude_defaults=True) | {"status": "enacted"}
    data = {"document": document, "pack": act.digest}
    return event("rule.enacted", data, source="urn:contract-impact-tracker:draft", id=f"~{act.document.rule}")


async def both(
    connection: Any, acts: Sequence[Event]
) -> tuple[Mapping[str, dict[str, Any]], Mapping[str, dict[str, Any]]]:
    """The answers of the stored facts by line, without and with the draft; of two versions of a rule the draft's."""
    names = [row[0] for row in await connection.fetch(SQL["exporters"])]
    facts, now = await store.facts_of(connection, names), await store.present(connection)
    drafted = {act.data.rule for act in acts}  # type: ignore[attr-defined]
    rule = pl.col("data").str.json_path_match("$.document.rule")
    kept = facts.filter((pl.col("type") != "rule.enacted") | ~rule.is_in(sorted(drafted)))
    with_draft = pl.concat([kept, frame_of(acts)])
    return _judged(facts, now), _judged(with_draft, now)


def _judged(facts: pl.DataFrame, now: Any) -> dict[str, dict[str, Any]]:
    book = Book.from_events(facts)
    rows = estimate(book, assess(book, now=now), now=now)
    told = zip(answers(rows), rows.select("class", "destination").iter_rows(named=True), strict=True)
    return {answer["ref"]: answer | more for answer, more in told}


def _differ(before: dict[str, Any] | None, after: dict[str, Any]) -> bool:
    names = ("verdict", "rule", "clause", "missing", "blocked_quantity")
    return before is not None and any(before[name] != after[name] for name in names)


def _row(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    lost = {"out_of_pocket_before": _lost(before), "out_of_pocket": _lost(after)}
    values = {
        "before": before["verdict"],
        "after": after["verdict"],
        "blocked_value_before": before["blocked_value"],
    }
    return {name: (after | values | lost)[name] for name in KEYS}


def _lost(answer: dict[str, Any]) -> str | None:
    """The base figure of what is lost out of pocket; None where it cannot be reckoned."""
    found = "0" if answer["loss"] is None else answer["loss"]["out_of_pocket"]["base"]
    return None if found is None else str(found)


def _print(changed: Sequence[Mapping[str, Any]], lines: int, rules: Sequence[str]) -> None:
    console = show.console()
    what = f"{', '.join(rules)} would change {len(changed)} of {lines} open lines"
    if not changed:
        console.print(Text(f"{what}.", style="bold"))
        return
    table = show.table(what, ("line", "buyer", "before", "after", "clause", "missing", "blocked value", ""),
                       ("blocked value",))  # fmt: skip
    for row in changed:
        table.add_row(
            Text(row["ref"]), Text(row["buyer"]), show.verdict(row["before"]), show.verdict(row["after"]),
            Text(f"{row['rule']}/{row['clause']}" if row["rule"] else ""), Text(", ".join(row["missing"])),
            _moved(row["blocked_value_before"], row["blocked_value"]), row["currency"],
        )  # fmt: skip
    console.print(table)
    console.print(_sums(changed))


def _sums(changed: Sequence[Mapping[str, Any]]) -> Any:
    """What is blocked and lost more (or less) than without the draft, by class, destination and currency."""
    table = show.table("More than without it", ("class", "destination", "lines", "blocked value", "out of pocket", ""),
                       ("lines", "blocked value", "out of pocket"))  # fmt: skip
    groups: dict[tuple[str, str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for row in changed:
        groups[row["class"] or "unclassified", row["destination"], row["currency"]].append(row)
    for (goods, destination, currency), rows in sorted(groups.items()):
        sums = [show.number(plain(_more(rows, name))) for name in ("blocked_value", "out_of_pocket")]
        table.add_row(goods, destination, str(len(rows)), *sums, currency)
    return table


def _more(rows: Sequence[Mapping[str, Any]], name: str) -> Decimal:
    return sum((Decimal(r[name] or 0) - Decimal(r[f"{name}_before"] or 0) for r in rows), Decimal(0))


def _moved(before: str | None, after: str | None) -> Text:
    old, new = (show.number(value) or "unknown" for value in (before, after))
    return Text(new) if old == new else Text(f"{old} → {new}", style="red")
