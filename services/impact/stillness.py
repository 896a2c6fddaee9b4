"""For how long nothing has been stored although records wait: what the watchdog goes by. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from aiokafka import TopicPartition

ALONE = 10
"""One partition alone may stand still so many times longer, for while others are far behind its turn comes late."""


@dataclass(frozen=True)
class Stillness:
    """For how long the worker, and each partition that is behind, has stood still."""

    behind: Mapping[TopicPartition, int] = field(default_factory=dict)
    """What is stored of each partition whose log goes further."""
    seconds: float = 0.0
    alone: Mapping[TopicPartition, float] = field(default_factory=dict)

    def later(
        self, stored: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int], passed: float
    ) -> "Stillness":
        """What has become of it after ``passed`` seconds, by what is stored of these partitions and where they end."""
        behind = {part: stored.get(part, -1) for part, end in ends.items() if end > stored.get(part, -1) + 1}
        same = {part for part, place in behind.items() if self.behind.get(part) == place}
        alone = {part: self.alone.get(part, 0.0) + passed if part in same else 0.0 for part in behind}
        # Whatever left the list was stored or taken away: either way something has happened.
        moved = set(self.behind) - same
        return Stillness(behind, self.seconds + passed if same and not moved else 0.0, alone)

    def over(self, patience: float) -> frozenset[TopicPartition]:
        """The partitions for whose sake the worker is to be ended."""
        if self.seconds >= patience:
            return frozenset(self.behind)
        return frozenset(part for part, still in self.alone.items() if still >= patience * ALONE)
