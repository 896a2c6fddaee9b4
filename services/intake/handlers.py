"""Facts told to the log: sent in batches, each batch of one key in its order, and done when the broker has them all.

An event keeps the id its file gives it, so whatever is sent twice is stored once.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from events.envelope import Event
from events.registry import topic_of
from events.rules import RuleAnnounced, RuleEnacted
from events.wire import encode
from services.intake.files import NOTHING
from services.intake.rejects import beside
from services.intake.rows import Brought, Outcome, Reader, Rejected, Together, Told, Unchanged

PER_RECORD = 500
AT_ONCE = 20_000
MOST_KINDS = 200
_OWN = re.compile(r"“[^”]*”|'[^']*'|\"[^\"]*\"|\d+")
_MOST_BYTES = 1024 * 1024

Stored = Callable[[Sequence[Event]], Awaitable[Sequence[bool]]]
"""Whether each of these facts is stored already, with the same content."""


@dataclass(slots=True)
class Report:
    """What became of the rows of files: ``rows`` = ``told`` + ``unchanged`` + ``rejected``, to the row.

    ``facts`` were made of those told; ``known`` of them were stored before and not sent again; ``sent`` the broker has.
    ``reasons`` counts the rejected rows by kind of reason (200 kinds at most), ``first`` holds the first of each kind;
    all rejections stand in a table beside each file.
    """

    rows: int = 0
    told: int = 0
    unchanged: int = 0
    rejected: int = 0
    facts: int = 0
    known: int = 0
    sent: int = 0
    first: list[Rejected] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    tables: list[Path] = field(default_factory=list)

    def count(self, one: Outcome) -> None:
        self.rows += one.rows
        match one:
            case Told():
                self.told += one.rows
                self.facts += len(one.facts)
            case Unchanged():
                self.unchanged += one.rows
            case Rejected():
                self.rejected += one.rows
                self._explain(one)

    def of_kind(self, one: Rejected) -> int:
        """How many rows were rejected for the same kind of reason."""
        return self.reasons[_kind(one)]

    def _explain(self, one: Rejected) -> None:
        kind = _kind(one)
        if kind in self.reasons or len(self.reasons) < MOST_KINDS:
            self.first += [] if kind in self.reasons else [one]
            self.reasons[kind] += one.rows


def _kind(one: Rejected) -> str:
    """The reason without what only this row says: what is quoted, and numbers."""
    return _OWN.sub("…", one.reason)


@dataclass(frozen=True)
class Telling:
    """How files are told. Without a producer they are only checked.

    ``stored``: asked before a batch is sent; what is stored already is not sent again.
    ``versions``: the ids under which acts are stored, by rule, the first one first. A further version of an act is
    learnt when it is told, not when the act was published: so the correction is the later one, and wins.
    ``skip``: rows at the start of the first file that an earlier run has told.
    ``seen``: told the report after each batch. ``kept``: given the facts of each batch, whether they are sent or not.
    """

    producer: Any | None = None
    stored: Stored | None = None
    versions: Mapping[str, Sequence[str]] = field(default_factory=dict)
    skip: int = 0
    seen: Callable[[Report], None] = lambda report: None
    kept: Callable[[Sequence[Event]], None] = lambda facts: None


async def ingest(
    files: Iterable[Path], reader: Reader, telling: Telling, brought: Brought = NOTHING
) -> Report:
    """Tell the facts of these files.

    Raises FileError where a file cannot be used at all; what was sent before stays sent.
    """
    report = Report()
    for number, (path, outcomes) in enumerate(_opened(files, reader, brought)):
        found = _skipped(outcomes, report, telling.skip if number == 0 else 0)
        with beside(path) as rejects:
            while batch := list(islice(found, AT_ONCE)):
                for one in batch:
                    report.count(one)
                    if isinstance(one, Rejected):
                        rejects.add(one)
                facts = [fact for one in batch if isinstance(one, Told) for fact in one.facts]
                telling.kept(facts)
                await _tell(facts, telling, report)
                telling.seen(report)
        report.tables += [rejects.path] if rejects.path.exists() else []
    return report


def _opened(
    files: Iterable[Path], reader: Reader, brought: Brought
) -> Iterator[tuple[Path, Iterator[Outcome]]]:
    if isinstance(reader, Together):
        yield from reader.each(list(files), brought)
    else:
        yield from ((path, reader(path, brought)) for path in files)


def _skipped(found: Iterator[Outcome], report: Report, rows: int) -> Iterator[Outcome]:
    """The outcomes behind so many rows; those passed over count as unchanged."""
    for one in found:
        if rows > 0:
            rows -= one.rows
            report.count(Unchanged(one.place, "told by an earlier run", one.rows))
        else:
            yield one


async def _tell(facts: Sequence[Event], telling: Telling, report: Report) -> None:
    if telling.producer is None or not facts:
        return
    facts = [_learnt(fact, telling.versions) for fact in facts]
    if telling.stored is not None:
        known = await telling.stored(facts)
        facts = [fact for fact, there in zip(facts, known, strict=True) if not there]
        report.known += sum(known)
    await send(telling.producer, facts)
    report.sent += len(facts)


def _learnt(fact: Event, versions: Mapping[str, Sequence[str]]) -> Event:
    rule = fact.data.rule if isinstance(fact.data, RuleEnacted | RuleAnnounced) else None
    stored = versions.get(rule, ()) if rule is not None else ()
    return fact.model_copy(update={"recordedat": None}) if stored and fact.id != stored[0] else fact


async def send(producer: Any, facts: Iterable[Event]) -> None:
    """Send the facts, those of one key together; returns when the broker has acknowledged them all."""
    waiting = []
    for topic, key, batch in _records(facts):
        for body, kind in _bodies(batch):
            headers = [("content-type", kind.encode())]
            waiting.append(await producer.send(topic, body, key=key.encode(), headers=headers))
    await asyncio.gather(*waiting)


def _records(facts: Iterable[Event]) -> Iterator[tuple[str, str, Sequence[Event]]]:
    together: dict[tuple[str, str], list[Event]] = {}
    for fact in facts:
        together.setdefault((topic_of(fact.type), fact.partitionkey), []).append(fact)
    for (topic, key), batch in together.items():
        for first in range(0, len(batch), PER_RECORD):
            yield topic, key, batch[first : first + PER_RECORD]


def _bodies(batch: Sequence[Event]) -> Iterator[tuple[bytes, str]]:
    """The batch as one record, or as several where it would be a large one."""
    body, kind = encode(batch)
    if len(body) <= _MOST_BYTES or len(batch) == 1:
        yield body, kind
        return
    half = len(batch) // 2
    yield from _bodies(batch[:half])
    yield from _bodies(batch[half:])
