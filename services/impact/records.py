"""What a record set brings: facts as the rows they become, and letters for what is no fact. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from aiokafka.structs import ConsumerRecord

from events.envelope import Event
from events.registry import FACT_TOPICS, topic_of
from events.rules import FactWithdrawn
from events.wire import Unreadable, decode, encode
from services.domain.reach import reach
from services.runtime.kafka import RecordSet


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the log something was read."""

    topic: str
    partition: int
    offset: int
    index: int
    learnt: datetime
    """When its record was written: that is when a fact was learnt which does not say so itself."""


@dataclass(frozen=True, slots=True)
class Fact:
    """An event as the row it becomes, with what it ties and names."""

    place: Place
    row: tuple[str, str, str, datetime, datetime, bytes, str | None, str | None, str]
    ties: frozenset[str]
    names: frozenset[str]
    also: frozenset[tuple[str, str]]
    finite: bool
    withdraws: tuple[str, str] | None
    """The source and id of the fact that this one withdraws."""

    @property
    def key(self) -> tuple[str, str]:
        return self.row[0], self.row[1]

    @property
    def recorded_at(self) -> datetime:
        return self.row[4]

    @property
    def hash(self) -> bytes:
        return self.row[5]


@dataclass(frozen=True, slots=True)
class Letter:
    """What could not be read or stored, for the dead letters."""

    place: Place
    kind: str
    reason: str
    raw: bytes


def fact_of(event: Event, place: Place) -> Fact:
    """The row of an event, with what it ties and names."""
    of = reach(event)
    row = (event.source, event.id, event.type, event.time, event.recordedat or place.learnt, event.content_hash(),
           of.exporter, of.subject, event.canonical_data())  # fmt: skip
    gone = (event.data.source, event.data.id) if isinstance(event.data, FactWithdrawn) else None
    return Fact(place, row, of.ties, of.names, of.also, of.finite, gone)


def letter_of(unread: Unreadable, place: Place) -> Letter:
    return Letter(place, unread.kind, unread.reason, unread.raw)


def no_fact(event: Event, place: Place) -> Letter:
    """An answer in a topic of facts: taken for a fact, the tracker would believe itself."""
    reason = (
        f"type: {event.type} is an answer, not a fact; expected a type of the topics {', '.join(FACT_TOPICS)}"
    )
    return Letter(place, "unreadable", reason, encode([event])[0])


def read(sets: Sequence[RecordSet], held: dict[tuple[str, int], int]) -> tuple[list[Fact], list[Letter]]:
    """The events of the records that are not stored yet, and what cannot be read among them."""
    facts: list[Fact] = []
    letters: list[Letter] = []
    for one in sets:
        for record in one.records:
            if record.offset > held[one.topic, one.partition]:
                some, others = one.read.pop(record.offset, None) or _read(one, record)
                facts += some
                letters += others
    return facts, letters


def read_ahead(one: RecordSet) -> Iterator[None]:
    """Read the records of a set before its turn, one at each step; which of them are stored already is asked later."""
    for record in one.records:
        one.read[record.offset] = _read(one, record)
        yield


def _read(one: RecordSet, record: ConsumerRecord) -> tuple[list[Fact], list[Letter]]:
    facts: list[Fact] = []
    letters: list[Letter] = []
    learnt = datetime.fromtimestamp(record.timestamp / 1000, UTC)
    for index, item in enumerate(decode(record.value, _content_type(record.headers))):
        sort(item, Place(one.topic, one.partition, record.offset, index, learnt), facts, letters)
    return facts, letters


def sort(item: Event | Unreadable, place: Place, facts: list[Fact], letters: list[Letter]) -> None:
    match item:
        case Unreadable():
            letters.append(letter_of(item, place))
        case Event() if topic_of(item.type) not in FACT_TOPICS:
            letters.append(no_fact(item, place))
        case Event():
            facts.append(fact_of(item, place))


def _content_type(headers: Sequence[tuple[str, bytes]]) -> str | None:
    found = [value for name, value in headers or () if name.lower() == "content-type"]
    return found[0].decode("ascii", "replace") if found else None


def each_once(facts: Iterable[Fact]) -> tuple[list[Fact], list[Letter]]:
    """Of facts with one name in a batch: the same content learnt earliest; of other contents the smaller hash."""
    kept: dict[tuple[str, str], Fact] = {}
    losers = []
    for fact in facts:
        there = kept.get(fact.key)
        if there is None:
            kept[fact.key] = fact
        elif there.hash == fact.hash:
            kept[fact.key] = min(there, fact, key=lambda one: one.recorded_at)
        else:
            winner, loser = sorted((there, fact), key=lambda one: one.hash)
            kept[fact.key] = winner
            losers.append(conflict(loser.place, loser.row[8], fact.key))
    return list(kept.values()), losers


def conflict(place: Place, data: str, key: tuple[str, str]) -> Letter:
    reason = f"another content is stored under source {key[0]!r}, id {key[1]!r}: state the fact anew under its own id"
    return Letter(place, "conflict", reason, data.encode())
