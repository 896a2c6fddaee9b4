"""How golden cases fared: a mark for each file, and under it every answer that is not the expected one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.text import Text

from services.cli import show
from services.cli.options import Format
from services.domain import scenarios

KEYS = ("file", "scenario", "line", "at", "known", "holds", "differences")


@dataclass(frozen=True)
class Result:
    """A case of a file and how each of its expectations fared."""

    file: Path
    name: str
    outcomes: Sequence[scenarios.Outcome]

    @property
    def holds(self) -> bool:
        return not any(outcome.differences for outcome in self.outcomes)


def output(results: Sequence[Result], form: Format) -> None:
    """The results in the form that was asked for."""
    match form:
        case Format.JSON:
            show.json_lines(_rows(results))
        case Format.CSV:
            show.csv_rows(KEYS, _rows(results))
        case Format.TABLE:
            _print(results)


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
        right = f"{len(of_file) - len(wrong)} of " if wrong else ""
        said = f"{right}{_counted(len(of_file), 'case')} {'holds' if len(of_file) == 1 else 'hold'}"
        console.print(Text(f"{mark} {path.name}: {said}", style=style))
        for result in wrong:
            console.print(Text(f"    {result.name}", style="bold"))
            for outcome in result.outcomes:
                if outcome.differences:
                    console.print(_difference(outcome))
    outcomes = [outcome for result in results for outcome in result.outcomes]
    wrong_answers = sum(bool(outcome.differences) for outcome in outcomes)
    said = f"{_counted(len(results), 'case')}, {_counted(len(outcomes), 'answer')}, {wrong_answers} not as expected"
    console.print(Text(said, style="bold"))


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


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
