"""UK licences and what was drawn from them as the running services hold them, learnt in the order of the messages.

A message is read with what was told before it was made, so it says the same whenever and however often it is read.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from services.intake.formats.chief_fields import LONDON
from services.intake.formats.chief_licence import REPLACED, Held, Line, Register
from services.intake.rows import Known


@dataclass(slots=True)
class Stored:
    """The stored facts of all messages, and how many of them the register has learnt."""

    register: Register
    facts: Sequence[Known]
    _learnt: int = field(default=0, init=False)

    @classmethod
    def of(cls, register: Register, known: Sequence[Known]) -> "Stored":
        """Those that were not withdrawn, as they were learnt."""
        gone = {(one.data["source"], one.data["id"]) for one in known if one.type == "fact.withdrawn"}
        facts = [one for one in known if one.type != "fact.withdrawn" and (one.source, one.id) not in gone]
        return cls(register, sorted(facts, key=lambda one: (one.recorded, one.time, one.source, one.id)))

    def learn(self, until: datetime, inclusive: bool) -> None:
        """Let the register know what was told before the instant, or by it where it is included."""
        while self._learnt < len(self.facts):
            one = self.facts[self._learnt]
            if one.recorded > until or (one.recorded == until and not inclusive):
                return
            self._learnt += 1
            _take(self.register, one)


def _take(register: Register, one: Known) -> None:
    reference, _, number = str(one.data.get("licence", "")).rpartition("/")
    match one.type:
        case "licence.granted" if reference and len(one.data.get("goods", ())) == 1:  # as lines are told here
            _granted(register, reference, _line(number, one.data), str(one.data["scheme"]))
        case "licence.revoked" if (held := register.held.get(reference)) is not None:
            if one.data.get("reason") != REPLACED:
                held.ended = one.time.astimezone(LONDON)  # as messages say it: ids are made from the text
            elif held.scheme == one.data["scheme"]:
                held.lines = {name: line for name, line in held.lines.items() if name != number}
        case "licence.used":
            for what in ("quantity", "value"):
                if what in one.data:
                    register.draw((one.source, one.id), (reference, number, what), Decimal(one.data[what]))


def _granted(register: Register, reference: str, line: Line, scheme: str) -> None:
    """A line of a licence; one that is told again after its end has the lines of then alone."""
    held = register.held.get(reference)
    before = {} if held is None or held.ended is not None or held.scheme != scheme else held.lines
    register.held[reference] = Held(scheme, {**before, line.number: line})


def _line(number: str, data: Any) -> Line:
    quantity, value = (
        None if data.get(what) is None else Decimal(data[what]) for what in ("quantity", "value")
    )
    (goods,) = data["goods"]
    return Line(number, goods, quantity, data.get("unit"), value, data.get("currency"))
