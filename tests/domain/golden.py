"""Golden cases: what a trade lawyer would say of a line, told as events and compared with what the program says."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import yaml

from events.envelope import Event, event
from events.values import instant_text, plain
from services.domain.book import Book, frame_of
from services.domain.verdicts import assess

ROOT = Path(__file__).parents[2]
PACKS = ROOT / "seeds" / "rules"
CASES = ROOT / "tests" / "scenarios"
QUESTION = ("line", "at", "known", "now", "reading")
Document = Mapping[str, Any]


@dataclass(frozen=True)
class Scenario:
    """One story: the rules that count, what happened, and what must be answered."""

    name: str
    file: str
    rules: tuple[str | Mapping[str, str], ...]
    given: tuple[Mapping[str, Any], ...]
    then: tuple[Mapping[str, Any], ...]

    @property
    def rule_ids(self) -> tuple[str, ...]:
        return tuple(rule if isinstance(rule, str) else rule["rule"] for rule in self.rules)


def text(path: Path) -> list[Any]:
    """The documents of a YAML file, every scalar as text."""
    return list(yaml.load_all(path.read_text(), yaml.BaseLoader))


def documents(*folders: Path) -> dict[str, Document]:
    """The rule documents of packs, by rule."""
    files = sorted(path for folder in folders for path in folder.glob("*.yaml"))
    packs = [path for path in files if not path.name.endswith(".scenarios.yaml")]
    return {one["rule"]: one for path in packs for one in text(path)}


def scenarios(*folders: Path) -> list[Scenario]:
    """The golden cases of the folders, in the order of files."""
    files = sorted(path for folder in folders for path in folder.glob("*.scenarios.yaml"))
    return [
        Scenario(one["scenario"], path.name, tuple(one["rules"]), tuple(one["given"]), tuple(one["then"]))
        for path in files
        for one in text(path)[0]
    ]


def taxonomy() -> list[tuple[str, Mapping[str, Any]]]:
    """The seeds that every program reads beside the packs: classes of goods, successions of codes."""
    return [
        ("goods.published", text(ROOT / "seeds" / "goods.yaml")[0]),
        ("codes.published", text(ROOT / "seeds" / "codes.yaml")[0]),
    ]


def differences(
    scenario: Scenario, packs: Mapping[str, Document], seeds: Iterable[tuple[str, Mapping[str, Any]]]
) -> Iterator[str]:
    """Where the program's answer is another than the scenario's, one line for each key."""
    book = Book.from_events(frame_of(_events(scenario, packs, seeds)))
    planned = _planned(scenario)
    asked: dict[tuple[object, ...], dict[str, dict[str, Any]]] = {}
    for wanted in scenario.then:
        ref, known = wanted["line"], _instant(wanted.get("known"))
        at = _instant(wanted.get("at"))
        now = _instant(wanted.get("now")) or at or planned[ref]
        at = at or (None if "now" in wanted else planned[ref])
        key = (at, now, known, wanted.get("reading"))
        if key not in asked:
            rows = assess(book, now=now, at=at, known=known, reading=wanted.get("reading"))
            asked[key] = {row["ref"]: row for row in rows.iter_rows(named=True)}
        yield from _compared(wanted, asked[key].get(ref))


def _compared(wanted: Mapping[str, Any], row: Mapping[str, Any] | None) -> Iterator[str]:
    where = f"{wanted['line']} at {wanted.get('at', 'its export')}"
    if row is None:
        yield f"{where}: no such line"
        return
    for key, value in wanted.items():
        if key in QUESTION:
            continue
        expected, said = _expected(key, value), _said(row[key])
        if key == "missing":
            expected, said = sorted(expected), sorted(said)
        if expected != said:
            yield f"{where}: {key} is {said}, expected {expected}"


def _expected(key: str, value: Any) -> Any:
    if value in ("null", "~", ""):
        return None
    if key == "export_windows":
        return [{name: _expected("next_change_at", one) for name, one in window.items()} for window in value]
    return instant_text(datetime.fromisoformat(value)) if key == "next_change_at" else value


def _said(value: Any) -> Any:
    match value:
        case datetime():
            return instant_text(value)
        case Decimal():
            return plain(value)
        case list():
            return [_said(one) for one in value]
        case dict():
            return {name: _said(one) for name, one in value.items()}
    return value


def _instant(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value).astimezone(UTC) if value is not None else None


def _planned(scenario: Scenario) -> dict[str, datetime]:
    """The export instant each line was signed with (or, if it came later, amended with)."""
    planned: dict[str, datetime] = {}
    for told in scenario.given:
        for kind, data in told.items():
            if kind not in ("contract.signed", "contract.amended"):
                continue
            for line in data.get("lines", ()):
                ref = f"{data['exporter']}/{data['contract']}/{line['line']}"
                planned.setdefault(ref, datetime.fromisoformat(line["export_at"]).astimezone(UTC))
    return planned


def _events(
    scenario: Scenario, packs: Mapping[str, Document], seeds: Iterable[tuple[str, Mapping[str, Any]]]
) -> list[Event]:
    numbers = count()

    def make(kind: str, data: Mapping[str, Any], recorded: str | None = None) -> Event:
        made = event(kind, dict(data), source="urn:scenario", id=f"{next(numbers):05}", recordedat=recorded)
        return made if recorded else made.model_copy(update={"recordedat": made.time})

    events = [make(kind, data) for kind, data in seeds]
    for rule in scenario.rules:
        name, recorded = (rule, None) if isinstance(rule, str) else (rule["rule"], rule.get("recorded"))
        kind = "rule.announced" if packs[name].get("status") == "announced" else "rule.enacted"
        events.append(make(kind, {"document": packs[name], "pack": f"sha256:{'0' * 64}"}, recorded))
    assumed = False
    for told in scenario.given:
        for kind, data in told.items():
            if kind == "assume":
                assumed = True
                continue
            fields = {name: value for name, value in data.items() if name != "recorded"}
            events.append(make(kind, fields, data.get("recorded")))
    if assumed:
        forms = {form for name in scenario.rule_ids for form in _forms(packs[name])}
        events += [make("document.filed", data) for data in _assumed(events, forms)]
    return events


def _assumed(events: Iterable[Event], forms: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
    """Every paper that is nowhere mentioned counts as filed, as often as its contract changes."""
    told = [one.data.model_dump() for one in events if one.type == "document.filed"]
    mentioned = {data["form"] for data in told}
    moments = [
        (one.data.model_dump()["exporter"], one.data.model_dump()["contract"], one.time)
        for one in events
        if one.type in ("contract.signed", "contract.amended")
    ]
    return [
        {"exporter": exporter, "contract": contract, "document": f"assumed {form} {number}", "form": form, "by": by,
         "at": moment}
        for form, by in sorted(forms)
        if form not in mentioned
        for number, (exporter, contract, moment) in enumerate(moments)
    ]  # fmt: skip


def _forms(node: Any) -> Iterator[tuple[str, str]]:
    if isinstance(node, Mapping):
        if "document" in node and "by" in node:
            yield node["document"], node["by"]
        for child in node.values():
            yield from _forms(child)
    elif isinstance(node, list):
        for child in node:
            yield from _forms(child)


__all__ = [
    "CASES",
    "PACKS",
    "ROOT",
    "Document",
    "Scenario",
    "differences",
    "documents",
    "scenarios",
    "taxonomy",
]
