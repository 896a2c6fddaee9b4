"""Export measures from the list of Global Trade Alert: bans, licences and quotas become rules, a row each.

A rule was learnt on its announcement and its end on the day after, or on the day of the list that foretold it: the act
is told twice, without its end and with it, so that nobody seems to have known the end before. The removal date is the
last day in force, as in the list's own rows for acts whose text is at hand (EU 2020/568, CN 2020 No. 5). A later list
that says otherwise (an end that is gone, or another one) tells the act once more; an older one no longer does.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from events.envelope import Event, event, explain
from events.model import day_start
from services.intake.formats.gta_columns import Row, rows
from services.intake.formats.gta_known import SHIPPED, Lists, newer, version
from services.intake.formats.gta_measures import Measure, measure
from services.intake.rows import Brought, Outcome, Rejected, Together, Told, Unchanged
from services.runtime.yaml_text import FileError

SOURCE = "urn:globaltradealert.org:interventions"
_NO_DAY = datetime.min.replace(tzinfo=UTC)
_DAY = re.compile(r"(?<!\d)\d{4}-\d\d-\d\d(?!\d)")


def each(paths: Sequence[Path], brought: Brought) -> Iterator[tuple[Path, Iterator[Outcome]]]:
    """The lists in the order of their days. Raises FileError for options that say nothing here.

    ``brought.day`` is the day of the list; else the day in its file name counts.
    """
    if brought.mapping or brought.previous:
        raise FileError(
            f"{paths[0]}: the list of Global Trade Alert needs no --mapping and no --previous. Leave them out."
        )
    lists = Lists.of(brought.known)
    days = {path: brought.day or _named(path) for path in paths}
    for path in sorted(paths, key=lambda path: days[path] or _NO_DAY):
        yield path, _rows(path, days[path], lists)


def _rows(path: Path, listed: datetime | None, lists: Lists) -> Iterator[Outcome]:
    told: dict[str, Row] = {}
    for row in rows(path):
        before = told.setdefault(row["entry"], row)
        if before is not row and before.cells == row.cells:
            yield Unchanged(_place(row), f"stands on line {before.line} as well")
        elif before is not row:
            yield Rejected(path, _place(row), f"Entry ID: stands on line {before.line} with other content")
        elif pack := SHIPPED.get(row["entry"]):
            yield Unchanged(_place(row), f"the pack {pack} is this act")
        else:
            yield _outcome(path, row, listed, lists)


def _outcome(path: Path, row: Row, listed: datetime | None, lists: Lists) -> Outcome:
    try:
        found = measure(row)
        facts = tuple(_facts(found, listed))
        if (before := lists.differing(facts[-1])) is not None:
            if listed is None:
                raise ValueError("another list said otherwise: give the day of this one, --day")
            if not newer(before, listed):
                return Unchanged(_place(row), f"the list of {before.listed} says otherwise, and it is newer")
            facts = (_fact(_closed(found), version(listed), listed),)
    except ValueError as error:
        return Rejected(path, _place(row), explain(error))
    for fact in facts:
        lists.take(fact.id)
    return Told(_place(row), facts)


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
    yield _fact(_closed(found), 2, max(ends, published))


def _closed(found: Measure) -> dict[str, Any]:
    """The act with its last day in force, where the row gives one."""
    if found.last is None:
        return found.document
    (clause,) = found.document["clauses"]
    (span,) = clause["in_force"]
    closed = clause | {"in_force": [span | {"through": found.last.isoformat()}]}
    return found.document | {"clauses": [closed]}


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


gta = Together(each, lambda brought: (SOURCE,))
