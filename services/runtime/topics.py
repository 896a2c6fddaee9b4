"""The topics on the broker: made where missing, facts kept for ever; how far their logs and a group go."""

import contextlib
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError

from services.runtime.settings import SHIPPED

DECLARED = SHIPPED / "deploy" / "topics.yaml"


async def create_topics(bootstrap: str) -> list[str]:
    """Create the topics of ``deploy/topics.yaml`` that are missing. Returns the names created."""
    declared = yaml.safe_load(DECLARED.read_text())
    async with _admin(bootstrap) as admin:
        there = set(await admin.list_topics())
        brokers = len((await admin.describe_cluster())["brokers"])
        missing = [_topic(name, said, brokers) for name, said in declared.items() if name not in there]
        with contextlib.suppress(TopicAlreadyExistsError):
            if missing:
                await admin.create_topics(missing)
        return [topic.name for topic in missing]


async def missing_topics(bootstrap: str) -> list[str]:
    """The topics of ``deploy/topics.yaml`` that are not there."""
    async with _admin(bootstrap) as admin:
        there = set(await admin.list_topics())
    return [name for name in yaml.safe_load(DECLARED.read_text()) if name not in there]


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting of a topic that is another than ``deploy/topics.yaml`` wants."""

    topic: str
    name: str
    found: str
    wanted: str


async def other_settings(bootstrap: str) -> list[Setting]:
    """What topics that were there before are set to, where it is not what they are made with."""
    declared = yaml.safe_load(DECLARED.read_text())
    async with _admin(bootstrap) as admin:
        there = [name for name in await admin.list_topics() if name in declared]
        asked = [ConfigResource(ConfigResourceType.TOPIC, name, declared[name]["config"]) for name in there]
        told = await admin.describe_configs(asked) if asked else []
    found = {(one[3], entry[0]): entry[1] for answer in told for one in answer.resources for entry in one[4]}
    return [
        Setting(topic, name, found[topic, name], str(wanted))
        for topic in sorted(there)
        for name, wanted in declared[topic]["config"].items()
        if found.get((topic, name), str(wanted)) != str(wanted)
    ]


@dataclass(frozen=True, slots=True)
class Extent:
    """What a partition's log holds: offsets from ``first`` up to, not including, ``end``."""

    first: int
    end: int


async def extents(bootstrap: str, topics: Iterable[str]) -> dict[TopicPartition, Extent]:
    """What the log of each partition of these topics holds; topics that are not there are left out."""
    async with _admin(bootstrap) as admin:
        there = sorted(set(topics) & set(await admin.list_topics()))
        told = await admin.describe_topics(there)
    # A consumer that is assigned nothing knows no partitions by itself: they are asked of the broker.
    parts = [TopicPartition(one["topic"], part["partition"]) for one in told for part in one["partitions"]]
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    try:
        await consumer.start()
        firsts, ends = await consumer.beginning_offsets(parts), await consumer.end_offsets(parts)
        return {part: Extent(firsts[part], ends[part]) for part in parts}
    finally:
        await consumer.stop()


async def ends(bootstrap: str, topics: Iterable[str]) -> dict[str, int]:
    """How many records were ever written to each of these topics."""
    written: dict[str, int] = {}
    for part, extent in (await extents(bootstrap, topics)).items():
        written[part.topic] = written.get(part.topic, 0) + extent.end
    return written


async def acknowledged(bootstrap: str, group: str) -> dict[TopicPartition, int]:
    """The offset from which the group would go on in each partition that it has acknowledged anything of."""
    async with _admin(bootstrap) as admin:
        told = await admin.list_consumer_group_offsets(group)
    return {part: said.offset for part, said in told.items() if said.offset >= 0}


async def members(bootstrap: str, group: str) -> int:
    """How many consumers are in the group."""
    async with _admin(bootstrap) as admin:
        (answer,) = await admin.describe_consumer_groups([group])
    return sum(len(one[5]) for one in answer.groups)


def _topic(name: str, said: Mapping[str, Any], brokers: int) -> NewTopic:
    """Three replicas where there are three brokers, else one: two would stop at the loss of either."""
    config = {key: str(value) for key, value in said["config"].items()}
    return NewTopic(name, said["partitions"], 3 if brokers >= 3 else 1, topic_configs=config)


async def cluster_id(bootstrap: str) -> str:
    """The broker's own name for its cluster: positions in a log are kept per cluster."""
    async with _admin(bootstrap) as admin:
        return str((await admin.describe_cluster())["cluster_id"])


@contextlib.asynccontextmanager
async def _admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()
