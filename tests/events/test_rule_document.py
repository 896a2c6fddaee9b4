"""The grammar of rules: every word of it is read, and what the engine does not use is refused by name."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from events.envelope import event, explain
from events.rule_document import (
    DutyEffect,
    Places,
    RuleDocument,
)
from events.wire import decode, encode

Parts = dict[str, Any]
LICENCE = {"licence": "nmpa_registration", "of": "manufacturer"}

BOTH = {"by": "2020-01-01", "before": "2021-01-01"}


def clause(**more: object) -> Parts:
    return {
        "clause": "1",
        "in_force": [{"from": "2020-04-01T00:00+08:00"}],
        "goods": [{"class": "face_mask"}],
        **more,
    }


def rule(**more: object) -> Parts:
    return {"rule": "cn-2020-05", "published": "2020-03-31T18:00+08:00", "exported_from": "CN", **more}


def read(**more: object) -> RuleDocument:
    return RuleDocument.model_validate(rule(**more))


def refusal(**more: object) -> str:
    with pytest.raises(ValidationError) as caught:
        read(**more)
    return explain(caught.value)


def in_clause(**more: object) -> str:
    return refusal(clauses=[clause(**more)])


def in_route(requirement: object) -> str:
    return in_clause(routes=[{"route": "the only one", "all": [requirement]}])


REQUIREMENTS: list[Parts] = [
    LICENCE,
    {"licence": "eccn", "of": "end_user", "issued": {"before": "2020-04-01"}},
    {"licence": "eccn", "of": "buyer", "issued": {"by": "2020-04-01T00:00Z"}},
    {"document": "declaration", "by": "exporter"},
    {"document": "statement", "by": "both"},
    {"document": "certificate", "by": "chamber"},
    {"listed": "register", "of": "exporter"},
    {"dated": "lc_issued", "before": "2022-05-13"},
    {"dated": "lc_swift_message", "by": "2022-05-13"},
    {"dated": "contract_signed", "before": "published"},
    {"dated": "advance_payment_received"},
    {"exported_before": "2020-04-01T00:00Z"},
    {"attribute": "purity", "of": "line", "more_than": "99.9"},
    {"attribute": "domestic_share", "of": "exporter", "at_least": "0.8"},
    {"attribute": "medical_use", "of": "line", "is": "false"},
    {"quantity": {"at_most": "10000", "unit": "H87", "per": "consignment"}},
    {"value": {"less_than": "2500", "currency": "USD"}},
    {"unit_price": {"at_least": "1200", "currency": "USD", "per": "TNE", "basis": "FOB"}},
    {"exporter": "state-trading-house"},
    {"quota": "rice-2023-bt"},
    {"allowance": "dmo", "factor": "5", "per": "domestic-sale"},
    {"never": True},
    {"not": {"listed": "unqualified", "of": "manufacturer"}},
    {"any": [LICENCE, {"not": {"never": "true"}}]},
    {"all": [LICENCE, {"any": [LICENCE]}]},
]


@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=str)
def test_every_requirement_of_the_grammar_is_read_and_survives_the_wire(requirement: Parts) -> None:
    document = read(clauses=[clause(routes=[{"route": "r", "all": [requirement]}])])
    assert RuleDocument.model_validate(document.model_dump(mode="json", exclude_defaults=True)) == document
    (one,) = document.clauses[0].routes[0].all_of
    assert one.model_dump(mode="json", exclude_none=True, by_alias=True).keys() == requirement.keys()


@pytest.mark.parametrize(
    "more",
    [
        {"effect": "block"},
        {"effect": {"duty": {"rate": "0.05"}}},
        {"effect": {"duty": {"amount": "50", "currency": "USD", "per": "TNE", "from_price": "750"}}},
        {"destinations": {"only": ["US"]}},
        {"destinations": {"except": ["NO", "ES-CE"]}},
        {"destinations": [{"except": ["NO"], "through": "2020-03-20"}, {"only": ["US"], "from": "2020-03-21"}]},
        {"exporters": {"except": ["acme"]}},
        {"whole_line": "true"},
        {"overrides": ["cn-2020-12/1"]},
        {"defaults": ["in-ftp/1.05b"], "without": ["in-ftp/1.05b"]},
        {"in_force": [{"from": "2020-04-01", "through": "2020-05-25"}, {"from": "2021-01-01", "until": "2021-02-01"}]},
        {"goods": [{"class": "graphite", "where": {"purity": {"more_than": "99.9"}, "natural": "false"}}]},
        {"goods": [{"hs": ["100199"], "hs_year": "2022", "hs_defines": "true"}]},
        {"goods": [{"any_class": "true", "where": {"military_use": "true"}}]},
        {"routes": [{"route": "r", "any": [LICENCE], "destinations": {"only": ["ES"]}}]},
        {"routes": [{"route": "r", "any": [LICENCE], "within": {"from": "2020-01-01", "until": "2021-01-01"}}]},
    ],
    ids=str,
)  # fmt: skip
def test_every_word_of_a_clause_is_read_and_survives_the_wire(more: Parts) -> None:
    document = read(clauses=[clause(**more)])
    again = RuleDocument.model_validate(document.model_dump(mode="json", exclude_defaults=True))
    assert again == document
    for name in more:
        assert (
            getattr(document.clauses[0], name) != type(document.clauses[0]).model_fields[name].default
            or name == "effect"
        )


@pytest.mark.parametrize(
    "more",
    [
        {"status": "announced"},
        {"enacts": "cn-2020-05-draft"},
        {"title": "Orderly export", "timezone": "Asia/Shanghai"},
        {"citation": {"issuers": ["MOFCOM"], "number": "No. 5", "dated": "2020-03-31", "url": ["a", "b"], "note": "n"}},
        {"made_in": {"only": ["CN"]}},
        {"exported_from": "any"},
        {"exported_from": {"except": ["CN"]}},
        {"defaults": ["in-ftp/1.05b"], "without": ["in-ftp/1.05b"]},
        {"facts": ["fumigated"]},
        {"quotas": [{"quota": "q", "quantity": "1000", "unit": "TNE", "from": "2023-01-01", "through": "2023-12-31",
                     "destinations": ["BT"], "holders": ["acme"]}]},
        {"confirms": {"rule": "cn-2020-12", "reading": "alternative"}},
        {"amends": [{"rule": "r", "clause": "1", "add_routes": [{"route": "second", "all": [LICENCE]}]}]},
        {"amends": [{"rule": "r", "clause": "1", "from": "2020-04-26T00:00+08:00", "end_routes": ["first"]}]},
        {"amends": [{"rule": "r", "clause": "1", "extend": {"routes": ["first"], "until": "2020-06-01"}}]},
        {"amends": [{"rule": "r", "clause": "1", "replace": {"destinations": {"except": ["NO"]}}}]},
        {"amends": [{"rule": "r", "clause": "1", "end": "2020-06-01"}]},
        {"amends": [{"rule": "r", "clause": "2", "suspend": [{"from": "2025-11-09", "until": "2026-11-27"}]}]},
    ],
    ids=str,
)  # fmt: skip
def test_every_word_of_a_document_is_read_and_survives_the_wire(more: Parts) -> None:
    document = read(**more)
    assert RuleDocument.model_validate(document.model_dump(mode="json", exclude_defaults=True)) == document
    for name in more:
        assert getattr(document, name), name


def test_text_is_parsed_by_the_field_it_stands_in() -> None:
    document = read(
        clauses=[clause(whole_line="true", effect={"duty": {"rate": "0.050"}})],
        exported_from={"except": ["NO"]},
        citation={"issuers": ["A"], "dated": "2020-03-31"},
    )
    assert document.exported_from == Places(excluded=("NO",))
    assert document.clauses[0].whole_line is True
    assert isinstance(document.clauses[0].effect, DutyEffect)
    assert document.clauses[0].effect.duty.rate == Decimal("0.05")
    assert document.citation is not None
    assert document.citation.dated == date(2020, 3, 31)


def test_a_country_alone_means_only_that_country_and_any_means_all() -> None:
    assert read(exported_from="CN").exported_from == Places(only=("CN",))
    assert read(exported_from="any").exported_from == Places(excluded=())


def test_a_day_stays_a_day_and_an_instant_an_instant() -> None:
    document = read(clauses=[clause(in_force=[{"from": "2020-04-01"}, {"from": "2021-04-01T00:00+08:00"}])])
    day, instant = (span.since for span in document.clauses[0].in_force)
    assert day == date(2020, 4, 1)
    assert instant == datetime(2021, 3, 31, 16, tzinfo=UTC)


@pytest.mark.parametrize("word", ["colour", "class", "effects", "clauze"])
def test_a_word_the_engine_does_not_use_is_refused_where_it_stands(word: str) -> None:
    unknown = "no such field is known here"
    assert f"{word}: {unknown}" in refusal(**{word: "x"})
    assert f"clauses.0.{word}: {unknown}" in in_clause(**{word: "x"})
    assert f"clauses.0.routes.0.{word}: {unknown}" in in_clause(
        routes=[{"route": "r", "all": [LICENCE], word: "x"}]
    )
    assert f"{word}: {unknown}" in in_route({**LICENCE, word: "x"})
    assert f"amends.0.{word}: {unknown}" in refusal(
        amends=[{"rule": "r", "clause": "1", "end": "2020-01-01", word: "x"}]
    )


@pytest.mark.parametrize("requirement", [{"permit": "x"}, {}, "licence", None, ["never"]])
def test_what_is_no_requirement_is_told_the_requirements_there_are(requirement: object) -> None:
    told = in_route(requirement)
    assert "expected a requirement: one of all, allowance, any, attribute, dated, document" in told


@pytest.mark.parametrize(
    ("requirement", "expected"),
    [
        ({"licence": "x"}, "of: expected, but missing"),
        ({"licence": "x", "of": "forwarder"}, "'manufacturer', 'exporter', 'buyer' or 'end_user'"),
        ({"licence": "x", "of": "buyer", "issued": {}}, "issued: give `before` or `by`"),
        ({"licence": "x", "of": "buyer", "issued": BOTH}, "issued: give `before` or `by`"),
        ({"document": "x"}, "by: expected, but missing"),
        ({"dated": "x", "before": "2020-01-01", "by": "2020-01-01"}, "dated: give `before` or `by`, not both"),
        ({"dated": "x", "by": "soon"}, "expected an instant with its offset"),
        ({"exported_before": "2020-04-01T00:00"}, "expected an instant with its offset"),
        ({"attribute": "x", "of": "line"}, "comparison: expected one of is, at_least, more_than, at_most, less_than"),
        ({"attribute": "x", "of": "buyer", "is": "y"}, "'line' or 'exporter'"),
        ({"attribute": "x", "of": "line", "at_least": "much"}, "as text in plain digits"),
        ({"quantity": {"at_least": "5"}}, "unit: expected, but missing"),
        ({"quantity": {"unit": "KGM"}}, "bound: expected one of at_least, more_than, at_most, less_than"),
        ({"value": {"at_least": "5"}}, "currency: expected, but missing"),
        ({"unit_price": {"at_least": "5", "currency": "USD"}}, "per: expected, but missing"),
        ({"allowance": "x", "per": "form"}, "factor: expected, but missing"),
        ({"never": "false"}, "never"),
        ({"any": []}, "at least 1 item"),
        ({"all": []}, "at least 1 item"),
        ({"not": {"permit": "x"}}, "expected a requirement"),
    ],
    ids=str,
)  # fmt: skip
def test_a_requirement_that_says_too_little_or_too_much_is_refused(requirement: Parts, expected: str) -> None:
    assert expected in in_route(requirement)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"in_force": []}, "clauses.0.in_force: "),
        ({"in_force": [{}]}, "in_force.0.from: expected, but missing"),
        ({"in_force": [{"from": "2020-01-01", "until": "2020-02-01", "through": "2020-02-01"}]}, "one end, not two"),
        ({"goods": []}, "clauses.0.goods: "),
        ({"goods": [{}]}, "goods: give a class, `hs_defines: true` with codes, or `any_class: true` with `where`"),
        ({"goods": [{"class": "Mask"}]}, "such as face_mask.surgical"),
        ({"goods": [{"class": "face_mask", "hs": ["6307"]}]}, "tariff codes need their nomenclature year"),
        ({"goods": [{"class": "face_mask", "hs_year": "2017"}]}, "tariff codes need their nomenclature year"),
        ({"goods": [{"hs": ["6307.90"], "hs_year": "2017", "hs_defines": "true"}]}, "4 to 10 digits"),
        ({"goods": [{"class": "face_mask", "hs_defines": "true"}]}, "hs_defines: needs hs codes"),
        ({"goods": [{"any_class": "true"}]}, "any_class: a catch-all goes with `where`"),
        ({"goods": [{"class": "x", "where": {"purity": {}}}]}, "comparison: expected one of"),
        ({"destinations": {}}, "give `only` or `except`"),
        ({"destinations": {"only": ["US"], "except": ["ES"]}}, "give `only` or `except`"),
        ({"destinations": {"only": ["EU"]}}, "expected an ISO 3166-1 country"),
        ({"exporters": {}}, "exporters: give `only` or `except`"),
        ({"effect": "warn"}, "effect"),
        ({"effect": {"duty": {}}}, "duty: give `rate` or `amount`"),
        ({"effect": {"duty": {"amount": "5"}}}, "duty: an amount needs `per` and `currency`"),
        ({"effect": {"duty": {"rate": "0.1", "from_price": "5"}}}, "duty: from_price needs `currency`"),
        ({"routes": [{"route": "r"}]}, "route: give `all` or `any` with at least one requirement"),
        ({"routes": [{"all": [LICENCE]}]}, "routes.0.route: expected, but missing"),
    ],
    ids=str,
)  # fmt: skip
def test_a_clause_that_cannot_be_applied_is_refused(more: Parts, expected: str) -> None:
    assert expected in in_clause(**more)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"published": "2020-03-31"}, "published: expected an instant with its offset"),
        ({"exported_from": None, "clauses": [clause()]}, "exported_from: a document with clauses says where"),
        ({"clauses": [clause(), clause()]}, "clauses: a clause number stands twice"),
        ({"status": "drafted"}, "'enacted' or 'announced'"),
        ({"citation": {"issuers": []}}, "citation.issuers: "),
        ({"amends": [{"rule": "r", "clause": "1"}]}, "amends: expected add_routes, end_routes, extend"),
        ({"quotas": [{"quota": "q", "from": "2020-01-01"}]}, "quotas.0.quantity: expected, but missing"),
        ({"readings": [{"reading": "only"}]}, "readings: name at least two, each once"),
        ({"readings": [{"reading": "a"}, {"reading": "a"}]}, "readings: name at least two, each once"),
        ({"readings": [{"reading": "a"}, {"reading": "b", "replaces": {"colour": "x"}}]}, "colour: no such field"),
        ({"timezone": "Asia/Atlantis"}, "timezone: expected a time zone of the IANA data base, such as Asia/Shanghai"),
        ({"rule": "a/b"}, "rule: "),
    ],
    ids=str,
)  # fmt: skip
def test_a_document_that_cannot_be_applied_is_refused(more: Parts, expected: str) -> None:
    assert expected in refusal(**more)


READINGS = [
    {"reading": "alternative"},
    {
        "reading": "cumulative",
        "replaces": {"title": "Cumulative", "clauses": [{"clause": "1", "whole_line": "true"}]},
    },
]


def test_a_reading_replaces_whole_keys_and_merges_clauses_by_number() -> None:
    document = read(title="Alternative", clauses=[clause(), clause(clause="2")], readings=READINGS)
    alternative, cumulative = document.under("alternative"), document.under("cumulative")
    assert alternative == document.model_copy(update={"readings": ()})
    assert (cumulative.title, cumulative.readings) == ("Cumulative", ())
    assert [(one.clause, one.whole_line) for one in cumulative.clauses] == [("1", True), ("2", False)]
    assert cumulative.clauses[0].goods == document.clauses[0].goods


def test_a_reading_that_is_not_one_of_the_document_is_refused() -> None:
    with pytest.raises(ValueError, match="cn-2020-05 has no reading 'literal'"):
        read(readings=READINGS, clauses=[clause()]).under("literal")


def requirements() -> st.SearchStrategy[Parts]:
    simple = st.sampled_from([one for one in REQUIREMENTS if not one.keys() & {"not", "any", "all"}])

    def larger(inner: st.SearchStrategy[Parts]) -> st.SearchStrategy[Parts]:
        several = st.lists(inner, min_size=1, max_size=3)
        return (
            several.map(lambda r: {"any": r})
            | several.map(lambda r: {"all": r})
            | inner.map(lambda r: {"not": r})
        )

    return st.recursive(simple, larger, max_leaves=8)


@given(st.lists(requirements(), min_size=1, max_size=3))
def test_any_tree_of_requirements_survives_the_wire_as_a_fact(trees: list[Parts]) -> None:
    document = rule(clauses=[clause(routes=[{"route": "r", "all": trees}])])
    made = event("rule.enacted", {"document": document, "pack": f"sha256:{'0' * 64}"}, source="test", id="1")
    assert decode(*encode([made])) == [made]
    assert event("rule.enacted", {"document": document, "pack": f"sha256:{'0' * 64}"}, source="test",
                 id="1").content_hash() == made.content_hash()  # fmt: skip


def test_trees_are_what_they_say() -> None:
    trees: Parts = {"Not": {"not": LICENCE}, "AnyOf": {"any": [LICENCE]}, "AllOf": {"all": [LICENCE]}}
    for kind, tree in trees.items():
        document = read(clauses=[clause(routes=[{"route": "r", "all": [tree]}])])
        assert type(document.clauses[0].routes[0].all_of[0]).__name__ == kind


def test_a_rule_needs_the_digest_of_the_pack_it_came_in() -> None:
    for pack in ("", "sha256:abc", "md5:" + "0" * 32):
        with pytest.raises(ValidationError) as caught:
            event("rule.enacted", {"document": rule(), "pack": pack}, source="s", id="1")
        assert "pack: expected the digest of the pack, sha256: and 64 hexadecimal digits" in explain(
            caught.value
        )


def test_an_announced_rule_cannot_be_enacted_nor_an_enacted_one_announced() -> None:
    pack = f"sha256:{'0' * 64}"
    for kind, status in (("rule.enacted", "announced"), ("rule.announced", "enacted")):
        with pytest.raises(ValidationError) as caught:
            event(kind, {"document": rule(status=status), "pack": pack}, source="s", id="1")
        assert f"document.status: {status}" in explain(caught.value)
