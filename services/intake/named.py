"""Parties by their names, and two names that may mean one of them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Named:
    """A party by its id, with the name it is known by (default: the words of its id) and its country, if known."""

    party: str
    name: str | None = None
    country: str | None = None

    @property
    def told(self) -> str:
        return self.name or self.party.rpartition(":")[2].replace("-", " ")

    @property
    def code(self) -> tuple[str, str]:
        """The scheme and the official identifier in the id; without a scheme the whole id may be one."""
        scheme, _, code = self.party.rpartition(":")
        return scheme, "".join(letter for letter in code.casefold() if letter.isalnum())


@dataclass(frozen=True, slots=True)
class Candidate:
    """Two names that may mean one party. ``doubts``: why nobody but a person can say so; none: beyond doubt."""

    party: Named
    same_as: Named
    score: Decimal
    doubts: tuple[str, ...] = ()

    @property
    def sure(self) -> bool:
        return not self.doubts


@dataclass(frozen=True)
class Decided:
    """What has been decided: the name each party is compared by, and pairs of which somebody said yes or no."""

    names: Mapping[str, str] = field(default_factory=dict)
    pairs: Collection[frozenset[str]] = frozenset()

    def settled(self, one: str, other: str) -> bool:
        same = self.names.get(one, one) == self.names.get(other, other)
        return same or frozenset((one, other)) in self.pairs
