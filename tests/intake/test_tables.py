"""Tables as people have them: read to the last row, each row told, unchanged or rejected with what was expected."""

import csv
import json
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from services.intake.files import FORMATS
from services.intake.formats import delimited, sheets
from services.intake.rows import Brought, Rejected, Told, Unchanged
from services.runtime.yaml_text import FileError
from tests.intake.tables import GOOD, HEADER, SALES, csv_file, data, facts, reasons, told, workbook, written

GERMAN = SALES.replace("dates:", 'numbers: {decimal: ",", thousands: "."}\ndates:')


def test_a_row_becomes_a_contract_and_what_is_derived_is_stated(tmp_path: Path) -> None:
    (signed,) = data(told(csv_file(tmp_path, HEADER, GOOD), SALES))
    assert signed["exporter"] == "agora-mascaras-s-l"
    assert (signed["destination"], signed["signed"]) == ("ES", "2020-03-20T11:00:00Z")
    assert signed["lines"][0]["unit_price"] == "1.25"
    assert signed["lines"][0]["export_at"] == "2020-04-03T10:00:00Z"  # summer time has begun in between


def test_the_same_rows_give_the_same_ids_in_any_file_and_order(tmp_path: Path) -> None:
    other = GOOD.replace("PO-1", "PO-2")
    first = facts(told(csv_file(tmp_path, HEADER, GOOD, other), SALES))
    again = facts(told(csv_file(tmp_path, HEADER, other, GOOD), SALES))
    assert {one.id for one in first} == {one.id for one in again}
    assert len({one.id for one in first}) == 2


def test_a_cell_that_cannot_be_read_rejects_its_row_alone(tmp_path: Path) -> None:
    bad = GOOD.replace("1000", "a lot").replace("PO-1", "PO-2")
    found = told(csv_file(tmp_path, HEADER, bad, GOOD), SALES)
    assert [type(one) for one in found] == [Rejected, Told]
    assert reasons(found) == [
        ("row 2", "pieces “a lot”: expected a number, written as 1250.50 (for lines.quantity)")
    ]


def test_each_wrong_cell_of_a_row_is_named(tmp_path: Path) -> None:
    bad = GOOD.replace("Spain", "Spian").replace("2020-03-20", "20/03/2020")
    ((_, reason),) = reasons(told(csv_file(tmp_path, HEADER, bad), SALES))
    assert "to “Spian”: expected a country by its ISO code or name; did you mean Spain" in reason
    assert "date “20/03/2020”: expected a day, written as 2020-03-31 (for signed, lines.export_at)" in reason


def test_an_empty_cell_of_a_needed_field_is_never_filled_in(tmp_path: Path) -> None:
    found = told(csv_file(tmp_path, HEADER, GOOD.replace("2020-03-20", "")), SALES)
    assert reasons(found) == [
        ("row 2", "date: empty, and contract.signed needs it (for signed, lines.export_at)")
    ]


def test_an_empty_cell_of_an_optional_field_is_left_out(tmp_path: Path) -> None:
    mapping = SALES.replace("  destination: to", "  destination: to\n  buyer_country: country")
    found = told(
        csv_file(tmp_path, f"{HEADER},country", f"{GOOD},", f"{GOOD.replace('PO-1', 'PO-2')},ES"), mapping
    )
    assert [one.get("buyer_country") for one in data(found)] == [None, "ES"]


@pytest.mark.parametrize(
    ("encoding", "text"),
    [("utf-8", "Çeşme ™"), ("utf-8-sig", "Çeşme ™"), ("cp1252", "Lügde ™"), ("utf-16", "Çeşme")],
)
def test_the_encoding_is_found_out(tmp_path: Path, encoding: str, text: str) -> None:
    mapping = SALES.replace("{party: buyer}", "buyer")
    (signed,) = data(
        told(csv_file(tmp_path, HEADER, GOOD.replace("Clinic", text), encoding=encoding), mapping)
    )
    assert signed["buyer"] == text


