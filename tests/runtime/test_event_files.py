"""Files of events: one event a line, or one JSON text; a mistake costs what it touches and hides nothing else."""

import json
from pathlib import Path

import pytest

from events.envelope import Event
from events.wire import Unreadable
from services.runtime.event_files import each
from services.runtime.yaml_text import FileError
from tests.impact.stage import contract, fact

FACTS = [fact("contract.signed", contract("acme", f"C{number}")).wire() for number in range(3)]
LINES = [json.dumps(one) for one in FACTS]


def found(tmp_path: Path, text: str) -> list[tuple[str, bool]]:
    """The place of each event of a file, and whether it can be read."""
    path = tmp_path / "events.jsonl"
    path.write_text(text)
    return [(place, isinstance(one, Event)) for place, one in each(path)]


def test_each_line_is_an_event_and_empty_lines_are_none(tmp_path: Path) -> None:
    assert found(tmp_path, "\n".join([LINES[0], "", *LINES[1:]])) == [
        ("line 1", True), ("line 3", True), ("line 4", True),
    ]  # fmt: skip


@pytest.mark.parametrize("damaged", [LINES[0][:40], "oops", '{"specversion": "1.0",', "12"])
def test_a_damaged_first_line_hides_no_other(tmp_path: Path, damaged: str) -> None:
    assert found(tmp_path, "\n".join([damaged, *LINES[1:]])) == [
        ("line 1", False), ("line 2", True), ("line 3", True),
    ]  # fmt: skip


def test_two_damaged_lines_at_the_start_are_two(tmp_path: Path) -> None:
    assert found(tmp_path, "\n".join(["{", "}", LINES[2]])) == [
        ("line 1", False), ("line 2", False), ("line 3", True),
    ]  # fmt: skip


@pytest.mark.parametrize("text", [json.dumps(FACTS, indent=2), "[\n" + ",\n".join(LINES) + "\n]"])
def test_one_text_over_many_lines_is_read_as_a_whole(tmp_path: Path, text: str) -> None:
    assert found(tmp_path, text) == [(f"event {number}", True) for number in (1, 2, 3)]


def test_a_mistake_in_one_text_is_told_once_with_its_line(tmp_path: Path) -> None:
    for text in (json.dumps(FACTS, indent=2), "[\n" + ",\n".join(LINES) + "\n]"):
        assert found(tmp_path, text.replace('"1.0"', "1.0.0", 1)) == [
            (next(f"line {n}" for n, line in enumerate(text.split("\n"), 1) if '"1.0"' in line), False)
        ]


def test_an_array_on_one_line_holds_many_events(tmp_path: Path) -> None:
    assert found(tmp_path, json.dumps(FACTS)) == [("line 1", True)] * 3


def test_an_empty_file_holds_nothing(tmp_path: Path) -> None:
    assert found(tmp_path, "\n") == []


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="there is no such file"):
        list(each(tmp_path / "none.jsonl"))


def test_what_cannot_be_read_keeps_its_reason(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text("oops\n" + LINES[0])
    (_, first), _ = each(path)
    assert isinstance(first, Unreadable)
    assert "not JSON" in first.reason
