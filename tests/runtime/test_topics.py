"""The topics as declared: one for each in the vocabulary, facts kept for ever."""

import pytest
import yaml
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from events.registry import FACT_TOPICS, TOPICS
from services.runtime.topics import (
    DECLARED,
    Setting,
    cluster_id,
    create_topics,
    ends,
    missing_topics,
    other_settings,
)


def test_every_topic_of_the_vocabulary_is_declared_and_no_other() -> None:
    assert set(yaml.safe_load(DECLARED.read_text())) == set(TOPICS)


def test_facts_are_kept_for_ever_and_never_compacted() -> None:
    declared = yaml.safe_load(DECLARED.read_text())
    for name in FACT_TOPICS:
        config = declared[name]["config"]
        assert (config["cleanup.policy"], config["retention.ms"], config["retention.bytes"]) == (
            "delete",
            -1,
            -1,
        )


@pytest.mark.servers
async def test_topics_are_made_once_as_they_are_declared(bootstrap: str) -> None:
    await create_topics(bootstrap)
    assert await create_topics(bootstrap) == []
    assert await missing_topics(bootstrap) == []
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, "contracts")])
    finally:
        await admin.close()
    found = {entry[0]: entry[1] for entry in answer.resources[0][4]}
    assert (found["cleanup.policy"], found["retention.ms"], found["retention.bytes"]) == (
        "delete",
        "-1",
        "-1",
    )


@pytest.mark.servers
async def test_a_cluster_has_a_name_of_its_own(bootstrap: str) -> None:
    name = await cluster_id(bootstrap)
    assert name
    assert await cluster_id(bootstrap) == name


@pytest.mark.servers
async def test_what_was_written_to_a_topic_is_counted_over_all_its_partitions(bootstrap: str) -> None:
    await create_topics(bootstrap)
    before = await ends(bootstrap, ["purchases", "no-such-topic"])
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        for partition in (0, 3, 3):
            await producer.send_and_wait("purchases", b"{}", partition=partition)
    after = await ends(bootstrap, ["purchases", "no-such-topic"])
    assert after == {"purchases": before["purchases"] + 3}


@pytest.mark.servers
async def test_a_topic_that_was_there_before_and_is_set_otherwise_is_named(bootstrap: str) -> None:
    await create_topics(bootstrap)
    assert await other_settings(bootstrap) == []
    declared = {
        key: str(value) for key, value in yaml.safe_load(DECLARED.read_text())["purchases"]["config"].items()
    }
    try:
        await _set(bootstrap, declared | {"compression.type": "producer", "retention.ms": "604800000"})
        assert await other_settings(bootstrap) == [
            Setting("purchases", "retention.ms", "604800000", "-1"),
            Setting("purchases", "compression.type", "producer", "uncompressed"),
        ]
    finally:
        await _set(bootstrap, declared)
    assert await other_settings(bootstrap) == []


async def _set(bootstrap: str, config: dict[str, str]) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, "purchases", config)])
    finally:
        await admin.close()
