"""`python -m services.intake`: the HTTP door, until it is asked to stop. TRACKER_HTTP=ADDRESS:PORT says where."""

import asyncio
import logging
import os
import signal
import sys

from services.intake.app import application
from services.intake.serving import DEFAULT, address_of, is_open, listening, serving, url_of
from services.runtime.embedded import find
from services.runtime.settings import NeedsAction, Settings


async def _main() -> None:
    endpoints = find(Settings.from_environment(os.environ))
    asked, loop = asyncio.Event(), asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, asked.set)
    told = os.environ.get("TRACKER_HTTP", "").strip()
    with listening(*(address_of(told) if told else DEFAULT)) as listener:
        async with serving(application(endpoints), listener):
            print(f"Facts are taken at {url_of(listener)}/events", flush=True)
            if is_open(listener):
                print(
                    "Other machines can reach it, and keys travel in plain text: put TLS before it.",
                    flush=True,
                )
            await asked.wait()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(asctime)s %(name)s: %(message)s")
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        asyncio.run(_main())
    except NeedsAction as error:
        sys.exit(f"intake: {error}")
