"""The oracle against the program's own fold, against the naive interpreter, and against books it must tell apart."""

import json
import random
from decimal import Decimal
from typing import Any

import pytest

from events.envelope import read
from services.domain.book import Book, frame_of
from services.domain.losses import estimate
from services.domain.verdicts import assess
from tests import naive
from tests.faults import oracle
from tests.faults.book import ACT, NOON, Fact, book, facts_of


def _facts(seed: int, exporters: int = 20, each: int = 16) -> list[Fact]:
    chance = random.Random(seed)
    facts = [ACT, *facts_of(book(chance, exporters, each))]
    chance.shuffle(facts)
    return facts


def _program(facts: list[Fact]) -> dict[str, oracle.Answer]:
    made = Book.from_events(frame_of([read(one) for one in facts], NOON))
    rows = estimate(made, assess(made, now=NOON), now=NOON)
    return {row["ref"]: _answer(row) for row in rows.iter_rows(named=True)}


def _answer(row: Any) -> oracle.Answer:
    loss = json.loads(row["loss"])["stock_write_down"]["base"] if row["loss"] else 0
    return oracle.Answer(row["verdict"], row["open_quantity"], row["blocked_value"], Decimal(loss))


@pytest.mark.parametrize("seed", range(2))
def test_the_oracle_and_the_program_say_the_same_of_a_book(seed: int) -> None:
    facts = _facts(seed)
    wanted = oracle.expected(facts, NOON)
    assert wanted == _program(facts)
    assert {one.verdict for one in wanted.values()} == {"satisfied", "unlicensed", "partial"}
    assert all(oracle.sums(wanted.values()))


def test_the_oracle_and_the_naive_interpreter_say_the_same_of_a_small_book() -> None:
    facts = _facts(5, exporters=3, each=6)
    wanted = oracle.expected(facts, NOON)
    rows = naive.assess([read(one) for one in facts], now=NOON)
    found = {row["ref"]: (row["verdict"], row["open_quantity"], row["blocked_value"]) for row in rows}
    assert {ref: (one.verdict, one.open, one.blocked_value) for ref, one in wanted.items()} == found


def test_disorder_and_repeats_make_no_difference_to_the_oracle() -> None:
    facts = _facts(6)
    assert oracle.expected(random.Random(7).sample(facts * 2, len(facts) * 2), NOON) == oracle.expected(
        facts, NOON
    )


@pytest.mark.parametrize(
    "kind", ["contract.signed", "goods.shipped", "component.purchased", "licence.granted"]
)
def test_facts_that_are_missing_give_another_answer(kind: str) -> None:
    facts = _facts(8)
    some = [one for one in facts if one["type"] == kind][:5]
    whole = oracle.expected(facts, NOON)
    assert any(oracle.expected([one for one in facts if one is not lost], NOON) != whole for lost in some)


def test_a_contract_that_was_changed_and_not_yet_signed_has_no_line() -> None:
    facts = [one for one in _facts(9) if one["type"] != "contract.signed"]
    assert oracle.expected(facts, NOON) == _program(facts) == {}
