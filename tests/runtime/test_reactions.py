"""The table of errors: each asks for one reaction, and only patience is ever without end."""

import asyncio

import asyncpg
import pytest
from aiokafka.errors import KafkaConnectionError, KafkaTimeoutError, MessageSizeTooLargeError

from services.runtime.reactions import Reaction, patiently, reaction

WAIT = [
    asyncpg.ConnectionDoesNotExistError("08003"),
    asyncpg.DeadlockDetectedError("40P01"),
    asyncpg.SerializationError("40001"),
    asyncpg.TooManyConnectionsError("53300"),
    asyncpg.DiskFullError("53100"),
    asyncpg.LockNotAvailableError("55P03"),
    asyncpg.AdminShutdownError("57P01"),
    asyncpg.CannotConnectNowError("57P03"),
    asyncpg.IdleInTransactionSessionTimeoutError("25P03"),
    asyncpg.InterfaceError("connection is closed"),
    asyncpg.InternalClientError("cannot switch to state 15; another operation (2) is in progress"),
    ConnectionRefusedError(),
    TimeoutError(),
    KafkaConnectionError(),
    KafkaTimeoutError(),
]
SET_ASIDE = [
    asyncpg.NumericValueOutOfRangeError("22003"),
    asyncpg.CharacterNotInRepertoireError("22021"),
    asyncpg.CheckViolationError("23514"),
    asyncpg.NotNullViolationError("23502"),
    asyncpg.ProgramLimitExceededError("54000"),
    asyncpg.exceptions._base.DataError("invalid input for query argument $1"),
    "half of a character: \ud800".encode,
]
END = [asyncpg.UndefinedTableError("42P01"), KeyError("a mistake of ours"), ValueError("ours too"), AssertionError(),
       MessageSizeTooLargeError()]  # fmt: skip


@pytest.mark.parametrize("error", WAIT, ids=repr)
def test_what_passes_by_itself_is_waited_for(error: Exception) -> None:
    assert reaction(error) is Reaction.RETRY


@pytest.mark.parametrize("error", SET_ASIDE, ids=lambda one: "not UTF-8" if callable(one) else repr(one))
def test_what_the_content_is_at_fault_for_is_set_aside(error: object) -> None:
    if callable(error):
        with pytest.raises(UnicodeEncodeError) as raised:
            error()
        error = raised.value
    assert isinstance(error, Exception)
    assert reaction(error) is Reaction.SET_ASIDE


@pytest.mark.parametrize("error", END, ids=repr)
def test_what_nobody_foresaw_ends_the_process(error: Exception) -> None:
    assert reaction(error) is Reaction.END


async def test_patience_tries_again_until_it_works() -> None:
    failures = [TimeoutError(), ConnectionResetError()]

    async def work() -> str:
        if failures:
            raise failures.pop()
        return "done"

    assert await asyncio.wait_for(patiently(work, longest=0.01), 2) == "done"


async def test_patience_ends_where_waiting_would_not_help() -> None:
    async def work() -> None:
        raise KeyError("a mistake of ours")

    with pytest.raises(KeyError):
        await patiently(work)
