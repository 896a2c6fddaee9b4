"""`tracker up` and what prepares it, looks after it and feeds it."""

import asyncio
import csv
import json
import signal
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.cli.conftest import CONTRACT, Run, refused, told
from tests.cli.running.conftest import Tracker, ended, until

pytestmark = pytest.mark.servers
NOWHERE = {
    "KAFKA_BOOTSTRAP": "127.0.0.1:1",
    "DATABASE_URL": "postgresql://somebody:hidden-secret@127.0.0.1:1/tracker",
}


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_a_worker_on_servers_that_are_set_ends_well_when_asked(
    tracker: Tracker, sign: signal.Signals
) -> None:
    worker = tracker.start("up", TRACKER_CLOCK="story", **tracker.endpoints)
    until("The processors run", worker)
    code, said, errors = ended(worker, sign)
    assert (code, errors) == (0, "")
    assert "Stopped" in said


def test_a_second_pair_in_the_same_folder_is_refused(tracker: Tracker) -> None:
    done = tracker("up")
    assert done.returncode == 2
    assert done.stderr.startswith("tracker: The servers in ")
    assert done.stderr.count("\n") == 1


def test_preparing_servers_twice_changes_nothing(tracker: Tracker) -> None:
    assert tracker("migrate").stdout == "The schema is up to date.\n"
    assert tracker("topics").stdout == "All topics are there.\n"


@pytest.mark.parametrize(
    "command",
    [("migrate",), ("topics",), ("verdicts",), ("dead-letters", "resume")],
    ids=lambda words: words[0],
)
def test_servers_that_do_not_answer_are_told_in_one_line_without_the_password(
    tracker: Tracker, command: tuple[str, ...]
) -> None:
    said = refused(tracker(*command, **NOWHERE))
    assert "127.0.0.1:1" in said
    assert "hidden-secret" not in said


def test_the_same_file_told_twice_is_stored_once(tracker: Tracker, book_file: Path) -> None:
    before = _facts(tracker)
    assert tracker("ingest", "events", book_file).returncode == 0
    assert _facts(tracker) == before


def _facts(tracker: Tracker) -> str:
    """What doctor says of the book, once nothing of the log waits to be stored."""
    while True:
        found = {one["check"]: one["says"] for one in _findings(tracker)}
        if all(says == "0 records behind" for name, says in found.items() if name.startswith("topic ")):
            return found["book"]


def test_good_lines_are_told_and_bad_ones_named(tracker: Tracker, tmp_path: Path, book_file: Path) -> None:
    path = tmp_path / "mixed.jsonl"
    bad = told("contract.signed", {**CONTRACT, "currency": "GOLD"})
    answer = told("loss.estimated", {"exporter": "acme", "ref": "acme/C1/1", "revision": 1, "at": "2020-04-01T00:00Z",
                                     "loss": None})  # fmt: skip
    lines = [*book_file.read_text().splitlines(), json.dumps(bad), "{", json.dumps(answer)]
    path.write_text("\n".join(lines))
    done = tracker("ingest", "events", path, "--format", "json")
    report = json.loads(done.stdout)
    assert (done.returncode, report["rows"], report["told"], report["rejected"]) == (1, 6, 3, 3)
    assert [one["place"] for one in report["first"]] == ["line 4", "line 5", "line 6"]
    assert "currency" in report["first"][0]["reason"]
    with path.with_name("mixed.jsonl.rejected.csv").open(newline="") as table:
        assert [row["place"] for row in csv.DictReader(table)] == ["line 4", "line 5", "line 6"]
    assert "3 rejected" in tracker("ingest", "events", path, "--check").stdout


def test_checking_needs_no_services(
    run: Run, book_file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TRACKER_DATA", str(tmp_path))
    checked = run("ingest", "events", book_file, "--check").stdout
    assert checked == "3 rows: 3 told, 0 unchanged, 0 rejected. 3 facts, checked only.\n"
    assert "tracker up" in refused(run("ingest", "events", book_file))


@pytest.mark.parametrize(
    ("command", "says"),
    [(("events", "nowhere.jsonl"), "no such file"), (("letters", "a.jsonl"), "letters"),
     (("rule-pack", "bad.yaml"), "document 1")],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_refused(tracker: Tracker, command: tuple[str, str], says: str) -> None:
    (tracker.folder / "bad.yaml").write_text("rule: cn-2099-1\n")
    assert says in refused(tracker("ingest", *command))


def test_a_rule_pack_that_is_known_is_told_again_without_effect(tracker: Tracker) -> None:
    pack = Path(__file__).parents[3] / "seeds" / "rules" / "cn-2020-05.yaml"
    before = _facts(tracker)
    assert tracker("ingest", "rule-pack", pack).stdout.endswith("1 facts, 1 known already, 0 sent.\n")
    assert _facts(tracker) == before


def test_a_corrected_pack_is_learnt_when_it_is_told_and_comes_last(tracker: Tracker, tmp_path: Path) -> None:
    act = "rule: xx-fix\ntitle: {}\npublished: 2020-03-01T00:00Z\nexported_from: IT\n"
    for title in ("First", "Second", "Third", "Third"):
        (tmp_path / "fix.yaml").write_text(act.format(title))
        told_once = tracker("ingest", "rule-pack", tmp_path / "fix.yaml").stdout
        assert told_once.startswith("1 rows: 1 told, 0 unchanged, 0 rejected. 1 facts, ")
        _facts(tracker)
    stored = asyncio.run(_titles(tracker.endpoints["DATABASE_URL"]))
    assert [title for title, _ in stored] == ["First", "Second", "Third"]
    assert stored[0][1] == datetime.fromisoformat("2020-03-01T00:00Z")


async def _titles(address: str) -> list[tuple[str, datetime]]:
    connection: Any = await asyncpg.connect(address)
    try:
        rows = await connection.fetch(
            "SELECT data, recorded_at FROM event WHERE subject = 'rule:xx-fix' ORDER BY recorded_at"
        )
    finally:
        await connection.close()
    return [(json.loads(row["data"])["document"]["title"], row["recorded_at"]) for row in rows]


def test_doctor_finds_what_is_wrong_and_what_to_do(tracker: Tracker) -> None:
    done = tracker("doctor")
    assert done.returncode == 1
    assert "✗ dead letters: 2 could not be read  See tracker dead-letters list." in done.stdout
    assert {one["check"] for one in _findings(tracker) if not one["ok"]} == {"dead letters"}


def test_doctor_says_which_servers_do_not_answer(tracker: Tracker, tmp_path: Path) -> None:
    done = tracker("doctor", **NOWHERE)
    assert (done.returncode, done.stderr) == (1, "")
    assert "✗ Apache Kafka" in done.stdout
    assert "✗ Postgres" in done.stdout
    assert "hidden-secret" not in done.stdout
    without = tracker("doctor", TRACKER_DATA=str(tmp_path))
    assert (without.returncode, without.stderr) == (1, "")
    assert "tracker up" in without.stdout


def _findings(tracker: Tracker) -> list[dict[str, str]]:
    return [json.loads(line) for line in tracker("doctor", "--format", "json").stdout.splitlines()]
