"""Numbers, units, days and places, as the design words them: exact fractions, half-open spans, a country holds its territories."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

from events.rule_document import Bound, Comparison, Places

MICRO = timedelta(microseconds=1)
FIRST = datetime(1, 1, 1, tzinfo=UTC)
LAST = datetime(9999, 1, 1, tzinfo=UTC)
Span = tuple[datetime, datetime]

_FAMILIES = {
    "mass": {"MGM": "0.000001", "GRM": "0.001", "KGM": "1", "TNE": "1000", "LBR": "0.45359237",
             "ONZ": "0.028349523125", "STN": "907.18474", "LTN": "1016.0469088"},
    "volume": {"MLT": "0.001", "LTR": "1", "HLT": "100", "MTQ": "1000"},
    "length": {"MMT": "0.001", "CMT": "0.01", "MTR": "1", "KMT": "1000"},
    "count": {"H87": "1", "C62": "1", "NMB": "1", "EA": "1", "DZN": "12", "CEN": "100", "GRO": "144",
              "MIL": "1000"},
}  # fmt: skip


def measure(unit: str) -> tuple[str, Fraction]:
    """What a unit measures, and how many base units it holds; a unit beyond the table measures only itself."""
    for family, units in _FAMILIES.items():
        if unit in units:
            return family, Fraction(units[unit])
    return f"unit {unit}", Fraction(1)


def floor6(number: Fraction) -> Fraction:
    """Rounded down at six decimals."""
    return Fraction(number * 10**6 // 1, 10**6)


def convert(amount: Decimal | Fraction, unit: str, to: str) -> Fraction | None:
    """The quantity in another unit, rounded down at six decimals; None where the table does not say how."""
    (family, size), (other, there) = measure(unit), measure(to)
    return floor6(Fraction(amount) * size / there) if family == other else None


def day_start(moment: datetime | date, zone: str) -> datetime:
    """The instant, or the first instant of the day in the time zone."""
    if isinstance(moment, datetime):
        return moment
    return datetime.combine(moment, time(), ZoneInfo(zone)).astimezone(UTC)


def day_end(moment: datetime | date, zone: str) -> datetime:
    """The first instant after: of an instant the next microsecond, of a day the start of the next."""
    if isinstance(moment, datetime):
        return moment + MICRO
    return day_start(moment + timedelta(days=1), zone)


def span(
    since: datetime | date | None, until: datetime | date | None, through: date | None, zone: str
) -> Span:
    """The half-open span of two bounds written in a time zone; an open side reaches as far as time does."""
    first = FIRST if since is None else day_start(since, zone)
    if through is not None:
        return first, day_end(through, zone)
    return first, LAST if until is None else day_start(until, zone)


def within(moment: datetime, spans: Iterable[Span]) -> bool:
    """Whether one of the half-open spans holds the instant."""
    return any(first <= moment < last for first, last in spans)


def cut(spans: Sequence[Span], first: datetime, last: datetime) -> list[Span]:
    """The spans as far as they lie in [first, last)."""
    return [(max(a, first), min(b, last)) for a, b in spans if max(a, first) < min(b, last)]


def listed(place: str, places: Sequence[str]) -> bool:
    """Whether the place or the country it belongs to is among the places."""
    return place in places or place.split("-")[0] in places


def allowed(place: str, places: Places) -> bool:
    """Whether the place is one of those meant."""
    if places.only is not None:
        return listed(place, places.only)
    return not listed(place, places.excluded or ())


def all_of(values: Iterable[bool | None]) -> bool | None:
    """Three-valued AND."""
    found = list(values)
    if any(value is False for value in found):
        return False
    return None if any(value is None for value in found) else True


def any_of(values: Iterable[bool | None]) -> bool | None:
    """Three-valued OR."""
    return negated(all_of(negated(value) for value in values))


def negated(value: bool | None) -> bool | None:
    """Three-valued NOT."""
    return None if value is None else not value


def bounded(number: Fraction, bound: Bound | Comparison) -> bool:
    """Whether the number keeps every bound that is given."""
    return (
        (bound.at_least is None or number >= Fraction(bound.at_least))
        and (bound.more_than is None or number > Fraction(bound.more_than))
        and (bound.at_most is None or number <= Fraction(bound.at_most))
        and (bound.less_than is None or number < Fraction(bound.less_than))
    )


def compared(text: str | None, wanted: Comparison) -> bool | None:
    """Whether an attribute is what is wanted; unknown where it is missing, or is no number and a bound asks for one."""
    if text is None:
        return None
    same = wanted.equals is None or text == wanted.equals
    asks_number = any(
        b is not None for b in (wanted.at_least, wanted.more_than, wanted.at_most, wanted.less_than)
    )
    if not asks_number:
        return same
    plain = text.lstrip("-").replace(".", "", 1)
    if not (plain.isascii() and plain.isdigit()):
        return all_of((same, None))
    return same and bounded(Fraction(text), wanted)
