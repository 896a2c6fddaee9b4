"""`tracker replay`: the log read anew comes to the present answers, and where it does not, that is said."""

import asyncio
import time
from collections.abc import Iterator

import asyncpg
import pytest

from tests.cli.conftest import refused
from tests.cli.running.conftest import Tracker

pytestmark = pytest.mark.servers


async def _execute(address: str, *statements: str) -> None:
    connection = await asyncpg.connect(address)
    try:
        for one in statements:
            await connection.execute(one)
    finally:
        await connection.close()


async def _value(address: str, asked: str) -> object:
    connection = await asyncpg.connect(address)
    try:
        return await connection.fetchval(asked)
    finally:
        await connection.close()


@pytest.fixture
def beside(tracker: Tracker) -> Iterator[str]:
    """The address of an empty database beside the present one, dropped afterwards."""
    present = tracker.endpoints["DATABASE_URL"]
    asyncio.run(_execute(present, "CREATE DATABASE replayed"))
    yield f"{present.rpartition('/')[0]}/replayed"
    asyncio.run(_execute(present, "DROP DATABASE replayed WITH (FORCE)"))


def test_the_log_read_into_an_empty_database_comes_to_the_same_answers_and_tells_nobody(
    tracker: Tracker, beside: str
) -> None:
    done = tracker("replay", "--into", beside)
    assert (done.returncode, done.stderr) == (0, "")
    assert "2 answers as of 2020-04-05 01:00:00Z: 2 equal, 0 differ." in done.stdout
    assert asyncio.run(_value(beside, "SELECT count(*) FROM outbox")) == 0
    assert asyncio.run(_value(beside, "SELECT count(*) FROM dead_letter")) == 2


def test_an_answer_that_does_not_follow_from_the_log_is_named(tracker: Tracker, beside: str) -> None:
    present = tracker.endpoints["DATABASE_URL"]
    ref = asyncio.run(_value(present, "SELECT min(ref) FROM verdict"))
    asyncio.run(
        _execute(present, f"UPDATE verdict SET blocked_value = blocked_value + 0.01 WHERE ref = '{ref}'")
    )
    try:
        done = tracker("replay", "--into", beside)
    finally:
        asyncio.run(
            _execute(present, f"UPDATE verdict SET blocked_value = blocked_value - 0.01 WHERE ref = '{ref}'")
        )
    assert done.returncode == 1
    assert "1 equal, 1 differ." in done.stdout
    assert f"  {ref} (open)" in done.stdout


def test_a_fact_that_the_log_does_not_hold_is_noticed(tracker: Tracker, beside: str) -> None:
    present = tracker.endpoints["DATABASE_URL"]
    stray = ("INSERT INTO event (source, id, type, time, recorded_at, hash, data)"
             " VALUES ('stray', '1', 'fx.published', now(), now(), '', '{}')")  # fmt: skip
    asyncio.run(_execute(present, stray))
    try:
        done = tracker("replay", "--into", beside)
    finally:
        asyncio.run(_execute(present, "DELETE FROM event WHERE source = 'stray'"))
    assert done.returncode == 1
    assert "0 differ" in done.stdout


def test_a_database_that_holds_facts_is_refused(tracker: Tracker) -> None:
    assert "holds facts already" in refused(tracker("replay", "--into", tracker.endpoints["DATABASE_URL"]))


def test_a_database_that_cannot_be_reached_is_told_without_its_password(tracker: Tracker) -> None:
    said = refused(tracker("replay", "--into", "postgresql://somebody:hidden-secret@127.0.0.1:1/none"))
    assert "127.0.0.1:1" in said
    assert "hidden-secret" not in said


def test_replay_in_place_reads_all_again_and_changes_no_answer(tracker: Tracker) -> None:
    before = tracker.rows("verdicts")
    present = tracker.endpoints["DATABASE_URL"]
    history = asyncio.run(_value(present, "SELECT count(*) FROM history"))
    done = tracker("replay")
    assert (done.returncode, done.stderr) == (0, "")
    assert "records read again" in done.stdout
    end = time.monotonic() + 30
    while asyncio.run(_value(present, "SELECT count(*) FROM due")):
        assert time.monotonic() < end, "the running worker judges nobody"
    assert tracker.rows("verdicts") == before
    assert asyncio.run(_value(present, "SELECT count(*) FROM history")) == history
