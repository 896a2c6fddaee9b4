"""The values in CHIEF's fields: days in the United Kingdom, quantities and amounts, countries, traders."""

import re
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from events.values import COUNTRIES, CURRENCIES
from services.intake.names import party

LONDON = ZoneInfo("Europe/London")
_DECIMAL = re.compile(r"[0-9]{1,12}(\.[0-9]{1,6})?")
_EORI = re.compile(r"(GB|XI)[0-9]{12}([0-9]{3})?")


def day(name: str, text: str, after: int = 0) -> datetime:
    """The start of a day ccyymmdd in the United Kingdom, or of one so many days after it. Raises ValueError."""
    return _moment(name, text, "%Y%m%d", "a day such as 20220131") + timedelta(days=after)


def minute(name: str, text: str) -> datetime:
    """The instant ccyymmddhhmm in the United Kingdom. Raises ValueError."""
    return _moment(name, text, "%Y%m%d%H%M", "a minute such as 202201311530")


def _moment(name: str, text: str, form: str, expected: str) -> datetime:
    wanted = len("20220131") if form == "%Y%m%d" else len("202201311530")
    if not (text.isascii() and text.isdigit() and len(text) == wanted and "1900" <= text[:4] < "2200"):
        raise ValueError(f"{name}: expected {expected}, not {text[:20]!r}")
    try:
        return datetime.strptime(text, form).replace(tzinfo=LONDON)
    except ValueError as error:
        raise ValueError(f"{name}: expected {expected}, not {text[:20]!r}") from error


def number(name: str, text: str) -> Decimal:
    """A quantity or an amount. Raises ValueError."""
    if not _DECIMAL.fullmatch(text):
        raise ValueError(f"{name}: expected a number such as 10 or 12.5, not {text[:20]!r}")
    return Decimal(text)


def currency(text: str) -> str:
    """Raises ValueError where it is no ISO 4217 currency."""
    if text not in CURRENCIES:
        raise ValueError(f"currency {text[:20]!r}: expected an ISO 4217 currency, such as GBP")
    return text


def country(code: str) -> str:
    """Raises ValueError where it is no ISO 3166-1 country."""
    if code not in COUNTRIES:
        raise ValueError(f"country {code[:20]!r}: expected an ISO 3166-1 country, such as US")
    return code


def trader(name: str, turn: str, registered: str) -> str:
    """The party of a trader: by its EORI, else by the identifier of the authority, else by its name.

    TURN ``PR`` and ``UNREG`` mean that it has none. Raises ValueError where there is nothing to name it by.
    """
    identifier = registered or ("" if turn in ("PR", "UNREG") else turn)
    if not identifier:
        return party(name)
    if _EORI.fullmatch(identifier):
        return party(name, identifier, "eori")
    return party(name, identifier, "gb-trader" if registered else "gb-turn")
