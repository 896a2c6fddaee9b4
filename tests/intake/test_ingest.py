"""Files brought in: every fact told to the log once the broker has it, and every mistake told with its place."""

import json
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.structs import ConsumerRecord

from events.envelope import Event
from events.registry import FACT_TOPICS, topic_of
from events.wire import decode
from services.intake.files import FORMATS, events
from services.intake.handlers import Telling, ingest
from services.intake.rows import Rejected
from services.runtime import kafka, packs
from services.runtime.topics import create_topics
from services.runtime.yaml_text import FileError
from tests.impact.stage import contract, fact

pytestmark = pytest.mark.servers


async def _ends(bootstrap: str) -> dict[TopicPartition, int]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await consumer.start()
    try:
        logs = [TopicPartition(topic, number) for topic in FACT_TOPICS for number in range(8)]
        return dict(await consumer.end_offsets(logs))
    finally:
        await consumer.stop()


async def _since(bootstrap: str, start: dict[TopicPartition, int]) -> list[ConsumerRecord[bytes, bytes]]:
    """All records of the fact topics behind these ends."""
    ends, found = await _ends(bootstrap), list[ConsumerRecord[bytes, bytes]]()
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await consumer.start()
    try:
        consumer.assign(list(ends))
        for log, offset in start.items():
            consumer.seek(log, offset)
        while len(found) < sum(ends.values()) - sum(start.values()):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                found += records
        return found
    finally:
        await consumer.stop()


async def _told(
    bootstrap: str, files: list[Path], form: str
) -> tuple[Any, list[ConsumerRecord[bytes, bytes]]]:
    await create_topics(bootstrap)
    start, producer = await _ends(bootstrap), kafka.producer(bootstrap)
    await producer.start()
    try:
        report = await ingest(files, FORMATS[form], Telling(producer))
    finally:
        await producer.stop()
    return report, await _since(bootstrap, start)


def _file(folder: Path, *lines: str | dict[str, Any]) -> Path:
    path = folder / "facts.jsonl"
    path.write_text("".join(f"{one if isinstance(one, str) else json.dumps(one)}\n" for one in lines))
    return path


async def test_each_fact_of_a_file_is_in_the_log_under_its_own_id(bootstrap: str, tmp_path: Path) -> None:
    facts = [
        fact("contract.signed", contract(f"maker-{n % 3}", f"C{n}"), source=str(tmp_path)) for n in range(30)
    ]
    report, records = await _told(bootstrap, [_file(tmp_path, *(one.wire() for one in facts))], "events")
    assert (report.rows, report.told, report.facts, report.sent, report.rejected) == (30, 30, 30, 30, 0)
    told = [
        one
        for record in records
        for one in decode(record.value, dict(record.headers)["content-type"].decode())
    ]
    assert len(told) == len(facts)
    assert {one.id: one for one in told if isinstance(one, Event)} == {one.id: one for one in facts}


async def test_facts_of_one_key_travel_together_in_their_order(bootstrap: str, tmp_path: Path) -> None:
    facts = [
        fact("contract.signed", contract(f"maker-{n % 2}", f"C{n}"), source=str(tmp_path)) for n in range(10)
    ]
    _, records = await _told(bootstrap, [_file(tmp_path, *(one.wire() for one in facts))], "events")
    assert len(records) == 2
    for record in records:
        told = [one for one in decode(record.value) if isinstance(one, Event)]
        assert {one.partitionkey.encode() for one in told} == {record.key}
        assert {topic_of(one.type) for one in told} == {record.topic}
        assert [one.id for one in told] == sorted(one.id for one in told)


async def test_a_check_sends_nothing_and_says_what_is_wrong(bootstrap: str, tmp_path: Path) -> None:
    await create_topics(bootstrap)
    good = fact("contract.signed", contract("acme", "C1")).wire()
    bad = good | {"data": good["data"] | {"currency": "GOLD"}}
    start = await _ends(bootstrap)
    report = await ingest([_file(tmp_path, good, bad)], FORMATS["events"], Telling())
    assert (report.rows, report.told, report.sent) == (2, 1, 0)
    (rejected,) = report.first
    assert rejected.place == "line 2"
    assert "currency: expected an ISO 4217 currency, such as EUR" in rejected.reason
    assert await _ends(bootstrap) == start


async def test_one_bad_line_keeps_no_other_from_the_log(bootstrap: str, tmp_path: Path) -> None:
    good = [fact("contract.signed", contract("acme", f"C{n}"), source=str(tmp_path)) for n in range(2)]
    path = _file(tmp_path, good[0].wire(), "{ not JSON", good[1].wire())
    report, records = await _told(bootstrap, [path], "events")
    assert (report.rows, report.sent, report.rejected) == (3, 2, 1)
    assert [one for record in records for one in decode(record.value)] == good


async def test_a_rule_pack_is_told_act_by_act(bootstrap: str) -> None:
    path = packs.RULES / "cn-2020-05.yaml"
    report, records = await _told(bootstrap, [path], "rule-pack")
    told = [one for record in records for one in decode(record.value) if isinstance(one, Event)]
    assert told == [act.event() for act in packs.load(path)]
    assert report.sent == len(told)


async def test_a_rule_pack_with_a_mistake_is_not_told_at_all(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text((packs.RULES / "cn-2020-05.yaml").read_text().replace("effect: block", "effect: blok"))
    with pytest.raises(FileError, match="effect"):
        await ingest([path], FORMATS["rule-pack"], Telling())


def test_an_answer_of_the_tracker_is_no_fact_to_bring_in(tmp_path: Path) -> None:
    data = {"exporter": "acme", "ref": "acme/C1/1", "revision": 1, "at": "2020-04-01T00:00:00Z", "loss": None}
    (found,) = events(_file(tmp_path, fact("loss.estimated", data).wire()))
    assert isinstance(found, Rejected)
    assert found.reason == "type: loss.estimated is an answer of the tracker, not a fact"


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(FileError, match="there is no such file"):
        list(events(Path("nowhere.jsonl")))


async def test_rejections_are_counted_by_kind_of_reason_with_an_example_of_each(tmp_path: Path) -> None:
    good = fact("contract.signed", contract("acme", "C1")).wire()
    odd = [good | {"data": good["data"] | {"currency": name}} for name in ("GOLD", "SILVER")]
    report = await ingest([_file(tmp_path, *odd, "{ not JSON")], FORMATS["events"], Telling())
    assert [(one.place, report.of_kind(one)) for one in report.first] == [("line 1", 2), ("line 3", 1)]
