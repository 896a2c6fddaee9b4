"""Export measures from the list of Global Trade Alert: bans, licences and quotas become rules, a row each.

A rule was learnt on its announcement and its end on the day after, or on the day of the list that foretold it: the act
is told twice, without its end and with it, so that nobody seems to have known the end before. The removal date is the
last day in force, as in the list's own rows for acts whose text is at hand (EU 2020/568, CN 2020 No. 5). A later list
that says otherwise (an end that is gone, or another one) tells the act once more; an older one no longer does, whenever
it is told. Lists of no day cannot be put in order: they are believed where they add the first end, and else refused.
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
from services.intake.formats.gta_known import SHIPPED, Lists, Version, version
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
        if (before := lists.latest.get(found.document["rule"])) is not None:
            if reason := _said(facts[-1], before, listed, lists):
                return Unchanged(_place(row), reason)
            facts = (_later(found, before, listed, lists, facts[-1]),)
    except ValueError as error:
        return Rejected(path, _place(row), explain(error))
    for fact in facts:
        lists.take(fact.id)
    return Told(_place(row), facts)


def _said(last: Event, before: Version, listed: datetime | None, lists: Lists) -> str | None:
    """Why the act stays as it was told last; None where the list says otherwise."""
    if last.id.endswith(f"-{before.digest}"):
        return "as it was told before"
    if last.id in lists.gone:
        return "told before, and withdrawn since"
    if listed is None or before.listed is None:
        return None
    if before.listed > listed.astimezone(UTC).date():
        return f"the list of {before.listed} says otherwise, and it is newer"
    return None


def _later(found: Measure, before: Version, listed: datetime | None, lists: Lists, last: Event) -> Event:
    """The act told once more. Raises ValueError where it cannot be seen whether it is the newer word."""
    opening = _digest(found.document)
    first_end = before.digest == opening and lists.only(found.document["rule"], opening)
    if before.listed is None and first_end:
        return last
    if listed is None:
        raise ValueError("another list said otherwise: give the day of this one, --day")
    if before.listed is None:
        raise ValueError(
            f"a list of no day said otherwise: withdraw what it told, {before.id} of {SOURCE}, "
            "and give this list again"
        )
    if before.listed == listed.astimezone(UTC).date():
        raise ValueError(
            "another list of the same day says otherwise: give the later one a day of its own, --day"
        )
    return last if first_end else _fact(_closed(found), version(listed), listed)


def _facts(found: Measure, listed: datetime | None) -> Iterator[Event]:
    """The act as first told: when it was announced, and when its end was known. Their ids bear the day of the list."""
    published = day_start(found.announced)
    first, last = (1, 2) if listed is None else (version(listed), version(listed))
    if found.last is None:
        yield _fact(found.document, first, published)
        return
    ends = min(
        day_start(found.last + timedelta(days=1)),
        listed or datetime.max.replace(tzinfo=UTC),
    )
    if ends > published:
        yield _fact(found.document, first, published)
    yield _fact(_closed(found), last, max(ends, published))


def _closed(found: Measure) -> dict[str, Any]:
    """The act with its last day in force, where the row gives one."""
    if found.last is None:
        return found.document
    (clause,) = found.document["clauses"]
    (span,) = clause["in_force"]
    closed = clause | {"in_force": [span | {"through": found.last.isoformat()}]}
    return found.document | {"clauses": [closed]}


def _fact(document: dict[str, Any], version: int, learnt: datetime) -> Event:
    """The act as a fact."""
    digest = hashlib.sha256(_content(document)).hexdigest()
    return event(
        "rule.enacted",
        {"document": document, "pack": f"sha256:{digest}"},
        source=SOURCE,
        id=f"{document['rule']}/{version}-{digest[:16]}",
        recordedat=learnt,
    )


def _digest(document: dict[str, Any]) -> str:
    return hashlib.sha256(_content(document)).hexdigest()[:16]


def _content(document: dict[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True, ensure_ascii=False).encode("utf-8", "surrogatepass")


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
