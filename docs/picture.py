"""Draws docs/demo.svg from what the demo itself reports:

tracker demo --once --format json | python docs/picture.py
"""

import json
import re
import sys
from pathlib import Path

from rich.console import Console

from services.cli.demo import _summary


def main() -> None:
    """Read the checkpoints from standard input, draw the demo's own table, leave web fonts out of the picture."""
    found = json.loads(sys.stdin.read().splitlines()[-1])["checkpoints"]
    console = Console(record=True, width=178, file=sys.stderr, force_terminal=True)
    console.print(_summary(found))
    svg = console.export_svg(title="make demo")
    Path(__file__).with_name("demo.svg").write_text(re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL))


if __name__ == "__main__":
    main()
