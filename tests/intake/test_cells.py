"""Cells: read exactly as the mapping says they are written, or refused; never read as something else."""

from datetime import date, datetime
from decimal import Decimal

import pytest

from services.intake import cells
from services.intake.cells import Dates, Mixed, Numbers
from services.intake.countries import country

POINT, COMMA = Numbers(thousands=","), Numbers(decimal=",", thousands=".")
LOOSE = Numbers(decimal=",", thousands=" ", signs=("EUR",), brackets=True)


@pytest.mark.parametrize(
    ("text", "form", "number"),
    [
        ("$1,234.00 ", POINT, "1234.00"), ("1234.5", POINT, "1234.5"), ("-3", POINT, "-3"), ("−3", POINT, "-3"),
        ("1.234,50 €", COMMA, "1234.50"), ("12,5", COMMA, "12.5"), ("1.234", COMMA, "1234"),
        ("1 234,50 EUR", LOOSE, "1234.50"), ("1\u202f234", LOOSE, "1234"), ("(5,25)", LOOSE, "-5.25"),
        (Mixed("1234.5"), COMMA, "1234.5"),
    ],
)  # fmt: skip
def test_a_number_is_read_as_it_is_written_here(text: str, form: Numbers, number: str) -> None:
    assert cells.number(text, form) == Decimal(number)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("1,23", POINT), ("12,34.5", POINT), ("1.234.5", POINT), ("12.5", COMMA), ("1.23", COMMA), ("(5)", POINT),
        ("(-5)", LOOSE), ("--5", POINT), ("5-", POINT), ("1e5", POINT), ("NaN", POINT), ("", POINT), ("٣", POINT),
        ("5 pieces", POINT), ("9" * 101, POINT), (Mixed("1.234"), COMMA), (Decimal("1E+1000000"), POINT),
        (Decimal("Infinity"), POINT),
    ],
)  # fmt: skip
def test_a_number_that_is_written_otherwise_is_refused(text: cells.Cell, form: Numbers) -> None:
    with pytest.raises(ValueError, match=r"expected a number|thousands or decimals"):
        cells.number(text, form)


def test_decimals_are_cut_only_where_the_mapping_says_so_and_half_goes_to_even() -> None:
    assert cells.number("0.08166666666666668", POINT) == Decimal("0.08166666666666668")
    assert [cells.number(text, POINT, 2) for text in ("0.085", "0.095", "64.88000000000001")] == [
        Decimal("0.08"), Decimal("0.10"), Decimal("64.88"),
    ]  # fmt: skip


MADRID = Dates(formats=("%d.%m.%Y", "%d.%m.%Y %H:%M"), timezone="Europe/Madrid", time="09:30")


@pytest.mark.parametrize(
    ("cell", "instant"),
    [
        ("31.03.2020", "2020-03-31T09:30:00+02:00"), ("2020-01-31", "2020-01-31T09:30:00+01:00"),
        ("31.03.2020 18:00", "2020-03-31T18:00:00+02:00"), ("2020-03-31T18:00:00+08:00", "2020-03-31T18:00:00+08:00"),
        (date(2020, 3, 31), "2020-03-31T09:30:00+02:00"),
    ],
)  # fmt: skip
def test_a_day_counts_at_the_hour_and_place_the_mapping_states(cell: cells.Cell, instant: str) -> None:
    found = cells.moment(cell, MADRID, day=False, instant=True)
    assert found.isoformat() == instant


def test_a_day_stays_a_day_where_a_day_is_wanted() -> None:
    assert cells.moment("31.03.2020", MADRID, day=True, instant=False) == date(2020, 3, 31)


@pytest.mark.parametrize(
    "cell", ["31/03/2020", "32.03.2020", "03.2020", "20200331", "2020-02-30", "soon", "43921", ""]
)
def test_a_day_written_otherwise_is_refused(cell: str) -> None:
    with pytest.raises(ValueError, match=r"expected a day, written as 31\.03\.2020"):
        cells.moment(cell, MADRID, day=True, instant=False)


def test_an_instant_is_never_made_of_a_day_whose_hour_or_place_nobody_stated() -> None:
    with pytest.raises(ValueError, match="a day without its hour"):
        cells.moment("2020-03-31", Dates(timezone="Europe/Madrid"), day=False, instant=True)
    with pytest.raises(ValueError, match="a day without its time zone"):
        cells.moment(datetime(2020, 3, 31, 9), Dates(), day=False, instant=True)  # noqa: DTZ001


@pytest.mark.parametrize(
    ("cell", "digits", "code"),
    [
        ("10110.0", 6, "010110"), (Decimal(10110), 6, "010110"), ("0101.21", None, "010121"),
        ("3822 00 90", None, "38220090"), ("6307900010", None, "6307900010"), ("010121", 6, "010121"),
    ],
)  # fmt: skip
def test_a_code_keeps_or_gets_back_its_zeros(cell: cells.Cell, digits: int | None, code: str) -> None:
    assert cells.code(cell, digits) == code


@pytest.mark.parametrize(
    ("cell", "digits"),
    [("10110.0", None), ("10110", None), (Decimal(300215), None), ("1234567.0", 6), ("10110.5", 6), ("x", 6),
     ("1011.0", None), ("630790000", 8)],
)  # fmt: skip
def test_a_code_that_may_have_lost_its_zeros_is_refused(cell: cells.Cell, digits: int | None) -> None:
    with pytest.raises(ValueError, match="expected a"):
        cells.code(cell, digits)


@pytest.mark.parametrize(
    ("name", "code"),
    [("UK", "GB"), ("GB", "GB"), ("gbr", "GB"), ("Greece", "GR"), ("GReece", "GR"), ("EL", "GR"), ("Czechia", "CZ"),
     ("Czech Republic", "CZ"), ("South Korea", "KR"), ("Korea, Republic of", "KR"), ("Viet Nam", "VN"),
     ("Côte d'Ivoire", "CI"), ("Curacao", "CW"), ("ES-CE", "ES-CE"), ("Türkiye", "TR"), ("Turkey", "TR")],
)  # fmt: skip
def test_a_country_is_known_by_its_code_and_its_names(name: str, code: str) -> None:
    assert country(name) == code


@pytest.mark.parametrize(
    "name", ["Λευκωσία", "Cyprus with branch in Greece", "Ν/Α", "XX", "Korea", "", "Europe"]
)
def test_a_name_that_is_no_country_or_could_be_two_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="expected a country"):
        country(name)
