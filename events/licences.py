"""Facts about evidence: licences, quotas, filed documents and official lists."""

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from events.model import Data, Model
from events.values import Amount, Currency, GoodsClass, HsCode, Id, Instant, Place, Quantity, Text, Unit


class Goods(Model):
    """What a licence, a quota or a list entry is good for: a class, a tariff code (any longer code too), or both."""

    goods_class: GoodsClass | None = Field(default=None, alias="class")
    hs: HsCode | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.goods_class is None and self.hs is None:
            raise ValueError("goods: give a class, an hs code, or both")
        return self


class LicenceApplied(Data):
    """A licence was asked for; ``expected`` is when the authority is expected to answer."""

    about: ClassVar[tuple[str, ...]] = ("scheme", "licence")
    partition: ClassVar[str] = "holder"
    scheme: Id
    licence: Id
    holder: Id
    goods: tuple[Goods, ...] = ()
    at: Instant
    expected: Instant | None = None


class LicenceGranted(Data):
    """Permission for a holder, for goods (default: all), for a span of time, perhaps up to a quantity or value."""

    clock: ClassVar[str] = "valid_from"
    about: ClassVar[tuple[str, ...]] = ("scheme", "licence")
    partition: ClassVar[str] = "holder"
    amounts: ClassVar[tuple[str, ...]] = ("value",)
    scheme: Id
    licence: Id
    holder: Id
    goods: tuple[Goods, ...] = ()
    destinations: tuple[Place, ...] = ()
    buyers: tuple[Id, ...] = ()
    uses: tuple[Id, ...] = ()
    valid_from: Instant = Field(alias="from")
    until: Instant | None = None
    quantity: Quantity | None = None
    unit: Unit | None = None
    value: Amount | None = None
    currency: Currency | None = None

    @model_validator(mode="after")
    def _spans_and_units(self) -> Self:
        if self.until is not None and self.until <= self.valid_from:
            raise ValueError("until: a licence ends after it begins")
        if (self.quantity is None) != (self.unit is None):
            raise ValueError("quantity and unit: one needs the other")
        return self


class LicenceUsed(Data):
    """Part of a licence's balance that was drawn elsewhere."""

    about: ClassVar[tuple[str, ...]] = ("scheme", "licence")
    partition: ClassVar[str] = "licence"
    amounts: ClassVar[tuple[str, ...]] = ("value",)
    scheme: Id
    licence: Id
    quantity: Quantity | None = None
    unit: Unit | None = None
    value: Amount | None = None
    currency: Currency | None = None
    at: Instant

    @model_validator(mode="after")
    def _says_how_much(self) -> Self:
        if (self.quantity is None) == (self.value is None) or (self.quantity is None) != (self.unit is None):
            raise ValueError("quantity with unit, or value with currency: say how much was used, one way")
        return self


class LicenceSuspended(Data):
    """The licence does not count from ``at`` to ``until`` (or until it is reinstated)."""

    about: ClassVar[tuple[str, ...]] = ("scheme", "licence")
    partition: ClassVar[str] = "licence"
    scheme: Id
    licence: Id
    at: Instant
    until: Instant | None = None
    reason: Text | None = None


class LicenceReinstated(Data):
    """A suspension ends at ``at``."""

    about: ClassVar[tuple[str, ...]] = ("scheme", "licence")
    partition: ClassVar[str] = "licence"
    scheme: Id
    licence: Id
    at: Instant
    reason: Text | None = None


class LicenceRevoked(Data):
    """The licence ends for good at ``at``; a later grant of the same number begins anew."""

    about: ClassVar[tuple[str, ...]] = ("scheme", "licence")
    partition: ClassVar[str] = "licence"
    scheme: Id
    licence: Id
    at: Instant
    reason: Text | None = None


class QuotaOpened(Data):
    """A pool that holders (default: anyone, first come) draw from."""

    clock: ClassVar[str] = "valid_from"
    about: ClassVar[tuple[str, ...]] = ("quota",)
    partition: ClassVar[str] = "quota"
    amounts: ClassVar[tuple[str, ...]] = ("value",)
    quota: Id
    goods: tuple[Goods, ...] = ()
    destinations: tuple[Place, ...] = ()
    holders: tuple[Id, ...] = ()
    quantity: Quantity | None = None
    unit: Unit | None = None
    value: Amount | None = None
    currency: Currency | None = None
    valid_from: Instant = Field(alias="from")
    until: Instant | None = None

    @model_validator(mode="after")
    def _says_how_much(self) -> Self:
        if (self.quantity is None) == (self.value is None) or (self.quantity is None) != (self.unit is None):
            raise ValueError(
                "quantity with unit, or value with currency: say how much the quota holds, one way"
            )
        if self.until is not None and self.until <= self.valid_from:
            raise ValueError("until: a quota ends after it begins")
        return self


class DocumentFiled(Data):
    """A paper the parties issue themselves: filed by one of them, or refused where it was handed in."""

    about: ClassVar[tuple[str, ...]] = ("exporter", "document")
    exporter: Id
    document: Id
    form: Id
    by: Literal["exporter", "buyer", "both"] | Id
    contract: Id | None = None
    line: Id | None = None
    at: Instant
    quantity: Quantity | None = None
    unit: Unit | None = None
    refused: bool = False

    @model_validator(mode="after")
    def _line_has_contract(self) -> Self:
        if self.line is not None and self.contract is None:
            raise ValueError("line: a line is named with its contract")
        if (self.quantity is None) != (self.unit is None):
            raise ValueError("quantity and unit: one needs the other")
        return self


class ListEntered(Data):
    """A party stands on an official list from ``at``, for goods (default: all)."""

    about: ClassVar[tuple[str, ...]] = ("list_name", "party")
    partition: ClassVar[str] = "party"
    list_name: Id = Field(alias="list")
    party: Id
    goods: tuple[Goods, ...] = ()
    at: Instant


class ListRemoved(Data):
    """A party no longer stands on the list from ``at``, for goods (default: all)."""

    about: ClassVar[tuple[str, ...]] = ("list_name", "party")
    partition: ClassVar[str] = "party"
    list_name: Id = Field(alias="list")
    party: Id
    goods: tuple[Goods, ...] = ()
    at: Instant
