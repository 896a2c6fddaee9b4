"""Who could ship instead, by registers and lists alone."""

from datetime import datetime
from typing import Any

from events.envelope import Event
from services.domain.makers import makers
from tests.domain.blocked import NOW, book, fact, granted, rule, signed

SINCE = "2020-01-01T00:00+00:00"


def who(*facts: Event, at: datetime = NOW, under: Event | None = None, **more: Any) -> dict[str, bool | None]:
    asked = {"goods_class": "kit", "destination": "ES", **more}
    found = makers(book(*facts, under=under), at=at, **asked)
    return dict(found.select("party", "licensed").iter_rows())


def test_a_holder_of_what_the_clause_asks_for_is_licensed_and_others_are_not_named() -> None:
    assert who(granted(SINCE), granted(SINCE, scheme="another", holder="globex"), signed()) == {"acme": True}


def test_a_licence_for_other_goods_or_not_yet_or_no_longer_in_force_makes_nobody_a_maker() -> None:
    other = granted(SINCE, goods=[{"class": "mask"}])
    later = granted("2020-04-03T00:00+00:00", licence="L2", holder="globex")
    ended = granted(SINCE, licence="L3", holder="initech", until="2020-04-01T00:00+00:00")
    gone = fact("licence.revoked", scheme="registration", licence="L4", at="2020-02-01T00:00+00:00")
    assert who(other, later, ended, granted(SINCE, licence="L4", holder="hooli"), gone) == {}


def test_who_holds_a_part_only_is_named_with_what_is_missing() -> None:
    both = rule(routes=[{"route": "both", "all": [{"licence": "registration", "of": "manufacturer"},
                                                   {"listed": "white-list", "of": "manufacturer"},
                                                   {"document": "statement", "by": "exporter"}]}])  # fmt: skip
    on_list = fact("list.entered", list="white-list", party="globex", at=SINCE)
    facts = [granted(SINCE), granted(SINCE, licence="L2", holder="globex"), on_list]
    assert who(*facts, under=both) == {"acme": False, "globex": True}
    found = makers(book(*facts, under=both), at=NOW, goods_class="kit", destination="ES")
    assert found.columns == ["party", "class", "held", "missing", "licensed"]
    assert found.select("held", "missing").rows() == [
        (["licence:registration/L1"], ["white-list"]), (["licence:registration/L2", "list:white-list"], []),
    ]  # fmt: skip


def test_where_no_clause_is_in_scope_nobody_needs_evidence() -> None:
    assert who(granted(SINCE), destination="PT") == {}
    assert who(granted(SINCE), at=NOW.replace(month=3)) == {}


def test_a_missing_attribute_leaves_the_answer_open() -> None:
    numeric = rule(goods=[{"class": "kit", "where": {"medical_use": "true"}}],
                   routes=[{"route": "list", "all": [{"licence": "registration", "of": "manufacturer"},
                                                      {"licence": "permit", "of": "exporter"}]}])  # fmt: skip
    assert who(granted(SINCE), under=numeric) == {"acme": None}
    assert who(granted(SINCE), under=numeric, attributes={"medical_use": "true"}) == {"acme": False}


def test_only_what_was_known_counts() -> None:
    late = granted(SINCE).model_copy(update={"recordedat": NOW.replace(day=20)})
    assert who(late, known=NOW) == {}
    assert who(late) == {"acme": True}


def test_a_party_registered_elsewhere_is_asked_about_the_rules_of_that_place() -> None:
    abroad = fact("exporter.registered", exporter="acme", at=SINCE, name="Acme", country="DE")
    assert who(granted(SINCE), abroad) == {}
    assert who(granted(SINCE), abroad, exported_from="CN") == {"acme": True}
