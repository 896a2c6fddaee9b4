"""The program against a second, naive reading of the design, on random books; and a slice of a book against the whole.

Set EQUAL_EXAMPLES to try more books than the few that every run takes.
"""

import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from events.envelope import Event, event
from services.domain.book import Book, frame_of
from services.domain.reach import reach
from services.domain.verdicts import assess
from tests import naive
from tests.domain.generate import World, described, world
from tests.domain.generate_rules import Pick, acts

COUNTED = 120
EXAMPLES = int(os.environ.get("EQUAL_EXAMPLES", "12"))
KEYS = (
    "ref", "exporter", "contract", "line", "buyer", "at", "now", "verdict", "rule", "clause", "route", "missing",
    "readings", "open_quantity", "covered_quantity", "blocked_quantity", "unknown_quantity", "unit", "blocked_value",
    "currency", "next_change_at", "export_windows",
)  # fmt: skip
VERDICTS = (
    "clear", "satisfied", "grandfathered", "needs_documents", "needs_review", "partial", "in_abeyance", "unlicensed",
    "prohibited",
)  # fmt: skip
books = st.randoms(note_method_calls=False, use_true_random=False).map(world)
thorough = settings(
    max_examples=EXAMPLES, deadline=None, derandomize=EXAMPLES <= 12,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)  # fmt: skip


def by_the_program(events: Iterable[Event], of: World) -> list[dict[str, Any]]:
    rows = assess(Book.from_events(frame_of(events)), now=of.now, at=of.at, known=of.known)
    return [{key: row[key] for key in KEYS} for row in rows.iter_rows(named=True)]


def by_the_design(events: Iterable[Event], of: World) -> list[dict[str, Any]]:
    return naive.assess(events, now=of.now, at=of.at, known=of.known)


@pytest.mark.slow
@thorough
@given(books)
def test_program_and_naive_interpreter_give_the_same_rows(of: World) -> None:
    note("\n".join(str(line) for line in described(of)))
    assert by_the_program(of.events, of) == by_the_design(of.events, of)


@pytest.mark.parametrize(
    "seed", [*range(12), 362, 60, 104, 126]
)  # 362: only the windows of a row change; 60 …: because names are matched
def test_program_and_naive_interpreter_agree_on_a_numbered_book(seed: int) -> None:
    of = world(Random(seed))
    assert by_the_program(of.events, of) == by_the_design(of.events, of)


def test_a_line_that_has_ended_since_finds_what_others_draw_ahead_of_it() -> None:
    """Line 1 takes the credit of five pieces; line 2 is asked about on a day on which it was not cancelled yet."""
    act = {"rule": "r1", "published": "2021-03-05T00:00Z", "exported_from": "CN", "clauses": [
        {"clause": "1", "in_force": [{"from": "2021-03-09T00:00Z"}], "goods": [{"class": "mask"}],
         "routes": [{"route": "credit", "all": [{"dated": "lc_issued", "before": "2021-03-08"}]}]}]}  # fmt: skip
    line = {"class": "mask", "quantity": "10", "unit": "H87", "unit_price": "1"}
    contract = {"exporter": "e1", "contract": "C0", "buyer": "b1", "exported_from": "CN", "destination": "US",
                "currency": "EUR", "signed": "2021-03-04T00:00Z",
                "lines": [{**line, "line": "1", "export_at": "2021-03-14T00:00Z"},
                          {**line, "line": "2", "export_at": "2021-04-01T00:00Z"}]}  # fmt: skip
    key = {"exporter": "e1", "contract": "C0"}
    credit = {**key, "fact": "lc_issued", "at": "2021-03-03T00:00Z", "quantity": "5", "unit": "H87"}
    told = (
        ("rule.enacted", {"document": act, "pack": f"sha256:{'0' * 64}"}),
        ("contract.signed", contract),
        ("contract.dated", credit),
        ("contract.cancelled", {**key, "line": "2", "at": "2021-03-19T00:00Z"}),
    )
    events = [event(kind, data, source="book", id=kind) for kind, data in told]
    events = [one.model_copy(update={"recordedat": one.time}) for one in events]
    now, at = (datetime(2021, 3, day, tzinfo=UTC) for day in (20, 13))
    rows = assess(Book.from_events(frame_of(events)), now=now, at=at).to_dicts()
    covered = {row["ref"]: row["covered_quantity"] for row in rows}
    assert covered == {"e1/C0/1": 5, "e1/C0/2": 0}
    assert covered == {row["ref"]: row["covered_quantity"] for row in naive.assess(events, now=now, at=at)}


