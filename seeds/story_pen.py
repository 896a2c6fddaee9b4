"""Writes the story down: each fact becomes one event with a stable name, learnt a little later than true."""

import json
import random
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from typing import Any

from events.envelope import Event, event
from events.registry import FACT_TOPICS, topic_of

SOURCE = "urn:contract-impact-tracker:seeds"
SHANGHAI = timezone(timedelta(hours=8))
CLOCKS = {
    "contract.signed": "signed", "licence.granted": "from",
    "leadtime.published": "from", "fx.published": "date",
}  # fmt: skip


def moment(text: str) -> datetime:
    """An instant written as Shanghai's clock shows it: ``04-01 09:30``, in 2020."""
    return datetime.strptime(f"2020-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=SHANGHAI)


class Pen:
    """Collects the events; ``chance`` is the only source of chance, so that the story comes out the same."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.events: dict[str, Event] = {}

    def hours(self, day: datetime, first: float = 8.5, last: float = 18.0) -> datetime:
        """A minute of that day's working hours."""
        minutes = int(60 * (first + (last - first) * self.chance.random()))
        return day.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(minutes=minutes)

    def later(self, start: datetime, least: float, most: float) -> datetime:
        """A working minute some days after ``start``, never before it."""
        return max(self.hours(start + timedelta(days=least + (most - least) * self.chance.random())), start)

    def write(self, kind: str, at: datetime, learnt: datetime | None = None, /, **data: Any) -> str:
        """One fact, true ``at``, learnt then or up to two hours later; returns the event's id."""
        lag = timedelta(minutes=2 + int(118 * self.chance.random() ** 3))
        clock = CLOCKS.get(kind, "at")
        stated = at.date().isoformat() if clock == "date" else at.isoformat()
        content = {
            "class" if key == "goods_class" else key: value
            for key, value in data.items()
            if value is not None
        }
        content = {"list" if key == "list_name" else key: value for key, value in content.items()}
        made = event(
            kind,
            {**content, clock: stated},
            source=SOURCE,
            id="-",
            recordedat=(learnt or at + lag).isoformat(),
        )
        name = f"story/{kind}/{made.subject.replace(' ', '/')}"
        name = f"{name}/{made.time:%Y-%m-%dT%H:%MZ}" if name in self.events else name
        self.events[name] = made.model_copy(update={"id": name})
        return name

    def files(self) -> dict[str, bytes]:
        """The events by topic, one JSON object a line, in the order they were learnt."""
        return {
            f"{topic}.jsonl": lines(event for event in self.events.values() if topic_of(event.type) == topic)
            for topic in FACT_TOPICS
        }


def lines(events: Iterable[Event]) -> bytes:
    """One event a line, ordered by when it was learnt, then by name."""
    ordered = sorted(events, key=lambda event: (event.recordedat or event.time, event.id))
    return "".join(json.dumps(event.wire(), ensure_ascii=False) + "\n" for event in ordered).encode()
