"""Named points at which a test may kill the process: `TRACKER_KILL_AT=after_record:3` ends it the third time there.

`TRACKER_HANG_AT` lets it hang there instead, and everything on its thread; `TRACKER_STAND_AT` one task alone.
Only the environment of a fault test sets these; elsewhere a point costs a dictionary look-up and does nothing.
"""

import asyncio
import os
import signal
import time
from collections import Counter

POINTS = ("before_record", "after_record", "in_hand_on", "under_reassess", "after_reassess", "after_publish")
_seen: Counter[str] = Counter()


def point(name: str) -> None:
    """A named point of the argument for safety."""
    if _come("TRACKER_KILL_AT", name):
        os.kill(os.getpid(), signal.SIGKILL)
    while os.environ.get("TRACKER_HANG_AT") == name:
        time.sleep(1)


async def stand(name: str) -> None:
    """A named point at which this task may stand still for ever, while all others go on."""
    if _come("TRACKER_STAND_AT", name):
        await asyncio.Event().wait()


def _come(setting: str, name: str) -> bool:
    wanted, _, count = os.environ.get(setting, "").partition(":")
    if wanted != name:
        return False
    _seen[name] += 1
    return _seen[name] >= int(count or 1)