@pytest.mark.slow
@thorough
@given(books)
def test_neither_order_nor_repetition_of_facts_matters(of: World) -> None:
    shuffled = [*reversed(of.events), *of.events[::2]]
    assert by_the_program(shuffled, of) == by_the_program(of.events, of)


@pytest.mark.slow
@thorough
@given(books)
def test_a_closed_slice_is_judged_as_the_whole(of: World) -> None:
    whole = by_the_program(of.events, of)
    for exporter in sorted({row["exporter"] for row in whole}):
        slice_, events = closed(of.events, exporter)
        part = by_the_program(events, of)
        assert [r for r in part if r["exporter"] in slice_] == [r for r in whole if r["exporter"] in slice_]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2 * EXAMPLES))
def test_a_closed_slice_is_judged_as_the_whole_by_the_naive_interpreter(seed: int) -> None:
    of = world(Random(seed))
    whole = by_the_design(of.events, of)
    for exporter in sorted({row["exporter"] for row in whole}):
        slice_, events = closed(of.events, exporter)
        part = by_the_design(events, of)
        assert [r for r in part if r["exporter"] in slice_] == [r for r in whole if r["exporter"] in slice_]


@pytest.mark.slow
def test_every_verdict_falls_to_a_twentieth_of_the_lines() -> None:
    found = Counter(
        row["verdict"]
        for seed in range(COUNTED)
        for of in [world(Random(seed))]
        for row in by_the_design(of.events, of)
    )
    lines = sum(found.values())
    rare = {verdict: found[verdict] / lines for verdict in VERDICTS if found[verdict] < lines / 20}
    assert not rare


@pytest.mark.slow
def test_a_fifth_of_the_lines_share_a_finite_balance() -> None:
    shared = lines = 0
    for seed in range(COUNTED):
        of = world(Random(seed))
        drawers = naive.balances(of.events, now=of.now, known=of.known)
        users = Counter(pool for pools in drawers.values() for pool in pools)
        lines += len(drawers)
        shared += sum(any(users[pool] > 1 for pool in pools) for pools in drawers.values())
    assert shared >= lines / 5


def closed(events: Sequence[Event], start: str) -> tuple[set[str], list[Event]]:
    """The exporters who share balances with this one, however far, and all facts that can reach them."""
    reached = [reach(event) for event in events]
    ties, names = defaultdict[str, set[str]](set), defaultdict[str, set[str]](set)
    also = {pair for one in reached for pair in one.also}
    finite: set[str] = set()
    for one in reached:
        if one.exporter is not None:
            ties[one.exporter] |= one.ties
        if one.subject is not None:
            names[one.subject] |= one.names
            finite |= {one.subject} if one.finite else set()
    for exporter, own in ties.items():
        ties[exporter] = _spread(own, also)
    group: set[str] = set()
    wider = {start}
    while wider != group:
        group = wider
        tied = set[str]().union(*(ties[exporter] for exporter in group))
        shared = [named for subject, named in names.items() if subject in finite and named & tied]
        wider = group | {exporter for named in shared for exporter, own in ties.items() if own & named}
    tied = set[str]().union(*(ties[exporter] for exporter in group))
    kept = [
        event
        for event, one in zip(events, reached, strict=True)
        if one.exporter in group or (one.subject is not None and names[one.subject] & tied)
    ]
    told = {f"event:{event.source} {event.id}" for event in kept}
    withdrawn = [
        e
        for e, one in zip(events, reached, strict=True)
        if e.type == "fact.withdrawn" and one.subject in told
    ]
    return group, kept + withdrawn


def _spread(keys: set[str], also: set[tuple[str, str]]) -> set[str]:
    """The keys, and all that a tie to one of them leads to."""
    wider = keys | {to for key, to in also if key in keys}
    return keys if wider == keys else _spread(wider, also)


def test_random_rules_use_every_word_of_the_grammar() -> None:
    words = Counter(word for seed in range(400) for word in _words(acts(Pick(Random(seed)))))
    asked = {
        "exported_from", "made_in", "timezone", "in_force", "from", "until", "through", "effect", "duty", "goods", "class", "where",
        "hs", "hs_year", "hs_defines", "any_class", "destinations", "only", "except", "exporters", "routes", "all", "any", "within",
        "licence", "issued", "document", "listed", "not", "dated", "before", "by", "exported_before", "attribute", "quantity", "value",
        "unit_price", "basis", "per", "exporter", "quota", "quotas", "holders", "allowance", "factor", "never", "whole_line", "overrides",
        "defaults", "without", "facts", "amends", "add_routes", "end_routes", "extend", "replace", "end", "suspend", "readings", "replaces",
        "confirms", "is", "at_least", "more_than", "at_most", "less_than",
    }  # fmt: skip
    assert asked - words.keys() == set()


def _words(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        yield from node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _words(child)
