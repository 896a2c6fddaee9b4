"""What `make bench` says of a figure, and the books it measures on."""

import json
from pathlib import Path

from bench.books import NOW, books, law, story
from bench.figures import Figure, write
from events.registry import topic_of
from services.domain.book import Book, frame_of
from services.domain.verdicts import assess


def _figure(value: float, goal: float, most: bool) -> Figure:
    return Figure("speed", value, "lines/s", "bare", 10.0, goal, 5, most)


def test_a_goal_is_met_from_above_or_from_below() -> None:
    assert [_figure(5, 0.5, False).met, _figure(4.9, 0.5, False).met] == [True, False]
    assert [_figure(30, 3, True).met, _figure(30.1, 3, True).met] == [True, False]


def test_the_results_hold_one_object_for_each_figure(tmp_path: Path) -> None:
    write([_figure(5, 0.5, False)], tmp_path / "results.json")
    (row,) = json.loads((tmp_path / "results.json").read_text())
    assert row == {"name": "speed", "value": 5, "unit": "lines/s", "baseline": "bare", "baseline_value": 10.0,
                   "ratio": 0.5, "goal": 0.5, "met": True, "n": 5}  # fmt: skip


def test_a_second_story_doubles_every_verdict() -> None:
    def counted(copies: int) -> dict[str, int]:
        rows = assess(Book.from_events(frame_of([*law(), *books(copies)])), now=NOW)
        return dict(rows.group_by("verdict").len().rows())

    once, twice = counted(1), counted(2)
    assert twice == {verdict: 2 * lines for verdict, lines in once.items()}
    shared = sum(topic_of(one.type) == "rules" for one in story())
    assert len({(one.source, one.id) for one in books(2)}) == 2 * len(story()) - shared
