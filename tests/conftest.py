"""The real pair of servers, started once per test session; a database of its own for each test."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio
from hypothesis import settings

from services.runtime.embedded import running
from services.runtime.settings import Endpoints, Settings

# By the clock, an example takes longer beside another process: that says nothing of what is tested.
settings.register_profile("beside others", deadline=None)
settings.load_profile("beside others")
_numbers = iter(range(1, 1_000_000))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def embedded(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Endpoints]:
    """Apache Kafka and Postgres, on a data folder that is new in every session."""
    async with running(Settings(None, None, tmp_path_factory.mktemp("embedded"))) as endpoints:
        yield endpoints


@pytest.fixture
def bootstrap(embedded: Endpoints) -> str:
    """The broker's `host:port`. It serves the whole session: a test's topics and groups have names of their own."""
    return embedded.bootstrap


@pytest.fixture
async def database(embedded: Endpoints) -> AsyncIterator[str]:
    """The address of an empty database that only this test sees; dropped afterwards, whoever is still connected."""
    name = f"test_{next(_numbers)}"
    server, _, _ = embedded.database_url.rpartition("/")
    await _execute(embedded.database_url, f'CREATE DATABASE "{name}"')
    yield f"{server}/{name}"
    await _execute(embedded.database_url, f'DROP DATABASE "{name}" WITH (FORCE)')


async def _execute(address: str, statement: str) -> None:
    connection = await asyncpg.connect(address, timeout=10)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
