"""The values facts are made of: instants, days, countries, tariff codes, quantities and money.

Each refuses what it cannot mean exactly, and says what was expected. Text is matched before it is parsed, so that
``1E+1000000`` or a string with a NUL character dies here and nowhere later.
"""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache, lru_cache
from typing import Annotated, Any, Literal, TypeVar
from zoneinfo import available_timezones

import pycountry
from pydantic import (
    AfterValidator,
    BeforeValidator,
    PlainSerializer,
    PlainValidator,
    StringConstraints,
    WithJsonSchema,
)

COUNTRIES = frozenset(country.alpha_2 for country in pycountry.countries)
CURRENCIES = frozenset(currency.alpha_3 for currency in pycountry.currencies)
# ISO 4217 minor units beyond two; every other currency is written here with at most two decimals.
MINOR_UNITS = {
    "BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3, "CLF": 4, "UYW": 4,
}  # fmt: skip

_DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_UNIT = re.compile(r"[A-Z0-9]{2,3}")
_HS = re.compile(r"[0-9]{4,10}")
_GOODS_CLASS = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*(\.[a-z0-9]+(_[a-z0-9]+)*)*")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_PLACE = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,20})?")
_CONTROL = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_AN_INSTANT = "an instant with its offset, such as 2020-04-01T00:00+08:00"
_A_DAY = "a day, such as 2020-04-01"
_Day = TypeVar("_Day", bound=date)
# Places, units, codes, classes, instants and round numbers come again and again: each is looked at, and written out,
# once. One that is refused is looked at each time. Pydantic calls such a function without any Python in between.
_seen = lru_cache(maxsize=16_384)