def test_bytes_of_another_encoding_than_the_mapping_says_reject_their_row_alone(tmp_path: Path) -> None:
    bad = GOOD.replace("Clinic", "Lügde").replace("PO-1", "PO-2").encode("cp1252")
    path = written(tmp_path, "table.csv", b"\n".join([HEADER.encode(), bad, GOOD.encode(), b""]))
    found = told(path, f"file: {{encoding: utf-8}}\n{SALES}")
    assert [type(one) for one in found] == [Rejected, Told]
    assert "seller: holds bytes that are no utf-8;" in reasons(found)[0][1]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_delimiter_is_found_out(tmp_path: Path, delimiter: str) -> None:
    lines = [line.replace(",", delimiter) for line in (HEADER, GOOD)]
    assert len(facts(told(csv_file(tmp_path, *lines), SALES))) == 1


def test_rows_are_numbered_as_a_spreadsheet_shows_them_whatever_is_in_quotes(tmp_path: Path) -> None:
    quoted = GOOD.replace("Clinic", '"Clinic,\nWard ""B"""')
    bad = GOOD.replace("PO-1", "PO-2").replace("CN", "??")
    found = told(csv_file(tmp_path, HEADER, quoted, "", bad), SALES)
    assert [type(one) for one in found] == [Told, Unchanged, Rejected]
    assert [place for place, _ in reasons(found)] == ["row 3 (line 4)", "row 4 (line 5)"]
    assert data(found)[0]["buyer"] == "clinic-ward-b"


def test_a_ragged_row_is_named_and_costs_no_other(tmp_path: Path) -> None:
    found = told(csv_file(tmp_path, HEADER, f"{GOOD},7", GOOD.rpartition(",")[0], f"{GOOD},,"), SALES)
    assert [type(one) for one in found] == [Rejected, Rejected, Told]  # empty cells at the end say nothing
    assert reasons(found)[0][1].startswith("9 cells, and the header has 8")


def test_a_quote_that_is_never_closed_is_told_with_the_lines_it_swallows(tmp_path: Path) -> None:
    found = told(csv_file(tmp_path, HEADER, GOOD, GOOD.replace("Clinic", '"Clinic'), GOOD), SALES)
    assert reasons(found) == [("row 3", "a quote is opened here and never closed: lines 3 to 4 are one cell")]
    assert len(facts(found)) == 1


def test_sums_and_blank_rows_are_unchanged_and_a_company_called_total_is_not(tmp_path: Path) -> None:
    company = "Total,Total SE,Clinic,FR,ES,2020-03-20,5,2"
    found = told(csv_file(tmp_path, HEADER, ",,,,,,,", "Total:,,,,,,1000,€ 1250.00", company), SALES)
    assert reasons(found) == [("row 2", "a blank row"), ("row 3", "a row of totals")]
    assert data(found)[0]["contract"] == "Total"


def test_a_header_further_down_and_decimal_commas(tmp_path: Path) -> None:
    row = GOOD.replace(",", ";").replace("1000", "1.000").replace("1.25", "1,25 €")
    path = csv_file(tmp_path, "Sales of spring", "", HEADER.replace(",", ";"), row)
    found = told(path, f"file: {{header: 3}}\n{GERMAN}")
    assert (data(found)[0]["lines"][0]["quantity"], data(found)[0]["lines"][0]["unit_price"]) == (
        "1000",
        "1.25",
    )


def test_a_renamed_column_ends_the_file_with_what_it_may_be_now(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="has no column pieces, which the mapping reads; did you mean piece"):
        told(csv_file(tmp_path, HEADER.replace("pieces", "piece"), GOOD), SALES)


def test_a_column_that_stands_twice_is_refused_only_where_it_is_read(tmp_path: Path) -> None:
    assert facts(told(csv_file(tmp_path, f"{HEADER},note,note", f"{GOOD},,"), SALES))
    with pytest.raises(FileError, match="has 2 columns price"):
        told(csv_file(tmp_path, f"{HEADER},price", f"{GOOD},9"), SALES)


