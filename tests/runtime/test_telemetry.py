"""A program as it is seen from outside: figures and health over HTTP, whatever its event loop does."""

import asyncio
import contextlib
import http.client
import io
import json
import logging
import socket
import sys
import time
from collections.abc import Iterator

import pytest
from prometheus_client import Counter

from services.runtime import journal
from services.runtime.pulse import Pulse
from services.runtime.telemetry import AddressTaken, registry, served


def ask(address: str, page: str, method: str = "GET") -> tuple[int, str]:
    """What is answered at this page: the code, and the text."""
    connection = http.client.HTTPConnection(address, timeout=5)
    try:
        connection.request(method, page)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


@pytest.fixture
def pulse() -> Pulse:
    return Pulse(patience=0.5)


@pytest.fixture
def address(pulse: Pulse) -> Iterator[str]:
    figures = registry()
    Counter("tracker_told", "Something", registry=figures).inc(7)
    with served("127.0.0.1:0", figures, pulse) as found:
        yield found


def test_the_figures_of_the_program_are_served_and_no_other(address: str) -> None:
    code, text = ask(address, "/metrics")
    assert code == 200
    assert "tracker_told_total 7.0" in text
    assert "process_resident_memory_bytes" in text
    assert "python_info" not in text, "the registry that a process shares is not used"


def test_health_is_asked_by_code_and_said_in_words(address: str, pulse: Pulse) -> None:
    assert ask(address, "/health/live") == (200, "ok\n")
    assert ask(address, "/health/ready") == (200, "ok\n")
    pulse.lacks["Postgres"] = "does not answer"
    assert ask(address, "/health/live") == (200, "ok\n")
    assert ask(address, "/health/ready") == (503, "Postgres: does not answer\n")
    pulse.still = 3.0
    assert ask(address, "/health/live") == (503, "records wait and none has been stored for 3 s\n")


def test_another_page_is_not_found_and_another_method_refused(address: str) -> None:
    assert ask(address, "/")[0] == 404
    assert ask(address, "/metrics", "POST")[0] == 405


async def test_a_program_whose_event_loop_hangs_still_answers(address: str, pulse: Pulse) -> None:
    pulse.beat()

    def later() -> tuple[int, str]:
        time.sleep(1)
        return ask(address, "/health/live")

    task = asyncio.create_task(asyncio.to_thread(later))
    await asyncio.sleep(0.1)
    time.sleep(1.5)  # noqa: ASYNC251 - the point of the test
    assert await task == (503, "the event loop has not turned for 1 s\n")


def test_one_who_asks_slowly_holds_up_nobody(address: str) -> None:
    host, _, port = address.rpartition(":")
    with contextlib.closing(socket.create_connection((host, int(port)))) as slow:
        slow.sendall(b"GET /metr")
        assert ask(address, "/health/live")[0] == 200


def test_an_address_that_is_taken_is_named_with_what_to_do(address: str, pulse: Pulse) -> None:
    with (
        pytest.raises(AddressTaken, match=rf"{address}.*Set TRACKER_METRICS to a free address"),
        served(address, registry(), pulse),
    ):
        raise AssertionError("served twice")


def test_after_the_end_nobody_answers(pulse: Pulse) -> None:
    with served("127.0.0.1:0", registry(), pulse) as address:
        assert ask(address, "/health/live")[0] == 200
    with pytest.raises(OSError, match="refused"):
        ask(address, "/health/live")


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """The root of all logs, which is as before after the test."""
    found = logging.getLogger()
    handlers, level = found.handlers[:], found.level
    yield found
    found.handlers[:] = handlers
    found.setLevel(level)


def _failed() -> None:
    hidden = "postgresql://tracker:hidden-secret@db:5432/tracker"
    try:
        raise OSError(f"no way to {hidden}")
    except OSError:
        logging.getLogger("services.impact").exception("cannot reach %s", hidden)


def test_what_is_said_is_one_json_object_a_line_without_passwords(root: logging.Logger) -> None:
    out = io.StringIO()
    journal.keep("impact", stream=out)
    _failed()
    logging.getLogger("aiokafka").info("nobody's business")
    (line,) = out.getvalue().splitlines()
    said = json.loads(line)
    assert (said["program"], said["level"], said["logger"]) == ("impact", "error", "services.impact")
    assert said["event"] == "cannot reach postgresql://tracker:***@db:5432/tracker"
    assert "OSError: no way to postgresql://tracker:***@db" in said["exception"]
    assert said["at"].endswith("Z")
    assert "hidden-secret" not in line


def test_on_a_terminal_it_is_said_in_readable_lines_without_passwords_as_well(root: logging.Logger) -> None:
    out = _Terminal()
    journal.keep("up", stream=out)
    _failed()
    assert "cannot reach" in out.getvalue()
    assert "Traceback" in out.getvalue()
    assert "hidden-secret" not in out.getvalue()
    with pytest.raises(json.JSONDecodeError):
        json.loads(out.getvalue().splitlines()[0])


def test_by_itself_it_goes_to_standard_error(
    root: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    journal.keep("impact", stream=sys.stderr)
    logging.getLogger("services").warning("told")
    assert json.loads(capsys.readouterr().err)["event"] == "told"
