"""A table of tariff codes as classes of goods: each below its headings, and codes added to the classes we have."""

from pathlib import Path

import pytest

from services.intake.files import FORMATS
from services.intake.rows import Brought, Outcome, Rejected, Told, Unchanged
from services.runtime.settings import SHIPPED
from services.runtime.yaml_text import FileError
from tests.intake.tables import csv_file, data, reasons, told

MAPPINGS = SHIPPED / "seeds" / "mappings"
HEADER = "section,hscode,description,parent,level"
TREE = """
source: /test/tree
event: goods.published
fields: {at: {constant: "2022-01-01T00:00Z"}}
each: {classes: {class: {column: code, below: {root: toys, digits: [2, 4]}}}}
"""


def _with(name: str, path: Path) -> list[Outcome]:
    return list(FORMATS["csv"](path, Brought(MAPPINGS / f"{name}.yaml")))


def test_each_level_of_the_nomenclature_is_a_class_below_its_heading(tmp_path: Path) -> None:
    rows = ("II,07,Roots,TOTAL,2", 'II,0707,"Roots, red",07,4', 'II,070710,"Roots, red, small",0707,6')
    found = _with("hs-2022", csv_file(tmp_path, HEADER, *rows, "TOTAL,TOTAL,All,TOTAL,5"))
    chapters, below = data(found)
    assert chapters["classes"] == [{"class": "hs_2022.07", "title": "Roots"}]
    assert below["at"] == "2022-01-01T00:00:00Z"
    assert below["classes"] == [
        {"class": "hs_2022.07.0707", "title": "Roots, red", "hs": {"2022": ["0707"]}},
        {"class": "hs_2022.07.0707.070710", "title": "Roots, red, small", "hs": {"2022": ["070710"]}},
    ]
    assert [(type(one), one.rows) for one in found] == [(Unchanged, 1), (Told, 3)]


def test_a_large_section_is_told_in_parts_of_two_thousand_classes(tmp_path: Path) -> None:
    rows = (f"I,{number:06},Thing {number},0000,6" for number in range(100_000, 104_500))
    found = _with("hs-2022", csv_file(tmp_path, HEADER, *rows))
    assert [len(one["classes"]) for one in data(found)] == [2000, 2000, 500]


def test_a_code_that_is_none_rejects_its_row_alone(tmp_path: Path) -> None:
    found = _with("hs-2022", csv_file(tmp_path, HEADER, "I,07x7,Roots,07,4", "I,0707,Roots,07,4"))
    assert len(data(found)) == 1
    (reason,) = [one.reason for one in found if isinstance(one, Rejected)]
    assert "hscode “07x7”: expected a code of digits" in reason


def test_a_number_that_lost_its_zeros_is_put_back_before_it_is_named(tmp_path: Path) -> None:
    found = told(
        csv_file(tmp_path, "code", "70710"), TREE.replace("{column: code", "{column: code, number_as_code: 6")
    )
    assert data(found)[0]["classes"] == [{"class": "toys.07.0707.070710"}]


@pytest.mark.parametrize(
    ("written", "expected"),
    [("root: Toys", "expected a class of goods in lower case"), ("rot: toys", "root")],
)
def test_a_root_that_is_no_class_is_refused_with_the_mapping(
    tmp_path: Path, written: str, expected: str
) -> None:
    with pytest.raises(FileError, match=expected):
        told(csv_file(tmp_path, "code", "070710"), TREE.replace("root: toys", written))


def test_codes_of_the_inspected_goods_are_added_to_our_classes(tmp_path: Path) -> None:
    path = csv_file(tmp_path, "cn_hs10,category", "6307901234,Medical Mask", "6307905678,Medical Mask")
    (one,) = data(_with("cn-gac-2020-53-codes", path))
    assert one["at"] == "2020-04-09T16:00:00Z"
    assert one["classes"] == [
        {"class": "face_mask", "hs": {"2017": ["6307901234"]}},
        {"class": "face_mask", "hs": {"2017": ["6307905678"]}},
    ]


def test_a_category_that_no_class_is_for_is_rejected_by_name(tmp_path: Path) -> None:
    path = csv_file(tmp_path, "cn_hs10,category", "6307901234,Medical Maske")
    ((_, reason),) = reasons(_with("cn-gac-2020-53-codes", path))
    assert "category “Medical Maske”: no entry of `values` is for this; did you mean Medical Mask" in reason
