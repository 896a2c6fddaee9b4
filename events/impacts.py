"""Answers: what the tracker found, as facts for whoever listens, and the row in which it says so."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, JsonValue

from events.model import Data, Model
from events.values import Currency, Fraction, Id, Instant, Quantity, SignedAmount, Unit

Verdict = Literal[
    "clear", "satisfied", "grandfathered", "needs_documents", "needs_review", "partial", "in_abeyance", "unlicensed",
    "prohibited",
]  # fmt: skip
"""From best to worst."""


class Window(Model):
    """A span in which a line that cannot go as planned could be exported; ``until`` is excluded, null means no end."""

    since: Instant = Field(alias="from")
    until: Instant | None


class Figure(Model):
    """A sum of money in three cases; null, with the ``reason``, where nothing can be said."""

    low: SignedAmount | None
    base: SignedAmount | None
    high: SignedAmount | None
    currency: Currency | None
    reason: str | None = None


class Loss(Model):
    """What a line loses, term by term; ``probability`` that it can still be exported before its deadline."""

    blocked_value: Figure
    stock_write_down: Figure
    commitment_loss: Figure
    penalty: Figure
    onerous_provision: Figure
    other: Figure
    recoveries: Figure
    out_of_pocket: Figure
    lost_margin: Figure
    expectation_loss: Figure
    accounting_charge: Figure
    cash_call: Figure
    probability: Fraction | None
    expected: Figure
    avoidable: Figure


class VerdictRow(Model):
    """May this line be exported at ``at``, judged at ``now``? One row per open line, as ``assess`` prints it.

    ``rule`` and ``clause`` decide the verdict, ``route`` is the nearest one and ``missing`` what it still lacks, all
    null or empty where no clause is in scope. Quantities are in ``unit``, ``blocked_value`` in ``currency``.
    ``next_change_at`` is the first instant at which the row differs without any new event. ``loss`` is null, or its
    terms by name.
    """

    ref: Annotated[str, Field(examples=["acme/C1/1"])]
    exporter: Id
    contract: Id
    line: Id
    buyer: Id | None
    at: Instant
    now: Instant
    verdict: Verdict
    rule: Id | None
    clause: Id | None
    route: str | None
    missing: tuple[str, ...]
    readings: tuple[str, ...]
    open_quantity: Quantity
    covered_quantity: Quantity
    blocked_quantity: Quantity
    unknown_quantity: Quantity
    unit: Unit
    blocked_value: SignedAmount | None
    currency: Currency | None
    next_change_at: Instant | None
    export_windows: tuple[Window, ...]
    loss: Loss | None


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
