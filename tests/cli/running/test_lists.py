"""Lists and messages told a file at a time to the running services: each goes on from what they hold of those before."""

import json
from pathlib import Path

import pytest

from tests.cli.running.conftest import Tracker
from tests.intake.chief import EXPORT, draw, message, used, written

pytestmark = pytest.mark.servers
MAPPING = """
list: days-list
source: an invented list
format: csv
timezone: UTC
key: "no"
party: {name: maker}
"""


def _counts(tracker: Tracker, *arguments: object) -> tuple[int, int, int, int]:
    """Rows told, unchanged and rejected, and the facts sent; a command that rejects something ends with 1."""
    done = tracker("ingest", *arguments, "--format", "json")
    assert done.stderr == ""
    found = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == (1 if found["rejected"] else 0)
    return found["told"], found["unchanged"], found["rejected"], found["sent"]


def test_a_list_told_a_day_at_a_time_tells_who_came_and_who_went(tracker: Tracker, tmp_path: Path) -> None:
    mapping = written(tmp_path, "days.yaml", MAPPING)
    days = [
        written(tmp_path, f"2021-05-0{day}.csv", "no,maker\n" + "".join(f"{n},Maker {n}\n" for n in numbers))
        for day, numbers in enumerate(([1, 2, 3], [1, 2, 3, 4], [1, 3, 4]), 1)
    ]
    told = [_counts(tracker, "list-snapshot", day, "--mapping", mapping) for day in days]
    assert told == [(3, 1, 0, 3), (1, 4, 0, 1), (1, 3, 0, 1)]
    assert _counts(tracker, "list-snapshot", *days, "--mapping", mapping)[2:] == (0, 0)
    assert _counts(tracker, "list-snapshot", days[1], "--mapping", mapping)[2:] == (0, 0)


def test_use_of_a_licence_of_an_earlier_file_is_told(tracker: Tracker, tmp_path: Path) -> None:
    licence = written(tmp_path, "licence", message(EXPORT))
    use = used(draw(1, "3"), total="3")
    usage = written(tmp_path, "usage", message(use, kind="usageData", created="203102020830"))
    assert _counts(tracker, "uk-chief", usage)[2:] == (5, 0)
    assert _counts(tracker, "uk-chief", licence)[2:] == (0, 2)
    assert _counts(tracker, "uk-chief", usage)[2:] == (0, 1)
    assert _counts(tracker, "uk-chief", usage)[2:] == (0, 0)
