"""Export measures from the list of Global Trade Alert: bans, licences and quotas become rules, a row each.

A rule was learnt on its announcement and its end on the day after, or on the day of the list that foretold it: the act
is told twice, without its end and with it, so that nobody seems to have known the end before. The removal date is the
last day in force, as in the list's own rows for acts whose text is at hand (EU 2020/568, CN 2020 No. 5).
"""

import hashlib
import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from events.envelope import Event, event, explain
from events.model import day_start
from services.intake.formats.gta_columns import Row, rows
from services.intake.formats.gta_measures import Measure, measure
from services.intake.rows import Brought, Outcome, Rejected, Told, Unchanged
from services.runtime.yaml_text import FileError

SOURCE = "urn:globaltradealert.org:interventions"
_DAY = re.compile(r"(?<!\d)\d{4}-\d\d-\d\d(?!\d)")


def gta(path: Path, brought: Brought) -> Iterator[Outcome]:
    """The rows of the list, in their order. Raises FileError.

    ``brought.day`` is the day of the list; else the day in its file name counts.
    """
    if brought.mapping or brought.previous:
        raise FileError(
            f"{path}: the list of Global Trade Alert needs no --mapping and no --previous. Leave them out."
        )
    listed = brought.day or _named(path)
    told: dict[str, Row] = {}
    for row in rows(path):
        before = told.setdefault(row["entry"], row)
        if before is not row and before.cells == row.cells:
            yield Unchanged(_place(row), f"stands on line {before.line} as well")
        elif before is not row:
            yield Rejected(path, _place(row), f"Entry ID: stands on line {before.line} with other content")
        else:
            yield _outcome(path, row, listed)


def _outcome(path: Path, row: Row, listed: datetime | None) -> Outcome:
    try:
        return Told(_place(row), tuple(_facts(measure(row), listed)))
    except ValueError as error:
        return Rejected(path, _place(row), explain(error))


def _facts(found: Measure, listed: datetime | None) -> Iterator[Event]:
    published = day_start(found.announced)
    if found.last is None:
        yield _fact(found.document, 1, published)
        return
    ends = min(
        day_start(found.last + timedelta(days=1)),
        listed or datetime.max.replace(tzinfo=UTC),
    )
    if ends > published:
        yield _fact(found.document, 1, published)
    (clause,) = found.document["clauses"]
    (span,) = clause["in_force"]
    closed = clause | {"in_force": [span | {"through": found.last.isoformat()}]}
    yield _fact(found.document | {"clauses": [closed]}, 2, max(ends, published))


def _fact(document: dict[str, Any], version: int, learnt: datetime) -> Event:
    """The act as a fact. Of versions learnt at one instant the later has the later name, and wins."""
    content = json.dumps(document, sort_keys=True, ensure_ascii=False).encode("utf-8", "surrogatepass")
    digest = hashlib.sha256(content).hexdigest()
    return event(
        "rule.enacted",
        {"document": document, "pack": f"sha256:{digest}"},
        source=SOURCE,
        id=f"{document['rule']}/{version}-{digest[:16]}",
        recordedat=learnt,
    )


def _named(path: Path) -> datetime | None:
    """The day in the name of the file."""
    found = _DAY.findall(path.stem)
    try:
        return day_start(date.fromisoformat(found[-1])) if found else None
    except ValueError:
        return None


def _place(row: Row) -> str:
    entry = "".join(letter for letter in row["entry"] if letter.isprintable())[:40]
    return f"line {row.line}, entry {entry}"
