"""Tables of any shape, told by a mapping that says what their columns mean: CSV, workbooks and JSON.

A column the mapping speaks of and the file does not have ends it at once: a renamed column must never be an empty one.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from services.intake import mapping_file
from services.intake.fields import near
from services.intake.formats import delimited, objects, sheets
from services.intake.mapped import Table
from services.intake.mapping import TableMapping
from services.intake.rows import Brought, Outcome
from services.runtime.yaml_text import FileError

_MOST_NAMED = 40


def csv(path: Path, brought: Brought) -> Iterator[Outcome]:
    """The rows of a text file, streamed: it may be larger than memory. Raises FileError."""
    what = _mapping(path, brought)
    with delimited.opened(path, what.file) as (header, rows):
        _fits(path, header, what)
        yield from Table(path, what, brought.day).outcomes(rows)


def xlsx(path: Path, brought: Brought) -> Iterator[Outcome]:
    """The rows of one sheet of a workbook. Raises FileError."""
    what = _mapping(path, brought)
    header, rows = sheets.workbook(path, what.file)
    _fits(path, header, what)
    yield from Table(path, what, brought.day).outcomes(rows)


def json(path: Path, brought: Brought) -> Iterator[Outcome]:
    """The objects of a JSON array. Raises FileError."""
    what = _mapping(path, brought)
    header, rows = objects.json_rows(path, what.file)
    _fits(path, header, what)
    yield from Table(path, what, brought.day).outcomes(rows)


def _mapping(path: Path, brought: Brought) -> TableMapping:
    if brought.previous is not None:
        raise FileError(f"{path}: a table is not compared with a --previous one. Leave that out.")
    if brought.mapping is None:
        raise FileError(
            f"{path}: nobody said what its columns mean. Give --mapping FILE.yaml; --suggest-mapping proposes one."
        )
    what = mapping_file.load(brought.mapping)
    if what.asks_for_the_day() != (brought.day is not None):
        raise FileError(
            f"{path}: its mapping asks for no day. Leave out --day, or fill a field with {{day: true}}."
            if brought.day is not None
            else f"{path}: its mapping asks when the table was published. Say it: --day 2021-05-04T00:00+02:00."
        )
    return what


def _fits(path: Path, header: Sequence[str], what: TableMapping) -> None:
    """Raises FileError where the mapping speaks of columns that the file does not have, or has twice."""
    counted = Counter(header)
    for name in what.columns():
        if name not in counted:
            has = ", ".join(one for one in header[:_MOST_NAMED] if one)
            raise FileError(
                f"{path}: has no column {name}, which the mapping reads{near(name, counted) or '.'} "
                f"Its header: {has}. Correct the mapping, or say where the header stands."
            )
        if counted[name] > 1:
            raise FileError(f"{path}: has {counted[name]} columns {name}. Name them apart in the file.")
