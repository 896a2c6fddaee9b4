"""Values mean one thing exactly, or they are refused with a message that says what was expected."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from events import values
from events.contracts import ContractDated
from events.envelope import explain
from events.licences import LicenceUsed

LONG = "9" * 5000


def read(kind: Any, value: object) -> Any:
    return TypeAdapter(kind).validate_python(value)


def refusal(kind: Any, value: object) -> str:
    with pytest.raises(ValidationError) as caught:
        read(kind, value)
    return explain(caught.value)


@pytest.mark.parametrize(
    "value",
    ["NaN", "Infinity", "-Infinity", "1E+1000000", "1e3", "0x10", "1,250.50", "1 250", ".5", "5.", "01", "+1", "", " 1",
     "1\n", "１２", 12.5, float("nan"), True, None, [], LONG],
)  # fmt: skip
@pytest.mark.parametrize(
    "kind", [values.Amount, values.Quantity, values.UnitPrice, values.Fraction, values.Rate]
)
def test_a_number_that_is_not_plain_digits_is_refused(kind: Any, value: object) -> None:
    assert 'as text in plain digits, such as "1250.50"' in refusal(kind, value)


@pytest.mark.parametrize(
    "value", [Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity"), Decimal("1E+1000000"), 10**40]
)
def test_a_number_that_is_no_number_or_beyond_all_bounds_is_refused_at_once(value: object) -> None:
    assert "expected an amount with at most 14 digits before the point" in refusal(values.Amount, value)


@pytest.mark.parametrize(
    ("kind", "value", "bounds"),
    [
        (values.Amount, "100000000000000", "14 digits before and 4 after"),
        (values.Amount, "1.00001", "14 digits before and 4 after"),
        (values.Quantity, "1000000000000", "12 digits before and 6 after"),
        (values.Quantity, "0.0000001", "12 digits before and 6 after"),
        (values.Fraction, "0.0000000001", "9 digits before and 9 after"),
        (values.Rate, "0.0000000001", "12 digits before and 9 after"),
    ],
)
def test_a_number_with_more_digits_than_it_may_have_is_refused(kind: Any, value: str, bounds: str) -> None:
    assert bounds in refusal(kind, value)


def test_a_negative_amount_is_refused_where_a_sum_cannot_be_negative() -> None:
    assert "not negative" in refusal(values.Amount, "-1")
    assert read(values.SignedAmount, "-1.50") == Decimal("-1.50")


@pytest.mark.parametrize("kind", [values.Amount, values.Quantity, values.UnitPrice])
def test_digits_behind_the_point_that_say_nothing_do_not_count(kind: Any) -> None:
    assert read(kind, "1.50000000000") == Decimal("1.5")


@given(st.decimals(min_value=0, max_value=10**12 - 1, places=4, allow_nan=False, allow_infinity=False))
def test_a_quantity_survives_the_wire(quantity: Decimal) -> None:
    adapter = TypeAdapter(values.Quantity)
    text = adapter.dump_python(adapter.validate_python(values.plain(quantity)), mode="json")
    assert "E" not in text
    assert adapter.validate_python(text) == quantity


@pytest.mark.parametrize(
    ("number", "text"),
    [("1E+3", "1000"), ("1.500", "1.5"), ("-0", "0"), ("0.000", "0"), ("100", "100"), ("-2.50", "-2.5")],
)
def test_a_number_is_written_in_plain_digits_without_trailing_zeros(number: str, text: str) -> None:
    assert values.plain(Decimal(number)) == text


def dated(**more: object) -> ContractDated:
    return ContractDated.model_validate({"exporter": "acme", "contract": "C1", "fact": "lc_issued",
                                         "at": "2020-04-01", **more})  # fmt: skip


@pytest.mark.parametrize(
    ("currency", "good", "bad", "decimals"),
    [
        ("EUR", "1.25", "1.255", 2),
        ("KWD", "1.255", "1.2555", 3),
        ("CLF", "1.2555", "1.25555", 4),
        ("CNY", "1", "1.001", 2),
    ],
)
def test_an_amount_has_at_most_the_decimals_of_its_currency(
    currency: str, good: str, bad: str, decimals: int
) -> None:
    assert dated(value=good, currency=currency).value == Decimal(good)
    with pytest.raises(ValidationError) as caught:
        dated(value=bad, currency=currency)
    assert f"at most {decimals}" in explain(caught.value) or "4 after the point" in explain(caught.value)


def test_an_amount_without_its_currency_is_refused() -> None:
    with pytest.raises(ValidationError) as caught:
        dated(value="1.25")
    assert "value: an amount needs its currency" in explain(caught.value)


def test_a_quantity_without_its_unit_is_refused() -> None:
    with pytest.raises(ValidationError) as caught:
        dated(quantity="5")
    assert "quantity and unit: one needs the other" in explain(caught.value)


def test_a_use_of_a_licence_says_how_much_in_exactly_one_way() -> None:
    used = {"scheme": "quota", "licence": "L1", "at": "2020-04-01T00:00Z"}
    for more in ({}, {"quantity": "1"}, {"quantity": "1", "unit": "KGM", "value": "1", "currency": "EUR"}):
        with pytest.raises(ValidationError, match="one way"):
            LicenceUsed.model_validate(used | more)


@pytest.mark.parametrize(
    "value",
    ["2020-04-01T00:00", "2020-04-01T00:00:00", "2020-04-01", "2020-04-01 00:00Z", "20200401T000000Z", "1585699200",
     1585699200, 1.5, None, True, "", "now", datetime(2020, 4, 1)],  # noqa: DTZ001 - a naive instant is the point
)  # fmt: skip
def test_an_instant_without_its_offset_is_refused(value: object) -> None:
    assert "expected an instant with its offset, such as 2020-04-01T00:00+08:00" in refusal(
        values.Instant, value
    )


@pytest.mark.parametrize(
    "value", ["2020-02-30T00:00Z", "2020-04-01T24:30Z", "2020-13-01T00:00Z", "2020-04-01T00:00+99:00"]
)
def test_an_instant_that_never_was_is_refused(value: str) -> None:
    assert "expected an instant with its offset" in refusal(values.Instant, value)


@pytest.mark.parametrize(
    "value", ["1899-12-31T23:59Z", "2201-01-01T00:00Z", "0001-01-01T00:00Z", "9999-12-31T23:59Z"]
)
def test_an_instant_out_of_all_bounds_is_refused(value: str) -> None:
    assert "expected a year between 1900 and 2200" in refusal(values.Instant, value)


def test_an_instant_is_kept_in_utc_whatever_its_offset() -> None:
    assert read(values.Instant, "2020-04-01T00:00+08:00") == datetime(2020, 3, 31, 16, tzinfo=UTC)
    assert read(values.Instant, "2020-04-01T00:00+08:00").tzinfo is UTC


@given(st.datetimes(datetime(1900, 1, 2), datetime(2200, 12, 30), timezones=st.timezones()))  # noqa: DTZ001
def test_an_instant_survives_the_wire(instant: datetime) -> None:
    assert values.instant_of(values.instant_text(instant)) == instant.astimezone(UTC)


@pytest.mark.parametrize("value", ["2020-4-1", "01.04.2020", "20200401", "2020-02-30", "", 20200401, None])
def test_a_day_that_is_no_day_is_refused(value: object) -> None:
    assert "expected a day, such as 2020-04-01" in refusal(values.Day, value)
    assert "expected a" in refusal(values.When, value)


def test_where_a_law_knows_only_the_day_the_day_stays_a_day() -> None:
    assert read(values.When, "2020-04-01") == date(2020, 4, 1)
    assert read(values.When, "2020-04-01T00:00+08:00") == datetime(2020, 3, 31, 16, tzinfo=UTC)
    assert not isinstance(read(values.When, "2020-04-01"), datetime)


@pytest.mark.parametrize("value", ["es", "ESP", "XX", "UK", "", "ES-", "ES-ce", "ES/CE", "EU", False])
def test_a_place_that_is_no_country_or_territory_of_one_is_refused(value: object) -> None:
    told = refusal(values.Place, value)
    assert "expected an ISO 3166-1 country, such as ES" in told or told == "expected text"


@pytest.mark.parametrize("value", ["ES", "NO", "CN", "ES-CE", "DE-HELGOLAND", "FR-RE"])
def test_countries_and_their_territories_are_places(value: str) -> None:
    assert read(values.Place, value) == value


@pytest.mark.parametrize("value", ["eur", "EURO", "XYZ", "€", ""])
def test_a_currency_unknown_to_iso_4217_is_refused(value: str) -> None:
    assert "expected an ISO 4217 currency, such as EUR" in refusal(values.Currency, value)


@pytest.mark.parametrize("value", ["9019.20", "901", "90192000100", "9019 20", "HS9019", "", "９０１９"])
def test_a_tariff_code_that_is_not_4_to_10_digits_is_refused(value: str) -> None:
    assert "expected a tariff code of 4 to 10 digits" in refusal(values.HsCode, value)


@pytest.mark.parametrize("value", ["piece", "h87", "kg", "", "K", "H-7"])
def test_a_unit_that_is_no_recommendation_20_code_is_refused(value: str) -> None:
    assert "UN/ECE Recommendation 20 unit code" in refusal(values.Unit, value)


@pytest.mark.parametrize("value", ["a\x00b", "a\nb", "\x7f", "a\ud800b"])
@pytest.mark.parametrize("kind", [values.Id, values.Text, values.AttributeValue])
def test_a_control_character_or_half_a_character_is_refused(kind: Any, value: str) -> None:
    told = refusal(kind, value)
    assert "expected text without" in told


@pytest.mark.parametrize(
    ("kind", "most"), [(values.Id, 200), (values.Text, 2000), (values.AttributeValue, 200)]
)
def test_text_that_is_empty_or_without_end_is_refused(kind: Any, most: int) -> None:
    assert "at least 1 character" in refusal(kind, "")
    assert f"at most {most} characters" in refusal(kind, "x" * (most + 1))
    assert read(kind, "医" * most) == "医" * most


@pytest.mark.parametrize(
    "value", ["Face_Mask", "face mask", "face_mask.", ".face", "face__mask", "a..b", "x" * 101, ""]
)
def test_a_goods_class_that_is_no_dotted_path_is_refused(value: str) -> None:
    assert "such as face_mask.surgical" in refusal(values.GoodsClass, value)


def test_a_line_number_may_be_written_as_a_number_and_an_attribute_as_a_truth() -> None:
    assert read(values.Id, 1) == "1"
    assert read(values.AttributeValue, True) == "true"
    assert refusal(values.Id, True)


def test_the_two_hours_of_a_night_in_autumn_are_two_instants() -> None:
    first = datetime(2021, 10, 31, 1, 30, tzinfo=ZoneInfo("Europe/London"))
    told = [values.instant_text(one) for one in (first, first.replace(fold=1), first)]
    assert told == ["2021-10-31T00:30:00Z", "2021-10-31T01:30:00Z", "2021-10-31T00:30:00Z"]
