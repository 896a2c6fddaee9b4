"""What the store holds of a source is asked only once it holds all that the log has."""

from datetime import timedelta

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer

from services.cli import held
from services.cli.stored import ServerTrouble
from services.impact.app import GROUP
from services.intake.handlers import send
from services.runtime import kafka
from services.runtime.settings import Endpoints
from services.runtime.topics import cluster_id, extents
from tests.impact.stage import fact

pytestmark = [pytest.mark.servers, pytest.mark.asyncio(loop_scope="session")]


async def test_a_store_that_is_behind_the_log_is_waited_for_and_then_refused(
    endpoints: Endpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held, "_PATIENCE", timedelta(seconds=0.5))
    producer = kafka.producer(endpoints.bootstrap)
    await producer.start()
    try:
        entry = {"list": "held", "party": "acme", "goods": [], "at": "2020-01-10T00:00:00Z"}
        await send(producer, [fact("list.entered", entry)])
    finally:
        await producer.stop()
    connection = await asyncpg.connect(endpoints.database_url)
    try:
        with pytest.raises(
            ServerTrouble, match=r"records behind the log, and these files go on .* tracker doctor"
        ):
            await held.held(connection, endpoints.bootstrap, ("list-snapshot/held",))
    finally:
        await connection.close()


async def test_the_marks_of_a_transaction_are_not_waited_for(
    endpoints: Endpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held, "_PATIENCE", timedelta(seconds=5))
    producer = AIOKafkaProducer(bootstrap_servers=endpoints.bootstrap, transactional_id="held-marks")
    await producer.start()
    try:
        async with producer.transaction():
            told = await producer.send_and_wait("licences", b"[]", partition=0)
    finally:
        await producer.stop()
    written, cluster = await extents(endpoints.bootstrap, held._TOPICS), await cluster_id(endpoints.bootstrap)
    marked = next(part for part in written if (part.topic, part.partition) == ("licences", 0))
    assert written[marked].end > told.offset + 1
    connection = await asyncpg.connect(endpoints.database_url)
    try:
        await connection.execute("BEGIN")
        await connection.executemany(
            "INSERT INTO position VALUES ($1, $2, $3, $4, $5) "
            "ON CONFLICT (cluster, consumer, topic, partition) DO UPDATE SET stored = excluded.stored",
            [
                (cluster, GROUP, *part, told.offset if part == marked else log.end - 1)
                for part, log in written.items()
            ],
        )
        assert await held.held(connection, endpoints.bootstrap, ("list-snapshot/nothing",)) == ()
    finally:
        await connection.execute("ROLLBACK")
        await connection.close()
