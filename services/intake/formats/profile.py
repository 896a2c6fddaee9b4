"""What the cells of a column look like: numbers, days, countries, currencies or codes, and how they are written."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TypeVar

from events.values import CURRENCIES
from services.intake import cells
from services.intake.cells import Cell, Dates, Numbers
from services.intake.countries import country
from services.intake.fields import Kind
from services.intake.unit_names import unit

NUMBERS = (
    Numbers(decimal="."), Numbers(decimal=".", thousands=","), Numbers(decimal=","),
    Numbers(decimal=",", thousands="."), Numbers(decimal=",", thousands=" "), Numbers(decimal=".", thousands="'"),
    Numbers(decimal=".", thousands=",", brackets=True), Numbers(decimal=",", thousands=".", brackets=True),
)  # fmt: skip
DATES = ("", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%d.%m.%y", "%Y/%m/%d", "%d %b %Y", "%d %B %Y",
         "%b %d, %Y", "%Y%m%d", "%d.%m.%Y %H:%M", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M")  # fmt: skip
MOST = 0.9
Way = TypeVar("Way")
_CODE = re.compile(r"\d{5,6}\.0|\d{4}|\d{6}|\d{8}|\d{10}|\d{4}\.\d\d(\.\d\d){0,2}")


@dataclass(frozen=True)
class Profile:
    """A column as it was seen: how many cells were filled, and how large a share of them reads as each kind.

    ``numbers`` and ``dates``: every way of writing in which all of them can be read that can be read at all.
    """

    name: str
    filled: int
    seen: int
    distinct: int
    shares: dict[Kind, float]
    numbers: tuple[Numbers, ...] = ()
    dates: tuple[str, ...] = ()
    example: str = ""
    hours: bool = False

    def fits(self, kind: Kind) -> bool:
        """Whether nearly all of its cells read as this kind; as text everything does."""
        return kind == "text" or self.shares.get(kind, 0.0) >= MOST


def profile(name: str, found: Sequence[Cell]) -> Profile:
    """What the sample of a column looks like."""
    filled = [cell for cell in found if not isinstance(cell, str) or cell.strip()]
    texts = [cells.text(cell) for cell in filled if _short(cell)]
    numbers, number = _best(NUMBERS, filled, _reads_number)
    dates, days = _best(DATES, filled, _reads_date)
    shares: dict[Kind, float] = {
        "number": number,
        "whole": _share(texts, lambda text: re.fullmatch(r"\d{1,6}", text) is not None),
        "when": days, "instant": days, "day": days,
        "country": _share(texts, _is_country),
        "currency": _share(texts, lambda text: text.upper() in CURRENCIES),
        "unit": _share(texts, lambda text: unit(text) is not None),
        "code": _share(texts, lambda text: _CODE.fullmatch(text) is not None),
        "flag": _share(texts, lambda text: text.casefold() in ("yes", "no", "true", "false")),
    }  # fmt: skip
    hours = (
        any(isinstance(cell, datetime) or ":" in cells.text(cell) for cell in filled if _short(cell))
        and days > 0
    )
    return Profile(name, len(filled), len(found), len(set(texts)), shares, numbers, dates, texts[0] if texts else "",
                   hours)  # fmt: skip


def _short(cell: Cell) -> bool:
    return not isinstance(cell, Decimal) or abs(cell.adjusted()) < 30


def _best(
    ways: Sequence[Way], filled: Sequence[Cell], reads: Callable[[Cell, Way], bool]
) -> tuple[tuple[Way, ...], float]:
    """The ways in which most cells can be read, in their order, and how large a share of the cells that is."""
    counted = {number: sum(reads(cell, way) for cell in filled) for number, way in enumerate(ways)}
    most = max(counted.values(), default=0)
    found = tuple(ways[number] for number, count in counted.items() if count == most and most > 0)
    return found, most / len(filled) if filled else 0.0


def _reads_number(cell: Cell, form: Numbers) -> bool:
    return _passes(lambda: cells.number(cell, form))


def _reads_date(cell: Cell, form: str) -> bool:
    if isinstance(cell, Decimal):
        return False
    if form and (isinstance(cell, date) or not re.search(r"\d", cell)):
        return False
    read = Dates(formats=(form,) if form else ())
    return _passes(lambda: cells.moment(cell, read, day=True, instant=False))


def _passes(reads: Callable[[], object]) -> bool:
    try:
        reads()
    except ValueError:
        return False
    return True


def _is_country(text: str) -> bool:
    return _passes(lambda: country(text))


def _share(texts: Sequence[str], fits: Callable[[str], bool]) -> float:
    return sum(map(fits, texts)) / len(texts) if texts else 0.0
