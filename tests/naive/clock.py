"""Every instant at which anything may change: a row is judged at each of them, and nowhere in between."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

from pydantic import BaseModel

from tests.naive.facts import Facts
from tests.naive.measures import MICRO, day_start


def boundaries(facts: Facts) -> list[datetime]:
    """All instants named in any fact, those just after a cut-off, and both ends of all days in all zones named."""
    zones = {data.document.timezone for data in facts.of("rule.enacted")} | {"UTC"}
    found: set[datetime] = set()
    for event in facts.events:
        for moment in {event.time, *_moments(event.data)}:
            if isinstance(moment, datetime):
                found.add(moment)
            else:
                days = {day_start(moment + timedelta(days=n), zone) for zone in zones for n in (0, 1)}
                found |= days | {day + MICRO for day in days}
    return sorted(found)


def _moments(value: Any) -> Iterator[datetime | date]:
    """The instants and days in a model, however deep; a reading's replacements are read as the document they make."""
    if isinstance(value, datetime | date):
        yield value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            for moment in _moments(getattr(value, name)):
                yield moment
                if name in ("before", "by", "published") and isinstance(moment, datetime):
                    yield moment + MICRO
        for one in getattr(value, "readings", ()):
            yield from _moments(value.under(one.reading))  # type: ignore[attr-defined]
    elif isinstance(value, dict):
        for one in value.values():
            yield from _moments(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _moments(one)
