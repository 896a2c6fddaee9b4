"""A mapping proposed from the header and the first rows of a table: what it rests on, and what is missing.

It is a draft for a person: what no column seems to hold is listed as missing and never filled in.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from services.intake import fields
from services.intake.formats import delimited, objects, sheets
from services.intake.formats.choice import choose, found_of, worth
from services.intake.formats.draft import draft
from services.intake.formats.profile import Profile, profile
from services.intake.formats.words import EVENTS
from services.intake.mapped import Broken, Row
from services.intake.mapping import File
from services.runtime.yaml_text import FileError

SAMPLE = 200
KINDS = ("csv", "xlsx", "json")


def suggest(path: Path, kind: str, event: str | None = None) -> str:
    """A mapping for this table as YAML with comments. Raises FileError: no such table, or no such fact."""
    if kind not in KINDS:
        raise FileError(f"{kind}: needs no mapping. One is suggested for {', '.join(KINDS)}.")
    if event is not None:
        try:
            fields.known(event)
        except ValueError as error:
            raise FileError(f"--event: {error}. One of {', '.join(fields.FACTS)}.") from None
    how, columns = _looked_at(path, kind)
    if not columns:
        raise FileError(f"{path}: no column with anything in it, so there is nothing to suggest.")
    asked = [event] if event else EVENTS
    best = sorted(((one, choose(one, columns)) for one in asked), key=lambda pair: -worth(*pair))
    others = [f"{one} ({found_of(one, chosen)})" for one, chosen in best[1:3]]
    return "\n".join(draft(path, how, *best[0], columns, others)) + "\n"


def _looked_at(path: Path, kind: str) -> tuple[File, list[Profile]]:
    """How the file is written, and what its columns look like in the first rows behind the header."""
    how = File(sheet=sheets.sheets_of(path)[0]) if kind == "xlsx" else File()
    at = 1 if kind == "json" else _header(path, kind, how)
    how = how.model_copy(update={"header": at})
    with _table(path, kind, how) as (header, rows):
        sample = [row for row in islice(rows, SAMPLE) if isinstance(row, Row)]
    found = [profile(name, [row.cells.get(name, "") for row in sample]) for name in dict.fromkeys(header)]
    return how, [one for one in found if one.filled]


@contextmanager
def _table(path: Path, kind: str, how: File) -> Iterator[tuple[list[str], Iterator[Row | Broken]]]:
    if kind == "csv":
        with delimited.opened(path, how) as table:
            yield table
    else:
        yield (sheets.workbook if kind == "xlsx" else objects.json_rows)(path, how)


def _header(path: Path, kind: str, how: File) -> int:
    """The first of ten rows in which at least half as many names stand as in the fullest of them."""
    counted = dict[int, int]()
    for number in range(1, 11):
        try:
            with _table(path, kind, how.model_copy(update={"header": number})) as (header, _):
                counted[number] = sum(not re.fullmatch(r"column \d+", name) for name in header)
        except FileError:
            if number == 1:
                raise
            break
    return next(number for number, count in counted.items() if count * 2 >= max(counted.values()))
