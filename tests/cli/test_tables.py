"""`tracker ingest` for tables without any service: checked, written to a file for `tracker assess`, or a mapping drafted."""

import json
from pathlib import Path

from tests.cli.conftest import Run, refused
from tests.intake.tables import GOOD, HEADER, SALES, csv_file, written

KITS = SALES + "    class: {constant: covid_test_kit}\n"


def _files(folder: Path, *rows: str) -> tuple[Path, Path]:
    return csv_file(folder, HEADER, *rows), written(folder, "m.yaml", KITS)


def test_facts_of_a_table_are_written_to_a_file_that_assess_reads(run: Run, tmp_path: Path) -> None:
    table, mapping = _files(tmp_path, GOOD, GOOD.replace("PO-1", "PO-2").replace("CN", "FR"))
    done = run("ingest", "csv", table, "--mapping", mapping, "--to", "out.jsonl")
    assert done.returncode == 0, done.stderr
    assert "2 rows: 2 told, 0 unchanged, 0 rejected. 2 facts, written to out.jsonl." in done.stdout
    assert not (tmp_path / "out.jsonl.part").exists()
    rows = [json.loads(line) for line in run("assess", "out.jsonl", "--format", "json").stdout.splitlines()]
    assert [(row["contract"], row["rule"]) for row in rows] == [("PO-1", "cn-2020-05"), ("PO-2", None)]


def test_a_second_writing_is_the_same_file(run: Run, tmp_path: Path) -> None:
    table, mapping = _files(tmp_path, GOOD)
    for name in ("one.jsonl", "two.jsonl"):
        assert run("ingest", "csv", table, "--mapping", mapping, "--to", name).returncode == 0
    assert (tmp_path / "one.jsonl").read_bytes() == (tmp_path / "two.jsonl").read_bytes()


def test_rejected_rows_are_in_a_table_beside_the_file_and_the_rest_is_written(
    run: Run, tmp_path: Path
) -> None:
    table, mapping = _files(tmp_path, GOOD, GOOD.replace("1000", "=1+1"))
    done = run("ingest", "csv", table, "--mapping", mapping, "--to", "out.jsonl")
    assert (done.returncode, done.stderr) == (1, "")
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == 1
    assert "pieces “=1+1”: expected a number" in (tmp_path / "table.csv.rejected.csv").read_text()


def test_a_file_that_cannot_be_used_leaves_no_half_written_one(run: Run, tmp_path: Path) -> None:
    table, mapping = _files(tmp_path, GOOD)
    written(tmp_path, "table.csv", HEADER.replace("pieces", "qty"))
    assert "has no column pieces" in refused(
        run("ingest", "csv", table, "--mapping", mapping, "--to", "o.jsonl")
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.yaml", "table.csv"]


def test_facts_are_not_written_over_the_file_they_come_from_nor_where_nothing_can_be_written(
    run: Run, tmp_path: Path
) -> None:
    table, mapping = _files(tmp_path, GOOD)
    asked = ("ingest", "csv", table, "--mapping", mapping, "--to")
    assert "is one of the files that are read" in refused(run(*asked, table))
    assert "cannot be written" in refused(run(*asked, "nowhere/o.jsonl"))
    assert table.read_text().startswith(HEADER)


def test_a_check_of_a_table_counts_its_rows_and_needs_no_service(run: Run, tmp_path: Path) -> None:
    table, mapping = _files(
        tmp_path, GOOD, ",,,,,,,", GOOD.replace("ES", "Atlantis").replace("Spain", "Atlantis")
    )
    done = run("ingest", "csv", table, "--mapping", mapping, "--check", "--format", "json")
    report = json.loads(done.stdout)
    assert done.returncode == 1
    assert [report[name] for name in ("rows", "told", "unchanged", "rejected", "facts")] == [3, 1, 1, 1, 1]
    assert report["first"][0]["place"] == "row 4"


def test_a_mapping_is_suggested_on_standard_output_and_nothing_else_happens(run: Run, tmp_path: Path) -> None:
    table, _ = _files(tmp_path, GOOD)
    done = run("ingest", "csv", table, "--suggest-mapping")
    assert (done.returncode, done.stderr) == (0, "")
    assert "exporter: {party: seller}" in done.stdout
    assert "# missing: currency" in done.stdout
    assert "needs no mapping" in refused(run("ingest", "events", table, "--suggest-mapping"))


def test_an_option_that_would_do_nothing_is_refused(run: Run, tmp_path: Path) -> None:
    table, mapping = _files(tmp_path, GOOD)
    asked = ("ingest", "csv", table, "--mapping", mapping)
    assert "--event" in refused(run(*asked, "--check", "--event", "contract.signed"))
    assert "--check" in refused(run(*asked, "--check", "--to", "o.jsonl"))


def test_the_tables_of_rejections_of_an_earlier_run_are_left_out_and_alone_are_refused(
    run: Run, tmp_path: Path
) -> None:
    path = tmp_path / "facts.jsonl"
    path.write_text("{ not JSON\n")
    assert run("ingest", "events", path, "--check").returncode == 1
    table = tmp_path / "facts.jsonl.rejected.csv"
    again = run("ingest", "events", path, table, "--check")
    assert again.stdout.endswith("1 rejected. 0 facts, checked only.\n")
    assert "Left out: 1 tables of rejections" in again.stderr
    assert "Give the file it stands beside" in refused(run("ingest", "events", table, "--check"))
