"""What the store holds of a source is asked only once it holds all that the log has."""

from datetime import timedelta

import asyncpg
import pytest

from services.cli import held
from services.cli.stored import ServerTrouble
from services.intake.handlers import send
from services.runtime import kafka
from services.runtime.settings import Endpoints
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
