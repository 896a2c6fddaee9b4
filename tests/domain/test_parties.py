"""One party by two names: wherever evidence meets whoever must have it, the party counts and not the spelling."""

from datetime import datetime
from typing import Any

import pytest

from events.envelope import Event
from services.domain.makers import makers
from services.domain.remains import remains
from services.domain.verdicts import assess
from tests import naive
from tests.domain.blocked import NOW, book, bought, fact, granted, lead_time, line, rows, rule, signed, steps

SINCE = "2020-01-01T00:00+00:00"
LATER = "2020-04-10T00:00+00:00"


def same(one: str, other: str, at: str = SINCE, kind: str = "matched", **more: Any) -> Event:
    return fact(f"party.{kind}", **{"party": one, "same_as": other, "at": at, "by": "ana", **more})


def routes(*asked: dict[str, Any], **clause: Any) -> Event:
    return rule(routes=[{"route": "only", "all": list(asked)}], **clause)


def verdict(
    *facts: Event, under: Event | None = None, now: datetime = NOW, known: datetime | None = None
) -> Any:
    """The verdict on C1, as the program and the naive interpreter agree on it."""
    told = [*facts, rule() if under is None else under]
    (row,) = rows(book(*facts, under=told[-1]), now, known).iter_rows(named=True)
    (plain,) = naive.assess(told, now=now, known=known)
    assert {key: row[key] for key in plain} == plain
    return row["verdict"]


def filed(**more: Any) -> Event:
    data = {"exporter": "acme", "document": "D1", "form": "statement", "by": "exporter", "at": SINCE} | more
    return fact("document.filed", **data)


REGISTERED = {"exporter": "acme-ltd", "at": SINCE, "name": "Acme Ltd", "country": "CN"}
LICENCE = {"scheme": "registration", "licence": "L1", "from": SINCE}
STATEMENT, NOTARY = {"document": "statement", "by": "exporter"}, {"document": "statement", "by": "the notary"}
LISTED = {"listed": "white-list", "of": "manufacturer"}
MEETINGS: dict[str, tuple[list[Event], Event]] = {
    "a licence and its holder": ([signed(), granted(SINCE, holder="acme-ltd")], rule()),
    "an exporter that holds the evidence": ([signed(manufacturer=None), granted(SINCE, holder="acme-ltd")], rule()),
    "a manufacturer of a line": ([signed(line(manufacturer="acme-ltd")), granted(SINCE)], rule()),
    "a licence for named buyers": ([signed(), granted(SINCE, buyers=["the hospital"])], rule()),
    "a licence of the buyer": (
        [signed(), granted(SINCE, holder="the hospital")], routes({"licence": "registration", "of": "buyer"})),
    "a licence of the end user": (
        [signed(end_user="clinic"), granted(SINCE, holder="the clinic")],
        routes({"licence": "registration", "of": "end_user"})),
    "an entry of a list": (
        [signed(), fact("list.entered", list="white-list", party="acme-ltd", at=SINCE)], routes(LISTED)),
    "holders of a quota": (
        [signed(), fact("quota.opened", quota="pool", holders=["acme-ltd"], quantity="5000", unit="H87", **{"from": SINCE})],
        routes({"quota": "pool"})),
    "a paper signed by a named party": ([signed(), filed(by="notary", contract="C1")], routes(NOTARY)),
    "an exporter that an act names": ([signed()], routes({"exporter": "acme-ltd"})),
    "an allowance from what was filed": (
        [signed(), filed(exporter="acme-ltd", form="import", quantity="1000", unit="H87")],
        routes({"allowance": "offset", "factor": "1", "per": "import"})),
    "an attribute of the exporter": (
        [signed(), fact("exporter.registered", **REGISTERED, attributes={"grade": "a"})],
        routes({"attribute": "grade", "of": "exporter", "is": "a"})),
    "whoever a contract was assigned to, and a licence": (
        [signed(), fact("contract.assigned", exporter="acme", contract="C1", to="globex", at="2020-03-02T00:00+00:00"),
         granted(SINCE, holder="globex-inc")], routes({"licence": "registration", "of": "exporter"})),
    "whoever a contract was assigned to, and its papers": (
        [signed(), fact("contract.assigned", exporter="acme", contract="C1", to="globex", at="2020-03-02T00:00+00:00"),
         filed(exporter="globex-inc", at="2020-03-03T00:00+00:00")], routes(STATEMENT)),
}  # fmt: skip
ALIKE = [same("acme", "acme-ltd"), same("the hospital", "hospital"), same("clinic", "the clinic"),
         same("notary", "the notary"), same("globex", "globex-inc")]  # fmt: skip


