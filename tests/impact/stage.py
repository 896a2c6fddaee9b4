"""Facts brought to the processors as record sets, and the answers they stored beside those of the whole fold."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import count
from typing import Any

import asyncpg
from aiokafka.structs import ConsumerRecord

from events.envelope import Event, event
from events.wire import encode
from services.domain.answers import lines
from services.domain.book import Book, frame_of
from services.domain.losses import estimate
from services.domain.verdicts import assess
from services.impact import handlers, store
from services.runtime.kafka import RecordSet

NOON = datetime.fromisoformat("2020-04-10T12:00:00+00:00")
_numbers = count()
_offsets = count()


def record(value: bytes | None, offset: int, content_type: str | None = None) -> ConsumerRecord[Any, Any]:
    """One Kafka record as the client hands it over, written at noon."""
    headers = () if content_type is None else (("content-type", content_type.encode()),)
    millis = int(NOON.timestamp() * 1000)
    return ConsumerRecord("contracts", 0, offset, millis, 0, None, value, None, 0, len(value or b""), headers)


def raw(*values: bytes | None, first: int | None = None) -> RecordSet:
    """A record set of these values, one record each; by default right behind all that was made before."""
    start = next(_offsets) * 1000 if first is None else first
    return RecordSet("contracts", 0, [record(value, start + n) for n, value in enumerate(values)])


def batch(facts: Sequence[Event]) -> RecordSet:
    """A record set of one record that carries all these facts."""
    body, content_type = encode(facts)
    return RecordSet("contracts", 0, [record(body, next(_offsets) * 1000, content_type)])


def recorder(pool: asyncpg.Pool) -> handlers.Recorder:
    return handlers.Recorder(pool, "cluster", "impact", asyncio.Event())


async def tell(pool: asyncpg.Pool, facts: Sequence[Event]) -> None:
    """Record these facts, in one record."""
    await recorder(pool)([batch(facts)])


async def settle(pool: asyncpg.Pool) -> int:
    """Hand on and reassess until nothing is left to do. Returns how many exporters were judged."""
    judged = 0
    while await handlers.hand_on(pool):
        pass
    while done := await handlers.reassess(pool, 100):
        judged += done
    return judged


async def present(pool: asyncpg.Pool, now: datetime) -> None:
    """Move the present, and wake whatever waits for it."""
    await handlers.move_now(pool, now)
    await handlers.tick(pool, None)


async def stored(pool: asyncpg.Pool, now: datetime) -> list[str]:
    """The answers in the store, printed as ``assess`` prints them, in one order."""
    return sorted(store.printed(row, now) for row in await pool.fetch("SELECT * FROM verdict"))


def folded(facts: Iterable[Event], now: datetime, learnt: datetime | None = NOON) -> list[str]:
    """The answers of the whole fold, without any service."""
    book = Book.from_events(frame_of(facts, learnt))
    return sorted(lines(estimate(book, assess(book, now=now), now=now)))


def fact(kind: str, data: dict[str, Any], **envelope: Any) -> Event:
    """A fact under a name of its own."""
    named: dict[str, Any] = {"source": "stage", "id": f"{next(_numbers):06}", "recordedat": NOON} | envelope
    return event(kind, data, **named)


def contract(
    exporter: str, name: str, export_at: str = "2020-05-01T00:00:00Z", **line: Any
) -> dict[str, Any]:
    """The data of a signed contract of one line of surgical masks from China to Spain."""
    deliverable = {"line": "1", "class": "face_mask.surgical", "quantity": "100", "unit": "H87", "unit_price": "2.50",
                   "export_at": export_at, "attributes": {"medical_use": True}}  # fmt: skip
    return {"exporter": exporter, "contract": name, "manufacturer": exporter, "buyer": "hospital-es",
            "exported_from": "CN", "destination": "ES", "currency": "EUR", "signed": "2020-03-20T00:00:00Z",
            "lines": [deliverable | line]}  # fmt: skip
