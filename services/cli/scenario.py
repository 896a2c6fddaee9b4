"""`tracker scenario`: runs golden cases and shows where an answer is not the one a lawyer expects."""

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import track

from events.envelope import Event
from services.cli import outcomes
from services.cli.options import Format, Printed, Rules
from services.cli.outcomes import Result
from services.domain import scenarios
from services.runtime import packs
from services.runtime.yaml_text import FileError, documents

Files = Annotated[
    list[Path] | None,
    typer.Argument(metavar="[FILE…]", help="Files of golden cases (default: those shipped)."),
]
_FEW = 4


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
    running = _run(cases, acts)
    if sys.stdout.isatty():
        running = track(running, "Running cases", total=len(cases), transient=True)
    results = list(running)
    outcomes.output(results, form)
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


def _run(cases: Sequence[tuple[Path, scenarios.Case]], acts: Mapping[str, Event]) -> Iterable[Result]:
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