@pytest.mark.parametrize("meeting", MEETINGS)
def test_spelled_otherwise_it_does_not_count_and_matched_it_does(meeting: str) -> None:
    facts, under = MEETINGS[meeting]
    assert verdict(*facts, under=under) != "satisfied"
    assert verdict(*facts, *ALIKE, under=under) == "satisfied"


def test_an_exporter_that_says_under_its_other_name_that_it_is_a_maker_made_the_goods() -> None:
    maker = fact("exporter.registered", **REGISTERED, maker=True)
    assert verdict(signed(manufacturer=None), maker) == "needs_review"
    assert verdict(signed(manufacturer=None), maker, same("acme", "acme-ltd")) == "unlicensed"


def test_a_clause_for_named_exporters_binds_them_by_every_name() -> None:
    only, but = rule(exporters={"only": ["acme-ltd"]}), rule(exporters={"except": ["acme-ltd"]})
    assert (verdict(signed(), under=only), verdict(signed(), under=but)) == ("clear", "unlicensed")
    matched = same("acme", "acme-ltd")
    assert verdict(signed(), matched, under=only) == "unlicensed"
    assert verdict(signed(), matched, under=but) == "clear"


def test_who_is_struck_off_a_list_by_one_name_is_off_it_by_the_other() -> None:
    entered = fact("list.entered", list="white-list", party="acme", at=SINCE)
    removed = fact("list.removed", list="white-list", party="acme-ltd", at="2020-03-01T00:00+00:00")
    assert verdict(signed(), entered, removed, under=routes(LISTED)) == "satisfied"
    assert verdict(signed(), entered, removed, same("acme-ltd", "acme"), under=routes(LISTED)) == "unlicensed"


def test_what_both_sides_signed_is_not_signed_by_somebody_else() -> None:
    assert verdict(signed(), filed(by="both", contract="C1"), under=routes(NOTARY)) == "needs_documents"


def test_two_names_of_one_party_draw_from_one_balance() -> None:
    first = signed(line(export_at="2020-04-10T00:00+00:00"), exporter="acme-ltd", manufacturer="acme-ltd")
    facts = [first, signed(), granted(SINCE, quantity="1500", unit="H87")]
    apart = rows(book(*facts)).select("ref", "verdict").rows()
    assert apart == [("acme/C1/1", "satisfied"), ("acme-ltd/C1/1", "unlicensed")]
    told = rows(book(*facts, same("acme", "acme-ltd"))).select("ref", "exporter", "verdict").rows()
    assert told == [("acme/C1/1", "acme", "partial"), ("acme-ltd/C1/1", "acme-ltd", "satisfied")]


def test_what_is_printed_stays_as_it_was_told() -> None:
    other = [same("acme", "a-acme"), same("hospital", "a-hospital")]
    (row,) = rows(book(signed(), granted(SINCE), *other)).iter_rows(named=True)
    assert (row["ref"], row["exporter"], row["buyer"]) == ("acme/C1/1", "acme", "hospital")
    assert row["verdict"] == "satisfied"


HELD = [signed(), granted(SINCE, holder="acme-ltd")]


def test_identity_goes_on_from_name_to_name() -> None:
    chain = [same("acme", "x"), same("y", "x"), same("acme-ltd", "y")]
    assert verdict(*HELD, *chain) == "satisfied"
    assert verdict(*HELD, *chain[:2]) == "unlicensed"


