"""Draws docs/demo.svg from what the demo itself reports:

tracker demo --once --format json | python docs/picture.py
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from services.cli.demo import _by_class, _summary

_BESIDE = ("2020-04-01", "2020-04-27")


def main() -> None:
    """Read the checkpoints from standard input, draw the demo's own tables, leave web fonts out of the picture."""
    found = json.loads(sys.stdin.read().splitlines()[-1])["checkpoints"]
    console = Console(record=True, width=178, file=sys.stderr, force_terminal=True)
    beside = Table.grid(padding=(0, 6))
    beside.add_row(*(_day(one) for one in found if one["label"] in _BESIDE))
    console.print(beside, "", _summary(found))
    svg = console.export_svg(title="make demo")
    svg = re.sub(r"@font-face \{.*?\}|<!-- .*? -->", "", svg, flags=re.DOTALL)
    tidy = "\n".join(line.rstrip() for line in svg.splitlines() if line.strip())
    Path(__file__).with_name("demo.svg").write_text(f"{tidy}\n")


def _day(checkpoint: dict[str, Any]) -> Group:
    """The open lines at noon of one day, by goods and verdict."""
    rows = [
        {"class": name, "verdict": verdict, "lines": lines}
        for name, counts in checkpoint["by_class"].items()
        for verdict, lines in counts.items()
    ]
    return Group(Text(f"open lines, noon of {checkpoint['label']}", style="bold"), _by_class(rows))


if __name__ == "__main__":
    main()
