"""Facts about the components bought to fulfil contracts."""

from typing import ClassVar, Self

from pydantic import Field, model_validator

from events.model import Data
from events.values import Amount, Currency, Fraction, GoodsClass, Id, Instant, Quantity, Unit, UnitPrice


class _Component(Data):
    """What a purchase says: which component, for which line or class, how much, at what cost per unit of it."""

    about: ClassVar[tuple[str, ...]] = ("exporter", "purchase")
    exporter: Id
    purchase: Id
    contract: Id | None = None
    line: Id | None = None
    goods_class: GoodsClass | None = Field(default=None, alias="class")
    component: Id
    quantity: Quantity
    unit: Unit
    unit_cost: UnitPrice
    currency: Currency
    at: Instant
    per_unit: Fraction | None = None
    salvage_unit_price: UnitPrice | None = None
    salvage_unit_cost: UnitPrice | None = None

    @model_validator(mode="after")
    def _line_has_contract(self) -> Self:
        if self.line is not None and self.contract is None:
            raise ValueError("line: a line is named with its contract")
        return self


class ComponentPurchased(_Component):
    """Delivered and in stock; with the id of an order, it delivers that much of the order."""


class ComponentOrdered(_Component):
    """Committed, not delivered. ``cancellation_fee`` and ``prepaid`` are sums for the whole order."""

    amounts: ClassVar[tuple[str, ...]] = ("cancellation_fee", "prepaid")
    cancellation_fee: Amount | None = None
    prepaid: Amount | None = None


class ComponentDisposed(Data):
    """Stock that was sold or scrapped (default: all of it); proceeds realise the loss."""

    about: ClassVar[tuple[str, ...]] = ("exporter", "purchase")
    amounts: ClassVar[tuple[str, ...]] = ("proceeds",)
    exporter: Id
    purchase: Id
    quantity: Quantity | None = None
    proceeds: Amount | None = None
    currency: Currency | None = None
    at: Instant


class ComponentOrderCancelled(Data):
    """An order that was called off (default: all of it that is not delivered)."""

    about: ClassVar[tuple[str, ...]] = ("exporter", "purchase")
    amounts: ClassVar[tuple[str, ...]] = ("proceeds",)
    exporter: Id
    purchase: Id
    quantity: Quantity | None = None
    proceeds: Amount | None = None
    currency: Currency | None = None
    at: Instant
