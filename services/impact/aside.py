"""What cannot be judged: found by halving, down to one slice, and set aside with the error, so that all others go on.

Its verdicts are stale from then on: `tracker doctor` shows it, and its next fact (or the next start) tries it again.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import asyncpg
from polars.exceptions import PanicException

from services.impact import store
from services.impact.store import SQL, columns
from services.runtime.reactions import Reaction, reaction

# Polars says that it broke by an exception that is no Exception.
FAULTS = (Exception, PanicException)
_LONGEST = 500
log = logging.getLogger(__name__)


class Failed(Exception):
    """A slice could not be judged, and its content may be the reason. ``requests``: why it was due just then."""

    def __init__(self, slice_: Sequence[str], requests: Sequence[Any], error: BaseException) -> None:
        super().__init__(str(error))
        self.slice, self.requests, self.error = list(slice_), requests, error


def at_fault(error: BaseException) -> bool:
    """Whether what was judged may be at fault: not the servers, the memory, or a statement that suits no schema."""
    match error:
        case MemoryError():
            return False
        case asyncpg.PostgresError() | asyncpg.InterfaceError():
            return reaction(error) is Reaction.SET_ASIDE
        case _:
            return reaction(error) is not Reaction.RETRY


async def by_halves(
    pool: asyncpg.Pool, failed: Failed, judge: Callable[[list[str]], Awaitable[list[str]]]
) -> int:
    """Judge in halves what failed together; set aside what fails alone. Returns how many exporters were seen to."""
    seen: set[str] = set()
    waiting = await _smaller(pool, failed, failed.slice, seen)
    while waiting:
        names = [name for name in waiting.pop() if name not in seen]
        if not names:
            continue
        try:
            seen.update(await judge(names))
        except Failed as error:
            waiting += await _smaller(pool, error, names, seen)
    return len(seen)


async def _smaller(pool: asyncpg.Pool, failed: Failed, names: list[str], seen: set[str]) -> list[list[str]]:
    """The halves of what failed; one slice has none, it is set aside."""
    async with pool.acquire() as connection:
        alone = set(await store.closed(connection, names[:1])) >= set(names)
    if alone:
        await _set_aside(pool, failed)
        seen.update(failed.slice)
        return []
    half = len(names) // 2
    return [names[half:], names[:half]]


async def _set_aside(pool: asyncpg.Pool, failed: Failed) -> None:
    """Mark the slice stale, and no longer due unless a new reason came meanwhile."""
    log.error("%s cannot be judged and is set aside", ", ".join(failed.slice), exc_info=failed.error)
    said = f"{type(failed.error).__name__}: {failed.error}"[:_LONGEST].replace("\0", "")
    async with pool.acquire() as connection, connection.transaction():
        await connection.fetch(SQL["lock_exporters"], failed.slice)
        await connection.execute(
            SQL["set_aside"], failed.slice, said.encode(errors="backslashreplace").decode()
        )
        await connection.execute(SQL["settle"], *columns([tuple(row) for row in failed.requests], 2))
