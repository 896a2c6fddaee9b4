"""Questions to the two servers that hold no request up: an answer in time, or a problem that says who is away."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import asyncpg

from services.intake.problems import Problem, unavailable

T = TypeVar("T")
_AWAY = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)
log = logging.getLogger(__name__)


async def asked(pool: Any, question: Callable[[Any], Awaitable[T]], patience: float) -> T:
    """What Postgres answers. Raises Problem where it does not within so many seconds."""
    try:
        async with asyncio.timeout(patience), pool.acquire() as connection:
            return await _or_cut(connection, question, patience)
    except _AWAY as error:
        raise away("Postgres", error) from None


async def _or_cut(connection: Any, question: Callable[[Any], Awaitable[T]], patience: float) -> T:
    """A connection that does not answer is cut: giving it back whole would mean to wait for a frozen server."""
    try:
        async with asyncio.timeout(patience / 2):
            return await question(connection)
    except BaseException as error:
        if isinstance(error, TimeoutError | asyncio.CancelledError):
            connection.terminate()
        raise


def away(what: str, error: BaseException) -> Problem:
    """A server does not answer as it should: said in the log, and to whoever posts without particulars."""
    log.warning("%s cannot be used: %s", what, type(error).__name__)
    if isinstance(error, asyncpg.UndefinedTableError):
        return unavailable("The database lacks the tracker's tables: tracker migrate makes them.", 30)
    return unavailable(f"{what} does not answer.", 5)
