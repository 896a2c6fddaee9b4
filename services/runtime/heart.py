"""Ends a program whose event loop hangs: a thread beside it, which needs nothing of the loop but its beat.

Kafka's client beats for the group in a thread of its own, so the broker would go on believing in such a worker for
ever, and nobody else would be given its partitions.
"""

import asyncio
import contextlib
import faulthandler
import logging
import os
import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from services.runtime.pulse import Pulse

EXIT = 75
"""How a program ends that its watchdog ends: a failure that another start may mend (EX_TEMPFAIL)."""
_LAST_WORDS = 5
"""Seconds that the last words may take; after twice as many the kernel ends the process (SIGALRM)."""
_STDERR = 2  # by its number: there may be no such file object
log = logging.getLogger(__name__)


class Heart:
    """The thread that watches the beat. ``last_words``: what else is done before the process ends, in a thread."""

    def __init__(self, pulse: Pulse, last_words: Callable[[str], None]) -> None:
        self._pulse, self._last_words = pulse, last_words
        self._every = min(1.0, pulse.patience / 10)
        self._stopped = threading.Event()

    @contextlib.asynccontextmanager
    async def beating(self) -> AsyncIterator[None]:
        """The event loop is watched for as long as the context lasts."""
        task = asyncio.create_task(self._beat())
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()
        try:
            yield
        finally:
            self._stopped.set()
            task.cancel()
            faulthandler.cancel_dump_traceback_later()

    async def _beat(self) -> None:
        while True:
            self._pulse.beat()
            await asyncio.sleep(self._every)

    def _watch(self) -> None:
        """Looks are counted, not seconds: a process that was frozen as a whole has missed none when it goes on."""
        last, missed = self._pulse.beats, 0
        while not self._stopped.wait(self._every):
            # Code that never lets go of the interpreter stops this thread as well; this timer needs no interpreter.
            faulthandler.dump_traceback_later(self._pulse.patience * 2, exit=True, file=_STDERR)
            missed = missed + 1 if self._pulse.beats == last else 0
            last = self._pulse.beats
            if missed * self._every >= self._pulse.patience:
                self.end(f"the event loop has not turned for {self._pulse.patience:.0f} s")

    def end(self, why: str) -> None:
        """Ends the process now, with its last words and the place where each thread stands."""
        faulthandler.cancel_dump_traceback_later()
        signal.alarm(2 * _LAST_WORDS)
        _within(lambda: self._say(why), _LAST_WORDS)
        os._exit(EXIT)

    def end_later(self, why: str, seconds: float) -> None:
        """Ends the process if it has not ended by itself after so many seconds."""
        timer = threading.Timer(seconds, self.end, (f"{why}, and then did not end when asked to",))
        timer.daemon = True
        timer.start()

    def _say(self, why: str) -> None:
        log.critical("the watchdog ends this process: %s", why)
        faulthandler.dump_traceback(file=_STDERR, all_threads=True)
        self._last_words(why)


def _within(work: Callable[[], None], seconds: float) -> None:
    """Does the work, but waits for it only so long: whatever hangs may hold what it needs."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)


def leaves_within(seconds: float, code: int = 0) -> None:
    """The process ends with this code in so many seconds at most, even where a thread of a library does not.

    For a program that was asked to end: Kafka's client has threads that wait for a broker for ever.
    """

    def leave() -> None:
        log.warning("this process was asked to end, has not within %.0f s, and ends now", seconds)
        os._exit(code)

    timer = threading.Timer(seconds, leave)
    timer.daemon = True
    timer.start()


def stands() -> str:
    """Where each task of the running event loop stands that is at work of ours: the calls down to where it waits."""
    told = []
    for task in asyncio.all_tasks():
        calls = list(_calls(task.get_coro()))
        if any("/services/" in call for call in calls) and task is not asyncio.current_task():
            told.append(" > ".join(calls))
    return "; ".join(sorted(told))


def _calls(of: Any) -> Iterator[str]:
    """A coroutine, what it waits for, and so on down."""
    while (frame := getattr(of, "cr_frame", None)) is not None:
        yield f"{frame.f_code.co_qualname} ({frame.f_code.co_filename}:{frame.f_lineno})"
        of = of.cr_await
