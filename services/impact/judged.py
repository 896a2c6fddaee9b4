"""Answers judged anew beside those that are stored: what differs, why, and what is told of it. Pure."""

import json
import uuid
import zlib
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import polars as pl

from events.envelope import event
from events.wire import encode
from services.domain.answers import CLOCKED, answers, text
from services.domain.book import Book
from services.domain.contracts import wake
from services.domain.losses import estimate
from services.domain.verdicts import assess

SHARDS = 16
SOURCE = "urn:contract-impact-tracker:impact"
FOUND_BY = ("buyer", "class", "destination", "export_at", "verdict", "open_quantity", "blocked_value", "value",
            "currency")  # fmt: skip
Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Judged:
    """One line's answer as it is stored: the printed row without its clock, its loss, and columns to find it by."""

    key: Key
    columns: tuple[Any, ...]
    next_change_at: datetime | None
    cited: tuple[str, ...]
    answer: str
    loss: str | None
    steps: str | None

    @property
    def export_at(self) -> datetime:
        planned: datetime = self.columns[FOUND_BY.index("export_at")]
        return planned


@dataclass(frozen=True, slots=True)
class Change:
    """A line whose answer differs from the stored one; ``after`` None: it left the book."""

    key: Key
    revision: int
    before: Any
    after: Judged | None
    cause: tuple[str, ...]


def judge(
    facts: pl.DataFrame, slice_: frozenset[str], now: datetime
) -> tuple[dict[Key, Judged], dict[str, datetime]]:
    """The answers for a slice, and when each of its exporters next has a fact of its own come true."""
    book = Book.from_events(facts)
    rows = estimate(book, assess(book, now=now), now=now).filter(pl.col("exporter").is_in(list(slice_)))
    kept = {}
    for row, answer in zip(rows.iter_rows(named=True), answers(rows), strict=True):
        key = (row["exporter"], row["contract"], row["line"])
        stored = {name: value for name, value in answer.items() if name not in (*CLOCKED, "loss")}
        value = row["open_quantity"] * row["unit_price"]
        found_by = tuple({**row, "value": value.quantize(Decimal("0.0001"))}[name] for name in FOUND_BY)
        due, cites = row["next_change_at"], tuple(row["cited"])
        kept[key] = Judged(key, found_by, due, cites, text(stored), row["loss"], row["loss_steps"])
    return kept, dict(wake(book, now).iter_rows())


def answers_differ(before: Any, after: Judged) -> bool:
    return verdicts_differ(before, after) or losses_differ(before, after)


def verdicts_differ(before: Any, after: Judged | None) -> bool:
    """What is printed of the line differs, its planned instant among it ("at" is printed from that)."""
    if before is None or after is None:
        return True
    return (before["answer"], before["export_at"]) != (after.answer, after.export_at)


def losses_differ(before: Any, after: Judged | None) -> bool:
    old = (before["loss"], before["steps"]) if before else (None, None)
    return bool(old != ((after.loss, after.steps) if after else (None, None)))


def columns_differ(before: Any, after: Judged, engine: int) -> bool:
    """Only what the line is found by, or the engine that judged it: nobody need be told."""
    return tuple(before[name] for name in FOUND_BY) != after.columns or (before["cited"], before["engine"]) != (
        list(after.cited), engine
    )  # fmt: skip


def cause(before: Any, after: Judged | None, now: datetime) -> tuple[str, ...]:
    """The citations in which two answers differ; none: the passing of an instant, or the contract's own facts."""
    old, new = set(before["cited"]) if before else set(), set(after.cited) if after else set()
    if old ^ new and after is not None:
        return tuple(sorted(old ^ new))
    if before is not None and before["next_change_at"] is not None and before["next_change_at"] <= now:
        return (f"time:{before['next_change_at'].isoformat().replace('+00:00', 'Z')}",)
    key = after.key if after else (before["exporter"], before["contract"], before["line"])
    return (f"contract:{key[0]}/{key[1]}",)


def outgoing(change: Change, now: datetime) -> list[tuple[int, str, str, bytes]]:
    """The events that tell of a change, as rows of the outbox."""
    ref = "/".join(change.key)
    head = {"exporter": change.key[0], "ref": ref, "revision": change.revision, "at": now}
    before = json.loads(change.before["answer"]) if change.before else None
    after = json.loads(change.after.answer) if change.after else None
    told: list[tuple[str, dict[str, Any]]] = []
    if verdicts_differ(change.before, change.after):
        told.append(
            ("verdict.changed", {**head, "before": before, "after": after, "cause": list(change.cause)})
        )
    if losses_differ(change.before, change.after):
        new_loss = change.after.loss if change.after else None
        steps = json.loads(change.after.steps) if change.after and change.after.steps else None
        loss = {"terms": json.loads(new_loss), "steps": steps} if new_loss else None
        told.append(("loss.estimated", {**head, "loss": loss}))
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


def _id(kind: str, ref: str, revision: int) -> str:
    """The same answer has the same id whoever sends it, and however often."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{SOURCE}/{kind}/{ref}/{revision}"))
