"""Lists of Global Trade Alert one after another: an end that is gone opens the rule again, and packs are not told twice."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pytest

from events.envelope import Event
from events.rule_document import RuleDocument
from services.domain.book import Book, frame_of
from services.intake.formats.gta import gta
from services.intake.formats.gta_known import SHIPPED
from services.intake.rows import Brought, Outcome, Rejected, Told, Unchanged
from services.runtime import packs
from tests.intake.known import as_known
from tests.intake.test_gta import BAN, written

OPEN, MAY, JUNE = BAN, BAN | {"Removal date": "2020-05-31"}, BAN | {"Removal date": "2020-06-30"}


def _list(folder: Path, month: int, row: dict[str, str]) -> Path:
    return written(folder, row, name=f"list-2020-{month:02}-16.csv")


def _read(paths: Sequence[Path], stored: Sequence[Event] = ()) -> list[Outcome]:
    brought = Brought(known=as_known(stored))
    return [one for _, found in gta.each(paths, brought) for one in found]


def _facts(found: Sequence[Outcome]) -> list[Event]:
    return [fact for one in found if isinstance(one, Told) for fact in one.facts]


def _month_by_month(*paths: Path) -> list[Event]:
    """What is stored when each list is told in a command of its own."""
    stored: list[Event] = []
    for path in paths:
        there = {one.id for one in stored}
        stored += [one for one in _facts(_read([path], stored)) if one.id not in there]
    return stored


def _act(facts: Sequence[Event], known: str | None = None) -> RuleDocument:
    book = Book.from_events(frame_of(facts)).known(None if known is None else datetime.fromisoformat(known))
    (rule,) = book.rules
    return rule


def _ends(facts: Sequence[Event], known: str | None = None) -> str | None:
    """The last day in force, as known by then."""
    through = _act(facts, known).clauses[0].in_force[0].through
    return None if through is None else str(through)


def test_a_list_without_the_end_of_the_last_one_opens_the_rule_again(tmp_path: Path) -> None:
    lists = [_list(tmp_path, 8, MAY), _list(tmp_path, 9, OPEN)]
    for facts in (_facts(_read(lists)), _month_by_month(*lists)):
        assert _ends(facts) is None
        assert _ends(facts, "2020-09-01T00:00+00:00") == "2020-05-31"
        assert _act(facts) == _act(facts, "2020-03-12T00:00+00:00")


def test_an_end_that_moves_and_comes_back_is_the_one_the_newest_list_says(tmp_path: Path) -> None:
    lists = [_list(tmp_path, number, row) for number, row in ((7, MAY), (8, JUNE), (9, MAY))]
    for facts in (_facts(_read(lists)), _month_by_month(*lists)):
        assert _ends(facts) == "2020-05-31"
        assert _ends(facts, "2020-08-20T00:00+00:00") == "2020-06-30"


def test_an_end_that_a_later_list_adds_is_told_as_from_that_list_alone(tmp_path: Path) -> None:
    lists = [_list(tmp_path, 4, OPEN), _list(tmp_path, 9, MAY)]
    alone = _facts(_read([lists[1]]))
    for facts in (alone, _facts(_read(lists)), _month_by_month(*lists)):
        assert _ends(facts) == "2020-05-31"
        assert _ends(facts, "2020-05-15T00:00+00:00") is None
        assert len(facts) == 2


def test_lists_told_again_in_any_order_change_nothing(tmp_path: Path) -> None:
    lists = [_list(tmp_path, 8, MAY), _list(tmp_path, 9, OPEN)]
    stored = _month_by_month(*lists)
    for again in ([lists[1]], [lists[0]], lists):
        assert {one.id for one in _facts(_read(again, stored))} <= {one.id for one in stored}


@pytest.mark.parametrize(
    "rows", [(OPEN, MAY), (MAY, OPEN), (OPEN, MAY, OPEN), (MAY, JUNE, MAY), (JUNE, OPEN, MAY)]
)
def test_lists_told_again_each_alone_or_all_in_one_command_leave_what_the_newest_said(
    tmp_path: Path, rows: Sequence[dict[str, str]]
) -> None:
    lists = [_list(tmp_path, 5 + number, row) for number, row in enumerate(rows)]
    stored = _month_by_month(*lists)
    for again in (*([one] for one in lists), lists, lists[:-1]):
        assert _facts(_read(again, stored)) == []
    assert _ends(stored) == _ends(_facts(_read(lists))) == (rows[-1]["Removal date"] or None)


@pytest.mark.parametrize("rows", [(OPEN, MAY), (MAY, OPEN)])
def test_an_older_list_told_late_changes_nothing(tmp_path: Path, rows: Sequence[dict[str, str]]) -> None:
    older, newer = _list(tmp_path, 5, rows[0]), _list(tmp_path, 9, rows[1])
    stored = _month_by_month(newer)
    (found,) = _read([older], stored)
    assert found == Unchanged("line 2, entry 101", "the list of 2020-09-16 says otherwise, and it is newer")


def test_an_end_that_was_foretold_and_is_gone_before_it_came_opens_the_rule_again(tmp_path: Path) -> None:
    lists = [_list(tmp_path, 4, BAN | {"Removal date": "2020-12-31"}), _list(tmp_path, 5, OPEN)]
    assert _ends(_month_by_month(*lists)) is None


def test_two_lists_of_one_day_that_say_otherwise_are_not_put_in_an_order(tmp_path: Path) -> None:
    stored = _month_by_month(_list(tmp_path, 8, MAY))
    (found,) = _read([written(tmp_path, OPEN, name="other-2020-08-16.csv")], stored)
    assert isinstance(found, Rejected)
    assert "another list of the same day says otherwise" in found.reason


def test_an_older_list_does_not_close_what_a_newer_one_opened(tmp_path: Path) -> None:
    lists = [_list(tmp_path, 8, MAY), _list(tmp_path, 9, OPEN)]
    stored = _month_by_month(*lists)
    (found,) = _read([_list(tmp_path, 7, JUNE)], stored)
    assert isinstance(found, Unchanged)
    assert found.reason == "the list of 2020-09-16 says otherwise, and it is newer"


def test_a_list_of_no_day_that_says_otherwise_is_asked_for_its_day(tmp_path: Path) -> None:
    stored = _month_by_month(_list(tmp_path, 8, MAY))
    (found,) = _read([written(tmp_path, OPEN, name="list.csv")], stored)
    assert isinstance(found, Rejected)
    assert "give the day of this one, --day" in found.reason


def test_a_list_of_no_day_is_gone_on_from_by_a_first_end_alone(tmp_path: Path) -> None:
    stored = _month_by_month(written(tmp_path, OPEN, name="list.csv"), _list(tmp_path, 8, MAY))
    assert _ends(stored) == "2020-05-31"
    undated = _month_by_month(written(tmp_path, MAY, name="list.csv"))
    (found,) = _read([_list(tmp_path, 9, OPEN)], undated)
    assert isinstance(found, Rejected)
    assert f"withdraw what it told, {undated[-1].id} of urn:globaltradealert.org" in found.reason


def test_an_end_that_somebody_withdrew_is_told_anew(tmp_path: Path) -> None:
    may = _list(tmp_path, 8, MAY)
    stored = _month_by_month(may)
    known = (*as_known(stored), *as_known([stored[-1]], withdrawn_by="/clerk"))
    ((_, found),) = gta.each([_list(tmp_path, 9, MAY)], Brought(known=known))
    (again,) = _facts(list(found))
    assert again.id not in {one.id for one in stored}
    assert _ends([*stored, again]) == "2020-05-31"
    ((_, found),) = gta.each([may], Brought(known=known))
    assert list(found) == [Unchanged("line 2, entry 101", "told before, and withdrawn since")]


@pytest.mark.parametrize("entry", SHIPPED)
def test_a_row_whose_act_ships_as_a_pack_is_unchanged(tmp_path: Path, entry: str) -> None:
    (found,) = _read([written(tmp_path, BAN | {"Entry ID": entry})])
    assert found == Unchanged(f"line 2, entry {entry}", f"the pack {SHIPPED[entry]} is this act")


def test_the_acts_that_rows_are_taken_for_do_ship() -> None:
    assert set(SHIPPED.values()) <= packs.acts().keys()
    assert len(SHIPPED) == 4
