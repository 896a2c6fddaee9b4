"""A message a day: each one alone, beside what the services hold, says what all of them say in one command."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from events.envelope import Event
from services.intake.formats.uk_chief import uk_chief
from services.intake.rows import Brought, Outcome, Rejected, Told
from tests.intake.chief import EXPORT, draw, message, used, written
from tests.intake.known import as_known

REFERENCE = "GBSIEL/2031/0000007/P"


def _read(stored: Sequence[Event], *paths: Path, day: datetime | None = None) -> list[Outcome]:
    brought = Brought(day=day, known=as_known(stored))
    return [one for _, found in uk_chief.each(paths, brought) for one in found]


def _news(stored: Sequence[Event], found: Sequence[Outcome]) -> list[Event]:
    there = {(one.source, one.id) for one in stored}
    facts = [fact for one in found if isinstance(one, Told) for fact in one.facts]
    return [one for one in facts if (one.source, one.id) not in there]


def _day_by_day(*paths: Path) -> list[Event]:
    """All facts stored when each message is told in a command of its own."""
    stored: list[Event] = []
    for path in paths:
        stored += _news(stored, _read(stored, path))
    return stored


def _ids(facts: Sequence[Event]) -> set[tuple[str, str]]:
    return {(one.source, one.id) for one in facts}


def _read_facts(*paths: Path) -> list[Event]:
    return _news((), _read((), *paths))


def _refused(found: Sequence[Outcome]) -> list[str]:
    return [one.reason for one in found if isinstance(one, Rejected)]


def _usage(folder: Path, day: int, *draws: str, total: str, status: str = "O\\") -> Path:
    text = message(used(*draws, total=total, status=status), kind="usageData", created=f"203102{day:02}2030")
    return written(folder, f"usage-{day}", text)


def _month(folder: Path) -> list[Path]:
    """A licence, two days of use, the second of draws nobody saw; its replacement, its end, and a larger one."""
    replaced = [line.replace("insert", "replace") for line in EXPORT[:6]]
    cancelled = [line.replace("insert", "cancel") for line in EXPORT[:1]]
    larger = [line.replace("\\10\\", "\\12\\") for line in EXPORT]
    return [
        written(folder, "a-licence", message(EXPORT)),
        _usage(folder, 2, draw(1, "3"), total="3"),
        _usage(folder, 3, draw(2, "1"), total="6"),
        written(folder, "b-licence", message(replaced, created="203103011200")),
        written(folder, "c-licence", message(cancelled, created="203104011200")),
        written(folder, "d-licence", message(larger, created="203105011200")),
    ]


def test_a_message_a_day_tells_what_all_messages_together_tell(tmp_path: Path) -> None:
    month = _month(tmp_path)
    together = _news((), _read((), *month))
    alone = _day_by_day(*month)
    assert _ids(alone) == _ids(together)
    assert [one.type for one in alone].count("licence.used") == 3
    assert [one.type for one in alone].count("licence.revoked") == 2


def test_a_message_told_again_tells_nothing_new_whatever_was_told_since(tmp_path: Path) -> None:
    month = _month(tmp_path)
    stored = _day_by_day(*month)
    for path in month:
        found = _read(stored, path)
        assert (path.name, _news(stored, found), _refused(found)) == (path.name, [], [])
    assert _news(stored, _read(stored, *month)) == []


def test_use_of_a_licence_that_was_told_before_is_drawn_from_it(tmp_path: Path) -> None:
    licence, usage = written(tmp_path, "a", message(EXPORT)), _usage(tmp_path, 2, draw(1, "3"), total="3")
    assert "stand in none of the messages given or stored" in _refused(_read((), usage))[0]
    (one,) = _news(stored := _day_by_day(licence), _read(stored, usage))
    assert one.wire()["data"] == {
        "scheme": "gb-siel", "licence": f"{REFERENCE}/1", "quantity": "3", "unit": "H87", "at": "2031-02-01T00:00:00Z",
    }  # fmt: skip


def test_use_reported_in_the_minute_of_its_licence_is_drawn_from_it(tmp_path: Path) -> None:
    licence = written(tmp_path, "a", message(EXPORT, created="203102022030"))
    (one,) = _news(
        stored := _day_by_day(licence), _read(stored, _usage(tmp_path, 2, draw(1, "3"), total="3"))
    )
    assert one.type == "licence.used"


def test_a_licence_that_was_told_before_is_cancelled_with_all_its_lines(tmp_path: Path) -> None:
    cancel = written(tmp_path, "b", message([EXPORT[0].replace("insert", "cancel")], created="203104011200"))
    stored = _day_by_day(written(tmp_path, "a", message(EXPORT)))
    found = _news(stored, _read(stored, cancel))
    assert sorted((one.type, one.subject) for one in found) == [
        ("licence.revoked", f"gb-siel/{REFERENCE}/1"), ("licence.revoked", f"gb-siel/{REFERENCE}/2"),
    ]  # fmt: skip


def test_a_draw_that_was_withdrawn_is_counted_no_more(tmp_path: Path) -> None:
    licence, first = written(tmp_path, "a", message(EXPORT)), _usage(tmp_path, 2, draw(1, "3"), total="3")
    taken_back = _usage(tmp_path, 4, total="0.5")
    stored = _day_by_day(licence, first)
    assert "customs took one back; withdraw it" in _refused(_read(stored, taken_back))[0]
    used_ = [one for one in stored if one.type == "licence.used"]
    known = (*as_known(stored), *as_known(used_, withdrawn_by="/clerk"))
    found = [one for _, read in uk_chief.each([taken_back], Brought(known=known)) for one in read]
    assert [one.wire()["data"]["quantity"] for one in _news(stored, found)] == ["0.5"]


def _drawn(facts: Sequence[Event]) -> Decimal:
    return sum(
        (Decimal(one.wire()["data"]["quantity"]) for one in facts if one.type == "licence.used"), Decimal(0)
    )


def test_use_that_a_later_message_accounts_for_is_told_once_that_is_withdrawn(tmp_path: Path) -> None:
    licence, late = written(tmp_path, "a", message(EXPORT)), _usage(tmp_path, 3, draw(2, "1"), total="4")
    stored = _day_by_day(licence, late)
    early = _usage(tmp_path, 2, draw(1, "3"), total="3")
    (accounting,) = [one for one in stored if one.source == f"gb-chief/{REFERENCE}/1"]
    for paths in ([early], [early, late]):
        found = _read(stored, *paths)
        assert _news(stored, found) == []
        assert _refused(found)[0] == (
            "not told before the message of 2031-02-03 20:30, whose total accounts for it already: withdraw "
            f"{accounting.id} of gb-chief/{REFERENCE}/1, give this message, and then that one again"
        )
    gone = as_known([accounting], withdrawn_by="/clerk")
    for paths in ([early], [late]):
        brought = Brought(known=(*as_known(stored), *gone))
        found = [one for _, read in uk_chief.each(paths, brought) for one in read]
        assert _refused(found) == []
        stored += _news(stored, found)
    assert _drawn([one for one in stored if one is not accounting]) == 4


def test_a_late_message_of_what_is_drawn_anyhow_is_told(tmp_path: Path) -> None:
    licence, late = written(tmp_path, "a", message(EXPORT)), _usage(tmp_path, 3, draw(2, "4"), total="4")
    stored = _day_by_day(licence, late)
    assert _refused(_read(stored, _usage(tmp_path, 2, total="0"))) == []


def _minute(folder: Path, *uses: tuple[Sequence[str], str]) -> list[Path]:
    """Messages about use, all made in one minute, by their draws and their totals."""
    texts = [message(used(*draws, total=total), kind="usageData", created="203102022030", run=run)
             for run, (draws, total) in enumerate(uses, 1)]  # fmt: skip
    return [written(folder, f"usage-{run}", text) for run, text in enumerate(texts, 1)]


@pytest.mark.parametrize(
    ("first", "second"),
    [([draw(1, "3")], [draw(2, "1")]), ([], []), ([draw(1, "3")], []), ([draw(1, "2")], [draw(2, "1")])],
)
def test_messages_of_one_minute_may_be_told_apart_and_again(
    tmp_path: Path, first: Sequence[str], second: Sequence[str]
) -> None:
    licence, total = written(tmp_path, "a", message(EXPORT)), "4"
    minute = _minute(tmp_path, (first, "3"), (second, total))
    together = _day_by_day(licence)
    together += _news(together, _read(together, *minute))
    assert _drawn(together) == 4
    apart = _day_by_day(licence, minute[0])
    if first == [draw(1, "3")]:
        apart += _news(apart, _read(apart, minute[1]))
        assert _ids(apart) == _ids(together)
    for again in ([minute[0]], [minute[1]], minute):
        found = _read(together, *again)
        assert (_news(together, found), _refused(found)) == ([], [])


@pytest.mark.parametrize("draws", [[], [draw(2, "1")]])
def test_use_of_a_minute_whose_total_was_told_is_given_with_it(tmp_path: Path, draws: Sequence[str]) -> None:
    licence = written(tmp_path, "a", message(EXPORT))
    first, second = _minute(tmp_path, ([], "3"), (draws, "4"))
    stored = _day_by_day(licence, first)
    assert "give all messages of 2031-02-02 20:30 in one command" in _refused(_read(stored, second))[0]
    found = _read(stored, first, second)
    assert _refused(found) == []
    assert _drawn([*stored, *_news(stored, found)]) == 4


def test_what_customs_took_back_in_one_minute_is_not_taken_for_a_message_told_again(tmp_path: Path) -> None:
    licence = written(tmp_path, "a", message(EXPORT))
    first, second = _minute(tmp_path, ([draw(1, "3")], "3"), ([], "1"))
    stored = _day_by_day(licence, first)
    assert "give the messages of that minute in one command" in _refused(_read(stored, second))[0]
    assert "customs took one back; withdraw it" in _refused(_read(stored, first, second))[0]


def _licences(folder: Path, *minutes: str) -> list[Path]:
    """A licence of one line; its replacement, which adds the second; and one that has the first alone again."""
    replaced = [line.replace("insert", "replace") for line in EXPORT]
    texts = (EXPORT[:6], replaced, replaced[:6])
    return [
        written(folder, f"licence-{run}", message(text, created=minute, run=run))
        for run, (text, minute) in enumerate(zip(texts, minutes, strict=True), 1)
    ]


def _revoked(facts: Sequence[Event]) -> list[str]:
    return [one.subject for one in facts if one.type == "licence.revoked"]


def test_a_licence_message_that_comes_late_is_given_with_all_later_ones(tmp_path: Path) -> None:
    first, second, third = _licences(tmp_path, "203101041200", "203101051200", "203101061200")
    stored = _day_by_day(first, third)
    reasons = _refused(late := _read(stored, second))
    assert "messages about GBSIEL/2031/0000007/P that were made later are told already" in reasons[0]
    assert "give this one and all later ones in one command" in reasons[0]
    assert _news(stored, late) == []
    found = _read(stored, second, third)
    assert _refused(found) == []
    stored += _news(stored, found)
    assert _revoked(stored) == [f"gb-siel/{REFERENCE}/2"]
    assert _ids(stored) == _ids(_read_facts(first, second, third))


def test_a_late_licence_message_given_without_one_of_the_later_ones_is_refused(tmp_path: Path) -> None:
    first, second, third = _licences(tmp_path, "203101041200", "203101051200", "203101061200")
    cancel = written(tmp_path, "z", message([EXPORT[0].replace("insert", "cancel")], created="203104011200"))
    stored = _day_by_day(first, third, cancel)
    assert "give this one and all later ones" in _refused(_read(stored, second, cancel))[0]
    assert _refused(_read(stored, second, third, cancel)) == []


def test_an_end_by_use_that_comes_late_does_not_end_what_was_told_again_since(tmp_path: Path) -> None:
    larger = [line.replace("\\10\\", "\\12\\") for line in EXPORT]
    licence = written(tmp_path, "a", message(EXPORT))
    again = written(tmp_path, "b", message(larger, created="203105011200"))
    ends = _usage(tmp_path, 9, total="0", status="S\\20310209")
    stored = _day_by_day(licence, again)
    for paths in ([ends], [ends, again]):
        reason = _refused(found := _read(stored, *paths))[0]
        assert "withdraw what that one told, give this one, then that one" in reason
        assert _news(stored, found) == []
    assert _refused(_read(_day_by_day(licence, ends, again), ends)) == []


@pytest.mark.parametrize("told", [1, 2])
def test_licence_messages_of_one_minute_are_told_in_one_command(tmp_path: Path, told: int) -> None:
    first, second, third = _licences(tmp_path, "203101041200", "203101051200", "203101051200")
    stored = _day_by_day(first, (second, third)[told - 1])
    apart = (third, second)[told - 1]
    assert (
        "made in this very minute is told already: give both in one command"
        in _refused(_read(stored, apart))[0]
    )
    found = _read(stored, second, third)
    assert _refused(found) == []
    stored += _news(stored, found)
    assert _revoked(stored) == [f"gb-siel/{REFERENCE}/2"]
    for path in (first, second, third):
        assert (_news(stored, again := _read(stored, path)), _refused(again)) == ([], [])


def test_the_messages_ask_for_what_their_own_source_told() -> None:
    assert uk_chief.sources(Brought()) == ("gb-chief",)


@pytest.mark.parametrize("goods", [[{"hs": "6903"}, {"hs": "6904"}], None])
def test_a_licence_that_somebody_else_told_under_the_source_is_none_of_ours(
    tmp_path: Path, goods: list[dict[str, str]] | None
) -> None:
    stored = _day_by_day(written(tmp_path, "a", message(EXPORT)))
    one = as_known(stored)[0]
    data = {**one.data, "licence": "GBX/7", "goods": goods}
    other = replace(one, id="other", data={k: v for k, v in data.items() if v is not None})
    usage = _usage(tmp_path, 2, draw(1, "3"), total="3")
    brought = Brought(known=(*as_known(stored), other))
    found = [one for _, read in uk_chief.each([usage], brought) for one in read]
    assert len(_news(stored, found)) == 1


def test_facts_of_another_kind_under_the_source_do_not_matter(tmp_path: Path) -> None:
    stored = _day_by_day(written(tmp_path, "a", message(EXPORT)))
    suspended = replace(
        as_known(stored)[0], type="licence.suspended", recorded=datetime(2031, 1, 9, tzinfo=UTC)
    )
    usage = _usage(tmp_path, 2, draw(1, "3"), total="3")
    known = (*as_known(stored), suspended)
    found = [one for _, read in uk_chief.each([usage], Brought(known=known)) for one in read]
    assert len(_news(stored, found)) == 1