def test_rows_of_one_contract_become_one_contract(tmp_path: Path) -> None:
    mapping = (
        SALES.replace('{constant: "1"}', "{count: true}", 1)
        + "group_by: {columns: [order], rows: consecutive}\n"
    )
    rows = [GOOD, GOOD.replace("1.25", "2.50"), GOOD.replace("PO-1", "PO-2")]
    found = told(csv_file(tmp_path, HEADER, *rows), mapping)
    assert [(one.place, one.rows) for one in found] == [("row 2 to 3", 2), ("row 4", 1)]
    assert [(line["line"], line["unit_price"]) for line in data(found)[0]["lines"]] == [
        ("1", "1.25"),
        ("2", "2.5"),
    ]


GROUPED = SALES.replace('{constant: "1"}', "{count: true}", 1)


def test_rows_that_stand_apart_are_refused_or_gathered_as_the_mapping_says(tmp_path: Path) -> None:
    path = csv_file(tmp_path, HEADER, GOOD, GOOD.replace("PO-1", "PO-2"), GOOD)
    apart = told(path, GROUPED + "group_by: {columns: [order], rows: consecutive}\n")
    assert [type(one) for one in apart] == [Told, Told, Rejected]
    assert "order PO-1 was told further up, without this row" in reasons(apart)[0][1]
    whole = told(path, GROUPED + "group_by: {columns: [order], rows: whole_file}\n")
    assert [one.rows for one in whole] == [2, 1]


def test_a_contract_is_told_whole_or_not_at_all(tmp_path: Path) -> None:
    rows = [GOOD, GOOD.replace("1.25", "cheap"), GOOD.replace("PO-1", "PO-2")]
    found = told(
        csv_file(tmp_path, HEADER, *rows), GROUPED + "group_by: {columns: [order], rows: consecutive}\n"
    )
    assert [type(one) for one in found] == [Rejected, Rejected, Told]
    assert sum(one.rows for one in found) == 3
    assert reasons(found)[1] == ("row 2", "PO-1: its rows are told together, and row 3 cannot be read")


def test_rows_of_a_contract_that_contradict_each_other_are_rejected(tmp_path: Path) -> None:
    rows = [GOOD, GOOD.replace("Spain", "France")]
    group = "group_by: {columns: [order], rows: consecutive}\n"
    found = told(csv_file(tmp_path, HEADER, *rows), GROUPED + group)
    assert reasons(found)[0] == (
        "row 3",
        "to: FR here, ES on the first row of its group (`take: first` would keep that)",
    )
    first = GROUPED.replace("destination: to", "destination: {column: to, take: first}") + group
    assert data(told(csv_file(tmp_path, HEADER, *rows), first))[0]["destination"] == "ES"


def test_a_contract_signed_twice_is_unchanged_or_a_contradiction(tmp_path: Path) -> None:
    found = told(csv_file(tmp_path, HEADER, GOOD, GOOD, GOOD.replace("1.25", "9")), SALES)
    assert [type(one) for one in found] == [Told, Unchanged, Rejected]
    assert "agora-mascaras-s-l/PO-1 is signed further up with other content" in reasons(found)[1][1]


def test_many_rows_become_several_facts_of_at_most_so_many(tmp_path: Path) -> None:
    mapping = """
source: /test/codes
group_by: {columns: [year], rows: consecutive, at_most: 2, if_rejected: row}
where: [{column: year, is_not: "2012", reason: the same year}]
event: codes.published
fields: {at: {constant: "2020-01-01T00:00Z"}}
each:
  successions:
    hs: {column: old, number_as_code: 6}
    hs_year: {column: year, values: {"2007": 2007, "2017": 2017}}
    to: {column: new, number_as_code: 6}
    to_year: {constant: 2012}
"""
    rows = [
        "10110.0,2007,10121.0",
        "x,2007,1",
        "10190.0,2007,10129.0",
        "20110,2007,20110",
        "1,2012,1",
        "300215,2017,300215",
    ]
    found = told(csv_file(tmp_path, "old,year,new", *rows), mapping)
    assert [type(one) for one in found] == [Rejected, Told, Unchanged, Told, Told]
    assert sum(one.rows for one in found) == len(rows)
    codes = [[step["hs"] for step in one["successions"]] for one in data(found)]
    assert codes == [["010110", "010190"], ["020110"], ["300215"]]


