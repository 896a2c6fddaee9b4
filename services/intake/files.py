"""Files by their format. Every format is a function that reads a file row by row and says what became of each row."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from events.envelope import Event
from events.registry import FACT_TOPICS, topic_of
from events.wire import Unreadable
from services.intake.formats import tables
from services.intake.formats.gta import gta
from services.intake.formats.list_snapshot import list_snapshot
from services.intake.formats.ocds import ocds
from services.intake.formats.uk_chief import uk_chief
from services.intake.rows import Brought, Outcome, Reader, Rejected, Told
from services.runtime import event_files, packs

NOTHING = Brought()


def events(path: Path, brought: Brought = NOTHING) -> Iterator[Outcome]:
    """The events of a file of JSON Lines. Raises FileError where there is no such file."""
    for place, found in event_files.each(path):
        match found:
            case Unreadable():
                yield Rejected(path, place, found.reason)
            case Event() if topic_of(found.type) not in FACT_TOPICS:
                yield Rejected(path, place, f"type: {found.type} is an answer of the tracker, not a fact")
            case Event():
                yield Told(place, (found,))


def rule_pack(path: Path, brought: Brought = NOTHING) -> Iterator[Outcome]:
    """The acts of a rule pack. Raises FileError: a pack with a mistake in it is not told at all."""
    for act in packs.load(path):
        yield Told(act.document.rule, (act.event(),))


FORMATS: Mapping[str, Reader] = {
    "events": events,
    "rule-pack": rule_pack,
    "csv": tables.csv,
    "xlsx": tables.xlsx,
    "json": tables.json,
    "ocds": ocds,
    "gta": gta,
    "uk-chief": uk_chief,
    "list-snapshot": list_snapshot,
}
