"""A figure and its baseline: measured in turn, several times, so that a busy moment of the machine hits both."""

import gc
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

Work = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure. ``ratio``: value / baseline_value; ``goal`` bounds it from below, from above if ``most``."""

    name: str
    value: float
    unit: str
    baseline: str
    baseline_value: float
    goal: float
    n: int
    most: bool = False

    @property
    def ratio(self) -> float:
        return self.value / self.baseline_value

    @property
    def met(self) -> bool:
        return self.ratio <= self.goal if self.most else self.ratio >= self.goal

    def row(self) -> dict[str, object]:
        """The figure as it is written to the results."""
        told = {key: value for key, value in asdict(self).items() if key != "most"}
        return {**told, "ratio": round(self.ratio, 3), "met": self.met}

    def __str__(self) -> str:
        sign = "≤" if self.most else "≥"
        return (f"{self.name}: {self.value:,.4g} {self.unit} · {self.baseline}: {self.baseline_value:,.4g} · "
                f"ratio {self.ratio:.3g} (goal {sign} {self.goal:g}: {'met' if self.met else 'missed'}) · "
                f"n = {self.n:,}")  # fmt: skip


async def in_turn(works: Sequence[Work], times: int) -> list[float]:
    """The median seconds of each work, all of them done in turn ``times`` over."""
    took: list[list[float]] = [[] for _ in works]
    for _ in range(times):
        for work, seconds in zip(works, took, strict=True):
            gc.collect()
            began = time.perf_counter()
            await work()
            seconds.append(time.perf_counter() - began)
    return [median(seconds) for seconds in took]


def write(figures: Sequence[Figure], path: Path) -> None:
    """Write the figures as JSON, one object each."""
    path.write_text(json.dumps([figure.row() for figure in figures], indent=1) + "\n")
