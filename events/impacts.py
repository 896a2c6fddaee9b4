"""Answers: what the tracker found, as facts for whoever listens."""

from typing import Any, ClassVar

from pydantic import JsonValue

from events.model import Data
from events.values import Id, Instant


class VerdictChanged(Data):
    """The verdict of one line changed: the line, its answer before and after, and why.

    ``ref`` is exporter/contract/line; ``revision`` counts the answers given for this line; ``before`` and
    ``after`` hold clause, nearest route, missing evidence, quantities and the next instant of change (the keys that
    ``assess`` prints), or null where the line was not in the book. ``cause`` lists the citations in which they differ.
    """

    about: ClassVar[tuple[str, ...]] = ("ref",)
    exporter: Id
    ref: str
    revision: int
    at: Instant
    before: dict[str, JsonValue] | None
    after: dict[str, JsonValue] | None
    cause: tuple[str, ...]


class LossEstimated(Data):
    """What the line loses, term by term, each with low, base, high, its currency, tags and steps."""

    about: ClassVar[tuple[str, ...]] = ("ref",)
    exporter: Id
    ref: str
    revision: int
    at: Instant
    loss: dict[str, Any] | None
