"""That two names mean one party is a fact like any other: who decided it, why, and that it can be taken back."""

from typing import Any

import pytest
from pydantic import ValidationError

from events.envelope import Event, event, explain
from events.registry import topic_of

DECIDED = {"party": "acme-medical", "same_as": "acme-medical-co-ltd", "at": "2020-04-01T00:00Z", "by": "ana"}


def decided(kind: str = "party.matched", **more: Any) -> Event:
    return event(kind, DECIDED | more, source="test", id="1")


@pytest.mark.parametrize("kind", ["party.matched", "party.unmatched"])
def test_a_decision_travels_with_the_licences_and_by_its_party(kind: str) -> None:
    made = decided(kind, reason="the same address")
    assert topic_of(kind) == "licences"
    assert (made.partitionkey, made.subject) == ("acme-medical", "acme-medical/acme-medical-co-ltd")
    assert made.wire()["data"]["reason"] == "the same address"


def test_a_match_says_how_alike_the_names_are() -> None:
    assert decided(score="98.5").wire()["data"]["score"] == "98.5"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"same_as": "acme-medical"}, "same as itself already"),
        ({"same_as": "buyer"}, "'buyer' is a side of a contract"),
        ({"party": "exporter"}, "'exporter' is a side of a contract"),
        ({"score": "100.5"}, "expected a score from 0 to 100"),
        ({"score": "-1"}, "not negative"),
        ({"by": ""}, "at least 1 character"),
    ],
)
def test_a_decision_that_decides_nothing_is_refused(changes: dict[str, str], says: str) -> None:
    with pytest.raises(ValidationError) as refused:
        decided(**changes)
    assert says in explain(refused.value)


def test_a_decision_taken_back_rests_on_no_score() -> None:
    with pytest.raises(ValueError, match="score"):
        decided("party.unmatched", score="98")
