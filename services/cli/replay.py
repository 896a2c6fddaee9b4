"""`tracker replay`: the whole log read and judged anew, into an empty database beside the present one, or into it."""

import asyncio
from typing import Annotated

import asyncpg
import typer
from aiokafka.errors import KafkaError

from services.cli import stored
from services.cli.up import migrated
from services.impact import replay as again
from services.impact.app import GROUP
from services.impact.replay import Answers, Ends
from services.runtime.postgres import pool
from services.runtime.settings import Endpoints, NeedsAction

_PATIENCE = 60
_SHOWN = 10
Into = Annotated[
    str | None,
    typer.Option(
        "--into", metavar="DATABASE_URL", help="An empty database: compare what comes out with the present."
    ),
]


def replay(into: Into = None) -> None:
    """Reads all facts anew from the log and judges them; nothing is published. Ends with 1 where an answer differs."""
    endpoints = stored.endpoints()
    if into is None:
        records, due = asyncio.run(_in_place(endpoints))
        print(f"{records} records read again. {due} exporters are judged anew by the running workers; only what "
              "differs is told.")  # fmt: skip
        return
    before, after, records = asyncio.run(_into(endpoints, into))
    differ = again.differing(before, after)
    print(f"{records} records, {after.facts} facts (present: {before.facts}), {len(after.rows)} answers as of "
          f"{before.now:%Y-%m-%d %H:%M:%S}Z: {len(after.rows) - len(differ)} equal, {len(differ)} differ.")  # fmt: skip
    for line in differ[:_SHOWN]:
        print(f"  {line}")
    if differ or before.facts != after.facts:
        raise typer.Exit(1)


async def _in_place(endpoints: Endpoints) -> tuple[int, int]:
    try:
        async with pool(endpoints.database_url, 4) as connections:
            records = await again.read_log(connections, endpoints.bootstrap)
            return records, await again.everybody_due(connections)
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise stored.postgres_trouble(endpoints.database_url)(error) from error
    except (KafkaError, OSError) as error:
        raise stored.kafka_trouble(endpoints.bootstrap, error) from error


async def _into(endpoints: Endpoints, into: str) -> tuple[Answers, Answers, int]:
    """The present answers, those of the replay, and how many records were read."""
    before, ends = await _present(endpoints)
    await migrated(into)
    try:
        async with pool(into, 4) as fresh:
            await _empty(fresh)
            records = await again.read_log(fresh, endpoints.bootstrap, ends)
            await again.judge_all(fresh, before.now)
            async with fresh.acquire() as connection:
                return before, await again.answers(connection), records
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise stored.postgres_trouble(into)(error) from error
    except (KafkaError, OSError) as error:
        raise stored.kafka_trouble(endpoints.bootstrap, error) from error


async def _present(endpoints: Endpoints) -> tuple[Answers, Ends]:
    """The present answers, as soon as nothing waits to be judged."""
    try:
        async with pool(endpoints.database_url, 2) as connections:
            for _ in range(_PATIENCE * 2):
                if (found := await again.settled(connections, endpoints.bootstrap, GROUP)) is not None:
                    return found
                await asyncio.sleep(0.5)
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise stored.postgres_trouble(endpoints.database_url)(error) from error
    except (KafkaError, OSError) as error:
        raise stored.kafka_trouble(endpoints.bootstrap, error) from error
    raise NeedsAction(
        f"Facts have been waiting to be judged for {_PATIENCE} s, so there is no finished state to compare with. "
        "Start a worker (tracker up), or try again when less is told."
    )


async def _empty(connections: asyncpg.Pool) -> None:
    if not await again.is_empty(connections):
        raise NeedsAction(
            "The database named by --into holds facts already. Name an empty one: it is filled from the log alone."
        )
