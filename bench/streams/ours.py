"""The job on the tracker's own runtime: whole sets, one transaction for all that waits while the next is decoded."""

import asyncio
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
from aiokafka.structs import ConsumerRecord

from services.runtime import kafka
from services.runtime.kafka import RecordSet, WaitingList

INSERT = (
    """INSERT INTO seen SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) ON CONFLICT DO NOTHING"""
)


def _row(record: "ConsumerRecord[bytes, bytes]") -> tuple[str, str, str]:
    told = json.loads(record.value or b"")
    return told["source"], told["id"], json.dumps(told["data"])


def _ahead(one: RecordSet) -> Iterator[None]:
    for record in one.records:
        one.read[record.offset] = _row(record)
        yield


async def main(bootstrap: str, address: str, topic: str, group: str) -> None:
    async with asyncpg.create_pool(address, min_size=1, max_size=2) as pool:

        async def store(sets: Sequence[RecordSet]) -> None:
            rows = (
                one.read.pop(record.offset, None) or _row(record) for one in sets for record in one.records
            )
            await pool.execute(INSERT, *map(list, zip(*rows, strict=True)))

        waiting = WaitingList(ahead=_ahead)
        with TemporaryDirectory() as folder:
            app = kafka.app(group, bootstrap, Path(folder))
            kafka.take_in(app, [topic], waiting)
            app.finalize()
            await app.start()
            await waiting.commit_for_ever(store)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
