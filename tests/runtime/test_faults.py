"""The points at which a fault test ends a worker: the n-th time, by itself, and never unless it is asked to."""

import os
import signal
import subprocess
import sys

import pytest

from services.runtime.faults import POINTS

_PROGRAM = "from services.runtime.faults import point\nfor n in range(5): print(n, flush=True); point('after_record')"


def _run(kill_at: str) -> tuple[int, int]:
    """How a program ends that comes five times to a point, and how often it came there."""
    return _program(_PROGRAM, 30, TRACKER_KILL_AT=kill_at)


def _program(text: str, seconds: float, **settings: str) -> tuple[int, int]:
    """How a program ends, and how many words it said."""
    ended = subprocess.run(
        [sys.executable, "-c", text],
        env={**os.environ, **settings},
        capture_output=True,
        check=False,
        timeout=seconds,
    )
    return ended.returncode, len(ended.stdout.split())


def test_a_point_ends_the_process_the_nth_time() -> None:
    assert "after_record" in POINTS
    assert _run("after_record:3") == (-signal.SIGKILL, 3)


def test_a_point_without_a_number_ends_it_the_first_time() -> None:
    assert _run("after_record") == (-signal.SIGKILL, 1)


def test_other_points_and_no_point_let_it_pass() -> None:
    assert _run("before_record:1") == (0, 5)
    assert _run("") == (0, 5)


def test_a_point_may_hang_and_holds_up_everything_on_its_thread() -> None:
    with pytest.raises(subprocess.TimeoutExpired) as hung:
        _program(_PROGRAM, 3, TRACKER_HANG_AT="after_record")
    assert (hung.value.stdout or b"").split() == [b"0"]
    assert _program(_PROGRAM, 30, TRACKER_HANG_AT="before_record")[1] == 5


_TASKS = """
import asyncio
from services.runtime.faults import stand
async def comes(): await stand("before_store"); print("came", flush=True)
async def main():
    asyncio.create_task(comes())
    await asyncio.sleep(0.2)
    print("the others go on", flush=True)
asyncio.run(main())
"""


def test_a_task_may_stand_still_while_the_others_go_on() -> None:
    assert _program(_TASKS, 30, TRACKER_STAND_AT="before_store") == (0, 4)
    assert _program(_TASKS, 30, TRACKER_STAND_AT="elsewhere") == (0, 5)
