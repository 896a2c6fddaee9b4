"""Books of any size: the seed story again and again, each time told of other exporters."""

import json
from collections.abc import Iterator
from datetime import datetime
from functools import cache

from events.envelope import Event, event
from services.runtime import event_files
from services.runtime.packs import acts, shared_facts
from services.runtime.settings import SHIPPED

NOW = datetime.fromisoformat("2020-04-10T12:00:00+08:00")
"""When the books are judged: No. 5 is in force, No. 12 is not yet told."""
_NAMED = ("exporter", "manufacturer", "holder", "party", "to")


@cache
def story() -> tuple[Event, ...]:
    """The facts of the seed story, as its files tell them."""
    files = sorted((SHIPPED / "seeds" / "story").glob("*.jsonl"))
    return tuple(one for path in files for one in event_files.events(path))


def few_exporters(most: int = 3) -> list[Event]:
    """All facts of the first exporters of the story: an interpreter that goes line by line takes seconds for these."""
    names = sorted({one.partitionkey for one in story() if one.type == "contract.signed"})[:most]
    return [one for one in story() if one.partitionkey in names]


def law() -> list[Event]:
    """The acts and shared facts that ship with the program."""
    return [*shared_facts(), *(act.event() for act in acts().values())]


def books(copies: int) -> Iterator[Event]:
    """The story this many times over, of exporters who have nothing to do with one another."""
    for copy in range(copies):
        for told in story():
            yield _of_others(told, f"-{copy}") if copy else told


def _of_others(told: Event, mark: str) -> Event:
    data = told.wire()["data"]
    for name in _NAMED:
        if isinstance(data.get(name), str):
            data[name] += mark
    if "licence" in data:
        data["licence"] += mark
    for line in data.get("lines", ()):
        if "manufacturer" in line:
            line["manufacturer"] += mark
    shared = json.dumps(data, sort_keys=True) == json.dumps(told.wire()["data"], sort_keys=True)
    return told if shared else event(told.type, data, source=told.source, id=told.id + mark,
                                     time=told.time, recordedat=told.recordedat)  # fmt: skip
