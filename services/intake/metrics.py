"""The figures of the door, for Prometheus: what it took and refused, and how long the broker's answer took.

No label names a key, an exporter or a source: there are as many series as topics, statuses and kinds of refusal.
"""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from events.registry import FACT_TOPICS

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """The figures of one door, in the registry given."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self.requests = Counter(
            "tracker_intake_requests",
            "Requests answered, health and metrics left out",
            ("status",),
            registry=registry,
        )
        self.events = Counter("tracker_intake_events", "Events the broker has", ("topic",), registry=registry)
        self.refusals = Counter("tracker_intake_refused", "Requests refused", ("reason",), registry=registry)
        self.acknowledged = Histogram(
            "tracker_intake_acknowledged_seconds", "From a request's first byte to the broker's acknowledgement",
            buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        for topic in FACT_TOPICS:
            self.events.labels(topic)

    def taken(self, count: Mapping[str, int], seconds: float) -> None:
        """A request was taken: so many events of each topic, acknowledged after so many seconds."""
        self.requests.labels("202").inc()
        self.acknowledged.observe(seconds)
        for topic, events in count.items():
            self.events.labels(topic).inc(events)

    def refused(self, status: int, reason: str) -> None:
        """A request was refused, for a reason by the name its problem has."""
        self.requests.labels(str(status)).inc()
        self.refusals.labels(reason).inc()

    def page(self) -> bytes:
        """All figures as Prometheus reads them."""
        return generate_latest(self._registry)
