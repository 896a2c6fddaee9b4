"""A UK licence and what it becomes: each of its lines is a licence of its own, ``REFERENCE/LINE``.

CHIEF gives every line its own goods and its own limit, and reports use line by line; a licence here has one balance.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from events.envelope import Event
from services.intake.rows import fact

SOURCE = "gb-chief"
REPLACED = "replaced"
"""Why a line ends that a replaced licence no longer has."""
_COMMODITY = re.compile(r"[0-9]{4,10}")
_APART = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Line:
    """What one line permits: ``goods`` as a licence names them. Neither quantity nor value: open, without a limit."""

    number: str
    goods: Mapping[str, str]
    quantity: Decimal | None = None
    unit: str | None = None
    value: Decimal | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class Licence:
    """A licence as one message tells it. ``until`` is the instant it ends; None: it has no end."""

    reference: str
    scheme: str
    holder: str
    destinations: tuple[str, ...]
    buyers: tuple[str, ...]
    starts: datetime
    until: datetime | None
    lines: tuple[Line, ...]


@dataclass(slots=True)
class Held:
    """A licence as the messages read so far leave it: its scheme, its lines by number, and when it was ended."""

    scheme: str
    lines: Mapping[str, Line]
    ended: datetime | None = None


@dataclass(slots=True)
class Register:
    """The licences told so far by their reference, and what was drawn from their lines.

    ``draws``: the draws of the files of one command. ``counted``: the facts (source and id) that ``drawn`` adds up.
    """

    held: dict[str, Held] = field(default_factory=dict)
    named: dict[str, str] = field(default_factory=dict)
    drawn: dict[tuple[str, str, str], Decimal] = field(default_factory=dict)
    draws: set[tuple[str, ...]] = field(default_factory=set)
    counted: set[tuple[str, str]] = field(default_factory=set)

    def draw(self, name: tuple[str, str], of: tuple[str, str, str], amount: Decimal) -> None:
        """A fact by this source and id draws so much of a line's quantity or value; told twice, it counts once."""
        if name not in self.counted:
            self.counted.add(name)
            self.drawn[of] = self.drawn.get(of, Decimal(0)) + amount

    def take(self, licence: Licence, recorded: datetime | None, source: str = SOURCE) -> tuple[Event, ...]:
        """The facts of a new or replaced licence: a version from its start, and the end of lines it has no more.

        A licence told again after its end begins there. ``source`` tells them: one of its own for a message that
        replaces a licence, so that it can be seen later even where it says what was said before. Raises ValueError.
        """
        before = self.held.get(licence.reference)
        starts = licence.starts
        if before is not None and before.ended is not None:
            starts = max(starts, before.ended)
        made = [
            fact("licence.granted", data, source=source, recordedat=recorded)
            for data in _granted(licence, starts)
        ]
        lines = {line.number: line for line in licence.lines}
        if before is not None and before.ended is None:
            left = [
                number for number in before.lines if number not in lines or before.scheme != licence.scheme
            ]
            made += [
                _revoked(before.scheme, licence.reference, number, starts, recorded, REPLACED, source)
                for number in left
            ]
        self.held[licence.reference] = Held(licence.scheme, lines)
        return tuple(made)

    def end(self, reference: str, at: datetime, recorded: datetime, reason: str) -> tuple[Event, ...]:
        """The ends of all lines of a licence. Raises ValueError where nothing told before has its lines."""
        there = self.known(reference)
        there.ended = at
        return tuple(
            _revoked(there.scheme, reference, number, at, recorded, reason) for number in there.lines
        )

    def known(self, reference: str) -> Held:
        """The licence. Raises ValueError where neither the messages given nor those stored tell it."""
        there = self.held.get(reference)
        if there is None:
            raise ValueError(
                f"the lines of {reference} stand in none of the messages given or stored: "
                "give the one that issued it as well"
            )
        return there


def _granted(licence: Licence, starts: datetime) -> Iterator[dict[str, Any]]:
    for line in licence.lines:
        limits = {
            "until": licence.until, "quantity": line.quantity, "unit": line.unit, "value": line.value,
            "currency": line.currency,
        }  # fmt: skip
        yield {
            "scheme": licence.scheme,
            "licence": f"{licence.reference}/{line.number}",
            "holder": licence.holder,
            "goods": [line.goods],
            "destinations": list(licence.destinations),
            "buyers": list(licence.buyers),
            "from": starts,
            **{name: value for name, value in limits.items() if value is not None},
        }


def _revoked(
    scheme: str, reference: str, number: str, at: datetime, recorded: datetime | None, reason: str,
    source: str = SOURCE,
) -> Event:  # fmt: skip
    data = {"scheme": scheme, "licence": f"{reference}/{number}", "at": at, "reason": reason}
    return fact("licence.revoked", data, source=source, recordedat=recorded)


def goods(commodity: str, description: str) -> Mapping[str, str]:
    """Goods by their commodity code, else by the class ``described.…`` that their description makes.

    Such a class covers nothing until lines are booked under it, or a published taxonomy puts a class below it: what
    the words mean is for a person to say. Raises ValueError where there is neither.
    """
    if commodity:
        if not _COMMODITY.fullmatch(commodity):
            raise ValueError(f"commodity {commodity[:20]!r}: expected a tariff code of 4 to 10 digits")
        return {"hs": commodity}
    plain = _APART.sub("_", description.casefold()).strip("_")
    if not plain:
        raise ValueError("expected a commodity code or a description of the goods")
    if len(plain) > 80:
        plain = f"{plain[:70].rstrip('_')}_{hashlib.sha256(plain.encode()).hexdigest()[:8]}"
    return {"class": f"described.{plain}"}