def plain(number: Decimal) -> str:
    """The number as plain digits without an exponent and without trailing zeros: ``1E+3`` reads ``1000``."""
    text = format(number, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def instant_text(instant: datetime) -> str:
    """RFC 3339 in UTC; microseconds only where there are any."""
    # Only in UTC are equal instants the same: elsewhere the hour that comes twice in autumn equals itself.
    return _utc_text(instant if instant.tzinfo is UTC else instant.astimezone(UTC))


@_seen
def _utc_text(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")


def instant_of(value: Any) -> datetime:
    """The instant in UTC that a text with an offset (or an aware datetime) means. Raises ValueError."""
    if isinstance(value, str):
        return _instant_of(value)
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ValueError(f"expected {_AN_INSTANT}")
    return _in_bounds(value).astimezone(UTC)


@_seen
def _instant_of(text: str) -> datetime:
    if not _INSTANT.fullmatch(text):
        raise ValueError(f"expected {_AN_INSTANT}")
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"expected {_AN_INSTANT}: {error}") from error
    return _in_bounds(instant).astimezone(UTC)


def _in_bounds(day: _Day) -> _Day:
    if not 1900 <= day.year <= 2200:
        raise ValueError("expected a year between 1900 and 2200")
    return day


def _day(value: Any) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return _in_bounds(value)
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise ValueError(f"expected {_A_DAY}")
    try:
        return _in_bounds(date.fromisoformat(value))
    except ValueError as error:
        raise ValueError(f"expected {_A_DAY}: {error}") from error


def _instant_or_day(value: Any) -> datetime | date:
    if isinstance(value, datetime) or (isinstance(value, str) and "T" in value):
        return instant_of(value)
    if isinstance(value, date) or (isinstance(value, str) and _DAY.fullmatch(value)):
        return _day(value)
    raise ValueError(f"expected {_AN_INSTANT}, or {_A_DAY}")


def _when_text(value: datetime | date) -> str:
    return instant_text(value) if isinstance(value, datetime) else value.isoformat()


def _number(whole: int, decimals: int, what: str, minus: bool = False) -> PlainValidator:
    """A decimal written as text (or a whole number), with at most so many digits before and after the point."""

    @_seen
    def parse(text: str) -> Decimal:
        if len(text) > 60 or not _DECIMAL.fullmatch(text):
            raise ValueError(f'expected {what} as text in plain digits, such as "1250.50"')
        if text.startswith("-") and not minus:
            raise ValueError(f"expected {what} that is not negative")
        before, _, after = text.lstrip("-").partition(".")
        if len(before) > whole or len(after.rstrip("0")) > decimals:
            raise ValueError(
                f"expected {what} with at most {whole} digits before and {decimals} after the point"
            )
        return Decimal(text)

    def check(value: Any) -> Decimal:
        if isinstance(value, str):
            return parse(value)
        if isinstance(value, bool) or not isinstance(value, Decimal | int):
            raise ValueError(f'expected {what} as text in plain digits, such as "1250.50"')
        # A number this large is refused whatever its digits are; writing them out would take seconds.
        if (isinstance(value, Decimal) and not value.is_finite()) or not -(10**20) < value < 10**20:
            raise ValueError(f"expected {what} with at most {whole} digits before the point")
        return parse(format(value, "f") if isinstance(value, Decimal) else str(value))

    return PlainValidator(check)


def _identifier(value: Any) -> Any:
    if isinstance(value, str):
        return value if value.isprintable() else _clean(value)
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _clean(value: Any) -> Any:
    if isinstance(value, str) and not value.isprintable() and _CONTROL.search(value):
        raise ValueError("expected text without control characters")
    return value


def text_of(name: str, value: Any) -> str:
    """A text of 1 to 2000 characters, none of them a control character. Raises ValueError, naming ``name``."""
    if not isinstance(value, str) or not 0 < len(value) <= 2000:
        raise ValueError(f"{name}: expected text of 1 to 2000 characters")
    if not value.isprintable() and _CONTROL.search(value):
        raise ValueError(f"{name}: expected text without control characters")
    return value


@_seen
def _place(value: str) -> str:
    if not _PLACE.fullmatch(value) or value[:2] not in COUNTRIES:
        raise ValueError("expected an ISO 3166-1 country, such as ES, or a territory of one, such as ES-CE")
    return value


@_seen
def _currency(value: str) -> str:
    if value not in CURRENCIES:
        raise ValueError("expected an ISO 4217 currency, such as EUR")
    return value


@_seen
def _unit(value: str) -> str:
    if not _UNIT.fullmatch(value):
        raise ValueError("expected a UN/ECE Recommendation 20 unit code, such as H87 (piece), KGM or TNE")
    return value


@_seen
def _hs(value: str) -> str:
    if not _HS.fullmatch(value):
        raise ValueError("expected a tariff code of 4 to 10 digits, without dots")
    return value


@_seen
def _goods_class(value: str) -> str:
    if len(value) > 100 or not _GOODS_CLASS.fullmatch(value):
        raise ValueError(
            "expected a class of goods in lower case, dots between its levels, such as face_mask.surgical"
        )
    return value


def _time_zone(value: str) -> str:
    if value not in _time_zones():
        raise ValueError("expected a time zone of the IANA data base, such as Asia/Shanghai")
    return value


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _digest(value: str) -> str:
    if not _DIGEST.fullmatch(value):
        raise ValueError("expected the digest of the pack, sha256: and 64 hexadecimal digits")
    return value


def _rule_id(value: str) -> str:
    if "/" in value:
        raise ValueError("expected a name without a slash: RULE/CLAUSE names a clause")
    return value


def _score(value: Decimal) -> Decimal:
    if value > 100:
        raise ValueError("expected a score from 0 to 100")
    return value


def _attribute(value: Any) -> Any:
    if isinstance(value, str):
        return value if value.isprintable() else _clean(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return _identifier(value)


def decimals_of(currency: str) -> int:
    """How many decimals an amount in this currency may have."""
    return MINOR_UNITS.get(currency, 2)


_AS_TEXT = PlainSerializer(_seen(plain), return_type=str)


def _text_schema(pattern: str, example: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": f"^{pattern}$", "examples": [example]})


_DECIMAL_SCHEMA = _text_schema(r"(0|[1-9][0-9]*)(\.[0-9]+)?", "1250.50")
_SIGNED_SCHEMA = _text_schema(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?", "-1250.50")

Instant = Annotated[
    datetime,
    PlainValidator(instant_of),
    PlainSerializer(instant_text, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
Day = Annotated[
    date,
    PlainValidator(_day),
    PlainSerializer(date.isoformat, return_type=str),
    WithJsonSchema({"type": "string", "format": "date"}),
]
When = Annotated[
    datetime | date,
    PlainValidator(_instant_or_day),
    PlainSerializer(_seen(_when_text), return_type=str),
    WithJsonSchema(
        {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}]}
    ),
]
# The constraints on a string come first: there they run in pydantic's core, not in Python.
Id = Annotated[str, StringConstraints(min_length=1, max_length=200), BeforeValidator(_identifier)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=2000), BeforeValidator(_clean)]
Place = Annotated[str, AfterValidator(_place), _text_schema(_PLACE.pattern, "ES")]
Currency = Annotated[str, AfterValidator(_currency), _text_schema("[A-Z]{3}", "EUR")]
Unit = Annotated[str, AfterValidator(_unit), _text_schema(_UNIT.pattern, "H87")]
HsCode = Annotated[
    str, BeforeValidator(_identifier), AfterValidator(_hs), _text_schema(_HS.pattern, "90192000")
]
GoodsClass = Annotated[
    str, AfterValidator(_goods_class), _text_schema(_GOODS_CLASS.pattern, "face_mask.surgical")
]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
Digest = Annotated[str, AfterValidator(_digest), _text_schema(_DIGEST.pattern, "sha256:" + "0" * 64)]
RuleId = Annotated[Id, AfterValidator(_rule_id)]
AttributeValue = Annotated[str, StringConstraints(min_length=1, max_length=200), BeforeValidator(_attribute)]
Quantity = Annotated[Decimal, _number(12, 6, "a quantity"), _AS_TEXT, _DECIMAL_SCHEMA]
Amount = Annotated[Decimal, _number(14, 4, "an amount"), _AS_TEXT, _DECIMAL_SCHEMA]
UnitPrice = Annotated[Decimal, _number(14, 4, "a unit price"), _AS_TEXT, _DECIMAL_SCHEMA]
Fraction = Annotated[Decimal, _number(9, 9, 'a fraction, such as "0.05"'), _AS_TEXT, _DECIMAL_SCHEMA]
Rate = Annotated[Decimal, _number(12, 9, "a rate"), _AS_TEXT, _DECIMAL_SCHEMA]
SignedAmount = Annotated[Decimal, _number(14, 4, "an amount", minus=True), _AS_TEXT, _SIGNED_SCHEMA]
Score = Annotated[
    Decimal, _number(3, 2, "a score from 0 to 100"), AfterValidator(_score), _AS_TEXT, _DECIMAL_SCHEMA
]
Role = Literal["manufacturer", "exporter", "buyer", "end_user"]
