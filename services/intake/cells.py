"""What a cell says: a number, a day, a country or a code, read exactly as the mapping says it is written.

What can be read in two ways, or in none, is refused with what was expected; nothing is guessed.
"""

import re
import unicodedata
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, StringConstraints, model_validator

from events.model import Model
from events.values import TimeZone, plain

Cell = str | Decimal | date
"""A cell of a text file is text; one of a workbook or of JSON may be a number, a day or an instant by itself."""

_ISO = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)?)?")
_PLAIN = re.compile(r"-?\d+(\.\d+)?")
_WHOLE = re.compile(r"(\d{1,10})(\.0+)?")
_CODE = re.compile(r"\d{4}|\d{6}|\d{8,10}|\d{4}([. ]\d\d){1,3}|\d\d([. ]\d\d){1,4}|\d{4}[. ]\d\d[. ]\d{4}")
_FLAGS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_LARGEST = Decimal(10) ** 20


class Mixed(str):
    """Text of a workbook's column in which numbers and text stand together: which of them this is, is lost."""

    __slots__ = ()


class Numbers(Model):
    """How numbers are written. ``thousands`` may be empty; a space there means a narrow or a fixed one as well.

    ``signs``: words beside the number, such as EUR or kr; the signs of currencies are known. ``brackets``: (5) is -5.
    """

    decimal: Annotated[str, StringConstraints(pattern=r"^[.,]$")] = "."
    thousands: Annotated[str, StringConstraints(pattern=r"^[.,' ]?$")] = ""
    signs: tuple[str, ...] = ()
    brackets: bool = False

    @model_validator(mode="after")
    def _differ(self) -> Self:
        if self.decimal == self.thousands:
            raise ValueError(
                f"decimal and thousands are both {self.decimal!r}: a number could be read in two ways"
            )
        return self

    def example(self) -> str:
        """A number as it is written here."""
        return f"1{self.thousands}250{self.decimal}50"


def _strptime(value: str) -> str:
    if "%" not in value:
        raise ValueError("expected a form such as %d.%m.%Y")
    try:
        datetime.strptime(datetime(2020, 2, 3, 4, 5, tzinfo=UTC).strftime(value), value)  # noqa: DTZ007
    except ValueError:
        raise ValueError("expected a form such as %d.%m.%Y or %d/%m/%Y %H:%M") from None
    return value


class Dates(Model):
    """How days are written, beside 2020-03-31, which is always read. ``time`` is the hour at which a day counts."""

    formats: tuple[Annotated[str, AfterValidator(_strptime)], ...] = ()
    timezone: TimeZone | None = None
    time: Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] | None = None

    def example(self) -> str:
        """A day as it is written here."""
        return " or ".join(date(2020, 3, 31).strftime(one) for one in self.formats) or "2020-03-31"


def text(cell: Cell) -> str:
    """The cell as text, white space at its ends and line breaks within it made plain."""
    if isinstance(cell, Decimal):
        return _digits(cell)
    if isinstance(cell, date):
        return cell.isoformat()
    return " ".join(cell.split())


def number(cell: Cell, form: Numbers, decimals: int | None = None) -> Decimal:
    """The number in the cell. Raises ValueError, saying how numbers are expected to be written."""
    found = Decimal(_digits(cell)) if isinstance(cell, Decimal) else _written(cell, form)
    if decimals is None or not abs(found) < _LARGEST:
        return found
    return found.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_EVEN)


def _digits(cell: Decimal) -> str:
    if not cell.is_finite() or (cell and not -30 < cell.adjusted() < 30):
        raise ValueError("expected a number of fewer digits")
    return plain(cell)


def _written(cell: Cell, form: Numbers) -> Decimal:
    if not isinstance(cell, str) or len(cell) > 100:
        raise ValueError(f"expected a number, written as {form.example()}")
    plainly, minus = _unsigned(cell, form)
    if _shape(form.decimal, form.thousands).fullmatch(plainly):
        if isinstance(cell, Mixed) and form.thousands == "." and re.fullmatch(r"\d+\.\d+", plainly):
            raise ValueError("this may be thousands or decimals: make the whole column numbers in the sheet")
        bare = plainly.replace(form.thousands, "") if form.thousands else plainly
        found = Decimal(bare.replace(form.decimal, "."))
    elif isinstance(cell, Mixed) and _PLAIN.fullmatch(plainly):
        found = Decimal(plainly)
    else:
        raise ValueError(f"expected a number, written as {form.example()}")
    return -found if minus else found


