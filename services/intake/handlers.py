"""Facts told to the log: sent in batches, each batch of one key in its order, and done when the broker has them all.

An event keeps the id its file gives it, so whatever is sent twice is stored once.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any

from events.envelope import Event
from events.registry import topic_of
from events.rules import RuleAnnounced, RuleEnacted
from events.wire import encode
from services.intake.files import FORMATS, Rejected

NOTHING: Mapping[str, Sequence[str]] = MappingProxyType({})
PER_RECORD = 500
AT_ONCE = 20_000
_MOST_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Report:
    """How many events were read and how many the broker has; and what could not be told, and why."""

    read: int
    sent: int
    rejected: tuple[Rejected, ...]


async def ingest(
    files: Iterable[Path], form: str, producer: Any | None, versions: Mapping[str, Sequence[str]] = NOTHING
) -> Report:
    """Tell the facts of these files, in this format (``FORMATS``). Without a producer they are only checked.

    ``versions``: the ids under which acts are stored already, by rule, the first one first. A further version of an
    act is learnt when it is told, not when the act was published: so the correction is the later one, and wins.

    Raises FileError where a file cannot be read at all; what was sent before stays sent.
    """
    read = sent = 0
    rejected: list[Rejected] = []
    for path in files:
        found = FORMATS[form](path)
        while batch := list(islice(found, AT_ONCE)):
            facts = [_learnt(one, versions) for one in batch if isinstance(one, Event)]
            rejected += [one for one in batch if isinstance(one, Rejected)]
            read += len(batch)
            if producer is not None:
                await send(producer, facts)
                sent += len(facts)
    return Report(read, sent, tuple(rejected))


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
    for acknowledged in waiting:
        await acknowledged


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
