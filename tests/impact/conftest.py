"""A database with the schema, for tests that bring facts to the processors themselves."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from services.runtime.postgres import migrate
from services.runtime.postgres import pool as open_pool
from tests.impact.workers import Pair, empty_topics


@pytest.fixture
async def pool(database: str) -> AsyncIterator[asyncpg.Pool]:
    """Connections to an empty database of the newest schema."""
    await migrate(database)
    async with open_pool(database) as made:
        yield made


@pytest.fixture
async def pair(bootstrap: str, database: str, pool: asyncpg.Pool) -> Pair:
    """The broker with topics that are empty, and an empty database of the newest schema."""
    await empty_topics(bootstrap)
    return Pair(bootstrap, database)
