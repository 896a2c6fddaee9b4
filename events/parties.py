"""Facts about names: two names that denote one party, and the decision taken back.

Registers, lists and contracts spell the same firm differently. That two names mean one firm is somebody's decision: an
event like any other, with who took it and why, which a later event can undo.
"""

from typing import ClassVar, Self

from pydantic import model_validator

from events.model import Data
from events.values import Id, Instant, Score, Text

ROLES = ("exporter", "buyer", "both")
"""Words that name a side of a contract where the name of a party could stand: nobody can be called so."""


class _Decided(Data):
    """What both decisions share: the two names, when, and who decided."""

    about: ClassVar[tuple[str, ...]] = ("party", "same_as")
    partition: ClassVar[str] = "party"
    party: Id
    same_as: Id
    at: Instant
    by: Text
    reason: Text | None = None

    @model_validator(mode="after")
    def _names_two_parties(self) -> Self:
        if self.party == self.same_as:
            raise ValueError("same_as: a party is the same as itself already; expected its other name")
        for name in (self.party, self.same_as):
            if name in ROLES:
                raise ValueError(f"{name!r} is a side of a contract; expected the name of a party")
        return self


class PartyMatched(_Decided):
    """Two names denote one party, at all times, until it is decided otherwise.

    ``score``: how alike the names are, from 0 to 100, where that is what the decision rests on.
    """

    score: Score | None = None


class PartyUnmatched(_Decided):
    """The two names do not denote one party after all; what else each was matched with stays."""
