"""A list told day by day: each file alone, compared with what the services hold, says what all files together would."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from events.envelope import Event
from services.intake.formats.list_snapshot import list_snapshot
from services.intake.rows import Brought, Outcome, Rejected, Told, Unchanged
from tests.intake.known import as_known
from tests.intake.test_list_snapshot import (
    ACME,
    BOLT,
    CORE,
    CSV,
    DUNE,
    LICENCES,
    OFF,
    ON,
    _facts,
    _list,
    _mapping,
    _reasons,
    _said,
    _spans,
)

Read = dict[str, list[Outcome]]


def _after(stored: Sequence[Event], mapping: Path, *paths: Path) -> Read:
    """What files say to services that hold these facts."""
    brought = Brought(mapping, known=as_known(stored))
    return {path.name: list(found) for path, found in list_snapshot.each(paths, brought)}


def _news(stored: Sequence[Event], read: Read) -> list[Event]:
    """The facts that are not stored yet."""
    there = {(one.source, one.id) for one in stored}
    return [one for one in _facts(read) if (one.source, one.id) not in there]


def _day_by_day(mapping: Path, *paths: Path) -> list[Event]:
    """All facts stored when each file is told in a command of its own."""
    stored: list[Event] = []
    for path in paths:
        stored += _news(stored, _after(stored, mapping, path))
    return stored


def _week(folder: Path) -> list[Path]:
    rows = ([ACME, BOLT, DUNE], [ACME, BOLT, CORE], [ACME, CORE, DUNE], [ACME, CORE, DUNE])
    return [_list(folder, f"2021-05-0{day}.csv", *one) for day, one in enumerate(rows, 1)]


@pytest.mark.parametrize("text", [CSV, LICENCES])
def test_a_file_a_day_tells_what_all_files_together_tell(tmp_path: Path, text: str) -> None:
    mapping, week = _mapping(tmp_path, text), _week(tmp_path)
    together = _facts(_after((), mapping, *week))
    alone = _day_by_day(mapping, *week)
    assert {one.id for one in alone} == {one.id for one in together}
    assert len(alone) == 7


def test_a_file_told_again_tells_nothing_new_whatever_was_told_since(tmp_path: Path) -> None:
    mapping, week = _mapping(tmp_path), _week(tmp_path)
    stored = _day_by_day(mapping, *week)
    for path in week:
        assert _news(stored, read := _after(stored, mapping, path)) == []
        assert _reasons(read) == []
    assert _news(stored, _after(stored, mapping, *week)) == []


def test_each_row_of_a_file_compared_with_the_store_has_its_outcome(tmp_path: Path) -> None:
    mapping, (first, second, *_) = _mapping(tmp_path), _week(tmp_path)
    found = _after(_day_by_day(mapping, first), mapping, second)[second.name]
    assert sum(one.rows for one in found) == 4
    assert [type(one).__name__ for one in found] == ["Unchanged", "Unchanged", "Told", "Told"]
    assert isinstance(found[0], Unchanged)


def test_an_old_file_that_would_contradict_later_ones_is_refused_and_says_what_to_give(
    tmp_path: Path,
) -> None:
    mapping, (first, second, third, _) = _mapping(tmp_path), _week(tmp_path)
    stored = _day_by_day(mapping, first, third)
    late = _after(stored, mapping, second)
    (reason,) = _reasons(late)
    assert "the snapshot of 2021-05-03 is told already" in reason
    assert "give this one and all later ones in one command" in reason
    assert isinstance(late[second.name][0], Rejected)
    assert sum(one.rows for one in late[second.name]) == 4
    stored += _news(stored, read := _after(stored, mapping, second, third))
    assert _reasons(read) == []
    assert _spans(stored)[-2:] == _spans(_facts(_after((), mapping, first, second, third)))[-2:]


def test_an_old_file_given_with_a_later_one_that_had_changed_nothing_leaves_what_the_later_one_says(
    tmp_path: Path,
) -> None:
    mapping, names = _mapping(tmp_path), ("2021-05-01.csv", "2021-05-03.csv")
    first, third = (_list(tmp_path, name, ACME, BOLT, CORE) for name in names)
    stored = _day_by_day(mapping, first, third)
    stored += _news(stored, _after(stored, mapping, _list(tmp_path, "2021-05-02.csv", ACME, BOLT), third))
    assert _said({"": [Told("", tuple(stored))]})[3:] == [
        (OFF, "demo-list/core", "05-01"), (ON, "demo-list/core", "05-02"),
    ]  # fmt: skip


def test_a_second_file_of_the_same_day_replaces_the_first(tmp_path: Path) -> None:
    mapping = _mapping(tmp_path)
    stored = _day_by_day(
        mapping, _list(tmp_path, "2021-05-01.csv", ACME, BOLT), _list(tmp_path, "2021-05-02.csv", ACME, CORE)
    )
    news = _news(stored, _after(stored, mapping, _list(tmp_path, "2021-05-02_b.csv", ACME, BOLT, CORE)))
    assert [one.type for one in news] == ["fact.withdrawn"]
    assert [(party, last) for party, _, last in _spans([*stored, *news])] == [
        ("acme", "01-01"), ("bolt", "01-01"), ("core", "01-01"),
    ]  # fmt: skip


def test_a_third_file_of_the_same_day_brings_back_what_the_second_took_away(tmp_path: Path) -> None:
    mapping, names = _mapping(tmp_path), ("2021-05-02.csv", "2021-05-02_b.csv", "2021-05-02_c.csv")
    rows = ([ACME, BOLT, CORE], [ACME, BOLT], [ACME, BOLT, CORE])
    day = [_list(tmp_path, name, *one) for name, one in zip(names, rows, strict=True)]
    stored = _day_by_day(mapping, _list(tmp_path, "2021-05-01.csv", ACME, BOLT), *day)
    assert [party for party, _, _ in _spans(stored)] == ["acme", "bolt", "core"]
    assert _news(stored, _after(stored, mapping, day[2])) == []
    stored += _news(stored, _after(stored, mapping, *day))
    assert [party for party, _, _ in _spans(stored)] == ["acme", "bolt", "core"]


def test_a_fact_that_somebody_withdrew_is_not_compared_with(tmp_path: Path) -> None:
    mapping, (first, second, *_) = _mapping(tmp_path), _week(tmp_path)
    stored = _day_by_day(mapping, first)
    entered = next(one for one in stored if one.subject.endswith("bolt"))
    gone = as_known([entered], withdrawn_by="/clerk")
    brought = Brought(mapping, known=(*as_known(stored), *gone))
    read = {path.name: list(found) for path, found in list_snapshot.each([second], brought)}
    assert [(one.type, one.subject) for one in _facts(read)] == [
        (ON, "demo-list/bolt"), (ON, "demo-list/core"), (OFF, "demo-list/dune"),
    ]  # fmt: skip


def test_a_fact_of_a_day_that_somebody_withdrew_stays_so_when_the_file_is_told_again(tmp_path: Path) -> None:
    mapping, (first, *_) = _mapping(tmp_path), _week(tmp_path)
    stored = _day_by_day(mapping, first)
    brought = Brought(mapping, known=(*as_known(stored), *as_known(stored[:1], withdrawn_by="/clerk")))
    read = {path.name: list(found) for path, found in list_snapshot.each([first], brought)}
    assert _news(stored, read) == []


def test_a_snapshot_that_lost_most_parties_is_refused_by_what_is_stored(tmp_path: Path) -> None:
    mapping = _mapping(tmp_path)
    stored = _day_by_day(mapping, _list(tmp_path, "2021-05-01.csv", ACME, BOLT, CORE, DUNE))
    read = _after(stored, mapping, _list(tmp_path, "2021-05-02.csv", ACME))
    assert "3 of 4 entries are gone at once" in _reasons(read)[0]
    assert _facts(read) == []


def test_a_damaged_row_removes_nobody_where_the_rows_of_the_parties_are_not_known(tmp_path: Path) -> None:
    mapping = _mapping(tmp_path)
    stored = _day_by_day(mapping, _list(tmp_path, "2021-05-01.csv", ACME, BOLT, CORE))
    read = _after(stored, mapping, _list(tmp_path, "2021-05-02.csv", ACME, "2;;yes;92,5", CORE))
    assert _facts(read) == []
    assert len(_reasons(read)) == 1


def test_a_row_that_is_damaged_in_two_files_of_one_command_removes_nobody(tmp_path: Path) -> None:
    mapping = _mapping(tmp_path)
    stored = _day_by_day(mapping, _list(tmp_path, "2021-05-01.csv", ACME, BOLT, CORE))
    damaged = [_list(tmp_path, f"2021-05-0{day}.csv", ACME, "2;;yes;92,5", CORE) for day in (2, 3)]
    whole = _list(tmp_path, "2021-05-04.csv", ACME, BOLT, CORE)
    without = _list(tmp_path, "2021-05-05.csv", ACME, CORE)
    read = _after(stored, mapping, *damaged, whole)
    assert _facts(read) == []
    assert len(_reasons(read)) == 2
    for more in ([*damaged, whole, without], [*damaged, without]):
        (fact,) = _facts(_after(stored, mapping, *more))
        assert (fact.type, fact.subject, f"{fact.time:%m-%d}") == (OFF, "demo-list/bolt", "05-04")


def test_parties_that_come_back_behind_damaged_rows_do_not_count_as_gone(tmp_path: Path) -> None:
    mapping = _mapping(tmp_path)
    stored = _day_by_day(mapping, _list(tmp_path, "2021-05-01.csv", ACME, BOLT, CORE))
    damaged = _list(tmp_path, "2021-05-02.csv", "1;;yes;92,5", "2;;yes;92,5", "3;;yes;92,5")
    read = _after(stored, mapping, damaged, _list(tmp_path, "2021-05-03.csv", ACME, BOLT, CORE))
    assert _facts(read) == []
    assert len(_reasons(read)) == 3


def test_with_a_previous_file_the_store_is_not_asked(tmp_path: Path) -> None:
    mapping, (first, *_) = _mapping(tmp_path), _week(tmp_path)
    assert list_snapshot.sources(Brought(mapping)) == ("list-snapshot/demo-list",)
    assert list_snapshot.sources(Brought(mapping, previous=first)) == ()
