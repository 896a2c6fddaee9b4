"""What the store holds of a source, for files that go on from it: asked only once it holds all that the log has."""

import asyncio
import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from aiokafka.errors import KafkaError

from services.cli import stored
from services.impact.app import GROUP
from services.intake.rows import Known
from services.runtime import clock
from services.runtime.topics import cluster_id, ends

# Lists and licences are told to the one, withdrawals with the rules.
_TOPICS = ("licences", "rules")
_PATIENCE = timedelta(seconds=30)
_EVERY = 0.2


async def held(connection: Any, bootstrap: str, sources: Sequence[str]) -> tuple[Known, ...]:
    """The facts of these sources and of those below them (``SOURCE/…``), and their withdrawals, as they were learnt.

    Raises ServerTrouble where the store has not caught up with the log in time: what would be compared with half of
    what was told would tell too much.
    """
    await _caught_up(connection, bootstrap)
    rows = await connection.fetch(stored.SQL["told_by"], list(sources))
    return tuple(
        Known(row["source"], row["id"], row["type"], row["time"], row["recorded_at"], json.loads(row["data"]))
        for row in rows
    )


async def _caught_up(connection: Any, bootstrap: str) -> None:
    try:
        written, cluster = await ends(bootstrap, _TOPICS), await cluster_id(bootstrap)
    except (KafkaError, OSError) as error:
        raise stored.kafka_trouble(bootstrap, error) from error
    until = clock.now() + _PATIENCE
    while behind := await _behind(connection, cluster, written):
        if clock.now() >= until:
            raise stored.ServerTrouble(
                f"The store is {behind} records behind the log, and these files go on from what it holds. "
                "Repeat the command once tracker doctor says that it has caught up."
            )
        await asyncio.sleep(_EVERY)


async def _behind(connection: Any, cluster: str, written: dict[str, int]) -> int:
    rows = await connection.fetch(stored.SQL["stored_positions"], cluster, GROUP)
    there = {row["topic"]: row["stored"] for row in rows}
    return sum(max(0, count - there.get(topic, 0)) for topic, count in written.items())
