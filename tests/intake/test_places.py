"""Countries, customs unions and units by the names papers give them: known exactly, or unknown."""

from datetime import date

import pytest

from services.intake.places import country, union
from services.intake.unit_names import unit


@pytest.mark.parametrize(
    ("name", "code"),
    [("ES", "ES"), ("esp", "ES"), ("España", "ES"), ("ΕΛΛΆΔΑ", "GR"), ("Україна", "UA"), ("Украина", "UA"), ("中国", "CN"),
     ("Korea, Republic of", "KR"), ("Viet Nam", "VN"), ("Vietnam", "VN"), ("The Bahamas", "BS"), ("UK", "GB"),
     ("Antigua & Barbuda", "AG"), ("Niger", "NE"), ("Nigeria", "NG")],
)  # fmt: skip
def test_a_country_is_known_by_its_codes_and_by_its_names_in_any_language(name: str, code: str) -> None:
    assert country(name) == code


@pytest.mark.parametrize("name", ["", " ", "…", "Ruritania", "Korea", "ZZ", "Spai", "European Union"])
def test_a_name_of_no_country_or_of_two_is_unknown(name: str) -> None:
    assert country(name) is None


def test_a_union_has_the_members_of_the_day() -> None:
    eurasian = union("Eurasian Economic Union")
    assert eurasian is not None
    assert eurasian.on(date(2020, 4, 1)) == ("AM", "BY", "KG", "KZ", "RU")
    assert eurasian.on(date(2015, 1, 1)) == ("BY", "KZ", "RU")
    assert union("Hanseatic League") is None


@pytest.mark.parametrize(
    ("name", "code"),
    [("Unidad", "H87"), ("pieces", "H87"), ("H87", "H87"), ("kg", "KGM"), ("Kilogramos", "KGM"), ("metric tons", "TNE"),
     ("литр", "LTR"), ("pair", "PR"), ("number of packs", "NMP"), ("m²", "MTK")],
)  # fmt: skip
def test_a_unit_is_known_by_its_code_or_its_name(name: str, code: str) -> None:
    assert unit(name) == code


@pytest.mark.parametrize("name", ["", "ton", "lot", "Unidad Medida Global", "_NO_APLICA_", "E11"])
def test_a_unit_the_table_does_not_hold_is_unknown(name: str) -> None:
    assert unit(name) is None