def test_of_decisions_about_a_pair_the_latest_holds_whichever_way_round_it_is_told() -> None:
    undone = same("acme-ltd", "acme", "2020-02-01T00:00+00:00", "unmatched")
    assert verdict(*HELD, same("acme", "acme-ltd"), undone) == "unlicensed"
    assert verdict(*HELD, undone, same("acme", "acme-ltd", "2020-03-01T00:00+00:00")) == "satisfied"


def test_taking_back_one_match_leaves_the_others() -> None:
    undone = same("acme", "x", "2020-02-01T00:00+00:00", "unmatched")
    assert verdict(*HELD, same("acme", "x"), undone, same("acme", "acme-ltd")) == "satisfied"
    assert verdict(*HELD, same("acme", "x"), undone, same("x", "acme-ltd")) == "unlicensed"


def test_a_match_decided_later_counts_at_every_instant() -> None:
    assert verdict(*HELD, same("acme", "acme-ltd", "2021-01-01T00:00+00:00")) == "satisfied"


def test_a_match_counts_from_when_it_was_known_and_not_once_it_is_withdrawn() -> None:
    late = same("acme", "acme-ltd").model_copy(update={"recordedat": datetime.fromisoformat(LATER)})
    assert verdict(*HELD, late, known=NOW) == "unlicensed"
    assert verdict(*HELD, late) == "satisfied"
    gone = fact("fact.withdrawn", source=late.source, id=late.id, at=LATER, reason="another firm")
    assert verdict(*HELD, late, gone) == "unlicensed"


def test_a_match_is_no_instant_at_which_anything_changes() -> None:
    facts = [signed(), granted(LATER, holder="acme-ltd"), same("acme", "acme-ltd", "2020-04-05T00:00+00:00")]
    (row,) = rows(book(signed(line(export_at="2020-04-03T00:00+00:00")), *facts[1:])).iter_rows(named=True)
    assert row["verdict"] == "unlicensed"
    assert row["next_change_at"] == datetime.fromisoformat(LATER)
    assert [span["from"] for span in row["export_windows"]] == [datetime.fromisoformat(LATER)]


def test_an_application_under_the_other_name_starts_the_clock() -> None:
    asked = fact(
        "licence.applied", scheme="registration", licence="L9", holder="acme-ltd", at="2020-03-20T00:00+00:00"
    )
    facts = [signed(), lead_time(), asked]
    told = steps(book(*facts, same("acme", "acme-ltd")))["steps"]
    assert "application of 2020-03-20" in str(told)
    assert "application" not in str(steps(book(*facts))["steps"])


def test_a_maker_with_two_names_in_the_registers_is_one_row() -> None:
    both = routes({"licence": "registration", "of": "manufacturer"}, LISTED)
    facts = [
        granted(SINCE, holder="b-name"),
        fact("list.entered", list="white-list", party="c-name", at=SINCE),
    ]

    def who(*more: Event) -> list[tuple[Any, ...]]:
        found = makers(book(*facts, *more, under=both), at=NOW, goods_class="kit", destination="ES")
        return found.select("party", "licensed").rows()

    assert who() == [("b-name", False), ("c-name", False)]
    assert who(same("b-name", "a-name"), same("a-name", "c-name")) == [("b-name", True)]


def test_what_was_cancelled_as_blocked_was_free_all_along_where_the_licence_was_spelled_otherwise() -> None:
    cancelled = fact("contract.cancelled", exporter="acme", contract="C1", at="2020-04-02T00:00+00:00")
    facts = [signed(), bought("P1"), granted(SINCE, holder="acme-ltd"), cancelled]

    def left(*more: Event) -> list[str]:
        of = book(*facts, *more)
        return remains(of, assess(of, now=NOW), now=NOW)["ref"].to_list()

    assert left() == ["acme/C1/1"]
    assert left(same("acme", "acme-ltd", LATER)) == []
