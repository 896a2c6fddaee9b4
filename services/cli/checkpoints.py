"""What the processors have stored by an instant of the story, read by SQL."""

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from events.values import instant_text, plain
from services.domain.judge import VERDICTS
from services.runtime.postgres import statements
from services.runtime.settings import NeedsAction

SQL = statements(Path(__file__).with_name("checkpoints.sql"))
SUM_IN = "EUR"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the processors are."""

    events: int
    waiting: int
    lines: int
    dead_letters: int


async def progress(connection: Any) -> Progress:
    """Events stored, work waiting, lines judged, dead letters."""
    return Progress(*await connection.fetchrow(SQL["progress"]))


async def checkpoint(connection: Any, label: str, now: datetime) -> dict[str, Any]:
    """Lines by verdict and class, value blocked per currency, and the money lost, as stored right now.

    Losses are summed in EUR at the last rates published by ``now``. Raises NeedsAction where a rate is missing.
    """
    by_class: dict[str, dict[str, int]] = defaultdict(dict)
    by_verdict: dict[str, int] = {}
    for row in await connection.fetch(SQL["by_class"]):
        by_class[row["class"] or "unclassified"][row["verdict"]] = row["lines"]
        by_verdict[row["verdict"]] = by_verdict.get(row["verdict"], 0) + row["lines"]
    blocked = await connection.fetch(SQL["blocked"])
    return {
        "label": label,
        "now": instant_text(now),
        "lines": sum(by_verdict.values()),
        "by_verdict": {name: by_verdict[name] for name in VERDICTS if name in by_verdict},
        "blocked_value": {row["currency"]: plain(row["value"]) for row in blocked},
        "out_of_pocket": await _lost(connection, now),
        "by_class": {name: by_class[name] for name in sorted(by_class)},
    }


async def _lost(connection: Any, now: datetime) -> dict[str, str]:
    rows = await connection.fetch(SQL["lost"])
    rates = await _rates(connection, now) if rows else {}
    sums = {name: sum((_in_euro(row[name], row["currency"], rates) for row in rows), Decimal(0))
            for name in ("low", "base", "high")}  # fmt: skip
    return {**{name: plain(round(value, 2)) for name, value in sums.items()}, "currency": SUM_IN}


def _in_euro(amount: Decimal, currency: str, rates: Mapping[str, Decimal]) -> Decimal:
    if currency == SUM_IN:
        return amount
    if currency not in rates:
        raise NeedsAction(
            f"No rate from {SUM_IN} to {currency} has been published by then: send an fx.published."
        )
    return amount / rates[currency]


async def _rates(connection: Any, now: datetime) -> dict[str, Decimal]:
    text = await connection.fetchval(SQL["rates"], now)
    return {} if text is None else {name: Decimal(rate) for name, rate in json.loads(text)["rates"].items()}
