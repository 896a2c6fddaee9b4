"""The way from the door into the log: one producer, started when it is first needed, and made anew where it broke."""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any

from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from events.envelope import Event
from services.intake import problems
from services.intake.asking import away
from services.intake.handlers import send
from services.runtime import kafka

_GOODBYE = 5.0


class Outlet:
    """Sends facts, and returns once the broker has acknowledged every one of them."""

    def __init__(self, bootstrap: str, patience: float) -> None:
        self._bootstrap, self._patience = bootstrap, patience
        self._producer: Any | None = None
        self._starting = asyncio.Lock()

    async def send(self, facts: Sequence[Event]) -> None:
        """Send the facts. Raises Problem where the broker has not acknowledged them in time.

        Then some of them may be in the log all the same, now or later: whoever sends them again tells nothing twice.
        """
        used = None
        try:
            async with asyncio.timeout(self._patience):
                used = await self._started()
                await send(used, facts)
        except MessageSizeTooLargeError:
            raise problems.too_large("An event is larger than the log takes. Split the contract.") from None
        except (KafkaError, OSError, TimeoutError) as error:
            if isinstance(error, KafkaError) and not error.retriable:
                await self._give_up(used)
            raise away("Apache Kafka", error) from None

    async def close(self) -> None:
        """Let go of the broker."""
        await self._give_up(self._producer)

    async def _started(self) -> Any:
        async with self._starting:
            if self._producer is None:
                made = kafka.producer(self._bootstrap)
                try:
                    await made.start()
                except BaseException:
                    await _stopped(made)
                    raise
                self._producer = made
            return self._producer

    async def _give_up(self, used: Any | None) -> None:
        """Stop the producer that failed; the next request makes another one."""
        if used is not None and used is self._producer:
            self._producer = None
            await _stopped(used)


async def _stopped(producer: Any) -> None:
    with contextlib.suppress(KafkaError, OSError, TimeoutError):
        await asyncio.wait_for(producer.stop(), _GOODBYE)
