"""Real servers without installing any: Apache Kafka and Postgres as children of this program, kept in a data folder.

Whoever has servers of their own sets KAFKA_BOOTSTRAP and DATABASE_URL, and nothing is started.
"""

import asyncio
import fcntl
import json
import os
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from services.runtime.embedded.children import (
    Child,
    EmbeddedError,
    ServerEnded,
    end_left_over,
    remember,
    require,
    write_private,
)
from services.runtime.embedded.jars import JarsUnavailable
from services.runtime.embedded.kafka import start_kafka
from services.runtime.embedded.postgres import start_postgres
from services.runtime.settings import Endpoints, NeedsAction, Settings

__all__ = ["EmbeddedError", "InUse", "JarsUnavailable", "NotRunning", "ServerEnded", "find", "running"]


class InUse(EmbeddedError):
    """Another program runs its servers in the same data folder."""


class NotRunning(NeedsAction):
    """No servers are known: none are set and none run in the data folder."""


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Endpoints]:
    """The two servers, for as long as the context lasts: the ones that are set, and embedded ones for the rest.

    Embedded ones keep their data in `settings.data` and end with the context or, on Linux, with this program however
    it ends. If one ends by itself meanwhile, the body is cancelled and ServerEnded raised. Raises EmbeddedError.
    """
    if settings.kafka_bootstrap and settings.database_url:
        yield Endpoints(settings.kafka_bootstrap, settings.database_url)
        return
    require()
    async with AsyncExitStack() as stack:
        stack.enter_context(_alone(settings.data))
        endpoints, children = await _start(settings, stack)
        stack.enter_context(_published(settings.data / "endpoints.json", endpoints))
        await stack.enter_async_context(_watched(children))
        yield endpoints


def find(settings: Settings) -> Endpoints:
    """The servers that are set, or that another program runs in the data folder; raises NotRunning."""
    if settings.kafka_bootstrap and settings.database_url:
        return Endpoints(settings.kafka_bootstrap, settings.database_url)
    try:
        found = Endpoints(**json.loads((settings.data / "endpoints.json").read_text()))
    except FileNotFoundError:
        raise NotRunning(
            f"No servers run in {settings.data}. Start them with `tracker up` (in another terminal), set TRACKER_DATA "
            "to the folder where they run, or set KAFKA_BOOTSTRAP and DATABASE_URL to your own."
        ) from None
    return Endpoints(settings.kafka_bootstrap or found.bootstrap, settings.database_url or found.database_url)


async def _start(settings: Settings, stack: AsyncExitStack) -> tuple[Endpoints, Sequence[Child]]:
    """Starts both at once; what has started is stopped with the stack, also if the other one fails."""
    folder, children, known = settings.data, list[Child](), settings.data / "children.json"
    await asyncio.to_thread(end_left_over, known)
    stack.callback(known.unlink, missing_ok=True)

    async def keep(starting: Coroutine[Any, Any, tuple[Child, str]]) -> str:
        child, address = await starting
        stack.push_async_callback(child.stop)
        children.append(child)
        remember(known, children)
        return address

    async def kafka() -> str:
        return settings.kafka_bootstrap or await keep(start_kafka(folder))

    async def postgres() -> str:
        return settings.database_url or await keep(start_postgres(folder))

    addresses = await asyncio.gather(kafka(), postgres(), return_exceptions=True)
    for outcome in addresses:
        if isinstance(outcome, BaseException):
            raise outcome
    bootstrap, database_url = (str(address) for address in addresses)
    return Endpoints(bootstrap, database_url), children


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Holds the folder; the kernel lets go of it when the program ends, so no stale lock can be left."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise InUse(
                f"The servers in {folder} already run, under process {lock.read().strip() or 'unknown'}. Other "
                "commands find them by themselves; to run a second pair, set TRACKER_DATA to another folder."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


@contextmanager
def _published(file: Path, endpoints: Endpoints) -> Iterator[None]:
    """Lets other commands find the servers. The file holds the password, so only its owner may read it."""
    file.unlink(missing_ok=True)
    write_private(file, json.dumps(asdict(endpoints)))
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


@asynccontextmanager
async def _watched(children: Sequence[Child]) -> AsyncIterator[None]:
    """Cancels the body when a server ends by itself, and says which and why."""
    body, ended = asyncio.current_task(), list[Child]()

    async def watch(child: Child) -> None:
        await child.process.wait()
        ended.append(child)
        if body:
            body.cancel()

    watchers = [asyncio.create_task(watch(child)) for child in children]
    try:
        yield
    except asyncio.CancelledError:
        if ended:
            raise ended[0].ended() from None
        raise
    finally:
        for watcher in watchers:
            watcher.cancel()
