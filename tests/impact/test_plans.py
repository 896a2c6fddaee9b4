"""How Postgres goes about what it is asked of a large store: by an index for each key, never through a whole table."""

import asyncpg
import pytest

from services.impact.plan import PAGE
from services.impact.store import SQL

pytestmark = pytest.mark.servers

LARGE = ("event", "tie", "name", "alias", "verdict", "exporter")
MANY = 20_000
MADE = f"""
INSERT INTO exporter (exporter) SELECT 'e' || n FROM generate_series(1, {MANY}) AS n;
INSERT INTO event (source, id, type, time, recorded_at, hash, exporter, subject, data)
    SELECT 's', n::text, 'licence.granted', now(), now(), '', 'e' || n, 'licence:' || n, '{{}}'
    FROM generate_series(1, {MANY}) AS n;
INSERT INTO tie SELECT 'e' || n, k || n
    FROM generate_series(1, {MANY}) AS n, unnest('{{party:,paper:}}'::text[]) AS k;
INSERT INTO name SELECT 'licence:' || n, k || n, n % 10 = 0
    FROM generate_series(1, {MANY}) AS n, unnest('{{party:,holder:}}'::text[]) AS k;
INSERT INTO alias SELECT 'party:' || n, 'party:' || n + 1 FROM generate_series(1, {MANY}, 2) AS n;
INSERT INTO pending (exporter, subject) SELECT 'e' || n, 'licence:' || n FROM generate_series(1, 100) AS n;
INSERT INTO verdict SELECT 'e' || n, 'c', '1', 'r' || n, 1, 3, 'b', 'x', 'ES', now(), 'clear', 1, 0, 1, 'EUR', NULL,
    '{{}}', '{{}}' FROM generate_series(1, {MANY}) AS n;
"""


@pytest.fixture
async def large(pool: asyncpg.Pool) -> asyncpg.Pool:
    """A store of twenty thousand exporters of whom Postgres has counted nothing yet."""
    await pool.execute(MADE)
    return pool


@pytest.mark.parametrize("counted", [False, True], ids=["never counted", "counted"])
async def test_what_is_asked_for_a_few_exporters_reads_no_whole_table(
    large: asyncpg.Pool, counted: bool
) -> None:
    if counted:
        await large.execute("ANALYZE")
    exporters = [f"e{n}" for n in range(1, 11)]
    pending = [row["id"] for row in await large.fetch("SELECT id FROM pending")]
    asked: dict[str, list[object]] = {
        name: [exporters] for name in ("slice", "facts", "current", "lock_exporters")
    }
    asked["hand_on"] = [pending, PAGE]
    whole = {name: await whole_tables(large, SQL[name], *arguments) for name, arguments in asked.items()}
    assert not any(whole.values()), whole


async def whole_tables(pool: asyncpg.Pool, statement: str, *arguments: object) -> list[str]:
    """The large tables that Postgres would read from end to end for this statement."""
    plan = [row[0] for row in await pool.fetch(f"EXPLAIN {statement}", *arguments)]
    return [table for table in LARGE if any(f"Seq Scan on {table} " in line for line in plan)]


async def test_a_whole_table_is_seen_in_a_plan(large: asyncpg.Pool) -> None:
    assert await whole_tables(large, "SELECT count(*) FROM tie") == ["tie"]
