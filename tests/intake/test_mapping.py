"""The mapping file: refused before the first row where it cannot mean anything, and then read exactly as it says."""

from collections import Counter
from pathlib import Path

import pytest

from services.intake import mapping_file
from services.intake.files import FORMATS
from services.intake.rows import Brought, Rejected, Told, Unchanged
from services.runtime.settings import SHIPPED
from services.runtime.yaml_text import FileError, documents
from tests.intake.tables import GOOD, HEADER, SALES, csv_file, data, facts, reasons, told, written

MAPPINGS = SHIPPED / "seeds" / "mappings"
TABLES = [path for path in sorted(MAPPINGS.glob("*.yaml")) if "list" not in documents(path)[0]]


def refused(folder: Path, content: str) -> str:
    with pytest.raises(FileError) as error:
        mapping_file.load(written(folder, "mapping.yaml", content))
    return str(error.value).partition("mapping.yaml")[2]


def test_the_mapping_of_an_official_list_is_sent_to_its_own_format() -> None:
    with pytest.raises(FileError, match="tracker ingest list-snapshot"):
        mapping_file.load(MAPPINGS / "bfarm-antigen-tests.yaml")


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_each_shipped_mapping_of_a_table_can_be_used_and_says_which_table_it_fits(path: Path) -> None:
    assert mapping_file.load(path).fits


def test_the_example_of_the_reference_can_be_used(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "mappings.md").read_text()
    example = text.partition("```yaml")[2].partition("```")[0]
    assert mapping_file.load(written(tmp_path, "example.yaml", example)).group_by


