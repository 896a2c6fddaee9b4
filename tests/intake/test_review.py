"""The queue of names to be looked at, and decisions as facts that can be taken back."""

from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

from events.envelope import Event, event
from services.domain.book import frame_of
from services.domain.columns import EVENT_SCHEMA
from services.intake.review import BY_NAME, Parties, by_themselves, decision, history
from services.runtime.settings import NeedsAction

NOON = datetime(2020, 4, 10, 12, tzinfo=UTC)


def decided(kind: str, one: str, other: str, hour: int = 0, **more: Any) -> Event:
    return decision(kind, one, other, by="ana", at=NOON.replace(hour=hour), **more)


def parties(*decisions: Event) -> Parties:
    frame = frame_of(decisions) if decisions else pl.DataFrame(schema=dict(EVENT_SCHEMA))
    return Parties(
        {"amber-medical": 3, "zircon-biotec-inc": 1, "basalt": 1},
        frozenset({"amber-medical-co-ltd", "zircon-biotech-inc"}),
        {"amber-medical": ("Amber Medical", "CN")},
        frame,
    )


def pairs(of: Parties) -> list[tuple[str, str, bool]]:
    return [(one.party.party, one.same_as.party, one.sure) for one in of.queue()]


QUEUE = [("amber-medical", "amber-medical-co-ltd", True), ("zircon-biotec-inc", "zircon-biotech-inc", False)]


def test_names_in_contracts_stand_beside_those_in_registers_the_likeliest_first() -> None:
    assert pairs(parties()) == QUEUE


def test_only_what_is_beyond_doubt_becomes_a_fact_by_itself() -> None:
    (told,) = by_themselves(parties().queue(), NOON)
    assert told.type == "party.matched"
    assert told.wire()["data"] == {"party": "amber-medical", "same_as": "amber-medical-co-ltd", "score": "100",
                                   "at": "2020-04-10T12:00:00Z", "by": BY_NAME}  # fmt: skip
    assert told.recordedat == NOON


def test_what_was_decided_either_way_waits_no_longer() -> None:
    yes = decided("matched", "amber-medical-co-ltd", "amber-medical")
    no = decided("unmatched", "zircon-biotec-inc", "zircon-biotech-inc")
    assert pairs(parties(yes)) == QUEUE[1:]
    assert pairs(parties(yes, no)) == []


def test_what_was_withdrawn_waits_again() -> None:
    yes = decided("matched", "amber-medical", "amber-medical-co-ltd")
    gone = {"source": yes.source, "id": yes.id, "at": NOON, "reason": "an error"}
    back = event("fact.withdrawn", gone, source="t", id="1", recordedat=NOON)
    assert pairs(parties(yes, back)) == QUEUE
    assert [row[6] for row in history(parties(yes, back).decisions)] == [False]


def test_the_history_tells_every_decision_and_which_one_holds() -> None:
    told = [decided("matched", "a", "b", 1, reason="same address"), decided("unmatched", "b", "a", 2)]
    rows = history(parties(*told).decisions)
    assert [(row[2], row[3], row[5], row[6]) for row in rows] == [
        ("matched", "ana", "same address", False), ("unmatched", "ana", None, True)]  # fmt: skip


def test_an_unknown_name_is_refused_with_those_that_are_near() -> None:
    parties().is_known("amber-medical")
    with pytest.raises(NeedsAction, match=r"'amber-medcal'.*There is amber-medical"):
        parties().is_known("amber-medcal")


def test_only_a_match_can_be_taken_back_and_a_chain_says_by_whom_it_holds() -> None:
    of = parties(decided("matched", "a", "b"), decided("matched", "b", "c"))
    of.matched("b", "a")
    with pytest.raises(NeedsAction, match=r"only by way of others\. a is matched with b"):
        of.matched("a", "c")
    with pytest.raises(NeedsAction, match="a and x are not matched"):
        of.matched("a", "x")


def test_a_party_is_not_matched_with_itself() -> None:
    with pytest.raises(ValueError, match="same as itself already"):
        decided("matched", "a", "a")
