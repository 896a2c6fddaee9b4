"""The store as the commands read it: one connection, and every trouble with it told in one line."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import asyncpg
from aiokafka.errors import KafkaError

from events.envelope import Event
from events.values import instant_text
from services.domain.answers import KEYS
from services.runtime.embedded import find
from services.runtime.postgres import statements
from services.runtime.settings import Endpoints, NeedsAction, Settings

T = TypeVar("T")
SQL = statements(Path(__file__).with_name("queries.sql"))


class ServerTrouble(NeedsAction):
    """A server cannot be used; the message says which, why and what to do."""


def settings() -> Settings:
    """The environment, checked. Raises SettingsError."""
    return Settings.from_environment(os.environ)


def endpoints() -> Endpoints:
    """The servers that are set or run in the data folder. Raises NeedsAction."""
    return find(settings())


def read(work: Callable[[Any], Awaitable[T]]) -> T:
    """What the work reads from the store, in one snapshot. Raises NeedsAction."""
    return asyncio.run(_read(endpoints().database_url, work))


async def _read(address: str, work: Callable[[Any], Awaitable[T]]) -> T:
    async with (
        connected(address) as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        return await work(connection)


async def known(connection: Any, facts: Sequence[Event]) -> list[bool]:
    """Of each of these facts, whether it is stored with the same content, learnt no later than it says itself."""
    rows = await connection.fetch(
        SQL["known_facts"], [one.source for one in facts], [one.id for one in facts]
    )
    there = {(row["source"], row["id"]): row for row in rows}
    return [_holds(there.get((one.source, one.id)), one) for one in facts]


def _holds(row: Any, fact: Event) -> bool:
    return (
        row is not None
        and row["hash"] == fact.content_hash()
        and (fact.recordedat is None or row["recorded_at"] <= fact.recordedat)
    )


def printed(row: Any, now: datetime) -> dict[str, Any]:
    """A row of the table of verdicts as ``answers`` tells it, at the present instant."""
    clock = {"at": instant_text(max(row["export_at"], now)), "now": instant_text(now)}
    loss = None if row["loss"] is None else json.loads(row["loss"])
    answer = json.loads(row["answer"]) | clock | {"loss": loss}
    return {name: answer[name] for name in KEYS}


@asynccontextmanager
async def connected(address: str) -> AsyncIterator[Any]:
    """A connection to Postgres. Raises ServerTrouble for all that goes wrong with it."""
    with_trouble = postgres_trouble(address)
    try:
        connection: Any = await asyncpg.connect(
            address, timeout=10, command_timeout=60, server_settings={"timezone": "UTC"}
        )
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, ValueError) as error:
        raise with_trouble(error) from error
    try:
        yield connection
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise with_trouble(error) from error
    finally:
        connection.terminate()


def postgres_trouble(address: str) -> Callable[[Exception], ServerTrouble]:
    """What an error of Postgres means to whoever runs a command; the address is told without its password."""

    def trouble(error: Exception) -> ServerTrouble:
        where = _where(address)
        match error:
            case asyncpg.UndefinedTableError() | asyncpg.UndefinedColumnError():
                return ServerTrouble(
                    f"The database at {where} lacks the tracker's tables. Run tracker migrate."
                )
            case asyncpg.InvalidCatalogNameError():
                return ServerTrouble(f"Postgres at {where}: {error}. Create it, or correct DATABASE_URL.")
            case asyncpg.InvalidAuthorizationSpecificationError() | asyncpg.InsufficientPrivilegeError():
                return ServerTrouble(
                    f"Postgres at {where}: {error}. Check the user and password in DATABASE_URL."
                )
            case OSError() | asyncpg.CannotConnectNowError() | ValueError():
                return ServerTrouble(
                    f"Postgres cannot be reached at {where}. Start it (tracker up), or correct DATABASE_URL."
                )
            case _:
                return ServerTrouble(f"Postgres at {where} refused: {error}. Run tracker doctor.")

    return trouble


def kafka_trouble(bootstrap: str, error: Exception) -> ServerTrouble:
    """What an error of Kafka means to whoever runs a command."""
    why = f" ({error})" if isinstance(error, KafkaError) and str(error) else ""
    return ServerTrouble(
        f"Apache Kafka cannot be used at {bootstrap}{why}. Start it (tracker up), or correct KAFKA_BOOTSTRAP."
    )


def _where(address: str) -> str:
    try:
        parts = urlsplit(address)
        return f"{parts.hostname or 'the local socket'}:{parts.port or 5432}{parts.path}"
    except ValueError:
        return "the address in DATABASE_URL"
