"""Tables nobody meant to be read: whatever stands in them, each row has an outcome or the file is refused in words."""

import json
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import openpyxl
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from events.wire import encode
from services.intake.files import FORMATS
from services.intake.formats.suggest import suggest
from services.intake.rows import Brought, Outcome, Rejected, Told, Unchanged
from services.runtime.yaml_text import FileError
from tests.intake.tables import HEADER, SALES

MAPPING = (
    SALES
    + """    hs: hs
    hs_year: {constant: 2017, only_with: hs}
    class: {propose: goods}
    attributes.medical_use: {from: [goods, buyer], rules: [{any: [mask], none: ["=toy"], is: "true"}]}
"""
)
COLUMNS = f"{HEADER},hs,goods".split(",")
GROUPED = (
    MAPPING.replace('{constant: "1"}', "{count: true}", 1)
    + "group_by: {columns: [order], rows: whole_file}\n"
)

NASTY = st.sampled_from([
    "", " ", "\x00", "a\x00b", "=1+1", "=cmd|' /C calc'!A0", "@SUM(1)", "#DIV/0!", "#N/A", "NaN", "Infinity", "-0", "1e999999",
    "9" * 400, "1.234.567,89", "1,2,3", "(5)", "0000-00-00", "9999-12-31", "2020-13-45", "29.02.2021", "31/12/1899", "43921",
    "2020-03-31T25:00:00+99:99", "\ufeff", "\u202e", "\ud7ff", "x" * 3000, "Ünïcödé", '"', '""', "'", "a\nb", "a\r\nb", ";", ",",
    "\t", "🦠" * 50, "UK", "Atlantis", "true", "Total", "1" * 25, "0.0000000001", "-1", "null", "{#}", "{order}",
])  # fmt: skip
GOOD = {"order": "PO-1", "seller": "Acme", "buyer": "Clinic", "from": "CN", "to": "ES", "date": "2020-03-20",
        "pieces": "10", "price": "1.25", "hs": "63079000", "goods": "masks"}  # fmt: skip
ROWS = st.lists(st.fixed_dictionaries({name: st.just(GOOD[name]) | NASTY for name in COLUMNS}), max_size=5)
PATIENT = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def ends(path: Path, kind: str, mapping: str) -> list[Outcome] | None:
    """The outcomes of all rows, each fact of them writable; None where the file was refused."""
    beside = path.with_name("mapping.yaml")
    beside.write_text(mapping)
    try:
        found = list(FORMATS[kind](path, Brought(beside)))
    except FileError:
        return None
    for one in found:
        assert isinstance(one, Told | Unchanged | Rejected)
        assert one.place
        if isinstance(one, Told):
            encode(one.facts)
    return found


def written_out(row: dict[str, str]) -> str:
    return ",".join('"' + row[name].replace('"', '""') + '"' for name in COLUMNS)


@PATIENT
@given(ROWS)
def test_each_row_of_a_well_formed_file_has_one_outcome_whatever_its_cells_hold(
    rows: list[dict[str, str]],
) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "t.csv"
        text = "\n".join([",".join(COLUMNS), *map(written_out, rows)]) + "\n"
        path.write_bytes(text.encode())
        for mapping in (MAPPING, GROUPED):
            found = ends(path, "csv", mapping)
            assert found is not None
            assert sum(one.rows for one in found) == len(rows)


@PATIENT
@given(
    st.lists(NASTY, max_size=30),
    st.sampled_from(["utf-8", "utf-16", "cp1252", "utf-8-sig"]),
    st.binary(max_size=40),
)
@example([], "utf-8", b"\xff\xfe\x00")
@example(['"'], "utf-8", b"\x81\x8d")
def test_ragged_rows_open_quotes_and_broken_bytes_are_outcomes(
    cells: list[str], encoding: str, more: bytes
) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "t.csv"
        path.write_bytes(",".join(COLUMNS).encode(encoding, "replace") + b"\n" +
                         ",".join(cells).encode(encoding, "replace") + more)  # fmt: skip
        for stated in (
            "",
            "file: {encoding: utf-8}\n",
            "file: {encoding: cp1252}\n",
            "file: {encoding: utf-16}\n",
        ):
            ends(path, "csv", stated + MAPPING)


@PATIENT
@given(st.binary(max_size=300))
@example(b"PK\x03\x04")
@example(b"\x00" * 50)
def test_bytes_that_are_no_table_at_all_are_refused_in_every_format(content: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "t.bin"
        path.write_bytes(content)
        for kind in ("csv", "xlsx", "json"):
            ends(path, kind, MAPPING)
            with suppress(FileError):
                assert suggest(path, kind)


VALUES: st.SearchStrategy[Any] = (
    NASTY.map(lambda text: ILLEGAL_CHARACTERS_RE.sub("?", text))
    | st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.floats(allow_nan=False, allow_infinity=False)
    | st.dates().filter(lambda day: day.year >= 1901) | st.timedeltas(min_value=timedelta(0))
)  # fmt: skip


@settings(PATIENT, max_examples=60)
@given(st.lists(st.fixed_dictionaries({name: st.just(GOOD[name]) | VALUES for name in COLUMNS}), max_size=4))
def test_each_row_of_a_workbook_has_one_outcome_whatever_its_cells_are(rows: list[dict[str, Any]]) -> None:
    with TemporaryDirectory() as folder:
        book = openpyxl.Workbook()
        sheet = book.active
        assert sheet is not None
        for values in ([*COLUMNS], *([row[name] for name in COLUMNS] for row in rows)):
            sheet.append(values)
        path = Path(folder) / "t.xlsx"
        book.save(path)
        found = ends(path, "xlsx", MAPPING)
        assert found is not None
        # Blank rows at the end of a sheet are no rows of it.
        blank = [not any(value not in (None, "") for value in row.values()) for row in rows]
        assert len(rows) - sum(blank) <= sum(one.rows for one in found) <= len(rows)


@PATIENT
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | NASTY,
                    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(NASTY | st.sampled_from(COLUMNS), inside, max_size=5),
                    max_leaves=20))  # fmt: skip
def test_whatever_json_says_is_outcomes_or_refused(content: Any) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "t.json"
        for said in (content, [content, {**GOOD, "buyer": content}]):
            path.write_text(json.dumps(said))
            ends(path, "json", MAPPING)
