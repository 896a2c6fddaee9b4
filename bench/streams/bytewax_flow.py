"""The job as Bytewax's documentation writes a sink of one's own: what an epoch brings, a batch at a time."""

import json
import sys
from typing import Any

import bytewax.operators as op
import psycopg2
from bytewax.connectors.kafka import KafkaSource
from bytewax.dataflow import Dataflow
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.testing import run_main
from psycopg2.extras import execute_values


class _Part(StatelessSinkPartition[Any]):
    def __init__(self, address: str) -> None:
        self._connection = psycopg2.connect(address)

    def write_batch(self, items: list[Any]) -> None:
        rows = [(one["source"], one["id"], json.dumps(one["data"])) for one in items]
        with self._connection, self._connection.cursor() as cursor:
            execute_values(cursor, "INSERT INTO seen VALUES %s ON CONFLICT DO NOTHING", rows, page_size=1000)


class Table(DynamicSink[Any]):
    """A table in Postgres, each row once."""

    def __init__(self, address: str) -> None:
        self._address = address

    def build(self, step_id: str, worker_index: int, worker_count: int) -> _Part:
        return _Part(self._address)


def main(bootstrap: str, address: str, topic: str, group: str) -> None:
    flow = Dataflow("job")
    records = op.input("in", flow, KafkaSource([bootstrap], [topic], batch_size=1000))
    told = op.map("decode", records, lambda record: json.loads(record.value))
    op.output("out", told, Table(address))
    run_main(flow)


if __name__ == "__main__":
    main(*sys.argv[1:])
