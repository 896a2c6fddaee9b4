"""What the faults of this run came to: how often each was tried, how often it bit, and how soon work went on again."""

import os
import subprocess
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

SEED = int(os.environ.get("FAULT_SEED", "20200331"))
KILLS = int(os.environ.get("FAULT_KILLS", "300"))
EVENTS = int(os.environ.get("FAULT_EVENTS", "1000000"))


@dataclass
class Row:
    """One kind of fault. ``bit``: trials in which the fault provably met work; a run without any is invalid."""

    fault: str
    trials: int = 0
    bit: int = 0
    lost: int = 0
    doubled: int = 0
    events: int = 0
    recoveries: list[float] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)

    def cells(self) -> list[str]:
        p50, p99 = (f"{quantile(self.recoveries, q):.1f} s" if self.recoveries else "–" for q in (0.5, 0.99))
        failed = self.lost + self.doubled
        bound = f"{min(1.0, 3 / self.bit):.1%}" if self.bit and not failed else "–"
        notes = ", ".join(f"{name} {count}" for name, count in self.notes.items())
        return [self.fault, f"{self.trials}", f"{self.bit}", f"{self.events}", f"{self.lost}", f"{self.doubled}", p50,
                p99, bound, notes]  # fmt: skip


ROWS: dict[str, Row] = {}
HEAD = ["fault", "trials", "bit", "events", "lost", "doubled", "p50", "p99", "≤ (95 %)", "counted"]


def row(fault: str) -> Row:
    """The row of this fault, begun at its first use."""
    return ROWS.setdefault(fault, Row(fault))


def quantile(numbers: list[float], q: float) -> float:
    ordered = sorted(numbers)
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))]


def table() -> str:
    """All rows, with the seed and the commit of this run."""
    rows = [HEAD, *(one.cells() for one in ROWS.values())]
    widths = [max(len(row[n]) for row in rows) for n in range(len(HEAD))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    return "\n".join([f"seed {SEED}, commit {commit()}", *lines])


def commit() -> str:
    """The commit of this checkout; where there is none, that is said."""
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=Path(__file__).parent, capture_output=True,
                          text=True, check=False)  # fmt: skip
    return done.stdout.strip() or "unknown"
