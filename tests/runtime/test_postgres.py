"""Postgres: the schema from nothing, once and for everybody; statements by name; connections that give up."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from services.impact.store import SQL
from services.runtime.postgres import MIGRATIONS, migrate, pool, statements


@pytest.mark.servers
async def test_the_schema_is_made_once_however_many_ask_for_it(database: str) -> None:
    applied = await asyncio.gather(*(migrate(database) for _ in range(3)))
    files = sorted(file.name for file in MIGRATIONS.glob("[0-9]*.sql"))
    assert sorted(applied) == [[], [], files]
    assert await migrate(database) == []


@pytest.mark.servers
async def test_a_migration_that_fails_leaves_nothing_behind(database: str, tmp_path: Path) -> None:
    (tmp_path / "0001_first.sql").write_text("CREATE TABLE first (n int);")
    (tmp_path / "0002_second.sql").write_text("CREATE TABLE second (n int); SELECT 1 / 0;")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(database, tmp_path)
    async with pool(database) as connections:
        tables = await connections.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
        )
        assert [row["tablename"] for row in tables] == ["first", "migration"]
    (tmp_path / "0002_second.sql").write_text("CREATE TABLE second (n int);")
    assert await migrate(database, tmp_path) == ["0002_second.sql"]


@pytest.mark.servers
async def test_every_statement_of_the_processors_is_understood_by_the_schema(database: str) -> None:
    await migrate(database)
    async with pool(database) as connections, connections.acquire() as connection:
        for statement in SQL.values():
            await connection.prepare(statement)


@pytest.mark.servers
async def test_whoever_forgets_an_open_transaction_loses_its_connection(database: str) -> None:
    async with pool(database) as connections:
        assert await connections.fetchval("SHOW idle_in_transaction_session_timeout") == "10s"


@pytest.mark.servers
async def test_money_that_is_no_number_is_refused(database: str) -> None:
    await migrate(database)
    async with pool(database) as connections:
        money = {"verdict": ("open_quantity", "blocked_value", "value"), "remain": ("blocked_value",)}
        for table, column in ((table, column) for table, names in money.items() for column in names):
            checks = await connections.fetchval(
                "SELECT count(*) FROM pg_constraint WHERE conrelid = $1::regclass AND contype = 'c'"
                " AND pg_get_constraintdef(oid) LIKE '%(' || $2 || ' <> %NaN%'",
                table,
                column,
            )
            assert checks == 1, (table, column)


@pytest.mark.servers
async def test_lines_cancelled_before_their_losses_were_kept_are_looked_at_once(
    database: str, tmp_path: Path
) -> None:
    first = "0001_foundation.sql"
    (tmp_path / first).write_text((MIGRATIONS / first).read_text())
    await migrate(database, tmp_path)
    async with pool(database) as connections:
        await connections.execute("INSERT INTO exporter (exporter) VALUES ('acme'), ('bolt')")
        await connections.execute("INSERT INTO due (exporter, bulk) VALUES ('bolt', false)")
        await migrate(database)
        due = await connections.fetch("SELECT exporter, bulk FROM due ORDER BY exporter")
    assert [tuple(row) for row in due] == [("acme", True), ("bolt", False)]


def test_statements_are_found_by_the_names_written_above_them(tmp_path: Path) -> None:
    file = tmp_path / "queries.sql"
    file.write_text("-- A file.\n\n-- name: one\nSELECT 1\n\n-- name: two\n-- Says why.\nSELECT 2\n")
    assert statements(file) == {"one": "SELECT 1", "two": "-- Says why.\nSELECT 2"}
