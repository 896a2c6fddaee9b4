"""UK licences and what was drawn from them as the running services hold them, learnt in the order of the messages.

A message is read with what was told before it was made, so it says the same whenever and however often it is read.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from events.envelope import Event
from services.intake.formats.chief_fields import LONDON
from services.intake.formats.chief_licence import REPLACED, SOURCE, Held, Line, Register
from services.intake.rows import Known

_LATE = (
    "messages about {0} that were made later are told already, and they were read without this one: "
    "give this one and all later ones in one command"
)
_BESIDE = (
    "another message about {0} that was made in this very minute is told already: give both in one command"
)
_AGAIN = "{0} is told again since, by {1} of {2}: withdraw what that one told, give this one, then that one"
_ACCOUNTED = (
    "not told before the message of {0:%Y-%m-%d %H:%M}, whose total accounts for it already: withdraw {1} of {2}, "
    "give this message, and then that one again"
)
_SAME = (
    "a message of this very minute accounts for it already: give all messages of {0:%Y-%m-%d %H:%M} in one command, "
    "or withdraw {1} of {2} if it came from this one"
)


@dataclass(slots=True)
class Stored:
    """The stored facts of all messages, and how many of them the register has learnt.

    ``given``: how many messages of the command were made in each minute. ``ids``: every fact that is stored, by source
    and id, withdrawn or not. ``about``: those that count, by the licence they are about.
    ``told``: what the command has told of licences so far, ``undated`` what payloads have, which bear no instant.
    """

    register: Register
    facts: Sequence[Known]
    given: Mapping[datetime, int]
    ids: frozenset[tuple[str, str]]
    about: Mapping[str, Sequence[Known]]
    told: set[tuple[str, str]] = field(default_factory=set)
    undated: set[tuple[str, str]] = field(default_factory=set)
    _learnt: int = field(default=0, init=False)
    _counted: int = field(default=0, init=False)

    @classmethod
    def of(cls, register: Register, known: Sequence[Known], given: Iterable[datetime]) -> "Stored":
        """Those that were not withdrawn, as they were learnt."""
        gone = {(one.data["source"], one.data["id"]) for one in known if one.type == "fact.withdrawn"}
        facts = [one for one in known if one.type != "fact.withdrawn" and (one.source, one.id) not in gone]
        facts.sort(key=lambda one: (one.recorded, one.time, one.source, one.id))
        about: dict[str, list[Known]] = {}
        for one in facts:
            about.setdefault(str(one.data.get("licence", "")).rpartition("/")[0], []).append(one)
        ids = frozenset((one.source, one.id) for one in known)
        return cls(register, facts, Counter(given), ids, about)

    def learn(self, until: datetime, inclusive: bool) -> None:
        """Let the register know the licences told before the instant, or by it where it is included."""
        while self._learnt < len(self.facts):
            one = self.facts[self._learnt]
            if one.recorded > until or (one.recorded == until and not inclusive):
                return
            self._learnt += 1
            if one.type != "licence.used":
                _take(self.register, one)

    def count(self, until: datetime) -> None:
        """Let the register know what was drawn by messages made before the instant."""
        while self._counted < len(self.facts) and self.facts[self._counted].recorded < until:
            one = self.facts[self._counted]
            self._counted += 1
            if one.type == "licence.used":
                for what, amount in _drawn(one):
                    self.register.draw((one.source, one.id), _of(one, what), amount)

    def draws(self, reference: str, number: str, since: datetime) -> Iterator[Known]:
        """What is stored as drawn from a line by messages of that minute or later ones, and not counted yet."""
        name = f"{reference}/{number}"
        uses = (one for one in self.about.get(reference, ()) if one.type == "licence.used")
        later = (one for one in uses if one.recorded >= since and one.data["licence"] == name)
        return (one for one in later if (one.source, one.id) not in self.register.counted)

    def beside(self, reference: str, number: str, created: datetime) -> dict[str, Decimal]:
        """What other messages of the minute drew from a line, as a quantity and as a value."""
        found = {"quantity": Decimal(0), "value": Decimal(0)}
        for one in self.draws(reference, number, created):
            for what, amount in _drawn(one) if one.recorded == created else ():
                found[what] += amount
        return found

    def undrawn(self, reference: str, number: str, facts: Sequence[Event], created: datetime) -> None:
        """Raises ValueError where a later message accounts for draws that were not told, such as these, already."""
        if all((one.source, one.id) in self.ids for one in facts):
            return
        for one in self.draws(reference, number, created):
            if one.source == f"{SOURCE}/{reference}/{number}":
                reason = _SAME if one.recorded == created else _ACCOUNTED
                raise ValueError(reason.format(one.recorded.astimezone(LONDON), one.id, one.source))

    def in_order(self, reference: str, facts: Sequence[Event], created: datetime) -> None:
        """Raises ValueError where a message cannot tell this of a licence any more; what is stored already it can."""
        names = {(one.source, one.id) for one in facts}
        self.told |= names
        if names <= self.ids:
            return
        for one in self.about.get(reference, ()):
            if one.type not in ("licence.granted", "licence.revoked") or (one.source, one.id) in self.told:
                continue
            if one.recorded > created and not self.given.get(one.recorded):
                raise ValueError(_LATE.format(reference))
            if one.recorded == created and self.given.get(created, 0) < 2:
                raise ValueError(_BESIDE.format(reference))

    def still_ends(self, reference: str, facts: Sequence[Event], created: datetime) -> None:
        """Raises ValueError where use ends a licence that is told again since: it would end that one too."""
        if all((one.source, one.id) in self.ids for one in facts):
            return
        for one in self.about.get(reference, ()):
            again = one.type == "licence.granted" and one.recorded > created
            if again and (one.source, one.id) not in self.undated:
                raise ValueError(_AGAIN.format(reference, one.id, one.source))


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


def _drawn(one: Known) -> Iterator[tuple[str, Decimal]]:
    return ((what, Decimal(one.data[what])) for what in ("quantity", "value") if what in one.data)


def _of(one: Known, what: str) -> tuple[str, str, str]:
    reference, _, number = str(one.data["licence"]).rpartition("/")
    return reference, number, what


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
