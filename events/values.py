"""The values facts are made of: instants, days, countries, tariff codes, quantities and money.

Each refuses what it cannot mean exactly, and says what was expected. Text is matched before it is parsed, so that
``1E+1000000`` or a string with a NUL character dies here and nowhere later.
"""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import pycountry
from pydantic import AfterValidator, BeforeValidator, PlainSerializer, StringConstraints, WithJsonSchema

COUNTRIES = frozenset(country.alpha_2 for country in pycountry.countries)
CURRENCIES = frozenset(currency.alpha_3 for currency in pycountry.currencies)
# ISO 4217 minor units beyond two; every other currency is written here with at most two decimals.
MINOR_UNITS = {
    "BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3, "CLF": 4, "UYW": 4,
}  # fmt: skip

_DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_PLACE = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,20})?")


def plain(number: Decimal) -> str:
    """The number as plain digits without an exponent and without trailing zeros: ``1E+3`` reads ``1000``."""
    text = format(number, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def instant_text(instant: datetime) -> str:
    """RFC 3339 in UTC; microseconds only where there are any."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _instant(value: Any) -> datetime:
    if isinstance(value, str):
        if not _INSTANT.fullmatch(value):
            raise ValueError("expected an instant with its offset, such as 2020-04-01T00:00+08:00")
        value = datetime.fromisoformat(value)
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ValueError("expected an instant with its offset, such as 2020-04-01T00:00+08:00")
    if not 1900 <= value.year <= 2200:
        raise ValueError("expected a year between 1900 and 2200")
    return value.astimezone(UTC)


def _instant_or_day(value: Any) -> datetime | date:
    if isinstance(value, str) and _DAY.fullmatch(value):
        day = date.fromisoformat(value)
        if not 1900 <= day.year <= 2200:
            raise ValueError("expected a year between 1900 and 2200")
        return day
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    return _instant(value)


def _when_text(value: datetime | date) -> str:
    return instant_text(value) if isinstance(value, datetime) else value.isoformat()


def _number(whole: int, decimals: int, what: str, minus: bool = False) -> BeforeValidator:
    """A decimal written as text (or a whole number), with at most so many digits before and after the point."""

    def check(value: Any) -> Decimal:
        text = str(value) if isinstance(value, Decimal | int) and not isinstance(value, bool) else value
        if not isinstance(text, str) or len(text) > 60 or not _DECIMAL.fullmatch(text):
            raise ValueError(f"expected {what} as text in plain digits, such as \"1250.50\"")
        if text.startswith("-") and not minus:
            raise ValueError(f"expected {what} that is not negative")
        before, _, after = text.lstrip("-").partition(".")
        if len(before) > whole or len(after.rstrip("0")) > decimals:
            raise ValueError(f"expected {what} with at most {whole} digits before and {decimals} after the point")
        return Decimal(text)

    return BeforeValidator(check)


def _identifier(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _clean(value: str) -> str:
    if any(ord(letter) < 32 or 0xD800 <= ord(letter) <= 0xDFFF or ord(letter) == 127 for letter in value):
        raise ValueError("expected text without control characters")
    return value


def _place(value: str) -> str:
    if not _PLACE.fullmatch(value) or value[:2] not in COUNTRIES:
        raise ValueError("expected an ISO 3166-1 alpha-2 country, such as ES, or a territory of one, such as ES-CE")
    return value


def _currency(value: str) -> str:
    if value not in CURRENCIES:
        raise ValueError("expected an ISO 4217 currency, such as EUR")
    return value


def _unit(value: str) -> str:
    if not re.fullmatch(r"[A-Z0-9]{2,3}", value):
        raise ValueError("expected a UN/ECE Recommendation 20 unit code, such as H87 (piece), KGM or TNE")
    return value


def _hs(value: str) -> str:
    if not re.fullmatch(r"[0-9]{4,10}", value):
        raise ValueError("expected a tariff code of 4 to 10 digits, without dots")
    return value


def _attribute(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return _identifier(value)


def decimals_of(currency: str) -> int:
    """How many decimals an amount in this currency may have."""
    return MINOR_UNITS.get(currency, 2)


_AS_TEXT = PlainSerializer(plain, return_type=str)
_DECIMAL_SCHEMA = WithJsonSchema({"type": "string", "pattern": r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?$"})

Instant = Annotated[
    datetime,
    BeforeValidator(_instant),
    PlainSerializer(instant_text, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
When = Annotated[
    datetime | date,
    BeforeValidator(_instant_or_day),
    PlainSerializer(_when_text, return_type=str),
    WithJsonSchema({"anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}]}),
]
Id = Annotated[
    str, BeforeValidator(_identifier), StringConstraints(min_length=1, max_length=200), AfterValidator(_clean)
]
Text = Annotated[str, StringConstraints(min_length=1, max_length=2000), AfterValidator(_clean)]
Place = Annotated[str, AfterValidator(_place)]
Currency = Annotated[str, AfterValidator(_currency)]
Unit = Annotated[str, AfterValidator(_unit)]
HsCode = Annotated[str, BeforeValidator(_identifier), AfterValidator(_hs)]
GoodsClass = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9]+(_[a-z0-9]+)*(\.[a-z0-9]+(_[a-z0-9]+)*)*$", max_length=100)
]
AttributeValue = Annotated[
    str, BeforeValidator(_attribute), StringConstraints(min_length=1, max_length=200), AfterValidator(_clean)
]
Quantity = Annotated[Decimal, _number(12, 6, "a quantity"), _AS_TEXT, _DECIMAL_SCHEMA]
Amount = Annotated[Decimal, _number(14, 4, "an amount"), _AS_TEXT, _DECIMAL_SCHEMA]
UnitPrice = Annotated[Decimal, _number(14, 4, "a unit price"), _AS_TEXT, _DECIMAL_SCHEMA]
Fraction = Annotated[Decimal, _number(9, 9, "a fraction, such as \"0.05\""), _AS_TEXT, _DECIMAL_SCHEMA]
Rate = Annotated[Decimal, _number(12, 9, "a rate"), _AS_TEXT, _DECIMAL_SCHEMA]
SignedAmount = Annotated[Decimal, _number(14, 4, "an amount", minus=True), _AS_TEXT, _DECIMAL_SCHEMA]
Role = Literal["manufacturer", "exporter", "buyer", "end_user"]
