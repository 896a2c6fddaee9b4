"""The breaker: a topic of nothing but poison is paused until somebody has looked and says `dead-letters resume`.

The count stands in Postgres beside the positions, so that restarts and several workers do not begin it anew.
"""

import logging
from collections.abc import Sequence
from typing import Any

from services.impact.records import Fact, Letter
from services.impact.store import SQL, columns

LIMIT = 1000
"""So many records in a row of one topic that bring nothing readable pause it."""
log = logging.getLogger(__name__)


def poison(facts: Sequence[Fact], letters: Sequence[Letter]) -> dict[str, int]:
    """Per topic, how many records could not be read; 0 where anything could. An unknown type is no poison."""
    read = {one.place.topic for one in facts}
    read |= {one.place.topic for one in letters if one.kind != "unreadable"}
    records = {(one.place.topic, one.place.partition, one.place.offset) for one in letters}
    run = dict.fromkeys(read, 0)
    for topic, _, _ in records:
        if topic not in read:
            run[topic] = run.get(topic, 0) + 1
    return run


async def count(
    connection: Any, cluster: str, consumer: str, facts: Sequence[Fact], letters: Sequence[Letter]
) -> None:
    """Count on, in the transaction that stores the records; pause the topics where it is too much."""
    run = sorted(poison(facts, letters).items())
    good, bad = [topic for topic, more in run if not more], [one for one in run if one[1]]
    if good:
        await connection.execute(SQL["poison_ended"], cluster, consumer, good)
    if bad:
        rows = await connection.fetch(SQL["more_poison"], cluster, consumer, *columns(bad, 2), LIMIT)
        for row in rows:
            if row["tripped"]:
                log.error("%s is paused: %s records in a row could not be read", row["topic"], row["run"])


async def paused(connection: Any, cluster: str, consumer: str) -> frozenset[str]:
    """The topics that stand still until somebody resumes them."""
    rows = await connection.fetch(SQL["paused"], cluster, consumer)
    return frozenset(row["topic"] for row in rows)
