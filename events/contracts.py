"""Facts about exporters and the contracts they signed."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from events.model import Data, Model
from events.values import (
    Amount,
    AttributeValue,
    Currency,
    Fraction,
    GoodsClass,
    HsCode,
    Id,
    Instant,
    Place,
    Quantity,
    Text,
    Unit,
    UnitPrice,
    When,
)

Attributes = Annotated[dict[Id, AttributeValue], Field(max_length=200)]


class ExporterRegistered(Data):
    """Who an exporter is; ``maker`` says that it makes what it sells unless a contract names another manufacturer."""

    about: ClassVar[tuple[str, ...]] = ("exporter",)
    exporter: Id
    at: Instant
    name: Text
    country: Place
    maker: bool = False
    attributes: Attributes = {}
    associations: tuple[Id, ...] = ()
    group: Id | None = None
    reporting_currency: Currency | None = None


class LiquidatedDamages(Model):
    """Agreed damages for delay: fractions of the late value, per day and at most."""

    rate_per_day: Fraction | None = None
    cap: Fraction | None = None


class ForceMajeure(Model):
    """Days within which notice must be given, and after which either side may end the contract."""

    notice_days: int | None = Field(default=None, ge=0, le=10_000)
    terminates_after_days: int | None = Field(default=None, ge=0, le=10_000)


class Terms(Model):
    """What a contract says about money when it cannot be fulfilled; amounts are in the contract's currency."""

    advance: Amount | None = None
    liquidated_damages: LiquidatedDamages | None = None
    force_majeure: ForceMajeure | None = None
    guarantee: Amount | None = None


class Line(Model):
    """One deliverable of a contract; ``cost_to_go`` is the cost per unit still to come before it can ship."""

    line: Id
    goods_class: GoodsClass | None = Field(default=None, alias="class")
    attributes: Attributes = {}
    hs: HsCode | None = None
    hs_year: int | None = Field(default=None, ge=1988, le=2100)
    quantity: Quantity
    unit: Unit
    unit_price: UnitPrice
    export_at: Instant
    deadline: Instant | None = None
    cost_to_go: UnitPrice | None = None
    manufacturer: Id | None = None
    destination: Place | None = None

    @model_validator(mode="after")
    def _code_has_its_year(self) -> Self:
        if (self.hs is None) != (self.hs_year is None):
            raise ValueError("hs and hs_year: a tariff code needs its nomenclature year, such as 2017")
        if not self.quantity:
            raise ValueError("quantity: a line delivers more than nothing")
        return self


Lines = Annotated[tuple[Line, ...], Field(max_length=10_000)]


def _no_line_twice(lines: tuple[Line, ...] | None) -> None:
    numbers = [line.line for line in lines or ()]
    if len(numbers) != len(set(numbers)):
        raise ValueError("lines: a line number stands twice")


class ContractSigned(Data):
    """A contract and its lines as signed."""

    clock: ClassVar[str] = "signed"
    about: ClassVar[tuple[str, ...]] = ("exporter", "contract")
    exporter: Id
    contract: Id
    manufacturer: Id | None = None
    buyer: Id
    buyer_country: Place | None = None
    end_user: Id | None = None
    exported_from: Place
    made_in: Place | None = None
    destination: Place
    currency: Currency
    signed: When
    incoterm: Id | None = None
    facts_complete: bool = False
    terms: Terms | None = None
    lines: Annotated[Lines, Field(min_length=1)]

    @model_validator(mode="after")
    def _lines_differ(self) -> Self:
        _no_line_twice(self.lines)
        return self


class ContractAmended(Data):
    """What changed in a contract, field by field; a line given replaces the line of that number."""

    about: ClassVar[tuple[str, ...]] = ("exporter", "contract")
    exporter: Id
    contract: Id
    at: Instant
    manufacturer: Id | None = None
    buyer: Id | None = None
    buyer_country: Place | None = None
    end_user: Id | None = None
    exported_from: Place | None = None
    made_in: Place | None = None
    destination: Place | None = None
    currency: Currency | None = None
    incoterm: Id | None = None
    facts_complete: bool | None = None
    terms: Terms | None = None
    lines: Lines = ()
    removed: tuple[Id, ...] = ()

    @model_validator(mode="after")
    def _lines_differ(self) -> Self:
        _no_line_twice(self.lines)
        if both := {line.line for line in self.lines} & set(self.removed):
            raise ValueError(f"removed: line {min(both)} is replaced and removed at once")
        return self


class ContractAssigned(Data):
    """From ``at``, ``to`` exports instead; the contract keeps its name."""

    about: ClassVar[tuple[str, ...]] = ("exporter", "contract")
    exporter: Id
    contract: Id
    to: Id
    at: Instant


class ContractCancelled(Data):
    """The contract, or one line of it, ended without delivery."""

    about: ClassVar[tuple[str, ...]] = ("exporter", "contract")
    exporter: Id
    contract: Id
    line: Id | None = None
    at: Instant


DATED_FACTS = (
    "contract_signed", "lc_issued", "lc_swift_message", "lc_registered", "advance_payment_received",
    "licence_issued", "application_filed", "export_duty_paid", "declaration_filed", "declaration_registered",
    "customs_station_entered", "handed_to_customs", "registered_in_customs_system", "rotation_number_allocated",
    "vessel_anchored", "vessel_berthed", "loading_commenced", "en_route_to_port", "force_majeure_notified",
    "exported",
)  # fmt: skip


class ContractDated(Data):
    """A dated fact: something that happened to a contract, a line or a lot, perhaps for a part of the goods."""

    about: ClassVar[tuple[str, ...]] = ("exporter", "contract", "fact")
    amounts: ClassVar[tuple[str, ...]] = ("value",)
    exporter: Id
    contract: Id
    line: Id | None = None
    lot: Id | None = None
    fact: Id
    at: When
    quantity: Quantity | None = None
    unit: Unit | None = None
    value: Amount | None = None
    currency: Currency | None = None
    until: When | None = None

    @model_validator(mode="after")
    def _quantity_has_unit(self) -> Self:
        if (self.quantity is None) != (self.unit is None):
            raise ValueError("quantity and unit: one needs the other")
        return self


class GoodsShipped(Data):
    """Goods that left, and the licence they were drawn on where the papers name one."""

    about: ClassVar[tuple[str, ...]] = ("exporter", "contract", "line")
    exporter: Id
    contract: Id
    line: Id
    quantity: Quantity
    unit: Unit
    at: Instant
    scheme: Id | None = None
    licence: Id | None = None

    @model_validator(mode="after")
    def _licence_has_scheme(self) -> Self:
        if (self.scheme is None) != (self.licence is None):
            raise ValueError("scheme and licence: a licence is named by both")
        return self


class LossStated(Data):
    """The user's own figure for an input or a term of the loss, in place of the estimate."""

    about: ClassVar[tuple[str, ...]] = ("exporter", "contract", "term")
    exporter: Id
    contract: Id
    line: Id | None = None
    term: Literal[
        "stock_write_down", "nrv", "commitment_loss", "penalty", "onerous_provision", "other", "storage", "demurrage",
        "freight_back", "guarantee_fees", "lc_fees", "recoveries", "supplier_returns", "insurance", "lost_margin",
        "cost_to_go", "advance", "guarantee", "cash_call", "liquidated_damages_cap", "release_days",
    ]  # fmt: skip
    amount: Amount
    currency: Currency
    at: Instant
    amounts: ClassVar[tuple[str, ...]] = ("amount",)
