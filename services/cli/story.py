"""The seed story as a stream: events in the order in which they were learnt, cut at the instants worth a look."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from events.envelope import Event
from services.runtime import event_files, packs

SHANGHAI = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True)
class Stage:
    """Some hours of the story: what was learnt in them, and where they end.

    ``label``: the end is a checkpoint, at noon in Shanghai.
    """

    events: tuple[Event, ...]
    now: datetime
    label: str | None


def _noon(month: int, day: int) -> datetime:
    return datetime(2020, month, day, 12, tzinfo=SHANGHAI)


CHECKPOINTS = {
    "before": _noon(3, 31), "2020-04-01": _noon(4, 1), "2020-04-10": _noon(4, 10), "2020-04-25": _noon(4, 25),
    "2020-04-26": _noon(4, 26), "2020-04-27": _noon(4, 27), "2020-04-30": _noon(4, 30),
}  # fmt: skip


def told() -> list[Event]:
    """All that was learnt by the last checkpoint: contracts, licences, purchases, acts and what all is judged by."""
    files = sorted((packs.SEEDS / "story").glob("*.jsonl"))
    acts = [act.event() for act in packs.acts().values()]
    events = [*packs.shared_facts(), *acts, *(event for file in files for event in event_files.events(file))]
    last = max(CHECKPOINTS.values())
    return sorted((e for e in events if learnt(e) <= last), key=lambda e: (learnt(e), e.source, e.id))


def learnt(event: Event) -> datetime:
    return event.recordedat or event.time


def stages(events: Sequence[Event], step: timedelta = timedelta(days=2)) -> Iterator[Stage]:
    """The story cut every few days and at each checkpoint; what was learnt before it began comes at once."""
    start = _noon(2, 29)
    cuts = {start + n * step: None for n in range(40)}
    last = max(CHECKPOINTS.values())
    ends = {**{cut: None for cut in cuts if cut < last}, **{now: label for label, now in CHECKPOINTS.items()}}
    before = datetime.min.replace(tzinfo=SHANGHAI)
    for now in sorted(ends):
        yield Stage(tuple(e for e in events if before < learnt(e) <= now), now, ends[now])
        before = now
