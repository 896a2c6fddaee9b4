"""A broker and a Postgres of a test's own, which may be killed, frozen, filled up, and started again where they were."""

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from unittest import mock

import asyncpg
import psutil

from services.runtime.embedded import kafka, postgres
from services.runtime.embedded.children import Child, free_port
from services.runtime.postgres import migrate
from services.runtime.postgres import pool as open_pool
from tests.impact.workers import Pair, empty_topics


class Server:
    """One server: its folder and its ports stay the same over every start."""

    child: Child
    address: str

    def __init__(self, folder: Path, start: str) -> None:
        self.folder, self.start_with = folder, start
        self.module = kafka if start == "start_kafka" else postgres
        self.ports = [free_port(), free_port()]

    async def start(self) -> None:
        with mock.patch.object(self.module, "free_port", side_effect=list(self.ports)):
            self.child, self.address = await getattr(self.module, self.start_with)(self.folder)

    async def kill(self) -> None:
        """`kill -9` for all of it at once, children first, so that nobody can tidy up."""
        for process in self._processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        await self.child.process.wait()

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    @property
    def running(self) -> bool:
        return self.child.process.returncode is None

    async def stop(self) -> None:
        if self.running:
            self.thaw()
        await self.child.stop()

    def _signal(self, sign: signal.Signals) -> None:
        for process in self._processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(sign)

    def _processes(self) -> list[psutil.Process]:
        parent = psutil.Process(self.child.process.pid)
        return [*parent.children(recursive=True), parent]


class Servers:
    """The two of them, and the pair that a worker is given."""

    def __init__(self, folder: Path, database_folder: Path) -> None:
        self.broker = Server(folder, "start_kafka")
        self.postgres = Server(database_folder, "start_postgres")

    @property
    def pair(self) -> Pair:
        return Pair(self.broker.address, self.postgres.address)


@contextlib.asynccontextmanager
async def servers(
    folder: Path, database_folder: Path | None = None
) -> AsyncIterator[tuple[Servers, asyncpg.Pool]]:
    """Both running, with empty topics and the newest schema, and connections that give up; ended with the context."""
    made = Servers(folder, database_folder or folder)
    started: list[Server] = []
    try:
        for one in (made.broker, made.postgres):
            await one.start()
            started.append(one)
        await empty_topics(made.broker.address)
        await migrate(made.postgres.address)
        async with open_pool(made.postgres.address) as pool:
            yield made, pool
    finally:
        await asyncio.gather(*(one.stop() for one in started))


def may_mount() -> bool:
    """Whether a small disk can be made here: only root may."""
    return os.geteuid() == 0 and Path("/bin/mount").exists()


@contextlib.contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[None]:
    """A disk of so many megabytes at this folder, gone with the context."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Writes a file until the disk is full."""
    ballast = folder / "ballast"
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(64 * 1024))
    with contextlib.suppress(OSError), ballast.open("ab", buffering=0) as file:
        while file.write(bytes(512)):
            pass
    return ballast
