"""`python -m services.impact`: one worker, until it is asked to stop.

It ends with 0 when asked, within ten seconds even where its servers are gone; with 75 where its watchdog ended it;
with 1 on any other error.
"""

import asyncio
import logging
import os
import signal
import sys

from services.impact.app import run
from services.impact.watchdog import StandsStill
from services.runtime import journal
from services.runtime.embedded import find
from services.runtime.heart import EXIT, leaves_within
from services.runtime.settings import NeedsAction, Settings

_TO_END = 9.0
"""Seconds a worker may take to end when asked; containers are killed after ten. Nothing is lost by ending sooner."""


async def _main() -> None:
    settings = Settings.from_environment(os.environ)
    wall_clock = os.environ.get("TRACKER_CLOCK") != "story"
    work = asyncio.ensure_future(run(find(settings), wall_clock=wall_clock, seen=settings.seen))
    loop = asyncio.get_running_loop()

    def end() -> None:
        leaves_within(_TO_END)
        work.cancel()

    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, end)
    try:
        await work
    except asyncio.CancelledError:
        return


if __name__ == "__main__":
    journal.keep("impact")
    logging.getLogger("services").setLevel(logging.INFO)
    try:
        asyncio.run(_main())
    except NeedsAction as error:
        sys.exit(f"impact: {error}")
    except StandsStill:
        sys.exit(EXIT)
