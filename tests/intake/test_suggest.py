"""A suggested mapping: a draft that says what it rests on, fills in nothing, and works once its gaps are filled."""

from pathlib import Path

import pytest

from services.intake import mapping_file
from services.intake.files import FORMATS
from services.intake.formats.suggest import suggest
from services.intake.rows import Brought, Told
from services.runtime.yaml_text import FileError
from tests.intake.tables import GOOD, HEADER, csv_file, workbook, written

SALES = "Order No;Supplier;Customer;Origin;Country;Order date;Qty;Unit price;HS code"
ROWS = [
    "A-1;Acme;Clinic;CN;Spain;31.03.2020;1.000;1,25;630790",
    "A-2;Beta;Ward;IN;FR;01.04.2020;20;0,5;901920",
]


def suggested(folder: Path, *lines: str, event: str | None = None) -> str:
    return suggest(csv_file(folder, *lines), "csv", event)


def test_what_the_header_and_the_cells_say_is_proposed_with_the_reason(tmp_path: Path) -> None:
    text = suggested(tmp_path, SALES, *ROWS)
    lines = [line.strip() for line in text.splitlines()]
    assert "event: contract.signed" in lines
    assert "exporter: {party: Supplier}    # by its name" in lines
    assert 'numbers: {decimal: ",", thousands: "."}    # as in "1,25"' in lines
    assert 'dates: {formats: ["%d.%m.%Y"]}    # as in "31.03.2020"' in lines
    why = "# by its name; 100% of 2 cells seen read as a country"
    assert f"exported_from: Origin    {why}" in lines
    assert "hs: HS code    # by its name; 100% of 2 cells seen read as a tariff code" in lines


def test_what_no_column_holds_is_missing_and_never_filled_in(tmp_path: Path) -> None:
    text = suggested(tmp_path, SALES, *ROWS)
    for name in ("currency (a currency)", "unit (a unit)", "export_at (an instant)"):
        assert f"# missing: {name}" in text
    assert "# missing: the days have no hour." in text
    with pytest.raises(FileError, match="currency is missing"):
        mapping_file.load(written(tmp_path, "draft.yaml", text))


def test_a_draft_whose_gaps_are_filled_tells_the_table(tmp_path: Path) -> None:
    path = csv_file(tmp_path, SALES, *ROWS)
    text = suggest(path, "csv")
    for gap, filled in (
        ("# missing: currency (a currency)", "currency: {constant: EUR}"),
        ("# missing: unit (a unit)", "unit: {constant: H87}"),
        ("# missing: export_at (an instant)", "export_at: {from: Order date, plus_days: 14}"),
        (
            'dates: {formats: ["%d.%m.%Y"]}',
            'dates: {formats: ["%d.%m.%Y"], timezone: Europe/Berlin, time: "12:00"}',
        ),
        ("hs: HS code", "hs_year: {constant: 2017, only_with: hs}\n    hs: HS code"),
    ):
        assert gap in text
        text = text.replace(gap, filled, 1)
    told = list(FORMATS["csv"](path, Brought(written(tmp_path, "filled.yaml", text))))
    assert [type(one) for one in told] == [Told, Told]


def test_days_and_months_that_cannot_be_told_apart_are_a_question(tmp_path: Path) -> None:
    both = suggested(tmp_path, HEADER, GOOD.replace("2020-03-20", "03/04/2020"))
    assert '# missing: days and months cannot be told apart in "03/04/2020": %d/%m/%Y or %m/%d/%Y?' in both
    one = suggested(tmp_path, HEADER, GOOD.replace("2020-03-20", "03/24/2020"))
    assert 'dates: {formats: ["%m/%d/%Y"]}    # as in "03/24/2020"' in one


def test_a_number_that_may_be_thousands_or_decimals_is_a_question(tmp_path: Path) -> None:
    text = suggested(tmp_path, SALES, ROWS[0].replace("1.000", "10").replace("1,25", "1.250"))
    assert "# decimals or thousands? No cell tells; check" in text


def test_contract_numbers_that_repeat_propose_one_contract_of_several_rows(tmp_path: Path) -> None:
    text = suggested(tmp_path, SALES, *ROWS, ROWS[1])
    assert "group_by: {columns: [Order No], rows: consecutive}    # its values repeat" in text
    assert "line: {count: true}" in text
    assert "group_by" not in suggested(tmp_path, SALES, *ROWS)


def test_the_fact_that_fits_best_is_proposed_unless_another_is_asked_for(tmp_path: Path) -> None:
    parts = ("part number,qty,unit cost,currency,purchase date", "X-1,5,1.20,EUR,2020-03-01")
    text = suggested(tmp_path, *parts)
    assert "event: component.purchased" in text
    assert "# Other facts it might tell: component.ordered" in text
    assert "event: goods.shipped" in suggested(tmp_path, *parts, event="goods.shipped")
    with pytest.raises(FileError, match=r"no fact is called goods\.shiped; did you mean goods\.shipped"):
        suggested(tmp_path, *parts, event="goods.shiped")


def test_a_table_that_numbers_nothing_is_told_how_its_rows_can_be_named(tmp_path: Path) -> None:
    text = suggested(tmp_path, SALES.replace("Order No", "Colour"), *ROWS, event="contract.signed")
    assert "# missing: contract (text; {mark: true} names a row by its content)" in text


def test_codes_that_a_spreadsheet_made_numbers_are_noticed(tmp_path: Path) -> None:
    text = suggested(tmp_path, "origin.code,vintage", "10110.0,2007", "300215.0,2007")
    assert "hs: {column: origin.code, number_as_code: 6}" in text


def test_a_header_below_a_title_is_found_in_text_and_in_workbooks(tmp_path: Path) -> None:
    assert "file: {header: 3}" in suggested(tmp_path, "Sales of spring;;;;;;;;", ";;;;;;;;", SALES, *ROWS)
    rows = [["Sales of spring"], [], SALES.split(";"), *(row.split(";") for row in ROWS)]
    text = suggest(workbook(tmp_path, rows, ["Spring", "Notes"]), "xlsx")
    assert "file: {header: 3, sheet: Spring}" in text
    assert "exporter: {party: Supplier}" in text


def test_columns_that_say_nothing_for_the_fact_are_listed(tmp_path: Path) -> None:
    text = suggested(tmp_path, f"{SALES};Colour: inner", *[f"{row};red" for row in ROWS])
    assert text.splitlines()[-1] == '# columns not used: "Colour: inner"'


@pytest.mark.parametrize("kind", ["events", "rule-pack"])
def test_formats_without_columns_need_no_mapping(tmp_path: Path, kind: str) -> None:
    with pytest.raises(FileError, match="needs no mapping"):
        suggest(csv_file(tmp_path, HEADER), kind)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="no header"):
        suggested(tmp_path)
