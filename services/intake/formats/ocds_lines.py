"""The items of a contract as lines: what, how many, at what price, where to and when."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from events.values import instant_text, plain
from services.intake.formats.ocds_parties import awards, place
from services.intake.formats.ocds_values import Json, moment, number, part, parts, shown, text
from services.intake.goods import propose, shipped
from services.intake.unit_names import unit

_EDITIONS = (2022, 2017, 2012, 2007, 2002, 1996, 1988)
_FINEST = Decimal("0.0001")
_CODE = re.compile(r"[A-Z0-9]{2,3}")


@dataclass(frozen=True, slots=True)
class Item:
    """An item, by the id its line gets, and the country it goes to."""

    line: str
    content: Json
    destination: str | None


def items(release: Json, contract: Json, buyer_country: str | None) -> list[Item]:
    """The items of the contract, else those of its award, each with its destination.

    It goes to the country of its delivery address; without one, to the buyer's. Raises ValueError.
    """
    own = list(parts(contract.get("items")))
    given = own or [one for award in awards(release, contract) for one in parts(award.get("items"))]
    return [
        Item(text(one.get("id")) or str(number), one, _delivered(one) or buyer_country)
        for number, one in enumerate(given, 1)
    ]


def _delivered(item: Json) -> str | None:
    single = place(item.get("deliveryAddress"), "items.deliveryAddress")
    several = {place(one, "items.deliveryAddresses") for one in parts(item.get("deliveryAddresses"))} - {None}
    if single is None and len(several) > 1:
        raise ValueError(
            "items.deliveryAddresses: one item goes to several countries; how much to each is not said"
        )
    return single or next(iter(several), None)


@dataclass(frozen=True, slots=True)
class Agreed:
    """What the contract says of all its lines: its span, its value, and on which day it was signed."""

    signed: datetime
    ends: datetime | None
    begins: datetime | None
    value: Decimal | None
    currency: str
    alone: bool

    @classmethod
    def of(cls, release: Json, contract: Json, signed: datetime, count: int) -> "Agreed":
        """Raises ValueError."""
        spans = [contract.get("period"), *(part(one, "contractPeriod") for one in awards(release, contract))]
        begins, ends = (
            next((found for one in spans if (found := _moment(part(one, name), f"period.{name}"))), None)
            for name in ("startDate", "endDate")
        )
        value = contract.get("value")
        return cls(
            signed, ends, begins, _number(part(value, "amount"), "value.amount"),
            text(part(value, "currency")).upper(), count == 1,
        )  # fmt: skip


def line(item: Item, agreed: Agreed, destination: str) -> tuple[Json, str]:
    """The line, and the currency of its price. Raises ValueError, naming the field and what was expected there.

    To be exported by its delivery date, else by the end of the contract (then its award), else from its beginning.
    Price: of the unit; where none is given and the item is the only one, the contract's value by the quantity. Either
    is rounded to four decimals.
    """
    content = item.content
    quantity = _number(content.get("quantity"), "items.quantity")
    if quantity is None or quantity <= 0:
        raise ValueError(f"items.quantity: item {shown(item.line)} says no quantity")
    price, currency = _price(item, agreed, quantity)
    code, year = _tariff(content, agreed.signed)
    told = {
        "line": item.line, "class": propose(shipped(), _words(content), code, year).goods_class, "hs": code,
        "hs_year": year, "quantity": plain(quantity), "unit": _unit(item), "unit_price": plain(price),
        "export_at": instant_text(_export_at(item, agreed)), "destination": item.destination,
        "deadline": instant_text(agreed.ends) if agreed.ends else None,
    }  # fmt: skip
    if item.destination == destination:
        told["destination"] = None
    return {name: value for name, value in told.items() if value is not None}, currency


def _price(item: Item, agreed: Agreed, quantity: Decimal) -> tuple[Decimal, str]:
    value = part(item.content, "unit", "value")
    price, currency = (
        _number(part(value, "amount"), "items.unit.value.amount"),
        text(part(value, "currency")).upper(),
    )
    if price is None:
        if not agreed.alone or agreed.value is None:
            raise ValueError(
                f"items.unit.value: item {shown(item.line)} has no price, and "
                + (
                    "the contract has no value"
                    if agreed.alone
                    else "the contract's value is of several items"
                )
            )
        price, currency = agreed.value / quantity, agreed.currency
    if not currency and not agreed.currency:
        raise ValueError("value.currency: expected an ISO 4217 currency, such as EUR")
    return _rounded(price), currency or agreed.currency


def _rounded(price: Decimal) -> Decimal:
    if not Decimal(0) <= price < Decimal(10) ** 14:
        raise ValueError("items.unit.value: expected a price of at most 14 digits that is not negative")
    return price.quantize(_FINEST, ROUND_HALF_EVEN)


def _unit(item: Item) -> str:
    """The code of the item's unit: as given under the scheme of UN/CEFACT, else by the unit's name."""
    given = part(item.content, "unit")
    code, name = text(part(given, "id")), text(part(given, "name"))
    if text(part(given, "scheme")).upper() in ("UNCEFACT", "UN/CEFACT", "UNECE") and _CODE.fullmatch(code):
        return code
    if found := unit(name) or unit(code):
        return found
    if not name and not code:
        raise ValueError(f"items.unit: item {shown(item.line)} says no unit")
    raise ValueError(f"items.unit: {shown(name or code)!r} is no unit known by that name")


def _export_at(item: Item, agreed: Agreed) -> datetime:
    given = item.content.get("deliveryDate")
    dates = [given] if isinstance(given, str) else [part(given, "endDate"), part(given, "startDate")]
    delivered = next((found for one in dates if (found := _moment(one, "items.deliveryDate"))), None)
    found = delivered or agreed.ends or agreed.begins
    if found is None:
        raise ValueError(
            "period: neither a delivery date nor a contract period says when the goods are to leave"
        )
    return found


def _tariff(item: Json, signed: datetime) -> tuple[str | None, int | None]:
    """The code of the Harmonized System, in the edition in force when the contract was signed; a chapter is none."""
    for one in _classifications(item):
        code = re.sub(r"[\s.]", "", text(one.get("id")))
        if text(one.get("scheme")).upper() == "HS" and len(code) > 2:
            return code, next((year for year in _EDITIONS if year <= signed.year), _EDITIONS[-1])
    return None, None


def _words(item: Json) -> str:
    told = [text(item.get("description")), *(text(one.get("description")) for one in _classifications(item))]
    return "; ".join(dict.fromkeys(one for one in told if one))[:2000]


def _classifications(item: Json) -> Sequence[Json]:
    return [*parts(item.get("classification")), *parts(item.get("additionalClassifications"))]


def _moment(value: Any, field: str) -> datetime | None:
    try:
        return moment(value)
    except ValueError as error:
        raise ValueError(f"{field}: {error}") from error


def _number(value: Any, field: str) -> Decimal | None:
    try:
        return number(value)
    except ValueError as error:
        raise ValueError(f"{field}: {error}") from error
