"""The doctor's round of the workers: those that give signs of life are asked how they are, at the address they told."""

import asyncio
import http.client
import socket
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import Any

from services.cli.doctor_findings import Finding, lost, watchdog, worker
from services.cli.stored import SQL

SILENT = 60
"""Seconds without a sign of life after which a worker is taken to be gone: it gives one every five."""
_ANSWER = 3.0
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


async def workers(connection: Any) -> list[Finding]:
    """How each worker of the last hour is that has not said goodbye, or that its watchdog has ended."""
    rows = await connection.fetch(SQL["workers"])
    alive = [row for row in rows if not row["ended"] and row["silent"] <= SILENT]
    asked = await asyncio.gather(*(_asked(row) for row in alive))
    gone = [lost(row) for row in rows if not row["ended"] and row["silent"] > SILENT]
    return [*asked, *gone, *(watchdog(row) for row in rows if row["watchdog"])]


async def _asked(row: Any) -> Finding:
    live, ready = await asyncio.gather(
        *(asyncio.to_thread(wrong, f"http://{row['metrics']}/health/{of}") for of in ("live", "ready"))
    )
    return worker(row, socket.gethostname(), live, ready)


def wrong(address: str) -> Sequence[str] | None:
    """What is wrong by a page of health, line by line; None where it does not answer."""
    try:
        with _DIRECT.open(address, timeout=_ANSWER):
            return []
    except urllib.error.HTTPError as answer:
        with answer:
            lines = answer.read(10_000).decode(errors="replace").splitlines()
        return lines if answer.code == 503 else None
    except (OSError, http.client.HTTPException, ValueError):
        return None
