"""`python -m services.impact`: one worker, until it is asked to stop."""

import asyncio
import os
import signal
import sys

from services.impact.app import run
from services.runtime.embedded import find
from services.runtime.settings import NeedsAction, Settings


async def _main() -> None:
    endpoints = find(Settings.from_environment(os.environ))
    work = asyncio.ensure_future(run(endpoints, wall_clock=os.environ.get("TRACKER_CLOCK") != "story"))
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, work.cancel)
    try:
        await work
    except asyncio.CancelledError:
        return


if __name__ == "__main__":
    try:
        asyncio.run(_main())
    except NeedsAction as error:
        sys.exit(f"impact: {error}")
