"""Failures by the reaction they need: wait and try again, set the one event aside, or end without committing."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from enum import Enum
from typing import TypeVar

import asyncpg
from aiokafka.errors import KafkaError, KafkaTimeoutError

T = TypeVar("T")
log = logging.getLogger(__name__)
_WAIT = ("08", "40", "53", "55", "57", "58", "25P03")
# 54: a limit of Postgres itself, such as a name too long for its index; the one row is at fault.
_SET_ASIDE = ("22", "23", "54")


class Reaction(Enum):
    RETRY = "try again after a pause, for ever"
    SET_ASIDE = "the content is at fault: find the one event, keep it as a dead letter"
    END = "end the process without committing"


def reaction(error: BaseException) -> Reaction:
    """What an error asks for. The one table of errors; what it does not know ends the process."""
    match error:
        case asyncpg.PostgresError(sqlstate=str() as state):
            if state.startswith(_WAIT):
                return Reaction.RETRY
            return Reaction.SET_ASIDE if state.startswith(_SET_ASIDE) else Reaction.END
        case ValueError():
            # asyncpg's own refusal of a value is an InterfaceError too: waiting would not make it any better.
            return (
                Reaction.SET_ASIDE
                if isinstance(error, asyncpg.InterfaceError | UnicodeError)
                else Reaction.END
            )
        case asyncpg.InterfaceError() | asyncpg.InternalClientError() | OSError() | TimeoutError():
            # The internal one is what asyncpg says where the connection is lost in the middle of a question.
            return Reaction.RETRY
        case KafkaTimeoutError() | KafkaError(retriable=True):
            return Reaction.RETRY
        case _:
            return Reaction.END


async def patiently(work: Callable[[], Awaitable[T]], longest: float = 5.0) -> T:
    """Do the work; where its failure asks for patience, again after 0.1, 0.2, 0.4 … up to ``longest`` seconds."""
    pause = 0.1
    while True:
        try:
            return await work()
        except Exception as error:
            if reaction(error) is not Reaction.RETRY:
                raise
            log.warning("waiting %.1f s, then again: %s", pause, str(error) or type(error).__name__)
        await asyncio.sleep(pause)
        pause = min(longest, pause * 2)
