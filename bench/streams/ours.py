"""The job on the tracker's own runtime: whole record sets, one transaction for all that waits, then acknowledged."""

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg

from services.runtime import kafka
from services.runtime.kafka import RecordSet, WaitingList

INSERT = (
    """INSERT INTO seen SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) ON CONFLICT DO NOTHING"""
)


async def main(bootstrap: str, address: str, topic: str, group: str) -> None:
    async with asyncpg.create_pool(address, min_size=1, max_size=2) as pool:

        async def store(sets: Sequence[RecordSet]) -> None:
            told = [json.loads(record.value) for one in sets for record in one.records]
            columns = zip(*((one["source"], one["id"], json.dumps(one["data"])) for one in told), strict=True)
            await pool.execute(INSERT, *map(list, columns))

        waiting = WaitingList()
        with TemporaryDirectory() as folder:
            app = kafka.app(group, bootstrap, Path(folder))
            kafka.take_in(app, [topic], waiting)
            app.finalize()
            await app.start()
            await waiting.commit_for_ever(store)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
