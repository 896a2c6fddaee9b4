"""The points at which a fault test ends a worker: the n-th time, by itself, and never unless it is asked to."""

import os
import signal
import subprocess
import sys

from services.runtime.faults import POINTS

_PROGRAM = "from services.runtime.faults import point\nfor n in range(5): print(n, flush=True); point('after_record')"


def _run(kill_at: str) -> tuple[int, int]:
    """How a program ends that comes five times to a point, and how often it came there."""
    ended = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        env={**os.environ, "TRACKER_KILL_AT": kill_at},
        capture_output=True,
        check=False,
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
