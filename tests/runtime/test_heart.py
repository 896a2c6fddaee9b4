"""A program whose event loop hangs is ended within bounds; one that was only frozen as a whole is not."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from services.runtime.heart import EXIT

_ROOT = str(Path(__file__).parents[2])
_PROGRAM = """
import asyncio, re, sys, time
from services.runtime import journal
from services.runtime.heart import Heart
from services.runtime.pulse import Pulse

def hangs(): time.sleep(60)
def never_lets_go(): re.match(r"(a+)+$", "a" * 60 + "b")
def last_words(why): print("last words:", why, flush=True)
def hangs_too(why): time.sleep(60)

async def main(does, words):
    journal.keep("test")
    heart = Heart(Pulse({patience}), words)
    async with heart.beating():
        print("begun", flush=True)
        await asyncio.sleep(1)
        does()
        await asyncio.sleep(60)

asyncio.run(main({does}, {words}))
"""
PATIENCE = 1.5


def _start(does: str, words: str = "last_words") -> "subprocess.Popen[str]":
    program = _PROGRAM.format(patience=PATIENCE, does=does, words=words)
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": _ROOT},
    )  # fmt: skip
    assert process.stdout
    assert process.stdout.readline() == "begun\n"
    return process


def _ended(process: "subprocess.Popen[str]", seconds: float) -> tuple[int, str, str, float]:
    began = time.monotonic()
    try:
        out, errors = process.communicate(timeout=seconds)
    finally:
        process.kill()
        process.wait()
    return process.returncode, out, errors, time.monotonic() - began


def test_an_event_loop_that_hangs_ends_the_process_and_says_where() -> None:
    code, out, errors, took = _ended(_start("hangs"), 20)
    assert code == EXIT == 75
    assert PATIENCE <= took < PATIENCE + 8
    assert "last words: the event loop has not turned" in out
    assert "the watchdog ends this process" in errors
    assert "in hangs" in errors, "the place where the thread stands"


def test_code_that_never_lets_go_of_the_interpreter_is_ended_as_well() -> None:
    code, _, errors, took = _ended(_start("never_lets_go"), 20)
    assert code == 1
    assert took < 3 * PATIENCE + 8
    assert "in never_lets_go" in errors


def test_last_words_that_hang_do_not_keep_it_from_ending() -> None:
    code, _, _, took = _ended(_start("hangs", "hangs_too"), 30)
    assert code == EXIT
    assert took < PATIENCE + 12


@pytest.mark.parametrize("seconds", [PATIENCE * 1.6])
def test_a_process_that_was_frozen_as_a_whole_goes_on(seconds: float) -> None:
    process = _start("lambda: None")
    process.send_signal(signal.SIGSTOP)
    time.sleep(seconds)
    process.send_signal(signal.SIGCONT)
    try:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=PATIENCE * 1.5)
    finally:
        process.kill()
        process.communicate()


def test_a_program_that_was_asked_to_end_does_so_though_a_thread_of_it_waits_for_ever() -> None:
    waits = "import threading; threading.Thread(target=threading.Event().wait).start(); "
    leaves = "from services.runtime.heart import leaves_within; leaves_within(1)"
    done = subprocess.run(
        [sys.executable, "-c", waits + leaves],
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": _ROOT},
    )
    assert done.returncode == 0
