"""The job as Quix Streams' documentation writes a sink of one's own: batches, flushed at each checkpoint."""

import json
import sys
from typing import Any

import psycopg2
from psycopg2.extras import execute_values
from quixstreams import Application
from quixstreams.sinks import BatchingSink, SinkBatch


class Table(BatchingSink):
    """A table in Postgres, each row once."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self._address = address

    def setup(self) -> None:
        self._connection = psycopg2.connect(self._address)

    def write(self, batch: SinkBatch) -> None:
        rows = [(one.value["source"], one.value["id"], json.dumps(one.value["data"])) for one in batch]
        with self._connection, self._connection.cursor() as cursor:
            execute_values(cursor, "INSERT INTO seen VALUES %s ON CONFLICT DO NOTHING", rows, page_size=1000)


def main(bootstrap: str, address: str, topic: str, group: str) -> None:
    app = Application(broker_address=bootstrap, consumer_group=group, auto_offset_reset="earliest",
                      commit_interval=1.0, auto_create_topics=False, loglevel="ERROR")  # fmt: skip
    frame: Any = app.dataframe(app.topic(topic, value_deserializer="json"))
    frame.sink(Table(address))
    app.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
