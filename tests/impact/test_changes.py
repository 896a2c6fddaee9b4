"""What is told of a change: the same event, to the key, that the vocabulary would write of it."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from events.envelope import Event, event
from events.wire import ONE, decode
from services.impact.changes import SOURCE, Change, Said, outgoing
from services.impact.judged import Judged, Key

NOW = datetime(2020, 4, 10, 4, 0, 0, 125, tzinfo=UTC)
KEY = ('acme "north"', "C-1 · Ø", "1")
ANSWER = {
    "ref": "/".join(KEY),
    "verdict": "unlicensed",
    "rule": None,
    "missing": ['a "paper"'],
    "unit": "H87",
}
TERMS = {"blocked_value": {"low": "1", "base": "2.5", "high": "3", "currency": "EUR"}}


def judged(
    answer: dict[str, Any], loss: dict[str, Any] | None = None, steps: dict[str, Any] | None = None
) -> Judged:
    planned = (None, None, None, NOW)
    texts = [None if one is None else json.dumps(one) for one in (loss, steps)]
    return Judged(KEY, planned, None, ("cn-2020-05/1",), json.dumps(answer, ensure_ascii=False), *texts)


def stored(answer: dict[str, Any], loss: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"answer": json.dumps(answer, ensure_ascii=False), "export_at": NOW, "loss": None if loss is None else json.dumps(loss),
            "steps": None, "cited": ["cn-2020-05/1"], "next_change_at": None}  # fmt: skip


def told(before: Any, after: Any, key: Key = KEY) -> list[Event]:
    change = Change(key, 7, Said(before), Said(after), ("cn-2020-05/1", "licence:ø"))
    rows = outgoing(change, NOW)
    assert {row[1:3] for row in rows} <= {("impacts", key[0])}
    read = [decode(row[3], ONE)[0] for row in rows]
    assert all(isinstance(one, Event) for one in read), read
    for row, one in zip(rows, read, strict=True):
        assert isinstance(one, Event)
        content = json.loads(row[3])
        rebuilt = event(content["type"], content["data"], source=SOURCE, id=content["id"])
        assert content == rebuilt.wire()
    return [one for one in read if isinstance(one, Event)]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, judged(ANSWER)),
        (stored(ANSWER), judged({**ANSWER, "verdict": "satisfied"})),
        (stored(ANSWER), None),
    ],
    ids=["a new line", "another verdict", "a line that left the book"],
)
def test_a_changed_verdict_is_told_with_both_answers(before: Any, after: Any) -> None:
    (one,) = told(before, after)
    said = one.wire()["data"]
    assert one.type == "verdict.changed"
    assert (said["ref"], said["revision"], said["cause"]) == ("/".join(KEY), 7, ["cn-2020-05/1", "licence:ø"])
    assert said["before"] == (None if before is None else json.loads(before["answer"]))
    assert said["after"] == (None if after is None else json.loads(after.answer))


def test_another_loss_is_told_with_its_terms_and_steps_and_nothing_is_said_of_the_verdict() -> None:
    (one,) = told(stored(ANSWER), judged(ANSWER, TERMS, {"tags": {"blocked_value": "given"}}))
    assert one.type == "loss.estimated"
    assert one.wire()["data"]["loss"] == {"terms": TERMS, "steps": {"tags": {"blocked_value": "given"}}}


def test_a_loss_that_is_no_longer_there_is_told_as_none() -> None:
    (one,) = told(stored(ANSWER, TERMS), judged(ANSWER))
    assert (one.type, one.wire()["data"]["loss"]) == ("loss.estimated", None)


def test_nothing_is_told_where_nothing_differs() -> None:
    assert told(stored(ANSWER), judged(json.loads(json.dumps(ANSWER)))) == []
