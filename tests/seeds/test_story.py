"""The seed story tells what happened in the spring of 2020, with the numbers that are known."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from functools import cache
from itertools import pairwise
from pathlib import Path

from events.envelope import Event
from events.licences import LicenceGranted, ListEntered
from events.registry import FACT_TOPICS, topic_of
from events.wire import decode

ROOT = Path(__file__).parents[2]
MORNING = datetime(2020, 3, 31, 16, tzinfo=UTC)  # midnight in Shanghai: No. 5 is in force
WEEK = datetime(2020, 4, 7, 16, tzinfo=UTC)


@cache
def told(topic: str) -> tuple[Event, ...]:
    """The events of one file of the story; each line must be one that a reader of the topic can read."""
    lines = (ROOT / "seeds" / "story" / f"{topic}.jsonl").read_bytes().splitlines()
    found = [event for line in lines for event in decode(line, "application/cloudevents+json")]
    unreadable = [event for event in found if not isinstance(event, Event)]
    assert not unreadable
    return tuple(event for event in found if isinstance(event, Event))


def story() -> list[Event]:
    return [event for topic in FACT_TOPICS for event in told(topic)]


def holders(scheme: str, by: datetime) -> set[str]:
    """Who held a test-kit licence of this scheme at an instant, corrections left out."""
    withdrawn = {event.data.model_dump()["id"] for event in told("rules") if event.type == "fact.withdrawn"}
    grants = [
        event
        for event in told("licences")
        if isinstance(event.data, LicenceGranted) and event.id not in withdrawn
    ]
    return {
        event.data.holder
        for event in grants
        if isinstance(event.data, LicenceGranted)
        and event.data.scheme == scheme
        and event.time <= by
        and event.data.goods[0].goods_class == "covid_test_kit"
    }


def test_making_the_story_again_gives_the_committed_files() -> None:
    command = [sys.executable, str(ROOT / "seeds" / "make_story.py"), "--check"]
    made = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert made.returncode == 0, made.stdout + made.stderr


def test_the_check_fails_where_a_file_was_edited(tmp_path: Path) -> None:
    seeds = tmp_path / "seeds"
    (seeds / "story").mkdir(parents=True)
    for path in [*(ROOT / "seeds").glob("*story*.py"), *(ROOT / "seeds" / "story").glob("*.jsonl")]:
        (tmp_path / path.relative_to(ROOT)).write_bytes(path.read_bytes())
    edited = seeds / "story" / "licences.jsonl"
    edited.write_bytes(edited.read_bytes().replace(b"kit-maker-001", b"kit-maker-002", 1))
    command = [sys.executable, str(seeds / "make_story.py"), "--check"]
    made = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert made.returncode == 1
    assert "differs: licences.jsonl" in made.stdout


def test_each_file_holds_the_events_of_its_topic_in_the_order_they_were_learnt() -> None:
    for topic in FACT_TOPICS:
        assert {topic_of(event.type) for event in told(topic)} == {topic}
        learnt = [event.recordedat for event in told(topic)]
        assert all(first and then and first <= then for first, then in pairwise(learnt))


def test_no_event_stands_twice_and_none_was_learnt_before_it_happened() -> None:
    events = story()
    assert len({(event.source, event.id) for event in events}) == len(events)
    assert not [event.id for event in events if event.recordedat is None or event.recordedat < event.time]


def test_the_story_has_the_size_a_demonstration_can_show() -> None:
    contracts = [event.data.model_dump() for event in told("contracts") if event.type == "contract.signed"]
    assert 250 <= len(contracts) <= 350
    assert 300 <= sum(len(contract["lines"]) for contract in contracts) <= 450
    assert 1500 <= len(story()) <= 3000


def test_of_102_kit_makers_with_ce_21_are_registered_when_the_rule_comes() -> None:
    certified, registered = holders("ce_marking", MORNING), holders("nmpa_registration", MORNING)
    assert (len(certified), len(certified & registered), len(registered)) == (102, 21, 23)


def test_25_kits_are_on_the_register_after_the_first_week_and_more_on_the_25th() -> None:
    assert len(holders("nmpa_registration", WEEK)) == 25
    assert len(holders("nmpa_registration", datetime(2020, 4, 25, 4, tzinfo=UTC))) == 33


def test_nobody_is_on_the_official_list_before_26_april() -> None:
    entered = [event for event in told("licences") if isinstance(event.data, ListEntered)]
    assert entered
    assert min(event.time for event in entered) >= datetime(2020, 4, 25, 16, tzinfo=UTC)


def test_all_names_are_plainly_invented() -> None:
    registered = [
        event.data.model_dump() for event in told("contracts") if event.type == "exporter.registered"
    ]
    signed = [event.data.model_dump() for event in told("contracts") if event.type == "contract.signed"]
    assert all(exporter["name"].startswith("Example ") for exporter in registered)
    assert all(contract["buyer"].startswith("example-") for contract in signed)


def test_rules_goods_and_codes_come_from_elsewhere() -> None:
    assert {event.type for event in told("rules")} == {"leadtime.published", "fx.published", "fact.withdrawn"}


def test_every_contract_is_that_of_a_registered_exporter_and_every_part_that_of_a_contract_or_a_class() -> (
    None
):
    exporters = {event.partitionkey for event in told("contracts") if event.type == "exporter.registered"}
    contracts = {event.subject for event in told("contracts") if event.type == "contract.signed"}
    parts = [
        event.data.model_dump()
        for event in told("purchases")
        if event.type in ("component.purchased", "component.ordered")
    ]
    assert {contract.split("/")[0] for contract in contracts} <= exporters
    assert all(
        part["contract"] is None or f"{part['exporter']}/{part['contract']}" in contracts for part in parts
    )
    assert all(part["contract"] or part["class"] for part in parts)