@pytest.mark.parametrize(
    ("old", "new", "told_so"),
    [
        ("contract.signed", "contract.sined", ", facts.0.event: no fact is called contract.sined; did you mean contract.signed"),
        ("contract.signed", "verdict.changed", ", facts.0.event: no fact is called verdict.changed"),
        ("  buyer:", "  byer:", ", facts.0.fields: buyer is missing, and contract.signed needs it"),
        ("  buyer:", "  bayer: order\n  buyer:", ", facts.0.fields.bayer: bayer: there is no field bayer; did you mean buyer"),
        ("    unit:", "    units: pieces\n    unit:", ", facts.0.each.lines.units: lines.0.units: there is no field units; did you mean unit"),
        ("    quantity: pieces\n", "", ", facts.0.each.lines: quantity is missing, and each of lines needs it"),
        ("constant: EUR", "constant: EURO", ", facts.0.fields.currency: expected an ISO 4217 currency"),
        ("constant: H87", "konstant: H87", "no such key is known here; did you mean constant?"),
        ("destination: to", "destination: {column: to, constant: ES}", "expected one of column, constant, "),
        ("destination: to", "destination: {}", "and found nothing"),
        ("destination: to", "destination: {column: to, values: {Spain: SPAIN}}", ".destination: expected an ISO 3166-1 country"),
        ("  lines:", "  buyer:", ", facts.0.fields: lines is missing, and contract.signed needs it"),
        ("Europe/Madrid", "Europe/Madird", ", dates.timezone: expected a time zone"),
        ('"12:00"', "noon", ", dates.time: "),
        ("dates: {", 'dates: {formats: ["d.m.y"], ', ", dates.formats.0: expected a form such as %d.%m.%Y"),
        ("source:", 'numbers: {decimal: ",", thousands: ","}\nsource:', ", numbers: decimal and thousands are both"),
        ("source:", "group_by: {columns: [order], rows: somewhere}\nsource:", ", group_by.rows: "),
        ("source:", "group_by: {columns: [order], rows: whole_file, at_most: 5}\nsource:", ", group_by.at_most: a contract is one fact"),
        ("source:", "where: {column: order}\nsource:", ", where: expected a list"),
        ("source:", "where: [order]\nsource:", ", where.0: expected names with values"),
        ("source:", "where: [{column: order}]\nsource:", ", where.0: expected one of is, is_not"),
        ("    export_at: {", "    hs_year: {constant: 2017, only_with: hs}\n    export_at: {", "only_with: there is no field hs beside it"),
        ("  signed: date", "  signed: date\n  terms: date", "terms holds several values: name one of them, such as terms.advance"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place_and_what_may_have_been_meant(
    tmp_path: Path, old: str, new: str, told_so: str
) -> None:
    assert old in SALES
    assert told_so in refused(tmp_path, SALES.replace(old, new, 1))


@pytest.mark.parametrize("content", ["", "- a\n- b\n", "a: 1\n---\nb: 2\n", "source: x\n"])
def test_what_is_no_mapping_at_all_is_refused(tmp_path: Path, content: str) -> None:
    assert refused(tmp_path, content)


def test_a_mapping_based_on_another_changes_single_fields_of_it(tmp_path: Path) -> None:
    written(tmp_path, "sales.yaml", SALES)
    what_if = "based_on: sales.yaml\nsource: /test/if\nfields: {exported_from: {constant: IN}}\neach: {lines: {unit: {constant: KGM}}}\n"
    (fact,) = facts(told(csv_file(tmp_path, HEADER, GOOD), what_if))
    said = fact.wire()["data"]
    assert (fact.source, said["exported_from"], said["lines"][0]["unit"]) == ("/test/if", "IN", "KGM")
    assert said["destination"] == "ES"


def test_a_mapping_based_on_itself_is_refused(tmp_path: Path) -> None:
    assert "based_on" in refused(tmp_path, "based_on: mapping.yaml\n")


def test_rows_that_are_not_meant_are_passed_over_with_the_reason(tmp_path: Path) -> None:
    where = """
where:
  - {column: pieces, filled: true, reason: a heading}
  - {column: buyer, says_not: [cancel], reason: cancelled}
  - {column: from, is: [CN, in]}
"""
    rows = ["Masks,,,,,,,", GOOD.replace("Clinic", "Clinic (cancelled)"), GOOD.replace("CN", "DE"), GOOD]
    found = told(csv_file(tmp_path, HEADER, *rows), where + SALES)
    assert [type(one) for one in found] == [Unchanged, Unchanged, Unchanged, Told]
    assert [reason for _, reason in reasons(found)] == [
        "a heading", "cancelled", "from is not one of those the mapping asks for",
    ]  # fmt: skip


def test_a_row_may_tell_several_facts_each_under_its_own_condition(tmp_path: Path) -> None:
    two = """
source: /test/list
facts:
  - event: list.entered
    fields: {list: {constant: all}, party: {party: firm}, at: {constant: "2021-05-04T00:00Z"}}
  - event: list.entered
    where: [{column: checked, is: "yes"}]
    fields: {list: {constant: checked}, party: {party: firm}, at: {constant: "2021-05-04T00:00Z"}}
"""
    found = told(csv_file(tmp_path, "firm,checked", "One,Yes", "Two,no"), two)
    assert Counter(one["list"] for one in data(found)) == {"all": 2, "checked": 1}


def _classed(folder: Path, value: str, *rows: str) -> list[str | None]:
    found = told(csv_file(folder, f"{HEADER},goods,code", *rows), f"{SALES}    class: {value}\n")
    return [one["lines"][0].get("class") for one in data(found)]


def _rows(*goods: str) -> list[str]:
    return [f"{GOOD.replace('PO-1', f'PO-{number}')},{said}" for number, said in enumerate(goods)]


def test_goods_are_told_by_words_and_codes_the_first_rule_that_fits(tmp_path: Path) -> None:
    rules = """{from: goods, hs: code, rules: [
      {any: [guantes], class: gloves},
      {any: [mask, mascarilla, "*maske"], none: [machine], hs: ["630790"], class: face_mask},
      {any: ["=epi"], class: protective_equipment}]}"""
    goods = [
        "Mascarillas quirúrgicas,", "Atemschutzmasken,", "Mask machine,", "Premask,", "Ropa,63079010", "EPI,",
        "Epidemia,", ",",
    ]  # fmt: skip
    assert _classed(tmp_path, rules, *_rows(*goods)) == [
        "face_mask", "face_mask", None, None, "face_mask", "protective_equipment", None, None,
    ]  # fmt: skip


def test_a_rule_without_a_class_leaves_open_what_may_be_several_things(tmp_path: Path) -> None:
    rules = (
        "{from: goods, rules: [{any: [masks and gowns]}, {any: [mask], class: face_mask}], otherwise: other}"
    )
    assert _classed(tmp_path, rules, *_rows("Masks and gowns,", "Masks,", "Chairs,")) == [
        None,
        "face_mask",
        "other",
    ]


def test_goods_are_proposed_from_the_published_words_and_left_open_where_nobody_can_tell(
    tmp_path: Path,
) -> None:
    found = _classed(tmp_path, "{propose: goods}", *_rows("FFP2 masks,", "assorted,", ","))
    assert found == ["face_mask.respirator", None, None]


def test_a_table_of_values_is_closed_unless_it_says_otherwise(tmp_path: Path) -> None:
    rows = _rows("MASKS,", "masks ,", "HATS,")
    path = csv_file(tmp_path, f"{HEADER},goods,code", *rows)
    closed = SALES + "    class: {column: goods, values: {MASKS: face_mask}}\n"
    assert reasons(told(path, closed)) == [
        ("row 4", "goods “HATS”: no entry of `values` is for this (for lines.class)")
    ]
    open_table = "{column: goods, values: {MASKS: face_mask}, %s}"
    assert _classed(tmp_path, open_table % "otherwise: other", *rows) == ["face_mask", "face_mask", "other"]
    assert _classed(tmp_path, open_table % "unlisted: omit", *rows) == ["face_mask", "face_mask", None]


def test_an_empty_cell_has_the_value_that_is_stated_for_it_and_no_other(tmp_path: Path) -> None:
    mapping_ = SALES.replace("quantity: pieces", 'quantity: {column: pieces, empty: "1"}')
    path = csv_file(
        tmp_path, HEADER, GOOD.replace("1000", ""), GOOD.replace("PO-1", "PO-2").replace("1000", "n/a")
    )
    found = told(path, mapping_)
    assert [type(one) for one in found] == [Told, Rejected]
    blank = told(path, f"blanks: [n/a]\n{mapping_}")
    assert [one["lines"][0]["quantity"] for one in data(blank)] == ["1", "1"]


def test_a_field_that_goes_with_another_is_left_out_with_it(tmp_path: Path) -> None:
    codes = SALES + "    hs: code\n    hs_year: {constant: 2017, only_with: hs}\n"
    found = told(csv_file(tmp_path, f"{HEADER},goods,code", *_rows(",6307.90", ",")), codes)
    assert [one["lines"][0].get("hs") for one in data(found)] == ["630790", None]
    assert [one["lines"][0].get("hs_year") for one in data(found)] == [2017, None]


def test_a_unit_is_read_by_its_name_and_one_that_nobody_knows_rejects_its_row(tmp_path: Path) -> None:
    units = SALES.replace("unit: {constant: H87}", "unit: goods")
    found = told(
        csv_file(tmp_path, f"{HEADER},goods,code", *_rows("Stück,", "kgs,", "tonne,", "armful,")), units
    )
    assert [one["lines"][0]["unit"] for one in data(found)] == ["H87", "KGM", "TNE"]
    assert reasons(found)[0][1].startswith("goods “armful”: expected a UN/ECE Recommendation 20 unit code")


def test_what_is_written_once_for_several_rows_is_filled_down_where_the_mapping_says_so(
    tmp_path: Path,
) -> None:
    rows = [GOOD, ",,,,,,5,2.50"]
    grouped = SALES.replace('{constant: "1"}', "{count: true}", 1) + (
        "where: [{column: from, is: CN}]\nfill_down: [order, seller, buyer, from, to, date]\ngroup_by: {columns: [order], rows: consecutive}\n"
    )
    (signed,) = data(told(csv_file(tmp_path, HEADER, *rows), grouped))
    assert [line["quantity"] for line in signed["lines"]] == ["1000", "5"]


def test_a_row_that_bears_no_number_is_named_by_its_content(tmp_path: Path) -> None:
    named = SALES.replace("contract: order", "contract: {mark: true}")
    first, second = data(told(csv_file(tmp_path, HEADER, GOOD, GOOD.replace("1.25", "1.26")), named))
    (again,) = data(told(csv_file(tmp_path, HEADER, GOOD), named))
    assert first["contract"] == again["contract"] != second["contract"]


SHIPPED_TABLES = {
    "occrp-contracts": (
        "ID,date,title,product,buyer_country,supplier,supplier_country,price_contract_EUR",
        ["X1,2020-03-20,Mascarillas quirúrgicas,PPE (protective equipment),ES,Acme SL,ES,1000.005",
         "X2,2020-03-21,Supply of ventilators,Ventilators,UK,Acme Ltd,HK,5",
         "X3,2020-03-22,Nettoyage,Other,FR,Acme SA,,5"],
        [("face_mask", "ES"), ("ventilator", "GB")],
    ),
    "occrp-contracts-from-china": (
        "ID,date,title,product,buyer_country,supplier,supplier_country,price_contract_EUR",
        ["X1,2020-03-20,PPE for wards,PPE (protective equipment),ES,Acme SL,,7",
         "X2,27.03.2020.,Supply of ventilators,Ventilators,UK,Acme Ltd,HK,5"],
        [("protective_equipment", "ES")],
    ),
    "occrp-unit-prices": (
        "Product category,amount,unit price,currency,country,date,note",
        ["SURGICAL MASK,10.0,0.08166666666666668,EUR,Czechia,2020-03-27,",
         "FFP2,,2.5,EUR,Austria,2020-03-27,",
         "FFP2,5,2.5,EUR,Austria,2020-03-27,contract cancelled",
         "CLAMPS,5,2.5,EUR,Austria,2020-03-27,"],
        [("face_mask.surgical", "CZ"), ("medical_goods", "AT")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SHIPPED_TABLES)
def test_a_shipped_mapping_of_contracts_reads_a_table_of_its_shape(tmp_path: Path, name: str) -> None:
    header, rows, goods = SHIPPED_TABLES[name]
    outcomes = list(FORMATS["csv"](csv_file(tmp_path, header, *rows), Brought(MAPPINGS / f"{name}.yaml")))
    assert sum(one.rows for one in outcomes) == len(rows)
    assert [(one["lines"][0].get("class"), one["destination"]) for one in data(outcomes)] == goods
    assert any(isinstance(one, Rejected) for one in outcomes)


def test_the_shipped_bill_of_materials_passes_over_headings_and_sums(tmp_path: Path) -> None:
    header = "Component,Description,Category,Bulk Qty,Bulk Parts Cost,,"
    rows = ["I/O ,,,,,,", 'Screen,7" wide,Compute,2,"$1,249.18 ",,', ",Power cable,Compute,1,$8.15 ,,", ",,,,,Compute Cost,$419 ",
            "Adapter,not specified,Tubing,,,,"]  # fmt: skip
    outcomes = list(FORMATS["csv"](csv_file(tmp_path, header, *[r.replace('7"', "7in") for r in rows]),
                                   Brought(MAPPINGS / "bill-of-materials.yaml")))  # fmt: skip
    assert [type(one) for one in outcomes] == [Unchanged, Told, Told, Unchanged, Rejected]
    bought = [
        (one["purchase"], one["component"], one["quantity"], one["unit_cost"]) for one in data(outcomes)
    ]
    assert bought == [
        ("bill-2020-10/row 3", "Screen", "2", "1249.18"),
        ("bill-2020-10/row 4", "Power cable", "1", "8.15"),
    ]


def test_the_shipped_successions_restore_what_a_spreadsheet_took_from_the_codes(tmp_path: Path) -> None:
    rows = [
        "10110.0,HS 2002,10121.0",
        "300215.0,HS 2017,300212.0",
        "1.0,HS 2012,1.0",
        "1234567.0,HS 2017,1.0",
    ]
    path = csv_file(tmp_path, "origin.code,origin.vintage,hs.2012", *rows)
    outcomes = list(FORMATS["csv"](path, Brought(MAPPINGS / "hs-successions.yaml")))
    assert [step["hs"] for one in data(outcomes) for step in one["successions"]] == ["010110", "300215"]
    assert sum(one.rows for one in outcomes if isinstance(one, Rejected)) == 1
