"""`tracker rules`: which clauses bind at an instant, as far as was known by another, each with its citation."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from rich.text import Text

from events.rule_document import RuleDocument
from events.values import instant_text
from services.cli import show
from services.cli.options import At, Format, Known, Printed, Rules
from services.domain.rules import BEGINNING, END, Binding, worlds
from services.runtime import clock, packs

KEYS = ("rule", "clause", "title", "issuers", "number", "dated", "url", "published", "effect", "since", "until",
        "readings", "amended_by")  # fmt: skip


def rules(at: At = None, known: Known = None, more: Rules = None, form: Printed = Format.TABLE) -> None:
    """Which rules are in force, with their citations."""
    moment = at or clock.now()
    documents = [act.document for act in packs.acts(more or ()).values()]
    rows = list(in_force([one for one in documents if known is None or one.published <= known], moment))
    match form:
        case Format.JSON:
            show.json_lines(rows)
        case Format.CSV:
            show.csv_rows(KEYS, rows)
        case Format.TABLE:
            _print(rows, moment)


def in_force(documents: list[RuleDocument], at: datetime) -> Iterator[dict[str, Any]]:
    """The clauses that bind at the instant, in some reading of the acts: one row each, in order of rule and clause."""
    acts = {one.rule: one for one in documents}
    found: dict[tuple[str, str], tuple[Binding, set[str]]] = {}
    for world in worlds(documents):
        for binding in world.bindings:
            if any(since <= at < until for since, until in binding.spans):
                _, readings = found.setdefault((binding.rule, binding.clause), (binding, set()))
                readings.update(world.chosen)
    for (rule, clause), (binding, readings) in sorted(found.items()):
        amending = sorted(
            one.rule for one in documents for a in one.amends if (a.rule, a.clause) == (rule, clause)
        )
        yield _row(acts[rule], binding, at) | {
            "readings": sorted(readings),
            "amended_by": sorted(set(amending)),
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
        "effect": "duty" if binding.duty else "block",
        "since": None if since == BEGINNING else instant_text(since),
        "until": None if until == END else instant_text(until),
    }


def _addresses(act: RuleDocument) -> list[str]:
    url = act.citation.url if act.citation else None
    return [url] if isinstance(url, str) else list(url or ())


def _print(rows: list[dict[str, Any]], at: datetime) -> None:
    console = show.console()
    if not rows:
        console.print(f"No clause is in force at {show.instant(at)}.")
        return
    table = show.table(
        f"{len(rows)} clauses in force at {show.instant(at)}",
        ("clause", "title", "citation", "since", "until", "effect", "amended by", "source"),
    )
    for row in rows:
        cited = " ".join(part for part in (", ".join(row["issuers"]), row["number"], row["dated"]) if part)
        table.add_row(
            Text(f"{row['rule']}/{row['clause']}", style="bold"),
            Text(row["title"] or ""),
            Text(cited),
            show.instant(row["since"]),
            show.instant(row["until"]),
            Text(row["effect"], style="red" if row["effect"] == "block" else "yellow"),
            Text(", ".join(row["amended_by"] + row["readings"])),
            Text(" ".join(row["url"]), style="dim"),
        )
    console.print(table)