def test_a_large_file_takes_no_more_memory_than_a_small_one(tmp_path: Path) -> None:
    mapping = SALES.replace(
        "event: contract.signed", "where: [{column: order, is: none}]\nevent: contract.signed"
    )

    def most(rows: int) -> int:
        path = csv_file(tmp_path, HEADER, *[GOOD] * rows)
        beside = written(tmp_path, "mapping.yaml", mapping)
        tracemalloc.start()
        assert sum(one.rows for one in FORMATS["csv"](path, Brought(beside))) == rows
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    most(10)
    assert most(20_000) < most(2_000) + 500_000


def test_numbers_and_days_of_a_workbook_are_what_they_are_whatever_the_mapping_says_of_text(
    tmp_path: Path,
) -> None:
    header = HEADER.split(",")
    day = datetime(2020, 3, 20)  # noqa: DTZ001
    rows: list[list[Any]] = [header, ["PO-1", "Maker", "Clinic", "CN", "ES", day, 1000, 1.234], [None] * 8,
            ["PO-2", "Maker", "Clinic", "CN", "ES", date(2020, 3, 21), 2000, 0.5]]  # fmt: skip
    found = told(workbook(tmp_path, rows), GERMAN, "xlsx")
    assert reasons(found) == [("row 3", "a blank row")]
    assert [one["lines"][0]["unit_price"] for one in data(found)] == ["1.234", "0.5"]
    assert data(found)[0]["signed"] == "2020-03-20T11:00:00Z"  # the hour that the mapping states


def test_text_that_may_be_thousands_or_decimals_in_a_mixed_column_is_refused(tmp_path: Path) -> None:
    rows = [
        HEADER.split(","),
        [*GOOD.split(",")[:7], "1.234"],
        [*GOOD.replace("PO-1", "PO-2").split(",")[:7], "1.234,50"],
    ]
    found = told(workbook(tmp_path, rows), GERMAN, "xlsx")
    assert "this may be thousands or decimals" in reasons(found)[0][1]
    assert data(found)[0]["lines"][0]["unit_price"] == "1234.5"


def test_a_code_that_a_workbook_keeps_as_a_number_needs_its_length_stated(tmp_path: Path) -> None:
    rows: list[list[Any]] = [[*HEADER.split(","), "hs"], [*GOOD.split(","), 10121]]
    mapping = SALES + "    hs: {column: hs}\n    hs_year: {constant: 2012, only_with: hs}\n"
    found = told(workbook(tmp_path, rows), mapping, "xlsx")
    assert "state how long they were: `number_as_code: 6`" in reasons(found)[0][1]
    stated = told(
        workbook(tmp_path, rows), mapping.replace("column: hs", "column: hs, number_as_code: 6"), "xlsx"
    )
    assert data(stated)[0]["lines"][0]["hs"] == "010121"


def test_a_workbook_of_several_sheets_needs_one_named(tmp_path: Path) -> None:
    path = workbook(tmp_path, [HEADER.split(","), GOOD.split(",")], ["Sales", "Notes"])
    with pytest.raises(FileError, match="has several sheets"):
        told(path, SALES, "xlsx")
    with pytest.raises(FileError, match="there is no sheet Sells"):
        told(path, f"file: {{sheet: Sells}}\n{SALES}", "xlsx")
    assert facts(told(path, f"file: {{sheet: Sales}}\n{SALES}", "xlsx"))


