"""`tracker explain`: one line in full: the clause and its citation, the nearest route as a checklist, each step of the
loss, and what was answered before."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.text import Text

from events.rule_document import DutyEffect, RuleDocument
from events.values import instant_of, instant_text, plain
from services.cli import show, stored
from services.cli.checklist import MARKS, checklist, opens, ways
from services.cli.options import Format, Printed
from services.cli.rules import in_force
from services.cli.stored import SQL
from services.domain.book import Book
from services.domain.duties import duties
from services.impact import store
from services.runtime.settings import NeedsAction

Ref = Annotated[str, typer.Argument(metavar="EXPORTER/CONTRACT/LINE", help="The line, as verdicts names it.")]


def explain(ref: Ref, form: Printed = Format.TABLE) -> None:
    """Why a line is judged as it is, what would open it, how its loss was reckoned, and its history."""
    found = stored.read(lambda connection: explained(connection, ref))
    match form:
        case Format.JSON:
            show.json_lines([found])
        case Format.CSV:
            show.csv_rows(("part", "name", "state", "says"), _flat(found))
        case Format.TABLE:
            _print(found)


async def explained(connection: Any, ref: str) -> dict[str, Any]:
    """All that is stored of one line: open, or cancelled while blocked (then as it was judged just before, and what it
    still loses). Raises NeedsAction where there is no such line."""
    row, remain = [await connection.fetchrow(SQL[name], ref) for name in ("line", "remain")]
    history = [_answered(one) for one in await connection.fetch(SQL["history"], ref)]
    if row is None and remain is None:
        raise NeedsAction(await _unknown(connection, ref, bool(history)))
    now = remain["ended_at"] if row is None else await store.present(connection)
    row = remain if row is None else row
    answer = stored.printed(row, now)
    documents = await acts(connection)
    clause, items, others = _law(answer, documents)
    return {
        "answer": answer,
        "cancelled_at": instant_text(now) if row is remain else None,
        "clause": clause,
        "checklist": items,
        "other_routes": others,
        "loss_steps": json.loads(row["steps"]) if row["steps"] else None,
        "duties": [] if row is remain else await _duties(connection, ref, documents, now),
        "history": history,
    }


async def _duties(
    connection: Any, ref: str, documents: Sequence[RuleDocument], now: datetime
) -> list[dict[str, Any]]:
    """What duties cost on the part of an open line that may be exported; reckoned now, it is not stored."""
    effects: list[object] = [clause.effect for act in documents for clause in act.clauses]
    effects += [change.replace.effect for act in documents for change in act.amends if change.replace]
    if not any(isinstance(effect, DutyEffect) for effect in effects):
        return []
    exporters = await store.closed(connection, [ref.partition("/")[0]])
    owed = duties(Book.from_events(await store.facts_of(connection, exporters)), ref, now=now)
    return [{**asdict(one), "amount": None if one.amount is None else plain(one.amount)} for one in owed]


async def acts(connection: Any) -> list[RuleDocument]:
    """The enacted acts as stored, the latest version of each."""
    latest: dict[str, RuleDocument] = {}
    for row in await connection.fetch(SQL["acts"]):
        document = RuleDocument.model_validate(json.loads(row["data"])["document"])
        latest[document.rule] = document
    return sorted(latest.values(), key=lambda one: (one.published, one.rule))


def _law(
    answer: dict[str, Any], documents: Sequence[RuleDocument]
) -> tuple[dict[str, Any] | None, list[dict[str, str]], list[str]]:
    """The deciding clause with its citation, its nearest route as a checklist, and the names of the other routes."""
    if answer["rule"] is None:
        return None, [], []
    at, name = instant_of(answer["at"]), (answer["rule"], answer["clause"])
    clause = next((c for c in in_force(list(documents), at) if (c["rule"], c["clause"]) == name), None)
    routes = ways(documents, *name)
    nearest = next((way for way in routes if way.name == answer["route"]), None)
    items = checklist(nearest, answer["missing"], answer["verdict"] == "needs_review")
    if nearest and (note := opens(nearest, at)):
        items.append({"need": "open", "state": "missing", "says": f"this route {note}"})
    return clause, items, list(dict.fromkeys(way.name for way in routes if way.name != answer["route"]))


def _answered(row: Any) -> dict[str, Any]:
    answer = json.loads(row["answer"]) if row["answer"] else None
    return {
        "revision": row["revision"],
        "at": instant_text(row["at"]),
        "verdict": answer["verdict"] if answer else None,
        "blocked_value": answer["blocked_value"] if answer else None,
        "cause": list(row["cause"]),
    }


async def _unknown(connection: Any, ref: str, closed: bool) -> str:
    if closed:
        return (
            f"{ref} is no open line any more: all of it was shipped, cancelled or taken out of its contract."
        )
    if ref.count("/") < 2:
        return f"{ref!r} names no line. Expected EXPORTER/CONTRACT/LINE, as in the first column of tracker verdicts."
    for start in (ref.rpartition("/")[0] + "/", ref.partition("/")[0] + "/"):
        if near := await connection.fetch(SQL["near"], start):
            return f"There is no open line {ref}. There is {', '.join(row['ref'] for row in near)}."
    return f"There is no open line {ref}, nor any other of that exporter. See tracker verdicts."


def _flat(found: dict[str, Any]) -> list[dict[str, Any]]:
    answer, clause = found["answer"], found["clause"] or {}
    rows = [{"part": "answer", "name": key, "says": answer[key]} for key in answer if key != "loss"]
    rows.append({"part": "answer", "name": "cancelled_at", "says": found["cancelled_at"]})
    rows += [{"part": "clause", "name": key, "says": clause[key]} for key in clause]
    rows += [
        {"part": "route", "name": o["need"], "state": o["state"], "says": o["says"]}
        for o in found["checklist"]
    ]
    steps = (found["loss_steps"] or {}).get("steps", {})
    rows += [{"part": "loss", "name": term, "says": step} for term in steps for step in steps[term]]
    rows += [
        {"part": "duty", "name": f"{one['rule']}/{one['clause']}", "state": _owed(one), "says": one["step"]}
        for one in found["duties"]
    ]
    rows += [
        {"part": "history", "name": one["at"], "state": one["verdict"], "says": one["cause"]}
        for one in found["history"]
    ]
    return [{**row, "says": row["says"] if row["says"] is None else _text(row["says"])} for row in rows]


def _text(value: Any) -> Any:
    return value if isinstance(value, list | dict) else str(value)


def _print(found: dict[str, Any]) -> None:
    console, answer, clause = show.console(), found["answer"], found["clause"]
    head = Text(f"{answer['ref']}  ", style="bold").append_text(show.verdict(answer["verdict"]))
    head.append(f"  for {answer['buyer']}, judged for {show.instant(answer['at'])}", style="not bold dim")
    console.print(head)
    if found["cancelled_at"]:
        ended = f"Cancelled while blocked, on {show.instant(found['cancelled_at'])}: it loses until its parts are gone"
        console.print(Text(ended, style="bold red"))
    console.print(_sums(answer))
    if clause:
        console.print()
        console.print(Text(f"{clause['rule']}/{clause['clause']}  {clause['title'] or ''}", style="bold"))
        cited = " ".join(p for p in (", ".join(clause["issuers"]), clause["number"], clause["dated"]) if p)
        console.print(Text(f"  {cited}, in force since {show.instant(clause['since']) or 'ever'}"))
        for url in clause["url"]:
            console.print(Text(f"  {url}", style="dim"))
    if found["checklist"]:
        console.print()
        console.print(
            Text(
                f"Nearest route: {answer['route']}" if answer["route"] else "What is not known", style="bold"
            )
        )
        for item in found["checklist"]:
            mark, style = MARKS[item["state"]]
            console.print(Text("  ").append(f"{mark} {item['says']}", style=style))
    if found["other_routes"]:
        console.print(Text(f"  other routes: {', '.join(found['other_routes'])}", style="dim"))
    for one in found["duties"]:
        said = Text(f"Duty on what may leave, {one['rule']}/{one['clause']}: ").append(
            _owed(one), style="bold"
        )
        console.print(said.append(f"  {one['step']}", style="not bold dim"))
    _print_loss(answer, found["loss_steps"])
    _print_history(found["history"])


def _owed(duty: dict[str, Any]) -> str:
    return "unknown" if duty["amount"] is None else f"{show.number(duty['amount'])} {duty['currency']}"


def _sums(answer: dict[str, Any]) -> Text:
    unit = answer["unit"]
    said = Text(f"{show.number(answer['open_quantity'])} {unit} open")
    if answer["blocked_quantity"] != "0":
        said.append(f", {show.number(answer['blocked_quantity'])} {unit} blocked", style="red")
        said.append(f" worth {show.number(answer['blocked_value'])} {answer['currency']}", style="red")
    if answer["next_change_at"]:
        said.append(f"; the answer changes on {show.instant(answer['next_change_at'])}")
    return said


def _print_loss(answer: dict[str, Any], told: dict[str, Any] | None) -> None:
    if not answer["loss"] or not told:
        return
    console = show.console()
    console.print()
    table = show.table(
        "Loss", ("term", "low", "base", "high", "", "how it was reckoned"), ("low", "base", "high")
    )
    for term, steps in told["steps"].items():
        figure = answer["loss"][term]
        amounts = [show.number(figure[case]) for case in ("low", "base", "high")]
        how = "\n".join([*steps, *([figure["reason"]] if figure.get("reason") else [])])
        table.add_row(
            Text(term.replace("_", " "), style="bold"), *amounts, figure["currency"] or "", Text(how)
        )
    console.print(table)
    for tag in ("given", "estimated", "default"):
        if names := [name for name, of in told["tags"].items() if of == tag]:
            console.print(Text(f"  {tag}: {', '.join(n.replace('_', ' ') for n in names)}", style="dim"))


def _print_history(history: Sequence[dict[str, Any]]) -> None:
    console = show.console()
    console.print()
    table = show.table("History", ("revision", "judged at", "verdict", "blocked value", "because of"))
    for one in history:
        table.add_row(str(one["revision"]), show.instant(one["at"]), show.verdict(one["verdict"] or "closed"),
                      show.number(one["blocked_value"]), Text(", ".join(one["cause"])))  # fmt: skip
    console.print(table)