def _unsigned(cell: str, form: Numbers) -> tuple[str, bool]:
    """The digits with their marks, and whether it is less than nothing; signs of currencies are taken off."""
    bare = "".join(letter for letter in cell if unicodedata.category(letter) != "Sc")
    for sign in form.signs:
        bare = bare.replace(sign, "")
    bare = bare.strip().replace("\u2212", "-")
    bracketed = form.brackets and bare.startswith("(") and bare.endswith(")")
    negative = bare.startswith("-") and not bracketed
    bare = bare[1:-1].strip() if bracketed else bare[negative:].strip()
    if form.thousands == " ":
        bare = re.sub(r"(?<=\d)[\s\u00a0\u202f\u2009](?=\d)", " ", bare)
    return bare, bracketed or negative


@lru_cache(maxsize=16)
def _shape(decimal: str, thousands: str) -> re.Pattern[str]:
    whole = rf"\d{{1,3}}({re.escape(thousands)}\d{{3}})+|\d+" if thousands else r"\d+"
    return re.compile(rf"({whole})({re.escape(decimal)}\d+)?", re.ASCII)


def moment(cell: Cell, form: Dates, day: bool, instant: bool) -> datetime | date:
    """The day or instant in the cell: a day where only ``day`` is wanted, an instant where only ``instant`` is.

    Raises ValueError: not written as expected, or an instant is wanted and nobody said at which hour and place.
    """
    found = cell if isinstance(cell, date) else _parsed(text(cell), form)
    if isinstance(found, datetime) and found.tzinfo is None and not instant:
        return found.date()
    if isinstance(found, datetime):
        return _placed(found, form) if instant else found.date()
    if instant and form.time is not None:
        return _placed(datetime.combine(found, time.fromisoformat(form.time)), form)
    if day:
        return found
    raise ValueError("a day without its hour: state `dates: {timezone: …, time: …}` in the mapping")


def _placed(found: datetime, form: Dates) -> datetime:
    if found.tzinfo is not None:
        return found
    if form.timezone is None:
        raise ValueError("a day without its time zone: state `dates: {timezone: …}` in the mapping")
    return found.replace(tzinfo=ZoneInfo(form.timezone))


@lru_cache(maxsize=4096)
def _parsed(plainly: str, form: Dates) -> datetime | date:
    for one in form.formats:
        try:
            found = datetime.strptime(plainly, one)  # noqa: DTZ007
        except ValueError:
            continue
        return found if re.search(r"%[HIcX]", one) else found.date()
    try:
        if _ISO.fullmatch(plainly):
            return date.fromisoformat(plainly) if len(plainly) == 10 else datetime.fromisoformat(plainly)
    except ValueError:
        pass
    raise ValueError(f"expected a day, written as {form.example()}")


def code(cell: Cell, digits: int | None) -> str:
    """A tariff code. ``digits``: the file holds codes as numbers, and zeros in front are put back up to so many.

    Raises ValueError: not a code, or a number that may have lost its zeros and nobody said how long it was.
    """
    plainly = text(cell)
    if digits is not None:
        found = _WHOLE.fullmatch(plainly)
        if not found or len(found[1]) > digits:
            raise ValueError(f"expected a code of at most {digits} digits that was kept as a number")
        return found[1].zfill(digits)
    if isinstance(cell, Decimal) or not _CODE.fullmatch(plainly):
        raise ValueError(
            "expected a tariff code of 4, 6, 8 or 10 digits as text; where a spreadsheet made numbers of the codes, "
            "state how long they were: `number_as_code: 6`"
        )
    return re.sub(r"[. ]", "", plainly)


def flag(cell: Cell) -> bool:
    """Yes or no. Raises ValueError where it is neither."""
    found = _FLAGS.get(text(cell).casefold())
    if found is None:
        raise ValueError("expected yes or no; other words need a table under `values`")
    return found
