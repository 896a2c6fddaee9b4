"""The naive interpreter by itself: the golden cases of all packs hold in it as well.

How a case is told and how answers are compared is the program's; the answers are the naive interpreter's own.
"""

import pytest

from services.domain.answers import answer
from services.domain.scenarios import Case, Question, compared, facts, question
from tests import naive
from tests.domain.golden import CASES, PACKS, acts, golden, shared


@pytest.mark.slow
@pytest.mark.parametrize("case", [case for _, case in golden(PACKS, CASES)], ids=lambda one: one.name)
def test_golden_case_holds_in_the_naive_interpreter(case: Case) -> None:
    told = facts(case, acts(), shared())
    judged: dict[Question, dict[str, naive.Row]] = {}
    outcomes = []
    for wanted in case.then:
        asked = question(case, wanted)
        assert asked is not None
        if asked not in judged:
            rows = naive.assess(told, now=asked.now, at=asked.at, known=asked.known, reading=asked.reading)
            judged[asked] = {row["ref"]: answer(row) for row in rows}
        outcomes.append(compared(wanted, judged[asked].get(wanted.line)))
    assert [one for one in outcomes if one.differences] == []
