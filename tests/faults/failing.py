"""A pool, its connections and a producer that fail at the n-th thing they are asked for, as a dying process does.

Before: what was asked never happened. After: it happened, and nobody was told. Either way the connection is gone.
"""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any


class Died(BaseException):
    """The end of the process, as far as the code can see."""


@dataclass
class Fuse:
    """Counts what is asked, and fails at ``at``; ``error`` is raised there."""

    at: int
    after: bool
    error: Callable[[], BaseException]
    asked: int = 0
    blown: str = ""

    async def burn(self, what: str, ask: Callable[[], Awaitable[Any]], lose: Callable[[], None]) -> Any:
        self.asked += 1
        if self.asked != self.at:
            return await ask()
        self.blown = what
        if self.after:
            await ask()
        lose()
        raise self.error()


@dataclass
class FailingConnection:
    """A connection whose every question burns the fuse; also the begin and the end of its transactions."""

    whole: Any
    fuse: Fuse

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.whole, name)
        if name not in (
            "execute",
            "executemany",
            "fetch",
            "fetchrow",
            "fetchval",
            "copy_records_to_table",
            "copy_from_query",
        ):
            return found

        async def ask(*arguments: Any, **more: Any) -> Any:
            return await self.fuse.burn(name, lambda: found(*arguments, **more), self.lose)

        return ask

    def lose(self) -> None:
        self.whole.terminate()

    @contextlib.asynccontextmanager
    async def transaction(self, **options: Any) -> AsyncIterator[None]:
        one = self.whole.transaction(**options)
        await self.fuse.burn("begin", one.start, self.lose)
        try:
            yield
        except BaseException:
            if not self.whole.is_closed():
                await one.rollback()
            raise
        await self.fuse.burn("commit", one.commit, self.lose)


@dataclass
class FailingPool:
    """Hands out failing connections."""

    whole: Any
    fuse: Fuse

    @contextlib.asynccontextmanager
    async def acquire(self) -> AsyncIterator[FailingConnection]:
        async with self.whole.acquire() as connection:
            yield FailingConnection(connection, self.fuse)


@dataclass
class FailingProducer:
    """A producer whose sends burn the fuse."""

    whole: Any
    fuse: Fuse

    async def send(self, *arguments: Any, **more: Any) -> Any:
        return await self.fuse.burn("send", lambda: self.whole.send(*arguments, **more), lambda: None)
