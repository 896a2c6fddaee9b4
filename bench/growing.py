"""One exporter's fact while the books around it grow: from the log to its visible verdict."""

import itertools
import json
from collections.abc import Iterator, Sequence

import asyncpg

from bench.books import NOW
from bench.figures import Figure, in_turn
from bench.large import LINES_EACH, large
from bench.storing import TABLES, record_sets, settle, tell
from events.envelope import Event, event
from services.impact import handlers

_AT_ONCE = 20_000
_offsets = itertools.count()


async def one_exporter(pool: asyncpg.Pool, sizes: Sequence[int], times: int) -> list[Figure]:
    """Seconds from one exporter's fact to its verdict, among so many lines of contracts; the first size is the base.

    All facts of all exporters are stored, handed on and due as ever; only the exporter asked about is judged.
    """
    figures: list[Figure] = []
    for lines in sizes:
        signed = await _stored(pool, lines)
        numbers = itertools.count()

        async def one_fact(signed: Event = signed, numbers: Iterator[int] = numbers) -> None:
            again = {**signed.wire()["data"], "contract": f"again-{next(numbers)}"}
            fact = event(signed.type, again, source="bench", id=f"again-{next(_offsets)}", recordedat=NOW)
            await tell(pool, record_sets([fact]))
            await settle(pool)

        await one_fact()
        (seconds,) = await in_turn([one_fact], 5 * times)
        base = figures[0].value if figures else seconds
        figures.append(Figure(f"one exporter's fact to its verdict, among {lines:,} lines", seconds, "s",
                              f"among {sizes[0]:,}", base, 1.5, lines, most=True))  # fmt: skip
    return figures


async def _stored(pool: asyncpg.Pool, lines: int) -> Event:
    """Store a book of so many lines, nobody due. Returns a contract of the exporter to ask about."""
    await pool.execute(f"TRUNCATE {TABLES}")
    await handlers.move_now(pool, NOW)
    frame, chosen = large(lines), None
    for part in frame.iter_slices(_AT_ONCE):
        facts = [
            event(kind, json.loads(data), source=source, id=name, time=time, recordedat=recorded)
            for source, name, kind, time, recorded, data in part.iter_rows()
        ]
        chosen = chosen or next((one for one in facts if one.type == "contract.signed"), None)
        await tell(pool, record_sets(facts))
        while await handlers.hand_on(pool):
            pass
    await pool.execute("TRUNCATE due")
    assert chosen is not None, f"{lines} lines are fewer than the {LINES_EACH} of one exporter"
    return chosen