def test_a_workbook_that_unpacks_to_more_than_there_is_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = workbook(tmp_path, [HEADER.split(","), GOOD.split(",")])
    monkeypatch.setattr(sheets, "MOST_UNPACKED", 1000)
    with pytest.raises(FileError, match="unpacks to more than"):
        told(path, SALES, "xlsx")


def test_objects_of_json_are_rows_and_what_lies_in_them_has_dotted_names(tmp_path: Path) -> None:
    mapping = """
source: /test/parts
file: {rows: parts}
event: component.ordered
fields:
  exporter: {constant: acme}
  purchase: {text: "list/{pn}/{#}"}
  component: {column: [name, pn]}
  quantity: {constant: "1"}
  unit: {constant: H87}
  unit_cost: sources.0.price
  currency: {constant: USD}
  at: {constant: "2020-06-01T00:00Z"}
"""
    parts = [
        {"pn": "p1", "sources": [{"price": 31.26}, {"price": 9}]},
        7,
        {"pn": "p2", "name": "valve", "sources": []},
    ]
    found = told(written(tmp_path, "parts.json", json.dumps({"parts": parts})), mapping, "json")
    assert [type(one) for one in found] == [Told, Rejected, Rejected]
    (ordered,) = data(found)
    assert (ordered["purchase"], ordered["component"], ordered["unit_cost"]) == ("list/p1/1", "p1", "31.26")
    assert reasons(found)[1][1] == "sources.0.price: empty, and component.ordered needs it (for unit_cost)"


@pytest.mark.parametrize(
    ("kind", "content", "told_so"),
    [
        ("csv", b"PK\x03\x04 and more", "this is a workbook"),
        ("csv", b"", "no header on row 1"),
        ("xlsx", b"order,seller", "cannot be read as a workbook"),
        ("json", b"[1, 2", "not JSON"),
        ("json", b'{"a": 1}', "expected an array of objects"),
        ("json", b'[{"a": NaN}]', "NaN is no number"),
    ],
)
def test_a_file_of_another_kind_is_refused_in_one_sentence(
    tmp_path: Path, kind: str, content: bytes, told_so: str
) -> None:
    with pytest.raises(FileError, match=told_so):
        told(written(tmp_path, "table", content), SALES, kind)


def test_a_table_without_a_mapping_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="--suggest-mapping proposes one"):
        list(FORMATS["csv"](csv_file(tmp_path, HEADER, GOOD), Brought()))


def test_the_day_is_asked_for_only_where_the_mapping_needs_it(tmp_path: Path) -> None:
    path = csv_file(tmp_path, "firm", "Maker")
    mapping = """
source: /test/list
event: list.entered
fields: {list: {constant: a-list}, party: {party: firm}, at: {day: true}}
"""
    day = datetime(2021, 5, 4, tzinfo=UTC)
    assert data(told(path, mapping, brought=Brought(day=day)))[0]["at"] == "2021-05-04T00:00:00Z"
    with pytest.raises(FileError, match="asks when the table was published"):
        told(path, mapping)
    with pytest.raises(FileError, match="asks for no day"):
        told(csv_file(tmp_path, HEADER, GOOD), SALES, brought=Brought(day=day))


@pytest.fixture
def small_cells(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Cells of a thousand characters at most; the reader's limit is that of the whole process, so it is put back."""
    before = csv.field_size_limit()
    monkeypatch.setattr(delimited, "MOST_IN_A_CELL", 1000)
    yield
    csv.field_size_limit(before)


@pytest.mark.usefixtures("small_cells")
def test_a_cell_larger_than_any_text_rejects_its_row(tmp_path: Path) -> None:
    found = told(csv_file(tmp_path, HEADER, GOOD.replace("Clinic", "x" * 5000), GOOD), SALES)
    assert [type(one) for one in found] == [Rejected, Told]
    assert "a cell of more than 1,000 characters" in reasons(found)[0][1]
