"""What a file of contracts makes of it: read, checked and in the log, against the COPY of the same rows."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import asyncpg

from bench.books import books
from bench.figures import Figure, in_turn
from events.envelope import Event, event
from services.cli import stored
from services.cli.ingest import collect_seldom
from services.intake.files import FORMATS
from services.intake.handlers import Telling, ingest
from services.runtime import kafka
from services.runtime.topics import create_topics

LINES = 10
"""Lines of each contract told: what a contract of an exporter of many goods looks like."""


def contracts(copies: int) -> list[Event]:
    """Contracts of the story's lines, ten of them in each."""
    signed = [one for one in books(copies) if one.type == "contract.signed"]
    return [_wide(one, number) for number, one in enumerate(signed)]


def _wide(told: Event, number: int) -> Event:
    data = told.wire()["data"]
    lines = [{**data["lines"][0], "line": str(line)} for line in range(1, LINES + 1)]
    return event(told.type, {**data, "contract": f"bulk-{number}", "lines": lines}, source="bench", id=f"{number}",
                 recordedat=told.recordedat)  # fmt: skip


async def told_in_bulk(bootstrap: str, address: str, pool: asyncpg.Pool, copies: int, times: int) -> Figure:
    """Contract lines a second from a file of JSON Lines into the log, against COPY of the rows they are stored as."""
    facts = contracts(copies)
    await create_topics(bootstrap)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "contracts.jsonl"
        path.write_text("".join(f"{one.wire_text()}\n" for one in facts), encoding="utf-8")
        rows = [_row(one) for one in facts]
        producer = kafka.producer(bootstrap)
        await producer.start()
        try:
            async with stored.connected(address) as connection:

                async def known(some: Sequence[Event]) -> Sequence[bool]:
                    return await stored.known(connection, some)

                async def ours() -> None:
                    report = await ingest([path], FORMATS["events"], Telling(producer, known))
                    assert report.sent == len(facts), report

                async def bare() -> None:
                    await pool.execute("CREATE TABLE IF NOT EXISTS bulk (LIKE event INCLUDING ALL)")
                    await pool.execute("TRUNCATE bulk")
                    async with pool.acquire() as one:
                        await one.copy_records_to_table("bulk", records=rows, columns=COLUMNS)

                collect_seldom()
                seconds, base = await in_turn([ours, bare], times)
        finally:
            await producer.stop()
    await pool.execute("DROP TABLE bulk")
    count = len(facts) * LINES
    return Figure("contract lines told from a file until the log has them", count / seconds, "lines/s",
                  "COPY of the same facts into a table like theirs", count / base, 0.5, count)  # fmt: skip


COLUMNS = ["source", "id", "type", "time", "recorded_at", "hash", "exporter", "subject", "data"]


def _row(one: Event) -> tuple[object, ...]:
    return (one.source, one.id, one.type, one.time, one.recordedat or one.time, one.content_hash(),
            one.partitionkey, None, one.canonical_data())  # fmt: skip
