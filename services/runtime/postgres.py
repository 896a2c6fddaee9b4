"""How Postgres is reached: pools that never wait for ever, statements by name, migrations in order."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

import asyncpg

from services.runtime.settings import SHIPPED

MIGRATIONS = SHIPPED / "deploy" / "migrations"
_BLOCK = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)
_LOCK = 7_205_041
_GOODBYE = 5.0
NAME = "contract-impact-tracker"
"""What Postgres calls our connections: only those are ever ended by another worker."""


@asynccontextmanager
async def pool(address: str, size: int = 8) -> AsyncIterator[asyncpg.Pool]:
    """Connections that give up: a cut network or a frozen server is an error after a time, never a wait for ever."""
    made = await asyncpg.create_pool(
        address,
        min_size=0,  # a server that is away at the start is met where the others are: at the first question
        max_size=size,
        timeout=10,
        command_timeout=60,
        server_settings={
            "application_name": NAME,
            "idle_in_transaction_session_timeout": "10000",
            "timezone": "UTC",
        },
    )
    try:
        yield made
    finally:
        try:
            # A connection that was just being opened is waited for; a server that does not answer is not.
            await asyncio.wait_for(made.close(), _GOODBYE)
        except (TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            made.terminate()


@cache
def statements(file: Path) -> dict[str, str]:
    """The statements of a .sql file by the names written above them."""
    parts = _BLOCK.split(file.read_text())
    return dict(zip(parts[1::2], (text.strip() for text in parts[2::2]), strict=True))


async def migrate(address: str, folder: Path = MIGRATIONS) -> list[str]:
    """Bring the schema up to date, each numbered file once, in one transaction each. Returns what was applied.

    Safe to run from many programs at once: they wait for one another.
    """
    connection: Any = await asyncpg.connect(address, timeout=10)
    applied: list[str] = []
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS migration"
            " (name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        there = {row["name"] for row in await connection.fetch("SELECT name FROM migration")}
        for file in sorted(folder.glob("[0-9]*.sql")):
            if file.name not in there:
                async with connection.transaction():
                    await connection.execute(file.read_text())
                    await connection.execute("INSERT INTO migration (name) VALUES ($1)", file.name)
                applied.append(file.name)
    finally:
        await connection.close()
    return applied
