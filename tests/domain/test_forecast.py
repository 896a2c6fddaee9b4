"""When a blocked line may go: lead times, applications, fast tracks and probabilities."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.envelope import Event
from services.domain.forecast import releases
from services.domain.leadtimes import probability
from services.domain.verdicts import assess
from tests.domain.blocked import NOW, book, fact, granted, lead_time, line, rule, signed


def applied(at: str, **more: Any) -> Event:
    return fact(
        "licence.applied", **{"scheme": "registration", "licence": "L1", "holder": "acme", "at": at, **more}
    )


def release(*facts: Event, under: Event | None = None) -> dict[str, Any]:
    of = book(*facts, under=under)
    row = releases(of, assess(of, now=NOW).with_row_index("n")).row(0, named=True)
    days = [
        row[f"release_{case}"].strftime("%m-%d") if row[f"release_{case}"] else None
        for case in ("low", "base", "high")
    ]
    return {**row, "days": days}


def test_a_licence_comes_at_the_quantiles_of_its_lead_time_counted_from_the_block() -> None:
    found = release(signed(), lead_time(10, 40, 100))
    assert (found["days"], found["release_tag"]) == (["04-11", "05-11", "07-10"], "estimated")


def test_an_application_starts_the_count() -> None:
    assert release(signed(), lead_time(10, 40, 100), applied("2020-03-01T00:00+00:00"))["days"][1] == "04-10"


def test_only_an_application_of_the_maker_for_these_goods_that_is_still_pending_counts() -> None:
    others = [
        applied("2020-03-01T00:00+00:00", holder="globex"),
        applied("2020-03-01T00:00+00:00", licence="L2", goods=[{"class": "mask"}]),
        applied("2020-03-01T00:00+00:00", licence="L3", scheme="another"),
        applied("2020-02-01T00:00+00:00", licence="L4"),
        granted("2020-02-02T00:00+00:00", licence="L4", goods=[{"class": "mask"}]),
    ]
    assert release(signed(), lead_time(10, 40, 100), *others)["days"][1] == "05-11"


def test_the_authoritys_own_word_moves_the_middle_and_stays_within_the_bounds() -> None:
    pending = applied("2020-03-01T00:00+00:00", expected="2020-04-05T00:00+00:00")
    found = release(signed(), lead_time(10, 40, 100), pending)
    assert (found["days"], found["release_tag"]) == (["03-11", "04-05", "06-09"], "given")


def test_the_latest_publication_of_a_lead_time_counts() -> None:
    old, new = lead_time(10, 40, 100), lead_time(1, 2, 3, **{"from": "2020-02-01T00:00+00:00"})
    assert release(signed(), new, old)["days"] == ["04-02", "04-03", "04-04"]


def test_a_fast_track_shortens_the_earliest_figure_until_a_later_publication_closes_it() -> None:
    plain = lead_time(30, 40, 100)
    fast = lead_time(2, 4, 6, fast_track=True, **{"from": "2020-02-01T00:00+00:00"})
    closed = lead_time(30, 40, 100, **{"from": "2020-03-01T00:00+00:00"})
    assert release(signed(), plain, fast)["days"] == ["04-03", "05-11", "07-10"]
    assert release(signed(), plain, fast, closed)["days"] == ["05-01", "05-11", "07-10"]


def test_the_slowest_of_several_missing_licences_decides() -> None:
    two = rule(routes=[{"route": "both", "all": [{"licence": "registration", "of": "manufacturer"},
                                                  {"licence": "permit", "of": "exporter"}]}])  # fmt: skip
    slow = lead_time(20, 30, 200, scheme="permit")
    assert release(signed(), lead_time(10, 40, 100), slow, under=two)["days"] == ["04-21", "05-11", "10-18"]


def test_a_missing_thing_without_a_lead_time_leaves_the_release_open() -> None:
    two = rule(routes=[{"route": "both", "all": [{"licence": "registration", "of": "manufacturer"},
                                                  {"listed": "white-list", "of": "manufacturer"}]}])  # fmt: skip
    found = release(signed(), lead_time(), under=two)
    assert (found["days"], found["probability"]) == ([None] * 3, None)
    assert "white-list: no lead time published" in found["release_told"]


def test_papers_that_parties_issue_themselves_are_not_waited_for() -> None:
    paper = rule(routes=[{"route": "both", "all": [{"licence": "registration", "of": "manufacturer"},
                                                    {"document": "statement", "by": "exporter"}]}])  # fmt: skip
    assert release(signed(), lead_time(10, 40, 100), under=paper)["days"][1] == "05-11"


def test_a_licence_that_is_known_to_begin_is_no_estimate() -> None:
    found = release(signed(), lead_time(), granted("2020-04-25T00:00+00:00"))
    assert (found["days"], found["probability"], found["release_tag"]) == (["04-25"] * 3, Decimal(1), "given")


def test_the_probability_is_that_of_a_grant_before_the_deadline() -> None:
    early = line(deadline="2020-04-11T00:00+00:00", export_at="2020-04-05T00:00+00:00")
    assert release(signed(early), lead_time(10, 40, 100))["probability"] == Decimal("0.1")


def test_one_to_three_years_leave_no_hope_for_a_deadline_in_a_month() -> None:
    assert probability(29, (365, 730, 1095)) == 0


@pytest.mark.parametrize(
    ("days", "expected"), [(365, "0.1"), (730, "0.5"), (1095, "0.9"), (516, "0.2998"), (-1, "0")]
)
def test_probability_is_log_linear_between_the_quantiles(days: float, expected: str) -> None:
    assert probability(days, (365, 730, 1095)) == Decimal(expected)


@pytest.mark.parametrize(("days", "expected"), [(29, 0), (30, 1), (31, 1)])
def test_a_lead_time_that_never_varies_is_a_step(days: float, expected: int) -> None:
    assert probability(days, (30, 30, 30)) == expected


@given(
    st.lists(st.integers(0, 5000), min_size=3, max_size=3).map(sorted), st.floats(0, 6000), st.floats(0, 6000)
)
def test_probability_never_falls_with_more_time_and_stays_within_its_bounds(
    quantiles: list[int], one: float, other: float
) -> None:
    p10, p50, p90 = quantiles
    less, more = (probability(days, (p10, p50, p90)) for days in sorted((one, other)))
    assert 0 <= less <= more <= 1


def test_the_release_does_not_move_with_the_clock() -> None:
    of = book(signed(), lead_time())
    now = datetime.fromisoformat("2020-09-01T00:00+00:00")
    early, late = (releases(of, assess(of, now=at).with_row_index("n")) for at in (NOW, now))
    assert early.equals(late)
