"""`tracker verdicts`: the very bytes of `assess`, read from what the running services stored."""

import json
import signal
import time
from pathlib import Path

import pytest

from services.domain.answers import KEYS
from tests.cli.conftest import Run, refused
from tests.cli.running.conftest import APRIL_5, Tracker, ended

pytestmark = pytest.mark.servers
APRIL_12 = "2020-04-12T09:00+08:00"


def test_what_is_stored_is_what_assess_says_to_the_byte(tracker: Tracker, run: Run, book_file: Path) -> None:
    stored = tracker("verdicts", "--format", "json")
    judged = run("assess", book_file, "--now", APRIL_5, "--format", "json")
    assert (stored.returncode, stored.stdout) == (0, judged.stdout)
    assert stored.stdout.count("\n") == 2


@pytest.mark.parametrize("asked", [("--at", APRIL_12), ("--at", APRIL_12, "--known", APRIL_12),
                                   ("--known", "2020-04-16T00:00Z")])  # fmt: skip
def test_another_instant_is_judged_from_the_stored_facts(
    tracker: Tracker, run: Run, book_file: Path, asked: tuple[str, ...]
) -> None:
    stored = tracker("verdicts", *asked, "--format", "json")
    judged = run("assess", book_file, "--now", APRIL_5, *asked, "--format", "json")
    assert (stored.returncode, stored.stdout) == (0, judged.stdout)


@pytest.mark.parametrize(
    ("asked", "lines"),
    [(("--exporter", "acme", "--buyer", "hospital-es"), 2), (("--exporter", "bolt"), 0), (("--class", "covid"), 0),
     (("--verdict", "clear"), 1), (("--class", "covid_test_kit"), 1)],
)  # fmt: skip
def test_lines_are_chosen_the_same_way_from_the_store_and_from_its_facts(
    tracker: Tracker, asked: tuple[str, ...], lines: int
) -> None:
    now = tracker.rows("verdicts", *asked)
    again = tracker.rows("verdicts", *asked, "--at", APRIL_5)
    assert [row["ref"] for row in now] == [row["ref"] for row in again]
    assert len(now) == lines


def test_people_see_a_table_and_spreadsheets_their_columns(tracker: Tracker) -> None:
    table = tracker("verdicts").stdout
    assert "acme/C1/1" in table
    assert "2 open lines" in table
    assert tracker("verdicts", "--format", "csv").stdout.splitlines()[0] == ",".join(KEYS)


def test_watching_shows_each_line_and_ends_well(tracker: Tracker) -> None:
    watching = tracker.start("verdicts", "--watch", "--format", "json")
    assert watching.stdout is not None
    refs = [json.loads(watching.stdout.readline())["ref"] for _ in range(2)]
    time.sleep(0.2)
    assert (refs, ended(watching, signal.SIGINT)) == (["acme/C1/1", "acme/C1/2"], (0, "", ""))


@pytest.mark.parametrize(
    ("asked", "says"),
    [(("--verdict", "maybe"), "expected one of clear"), (("--watch", "--at", APRIL_5), "leave out --at"),
     (("--at", "yesterday"), "yesterday")],
)  # fmt: skip
def test_an_option_that_means_nothing_is_refused(tracker: Tracker, asked: tuple[str, ...], says: str) -> None:
    assert says in refused(tracker("verdicts", *asked))


def test_without_servers_it_says_how_to_start_them(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TRACKER_DATA", str(tmp_path))
    assert "tracker up" in refused(run("verdicts"))
