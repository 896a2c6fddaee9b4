"""A database with the schema, for tests that bring facts to the processors themselves."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from services.runtime.postgres import migrate
from services.runtime.postgres import pool as open_pool


@pytest.fixture
async def pool(database: str) -> AsyncIterator[asyncpg.Pool]:
    """Connections to an empty database of the newest schema."""
    await migrate(database)
    async with open_pool(database) as made:
        yield made
