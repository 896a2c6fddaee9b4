"""`tracker scenario`: runs golden cases and shows where an answer is not the one a lawyer expects."""

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from events.envelope import Event
from services.cli import show
from services.cli.options import Format, Printed, Rules
from services.domain import scenarios
from services.runtime import packs
from services.runtime.yaml_text import FileError, documents

Files = Annotated[
    list[Path] | None,
    typer.Argument(metavar="[FILE…]", help="Files of golden cases (default: those shipped)."),
]
KEYS = ("file", "scenario", "line", "at", "known", "holds", "differences")
_FEW = 4


@dataclass(frozen=True)
class Result:
    """A case of a file and how each of its expectations fared."""

    file: Path
    name: str
    outcomes: Sequence[scenarios.Outcome]

    @property
    def holds(self) -> bool:
        return not any(outcome.differences for outcome in self.outcomes)


def scenario(files: Files = None, rules: Rules = None, form: Printed = Format.TABLE) -> None:
    """Runs golden cases; shows each difference and ends with 1 where there is one."""
    acts = {name: act.event() for name, act in packs.acts(rules or ()).items()}
    cases = [
        (path, case)
        for path in files or sorted(packs.RULES.glob("*.scenarios.yaml"))
        for case in _cases(path)
    ]
    if unknown := [(path, case, rule) for path, case in cases for rule in case.rules if rule not in acts]:
        path, case, rule = unknown[0]
        raise FileError(
            f"{path}: {case.name}: the rule {rule} is not known. Name the folder of its pack with --rules."
        )
    results = list(_run(cases, acts))
    match form:
        case Format.JSON:
            show.json_lines(_rows(results))
        case Format.CSV:
            show.csv_rows(KEYS, _rows(results))
        case Format.TABLE:
            _print(results)
    if not all(result.holds for result in results):
        raise typer.Exit(1)


def _cases(path: Path) -> list[scenarios.Case]:
    found = documents(path)
    if len(found) != 1 or not isinstance(found[0], list):
        raise FileError(f"{path}: expected one list of scenarios, each beginning with - scenario: NAME")
    try:
        return [scenarios.read(raw) for raw in found[0]]
    except scenarios.CaseError as error:
        raise FileError(f"{path}: {error}") from error


def _run(cases: Sequence[tuple[Path, scenarios.Case]], acts: Mapping[str, Event]) -> Iterator[Result]:
    """Few cases run here, many in as many processes as there are processors."""
    one = partial(_one, acts=acts, shared=packs.shared_facts())
    if len(cases) <= _FEW:
        yield from map(one, cases)
        return
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        yield from pool.map(one, cases, chunksize=2)


def _one(case: tuple[Path, scenarios.Case], acts: Mapping[str, Event], shared: Sequence[Event]) -> Result:
    path, told = case
    return Result(path, told.name, scenarios.run(told, acts, shared))


def _rows(results: Sequence[Result]) -> Iterator[dict[str, Any]]:
    for result in results:
        for outcome in result.outcomes:
            asked = outcome.expectation
            yield {
                "file": result.file.name,
                "scenario": result.name,
                "line": asked.line,
                "at": asked.at.isoformat() if asked.at else None,
                "known": asked.known.isoformat() if asked.known else None,
                "holds": not outcome.differences,
                "differences": [
                    {"key": one.key, "expected": one.expected, "found": one.found}
                    for one in outcome.differences
                ],
            }


def _print(results: Sequence[Result]) -> None:
    console = show.console()
    for path in dict.fromkeys(result.file for result in results):
        of_file = [result for result in results if result.file == path]
        wrong = [result for result in of_file if not result.holds]
        mark, style = ("✗", "red") if wrong else ("✓", "green")
        said = (
            f"{len(of_file) - len(wrong)} of {len(of_file)} cases hold"
            if wrong
            else f"{len(of_file)} cases hold"
        )
        console.print(Text(f"{mark} {path.name}: {said}", style=style))
        for result in wrong:
            console.print(Text(f"    {result.name}", style="bold"))
            for outcome in result.outcomes:
                if outcome.differences:
                    console.print(_difference(outcome))
    answers = sum(len(result.outcomes) for result in results)
    wrong_answers = sum(bool(outcome.differences) for result in results for outcome in result.outcomes)
    console.print(
        Text(
            f"{len(results)} cases, {answers} answers, {wrong_answers} of them not as expected", style="bold"
        )
    )


def _difference(outcome: scenarios.Outcome) -> Text:
    """What was asked, and under it each key with the expected and the found value."""
    asked = outcome.expectation
    clocks = [("at", asked.at), ("known", asked.known), ("now", asked.now)]
    when = "".join(f" {name} {show.instant(moment)}" for name, moment in clocks if moment)
    said = Text(f"      {asked.line}{when}{f' reading {asked.reading}' if asked.reading else ''}\n")
    for one in outcome.differences:
        if one.key == "line":
            said.append("        - an open line of this name\n", style="red").append(
                "        + none\n", style="green"
            )
            continue
        said.append(f"        - {one.key}: {_plain(one.expected)}\n", style="red")
        said.append(f"        + {one.key}: {_plain(one.found)}\n", style="green")
    said.rstrip()
    return said


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_plain, value))}]"
    return "null" if value is None else str(value)
