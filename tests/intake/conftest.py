"""The HTTP door on the session's broker and a database of the newest schema, one for each module of tests."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from services.runtime.postgres import migrate
from services.runtime.settings import Endpoints
from services.runtime.topics import create_topics
from tests.intake.door import OPERATOR, Client, key, opened


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def endpoints(request: pytest.FixtureRequest, embedded: Endpoints) -> AsyncIterator[Endpoints]:
    """The session's broker with its topics, and a database with the schema."""
    name = request.node.name.removesuffix(".py").rpartition("/")[2]
    server, _, _ = embedded.database_url.rpartition("/")
    connection = await asyncpg.connect(embedded.database_url)
    await connection.execute(f'CREATE DATABASE "{name}"')
    await migrate(f"{server}/{name}")
    await create_topics(embedded.bootstrap)
    yield Endpoints(embedded.bootstrap, f"{server}/{name}")
    await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    await connection.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def door(endpoints: Endpoints) -> AsyncIterator[Client]:
    """The door, and an operator's key to it."""
    async with opened(endpoints, await key(endpoints.database_url, OPERATOR)) as client:
        yield client
