"""What the doctor says of what it has read: is it well, in plain words, and what to do where it is not. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from services.cli import show
from services.runtime.topics import Setting

LATE = 120
"""Seconds after which something that waits for a prompt step is late."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. ``do``: what to do where it is not well."""

    check: str
    ok: bool
    says: str
    do: str = ""


_STEPS = (
    ("pending_age", "the oldest fact has waited {} to be handed on",
     "Start a worker, or see in the log of the one that runs why it does not go on."),
    ("prompt_age", "an exporter has waited {} to be judged",
     "Judging is behind: start another worker, or see in the log of the one that runs what takes so long."),
    ("outbox_age", "the oldest answer has waited {} to be published",
     "See in the worker's log what the broker answers, and whether the topic impacts is there (tracker topics)."),
)  # fmt: skip


def counted(counts: Any, stale: Sequence[Any], waits: Any) -> list[Finding]:
    """The book, what waits, and what waits for somebody."""
    letters, outdated = counts["letters"], counts["outdated"]
    return [
        Finding("book", True, f"{counts['events']} facts, {counts['lines']} open lines"),
        _waiting(waits),
        Finding("dead letters", not letters, f"{letters} could not be read" if letters else "none",
                "See tracker dead-letters list." if letters else ""),
        _stale(counts["stale"], stale),
        Finding("engine", True, f"{outdated} answers of an older one" if outdated else "answers are current"),
    ]  # fmt: skip


def _waiting(waits: Any) -> Finding:
    """What is still to be done, and since when, where that is late. What was put behind all else may take its time."""
    says = (
        f"{waits['pending']} facts to hand on, {waits['prompt'] + waits['bulk']} exporters to judge, "
        f"{waits['outbox']} answers to publish"
    )
    late = [(told.format(lasted(waits[age])), do) for age, told, do in _STEPS if waits[age] > LATE]
    said, todo = "; ".join([says, *(told for told, _ in late)]), " ".join(do for _, do in late)
    return Finding("waiting", not late, said, todo)


def _stale(count: int, first: Sequence[Any]) -> Finding:
    """Whose answers are older than their facts, the first of them with the error."""
    if not count:
        return Finding("exporters", True, "all can be judged")
    named = "; ".join(f"{row['exporter']}: {row['stale']}" for row in first)
    more = "; …" if count > len(first) else ""
    return Finding("exporters", False, f"{count} could not be judged ({named}{more})",
                   "Their answers are older than their facts. They are tried again at their next fact and at the next "
                   "start: correct the fact, or start a newer tracker.")  # fmt: skip


def paused(row: Any) -> Finding:
    """A topic that the breaker has stopped."""
    says = f"paused since {show.instant(row['paused_at'])}: {row['run']} records in a row could not be read"
    return Finding(f"topic {row['topic']}", False, says,
                   "See tracker dead-letters list; when whoever sends them has stopped, run "
                   "tracker dead-letters resume.")  # fmt: skip


def topics(missing: Sequence[str], others: Sequence[Setting]) -> Finding:
    """Whether the topics are there, and made as they must be."""
    if missing:
        return Finding("topics", False, f"{', '.join(missing)} missing", "Run tracker topics.")
    if not others:
        return Finding("topics", True, "all there")
    found = "; ".join(f"{one.topic} has {one.name}={one.found}, not {one.wanted}" for one in others)
    change: dict[str, list[str]] = {}
    for one in others:
        change.setdefault(one.topic, []).append(f"{one.name}={one.wanted}")
    todo = "; ".join(
        f"kafka-configs.sh --alter --topic {topic} --add-config {','.join(settings)}"
        for topic, settings in change.items()
    )
    return Finding(
        "topics", False, found, f"Records may be lost or too large. With Kafka's own tools: {todo}"
    )


def behind(topic: str, records: int, running: bool) -> Finding:
    """How much of a topic is not stored yet."""
    if records and not running:
        return Finding(f"topic {topic}", False, f"{records} records behind, and no worker stores them",
                       "Start a worker: tracker up.")  # fmt: skip
    return Finding(f"topic {topic}", True, f"{records} records behind")


def watchdog(row: Any) -> Finding:
    """A worker that its watchdog has ended in the last hour."""
    return Finding("watchdog", False, f"ended worker {name(row)} {lasted(row['silent'])} ago: {row['watchdog']}",
                   "Look whether another runs by now (workers, above). The log of the ended one shows where it stood: "
                   "if it happens again, report it with that log.")  # fmt: skip


def worker(row: Any, here: str, live: Sequence[str] | None, ready: Sequence[str] | None) -> Finding:
    """How a worker is that gives signs of life. ``live``, ``ready``: what it says is wrong; nothing: it did not answer.

    ``here`` is the name of this machine: what is served on another's loopback cannot be asked from it.
    """
    check, heard = f"worker {name(row)}", f"was heard of {lasted(row['silent'])} ago"
    if live is None or ready is None:
        if row["host"] != here and row["metrics"].startswith(("127.", "localhost", "[::1]")):
            return Finding(check, True, f"{heard}; its health can be asked on its own machine only")
        return Finding(check, False, f"{heard}, but does not answer at {row['metrics']}",
                       f"Look at process {row['pid']} on {row['host']}; if it runs, set its TRACKER_METRICS to an "
                       "address that can be reached from here.")  # fmt: skip
    if live:
        return Finding(check, False, f"stands still: {'; '.join(live)}",
                       "Its watchdog ends it if this lasts; its log then shows where it stood. If it does not end, "
                       "end it, and start another.")  # fmt: skip
    if ready:
        return Finding(check, False, f"lives, but cannot work: {'; '.join(ready)}",
                       "It goes on by itself as soon as it has what it lacks. One without partitions is starting, or "
                       "there are more workers than partitions.")  # fmt: skip
    return Finding(check, True, f"lives and is ready; its figures are at http://{row['metrics']}/metrics")


def lost(row: Any) -> Finding:
    """A worker that was killed, or whose machine went away: nothing is lost by it."""
    return Finding(
        f"worker {name(row)}", True, f"went without a word; last heard of {lasted(row['silent'])} ago"
    )


def name(row: Any) -> str:
    return f"{row['host']}/{row['pid']}"


def lasted(seconds: float) -> str:
    """A stretch of time in the unit that suits it: 40 s, 3 min, 2 h, 5 days."""
    for unit, size in (("s", 1), ("min", 60), ("h", 3600)):
        if seconds < 120 * size:
            return f"{max(0, seconds) / size:.0f} {unit}"
    return f"{seconds / 86400:.0f} days"
