"""A line whose answer differs from the stored one: why, and what is told of it. Pure."""

import json
import uuid
import zlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from events.envelope import event
from events.wire import encode
from services.impact.judged import Judged, Key, Remain, losses_differ, verdicts_differ

SHARDS = 16
SOURCE = "urn:contract-impact-tracker:impact"


@dataclass(frozen=True, slots=True)
class Said:
    """What is said of a line: its verdict while it is open, else what is left of it, else nothing.

    Rows of the store, or what was found.
    """

    verdict: Any = None
    remain: Any = None

    @property
    def estimate(self) -> Any:
        """Whichever carries the loss."""
        return self.remain if self.verdict is None else self.verdict


@dataclass(frozen=True, slots=True)
class Change:
    """A line of which something else is to be said than is stored."""

    key: Key
    revision: int
    before: Said
    after: Said
    cause: tuple[str, ...]


def differs(before: Said, after: Said) -> bool:
    """Whether anybody need be told: the verdict or the loss is another."""
    return verdicts_differ(before.verdict, after.verdict) or losses_differ(before.estimate, after.estimate)


def cause(key: Key, before: Any, after: Judged | None, now: datetime) -> tuple[str, ...]:
    """The citations in which two answers differ; none: the passing of an instant, or the contract's own facts."""
    old, new = set(before["cited"]) if before else set(), set(after.cited) if after else set()
    if old ^ new and after is not None:
        return tuple(sorted(old ^ new))
    if before is not None and before["next_change_at"] is not None and before["next_change_at"] <= now:
        return (f"time:{before['next_change_at'].isoformat().replace('+00:00', 'Z')}",)
    return (f"contract:{key[0]}/{key[1]}",)


def outgoing(change: Change, now: datetime) -> list[tuple[int, str, str, bytes]]:
    """The events that tell of a change, as rows of the outbox."""
    ref, was, found = "/".join(change.key), change.before, change.after
    head = {"exporter": change.key[0], "ref": ref, "revision": change.revision, "at": now}
    told: list[tuple[str, dict[str, Any]]] = []
    if verdicts_differ(was.verdict, found.verdict):
        before = json.loads(was.verdict["answer"]) if was.verdict else None
        after = json.loads(found.verdict.answer) if found.verdict else None
        told.append(
            ("verdict.changed", {**head, "before": before, "after": after, "cause": list(change.cause)})
        )
    if losses_differ(was.estimate, found.estimate):
        told.append(("loss.estimated", {**head, "loss": _loss(found.estimate)}))
    shard = zlib.crc32(change.key[0].encode()) % SHARDS
    return [
        (
            shard,
            "impacts",
            change.key[0],
            encode([event(kind, data, source=SOURCE, id=_id(kind, ref, change.revision))])[0],
        )
        for kind, data in told
    ]


def _loss(of: Judged | Remain | None) -> dict[str, Any] | None:
    if of is None or of.loss is None:
        return None
    return {"terms": json.loads(of.loss), "steps": json.loads(of.steps) if of.steps else None}


def _id(kind: str, ref: str, revision: int) -> str:
    """The same answer has the same id whoever sends it, and however often."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{SOURCE}/{kind}/{ref}/{revision}"))
