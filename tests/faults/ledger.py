"""What the sender meant to say, written to a file before it was said, and what became of it: acked, failed, unknown.

A loss is an acked event without an effect; so whatever is checked is checked against this file, not against a memory.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from tests.faults.book import Fact, Record, key


class Ledger:
    """A file of lines: an intent (number, topic, key, bytes), later its outcome under the same number."""

    def __init__(self, path: Path) -> None:
        self.path, self.outcomes = path, Counter[str]()
        self._file = path.open("a", buffering=1024 * 1024)
        self._numbers = 0

    def intend(self, one: Record) -> int:
        """Writes down what is about to be sent; what was intended before another send is on the file by then."""
        self._numbers += 1
        self._write({"n": self._numbers, "topic": one.topic, "key": one.key, "body": one.body.decode()})
        return self._numbers

    def became(self, number: int, outcome: str) -> None:
        self.outcomes[outcome] += 1
        self._write({"n": number, "outcome": outcome})

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self._file.close()

    def _write(self, line: dict[str, Any]) -> None:
        self._file.write(json.dumps(line) + "\n")


def acked(path: Path) -> Iterator[Fact]:
    """The facts of every record that the broker has acknowledged, as the bytes in the ledger tell them."""
    outcome: dict[int, str] = {}
    with path.open() as lines:
        for line in lines:
            told = json.loads(line)
            if "outcome" in told and outcome.get(told["n"]) != "acked":
                outcome[told["n"]] = told["outcome"]
    with path.open() as lines:
        for line in lines:
            told = json.loads(line)
            if "body" in told and outcome.get(told["n"]) == "acked":
                content = json.loads(told["body"])
                yield from content if isinstance(content, list) else [content]


def acked_keys(path: Path) -> set[str]:
    return {key(one) for one in acked(path)}


class Sender:
    """Sends records through the ledger. Whose outcome is unknown is sent again under the same ids until it is acked."""

    def __init__(self, bootstrap: str, ledger: Ledger) -> None:
        self.bootstrap, self.ledger, self.sent = bootstrap, ledger, 0

    async def send(self, records: Iterable[Record]) -> None:
        producer = await self._started()
        try:
            waiting = list(records)
            while waiting:
                numbers = [self.ledger.intend(one) for one in waiting]
                self.ledger.flush()
                waiting = await self._round(producer, waiting, numbers)
        finally:
            await producer.stop()

    async def raw(self, topic: str, *values: bytes | None, partition: int = 0) -> None:
        """Sends bytes that are no facts, past the ledger: what they come to is told by the dead letters."""
        producer = self._producer()
        await producer.start()
        try:
            for value in values:
                key = b"empty" if value is None else None  # the client wants one of the two
                await producer.send_and_wait(topic, value, key=key, partition=partition)
        finally:
            await producer.stop()

    async def _round(self, producer: Any, records: Sequence[Record], numbers: Sequence[int]) -> list[Record]:
        outcomes = await asyncio.gather(*(self._one(producer, one) for one in records))
        for number, outcome in zip(numbers, outcomes, strict=True):
            self.ledger.became(number, outcome)
        self.sent += sum(
            len(r.facts) for r, outcome in zip(records, outcomes, strict=True) if outcome == "acked"
        )
        return [one for one, outcome in zip(records, outcomes, strict=True) if outcome != "acked"]

    async def _one(self, producer: Any, one: Record) -> str:
        headers = [("content-type", one.content_type)]
        try:
            await producer.send_and_wait(one.topic, one.body, key=one.key.encode(), headers=headers)
        except (KafkaError, OSError, TimeoutError):
            return "unknown"
        return "acked"

    async def _started(self) -> Any:
        """A producer, as soon as the broker answers: nothing is intended before."""
        while True:
            producer = self._producer()
            try:
                await producer.start()
            except (KafkaError, OSError, TimeoutError):
                self.ledger.outcomes["refused"] += 1
                await producer.stop()
                await asyncio.sleep(0.2)
            else:
                return producer

    def _producer(self) -> Any:
        # No patience of its own: what the broker did not answer soon is unknown, and is told so.
        return AIOKafkaProducer(bootstrap_servers=self.bootstrap, acks="all", linger_ms=2, request_timeout_ms=5000,
                                max_request_size=8 * 1024 * 1024)  # fmt: skip
