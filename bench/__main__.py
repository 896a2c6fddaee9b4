"""`make bench`: every figure beside its baseline, printed and written to bench/results.json.

BENCH_STORIES sets the size of the books, in stories of 320 lines each; BENCH_LINES that of the book of many lines;
BENCH_BOOKS those of the books on which one exporter's fact is timed;
BENCH_TIMES how often each work is repeated; BENCH_RECORDS how many records the stream processors read; BENCH_RATE how
many contracts a second are told for latency.
"""

import asyncio
import os
import platform
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import consuming, growing, judging, living, storing, telling
from bench.figures import Figure, write
from services.runtime.embedded import running
from services.runtime.postgres import migrate
from services.runtime.postgres import pool as open_pool
from services.runtime.settings import Settings
from services.runtime.topics import create_topics

STORIES = int(os.environ.get("BENCH_STORIES", "30"))
LINES = int(os.environ.get("BENCH_LINES", "100000"))
BOOKS = [int(one) for one in os.environ.get("BENCH_BOOKS", "10000,100000,1000000").split(",")]
TIMES = int(os.environ.get("BENCH_TIMES", "3"))
RECORDS = int(os.environ.get("BENCH_RECORDS", "100000"))
RATES = [float(one) for one in os.environ.get("BENCH_RATE", "100,1000").split(",")]
RESULTS = Path(__file__).with_name("results.json")


async def measured() -> list[Figure]:
    """All figures, printed one by one."""
    figures: list[Figure] = []

    def told(*some: Figure) -> None:
        figures.extend(some)
        for one in some:
            print(one, flush=True)

    told(await judging.judged(STORIES, TIMES))
    told(*await judging.in_bulk(LINES, TIMES))
    with TemporaryDirectory() as folder:
        async with running(Settings(None, None, Path(folder))) as servers:
            await migrate(servers.database_url)
            async with open_pool(servers.database_url) as pool:
                told(
                    await telling.told_in_bulk(servers.bootstrap, servers.database_url, pool, STORIES, TIMES)
                )
                told(await storing.recorded(pool, STORIES, TIMES))
                told(await consuming.counted(servers.bootstrap, RECORDS, TIMES))
                told(*await consuming.same_job(servers.bootstrap, servers.database_url, RECORDS))
                told(*await growing.one_exporter(pool, BOOKS, TIMES))
                told(await storing.fan_out(pool, STORIES))
    with TemporaryDirectory() as folder:
        async with running(Settings(None, None, Path(folder))) as servers:
            await migrate(servers.database_url)
            await create_topics(servers.bootstrap)
            async with open_pool(servers.database_url) as pool:
                told(*await living.living(servers, pool, STORIES, RATES))
    told(await living.start_to_verdict())
    return figures


def main() -> None:
    """Measure and write."""
    print(
        f"Python {platform.python_version()}, {os.cpu_count()} cores, {STORIES} stories, {TIMES} times each"
    )
    write(asyncio.run(measured()), RESULTS)


main()
