"""What the doctor makes of what it has read: well or not, in words, and what to do."""

from typing import Any

import pytest

from services.cli import doctor_findings as findings
from services.cli.doctor_findings import LATE
from services.runtime.topics import Setting

NOTHING = {"pending": 0, "prompt": 0, "bulk": 0, "outbox": 0, "pending_age": 0.0, "prompt_age": 0.0, "bulk_age": 0.0,
           "outbox_age": 0.0}  # fmt: skip
COUNTS = {"events": 7, "lines": 3, "letters": 0, "outdated": 0, "stale": 0}
ROW = {"host": "here", "pid": 41, "metrics": "127.0.0.1:9464", "silent": 3.0, "watchdog": None}


def _waiting(**waits: Any) -> findings.Finding:
    (found,) = [one for one in findings.counted(COUNTS, [], NOTHING | waits) if one.check == "waiting"]
    return found


def test_topics_that_are_there_as_they_must_be_are_well() -> None:
    assert findings.topics([], []) == findings.Finding("topics", True, "all there")


def test_a_missing_topic_is_named_with_the_command_that_makes_it() -> None:
    found = findings.topics(["rules"], [])
    assert (found.ok, found.says, found.do) == (False, "rules missing", "Run tracker topics.")


def test_a_topic_that_is_set_otherwise_is_named_with_the_command_that_sets_it() -> None:
    found = findings.topics([], [Setting("rules", "retention.ms", "604800000", "-1"),
                                 Setting("rules", "compression.type", "producer", "uncompressed")])  # fmt: skip
    assert not found.ok
    assert "rules has retention.ms=604800000, not -1" in found.says
    assert "--topic rules --add-config retention.ms=-1,compression.type=uncompressed" in found.do


def test_what_waits_shortly_is_well() -> None:
    found = _waiting(pending=5, prompt=1, bulk=2, pending_age=LATE - 1.0, prompt_age=LATE - 1.0)
    assert (found.ok, found.do) == (True, "")
    assert found.says == "5 facts to hand on, 3 exporters to judge, 0 answers to publish"


def test_what_was_put_behind_all_else_may_take_its_time() -> None:
    assert _waiting(bulk=1000, bulk_age=50_000.0).ok


@pytest.mark.parametrize(
    ("age", "says", "do"),
    [("pending_age", "waited 3 min to be handed on", "Start a worker"),
     ("prompt_age", "waited 3 min to be judged", "start another worker"),
     ("outbox_age", "waited 3 min to be published", "tracker topics")],
)  # fmt: skip
def test_what_waits_for_too_long_is_said_with_what_to_do(age: str, says: str, do: str) -> None:
    found = _waiting(**{age: 180.0})
    assert not found.ok
    assert says in found.says
    assert do in found.do


def test_records_behind_are_well_while_a_worker_runs() -> None:
    assert findings.behind("contracts", 5, running=True).ok
    assert findings.behind("contracts", 0, running=False).ok
    alone = findings.behind("contracts", 5, running=False)
    assert (alone.ok, alone.do) == (False, "Start a worker: tracker up.")


def test_a_worker_that_lives_and_is_ready_is_well() -> None:
    found = findings.worker(ROW, "here", [], [])
    assert found.ok
    assert found.says.endswith("http://127.0.0.1:9464/metrics")


def test_a_worker_that_stands_still_is_said_before_what_it_lacks() -> None:
    found = findings.worker(ROW, "here", ["hand_on has not ended a turn for 400 s"], ["Postgres: no"])
    assert not found.ok
    assert found.says == "stands still: hand_on has not ended a turn for 400 s"
    assert "start another" in found.do


def test_a_worker_that_lacks_something_goes_on_by_itself() -> None:
    found = findings.worker(ROW, "here", [], ["Apache Kafka: does not answer"])
    assert (found.ok, found.says) == (False, "lives, but cannot work: Apache Kafka: does not answer")
    assert "by itself" in found.do


def test_a_worker_that_does_not_answer_is_to_be_looked_at() -> None:
    found = findings.worker(ROW, "here", None, None)
    assert not found.ok
    assert "does not answer at 127.0.0.1:9464" in found.says
    assert "process 41 on here" in found.do
    assert not findings.worker(ROW | {"metrics": "there:9464"}, "elsewhere", None, None).ok


def test_what_another_machine_keeps_to_itself_is_no_trouble() -> None:
    found = findings.worker(ROW, "elsewhere", None, None)
    assert found.ok
    assert "on its own machine only" in found.says


def test_a_worker_that_the_watchdog_ended_is_named_with_why() -> None:
    found = findings.watchdog(ROW | {"watchdog": "records wait", "silent": 300.0})
    assert (found.check, found.ok) == ("watchdog", False)
    assert found.says == "ended worker here/41 5 min ago: records wait"


def test_a_worker_that_was_killed_is_mentioned_only() -> None:
    assert findings.lost(ROW | {"silent": 600.0}).ok


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-1.0, "0 s"), (0.4, "0 s"), (119.0, "119 s"), (120.0, "2 min"), (7199.0, "120 min"), (7200.0, "2 h"),
     (432_000.0, "5 days")],
)  # fmt: skip
def test_a_stretch_of_time_is_said_in_the_unit_that_suits_it(seconds: float, said: str) -> None:
    assert findings.lasted(seconds) == said
