"""The job as Faust's documentation writes an agent: a record at a time, stored before the next."""

import json
import sys

import asyncpg
import faust


def main(bootstrap: str, address: str, topic: str, group: str) -> None:
    app = faust.App(group, broker=f"kafka://{bootstrap}", store="memory://", topic_disable_leader=True,
                    topic_allow_declare=False, web_enabled=False)  # fmt: skip
    pools: list[asyncpg.Pool] = []

    @app.agent(app.topic(topic, value_serializer="raw", value_type=bytes))
    async def store(stream: faust.Stream[bytes]) -> None:
        if not pools:
            pools.append(await asyncpg.create_pool(address, min_size=1, max_size=2))
        async for value in stream:
            told = json.loads(value)
            await pools[0].execute("INSERT INTO seen VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", told["source"],
                                   told["id"], json.dumps(told["data"]))  # fmt: skip

    faust.Worker(app, loglevel="ERROR", quiet=True).execute_from_commandline()


if __name__ == "__main__":
    main(*sys.argv[1:])
