"""Files of facts by their format: events as JSON Lines, rule packs as YAML; each fact, or why it is none, with its
place."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from events.envelope import Event
from events.registry import FACT_TOPICS, topic_of
from events.wire import Unreadable
from services.runtime import event_files, packs


@dataclass(frozen=True, slots=True)
class Rejected:
    """Something in a file that cannot be told: where it stands, and what was expected there."""

    file: Path
    place: str
    reason: str


def events(path: Path) -> Iterator[Event | Rejected]:
    """The events of a file of JSON Lines. Raises FileError where there is no such file."""
    for place, found in event_files.each(path):
        match found:
            case Unreadable():
                yield Rejected(path, place, found.reason)
            case Event() if topic_of(found.type) not in FACT_TOPICS:
                yield Rejected(path, place, f"type: {found.type} is an answer of the tracker, not a fact")
            case Event():
                yield found


def rule_pack(path: Path) -> Iterator[Event | Rejected]:
    """The acts of a rule pack. Raises FileError: a pack with a mistake in it is not told at all."""
    for act in packs.load(path):
        yield act.event()


FORMATS: Mapping[str, Callable[[Path], Iterator[Event | Rejected]]] = {
    "events": events,
    "rule-pack": rule_pack,
}
