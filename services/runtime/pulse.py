"""Is a program alive, and can it work? Kept up to date by the program's loops, and read by whoever asks from outside.

Alive means that it gets on: the event loop turns, no loop is at one turn for too long, and what waits is being stored.
A server that is away makes nobody dead: whoever waits for it goes on by itself when it is back. It only is not ready.
"""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")
TURN = 5.0
"""A turn may take so many times longer: statements and sends have limits of their own."""
LONGER: Mapping[str, float] = {"reassess": 30.0, "reassess_bulk": 30.0}
"""These may take longer still: a very large slice is judged in one turn."""


@dataclass
class Pulse:
    """What the loops of a program say of themselves. Another thread reads it, so each change is one assignment."""

    patience: float
    """After so many seconds something stands still."""
    clock: Callable[[], float] = time.monotonic
    lacks: dict[str, str] = field(default_factory=dict)
    """What the program needs for its work and has not just now, each with why."""
    turns: dict[str, float] = field(default_factory=dict)
    """The loops that are at a turn, and since when."""
    still: float = 0.0
    """For how many seconds what waits in the log has stood still."""
    beats: int = 0
    """How often the event loop has said that it turns."""
    _beaten: float = 0.0
    _answers_since: float | None = None

    def __post_init__(self) -> None:
        self._beaten = self.clock()

    def beat(self) -> None:
        """The event loop turns."""
        self.beats, self._beaten = self.beats + 1, self.clock()

    def answers(self, why_not: str = "") -> None:
        """Whether Postgres answers: while it does not, nobody is blamed for waiting."""
        if why_not:
            self._answers_since = None
            self.lacks["Postgres"] = why_not
        else:
            self._answers_since = self.clock() if self._answers_since is None else self._answers_since
            self.lacks.pop("Postgres", None)

    def turning(self, name: str, work: Callable[[], Awaitable[T]]) -> Callable[[], Awaitable[T]]:
        """The same work, each of its turns noted from its begin to its end, however that comes."""

        async def turn() -> T:
            self.turns[name] = self.clock()
            try:
                return await work()
            finally:
                self.turns.pop(name, None)

        return turn

    def silent(self) -> float:
        """For how many seconds the event loop has not turned."""
        return self.clock() - self._beaten

    def stuck(self) -> list[str]:
        """The loops that are at one turn for too long although Postgres answers all the while, in words."""
        since = self._answers_since
        if since is None:
            return []
        now = self.clock()
        took = {name: now - max(began, since) for name, began in sorted(self.turns.copy().items())}
        return [
            f"{name} has not ended a turn for {seconds:.0f} s"
            for name, seconds in took.items()
            if seconds > self.patience * LONGER.get(name, TURN)
        ]

    def dead(self) -> list[str]:
        """Why the program is to be started anew; nothing while it lives."""
        found = self.stuck()
        if self.silent() > self.patience:
            found.append(f"the event loop has not turned for {self.silent():.0f} s")
        if self.still > self.patience:
            found.append(f"records wait and none has been stored for {self.still:.0f} s")
        return found

    def unready(self) -> list[str]:
        """What the program lacks to do its work, each with why; nothing while it can."""
        return [f"{name}: {why}" for name, why in sorted(self.lacks.copy().items())] + self.dead()
