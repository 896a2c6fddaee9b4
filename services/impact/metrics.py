"""The figures of a worker, for Prometheus: what it stored, handed on, judged and published, and what waits.

No label names an exporter, a contract or a rule: there are as many series as topics, partitions and steps, whatever
the size of the book. What each figure means stands in deploy/README.md.
"""

import time
from collections import Counter as Counted
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from aiokafka import TopicPartition
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from events.registry import FACT_TOPICS
from services.impact.records import Fact, Letter
from services.runtime import clock
from services.runtime.kafka import RecordSet

T = TypeVar("T")
STEPS = ("record", "hand_on", "reassess", "reassess_bulk", "publish")
RANKS = ("prompt", "bulk")
QUEUES = ("pending", *RANKS, "outbox")
KINDS = ("unreadable", "unknown_type", "conflict", "refused")
Stored = tuple[dict[tuple[str, int], int], Sequence[Fact], Sequence[Letter]]
"""How far each partition was stored before; the facts and the letters that a transaction has stored since."""
_SHORT = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_LONG = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)


class Metrics:
    """The figures of one worker, in the registry given."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def count(name: str, says: str, *labels: str) -> Counter:
            return Counter(f"tracker_{name}", says, labels, registry=registry)

        def gauge(name: str, says: str, *labels: str) -> Gauge:
            return Gauge(f"tracker_{name}", says, labels, registry=registry)

        def spread(name: str, says: str, buckets: Sequence[float], *labels: str) -> Histogram:
            return Histogram(f"tracker_{name}_seconds", says, labels, buckets=buckets, registry=registry)

        self.records = count("records_stored", "Kafka records stored", "topic")
        self.events = count("events_stored", "Readable events in them, repeats too", "topic")
        self.letters = count("dead_letters", "What could not be read or stored", "topic", "kind")
        self.told = spread("told_to_stored", "From a record's timestamp to its commit", _LONG)
        self.verdict = spread(
            "stored_to_verdict", "From storing the oldest reason to the verdict", _LONG, "rank"
        )
        self.step = spread("step", "One transaction of a step, idle turns left out", _SHORT, "step")
        self.exporters = count("reassessed_exporters", "Exporters judged")
        self.lines = count("reassessed_lines", "Open lines in these judgements")
        self.published = count("published", "Answers the broker has acknowledged")
        self.rebalances = count("rebalances", "How often the broker has given partitions out anew")
        self.lag = gauge("lag_records", "End of the log less what is stored", "topic", "partition")
        self.still = gauge("still_seconds", "How long what waits in the log has stood still")
        self.pending = gauge("pending", "Stored facts to hand on")
        self.due = gauge("due", "Exporters to judge", "rank")
        self.outbox = gauge("outbox", "Answers to publish")
        self.oldest = gauge("oldest_seconds", "How long the oldest has waited", "queue")
        self.waiting_letters = gauge("dead_letters_waiting", "Dead letters that wait for somebody")
        self.set_aside = gauge("set_aside_exporters", "Exporters that cannot be judged")
        self.paused = gauge("paused", "1 while the breaker holds the topic", "topic")
        self.limit = gauge(
            "watchdog_limit_seconds", "Standing still so long, the worker is ended by its watchdog"
        )
        self._lags: Mapping[tuple[str, str], int] = {}
        self._begin()

    def _begin(self) -> None:
        """Series exist from the start, at 0: a rate over one that only appears with its first count would miss it."""
        for topic in FACT_TOPICS:
            self.records.labels(topic), self.events.labels(topic), self.paused.labels(topic)
            for kind in KINDS:
                self.letters.labels(topic, kind)
        for step in STEPS:
            self.step.labels(step)
        for rank in RANKS:
            self.verdict.labels(rank), self.due.labels(rank)
        for queue in QUEUES:
            self.oldest.labels(queue)

    def stored(self, sets: Sequence[RecordSet], read: Stored) -> None:
        """The sets have been committed."""
        held, facts, letters = read
        now = clock.now().timestamp()
        for one in sets:
            stored = held[one.topic, one.partition]
            new = len(one.records) if one.first > stored else sum(r.offset > stored for r in one.records)
            if new:
                self.records.labels(one.topic).inc(new)
                self.told.observe(max(0.0, now - one.records[-new].timestamp / 1000))
        for topic, events in Counted(fact.place.topic for fact in facts).items():
            self.events.labels(topic).inc(events)
        for (topic, kind), some in Counted((one.place.topic, one.kind) for one in letters).items():
            self.letters.labels(topic, kind).inc(some)

    def judged(self, exporters: int, lines: int, answered: Sequence[Any]) -> None:
        """A judgement has been committed. ``answered``: what was due in it, with how long each has waited."""
        self.exporters.inc(exporters)
        self.lines.inc(lines)
        for row in answered:
            self.verdict.labels("bulk" if row["bulk"] else "prompt").observe(max(0.0, row["waited"]))

    def timed(self, step: str, work: Callable[[], Awaitable[T]]) -> Callable[[], Awaitable[T]]:
        """The same work, its time noted where it came to an end and had anything to do."""
        seconds = self.step.labels(step)

        async def turn() -> T:
            began = time.monotonic()
            done = await work()
            if done != 0:
                seconds.observe(time.monotonic() - began)
            return done

        return turn

    def lags(self, behind: Mapping[TopicPartition, int]) -> None:
        """How far each partition of this worker is behind; those it no longer has are another worker's to tell."""
        now = {(part.topic, str(part.partition)): lag for part, lag in behind.items()}
        for gone in self._lags.keys() - now.keys():
            self.lag.remove(*gone)
        for place, lag in now.items():
            self.lag.labels(*place).set(lag)
        self._lags = now

    def held(self, topics: frozenset[str]) -> None:
        """Which topics the breaker holds."""
        for topic in FACT_TOPICS:
            self.paused.labels(topic).set(topic in topics)

    def waits(self, row: Any) -> None:
        """What waits in Postgres just now (the statement ``waiting``)."""
        self.pending.set(row["pending"])
        self.outbox.set(row["outbox"])
        for rank in RANKS:
            self.due.labels(rank).set(row[rank])
        for queue in QUEUES:
            self.oldest.labels(queue).set(row[f"{queue}_age"])
        self.waiting_letters.set(row["letters"])
        self.set_aside.set(row["stale"])


UNSEEN = Metrics(CollectorRegistry())
"""Figures that nobody asks for: for whoever does a step by itself."""
