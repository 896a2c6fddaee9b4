"""The grammar of rules: what one act of an authority said, as data.

A document holds only what its own act said on its own day. Words the engine does not use are refused.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from events.model import Model
from events.values import (
    Amount,
    AttributeValue,
    Currency,
    Day,
    Fraction,
    GoodsClass,
    HsCode,
    Id,
    Instant,
    Place,
    Quantity,
    Rate,
    Role,
    RuleId,
    Text,
    TimeZone,
    Unit,
    UnitPrice,
    When,
)


class Citation(Model):
    """Where the act can be read: who issued it, its number, its date, an address, a note on second-hand facts."""

    issuers: Annotated[tuple[Text, ...], Field(min_length=1)]
    number: Text | None = None
    dated: Day | None = None
    url: Text | tuple[Text, ...] | None = None
    note: Text | None = None


class Span(Model):
    """A half-open span: ``until`` is excluded, ``through`` names its last day; days are the rule's own."""

    since: When | None = Field(default=None, alias="from")
    until: When | None = None
    through: Day | None = None

    @model_validator(mode="after")
    def _one_end(self) -> Self:
        if self.until is not None and self.through is not None:
            raise ValueError("until and through: give one end, not two")
        return self


class InForce(Span):
    """A span in which a clause binds; its beginning must be given."""

    since: When = Field(alias="from")


class Places(Model):
    """Countries and territories: only these, or all except these."""

    only: tuple[Place, ...] | None = None
    excluded: tuple[Place, ...] | None = Field(default=None, alias="except")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.only is None) == (self.excluded is None):
            raise ValueError("places: give `only` or `except`")
        return self


class DatedPlaces(Places, Span):
    """Places that hold for a span."""


class Parties(Model):
    """Named exporters: only these, or all except these."""

    only: tuple[Id, ...] | None = None
    excluded: tuple[Id, ...] | None = Field(default=None, alias="except")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.only is None) == (self.excluded is None):
            raise ValueError("exporters: give `only` or `except`")
        return self


def _origin(value: Any) -> Any:
    if value == "any":
        return {"except": []}
    return {"only": [value]} if isinstance(value, str) else value


Origin = Annotated[Places, BeforeValidator(_origin)]
_COMPARISONS = ("is", "at_least", "more_than", "at_most", "less_than")


class Comparison(Model):
    """What a value must be: exactly this, or a number within a bound."""

    equals: AttributeValue | None = Field(default=None, alias="is")
    at_least: Rate | None = None
    more_than: Rate | None = None
    at_most: Rate | None = None
    less_than: Rate | None = None

    @model_validator(mode="after")
    def _compares(self) -> Self:
        if all(getattr(self, name) is None for name in Comparison.model_fields):
            raise ValueError(f"comparison: expected one of {', '.join(_COMPARISONS)}")
        return self


def _where(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {k: v if isinstance(v, dict | Comparison) else {"is": v} for k, v in value.items()}


Where = Annotated[dict[Id, Comparison], BeforeValidator(_where)]


class GoodsEntry(Model):
    """Goods a clause speaks of. HS codes are a hint, unless ``hs_defines`` makes the code alone decide."""

    goods_class: GoodsClass | None = Field(default=None, alias="class")
    any_class: bool = False
    where: Where = {}
    hs: tuple[HsCode, ...] = ()
    hs_year: int | None = None
    hs_defines: bool = False

    @model_validator(mode="after")
    def _decides(self) -> Self:
        if bool(self.hs) != (self.hs_year is not None):
            raise ValueError("hs and hs_year: tariff codes need their nomenclature year")
        if self.hs_defines and not self.hs:
            raise ValueError("hs_defines: needs hs codes")
        if self.any_class and (self.goods_class is not None or self.hs_defines or not self.where):
            raise ValueError("any_class: a catch-all goes with `where` and without class or hs_defines")
        if self.goods_class is None and not self.any_class and not self.hs_defines:
            raise ValueError(
                "goods: give a class, `hs_defines: true` with codes, or `any_class: true` with `where`"
            )
        return self


class Issued(Model):
    """When the licence was issued: strictly before, or at or before (a day: by its end)."""

    before: When | None = None
    by: When | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.before is None) == (self.by is None):
            raise ValueError("issued: give `before` or `by`")
        return self


class Bound(Model):
    """A bound on a number."""

    at_least: Rate | None = None
    more_than: Rate | None = None
    at_most: Rate | None = None
    less_than: Rate | None = None

    @model_validator(mode="after")
    def _bounds(self) -> Self:
        names = ("at_least", "more_than", "at_most", "less_than")
        if all(getattr(self, name) is None for name in names):
            raise ValueError(f"bound: expected one of {', '.join(names)}")
        return self


class QuantityBound(Bound):
    unit: Unit
    per: Literal["consignment"] | None = None


class ValueBound(Bound):
    currency: Currency
    per: Literal["consignment"] | None = None


class UnitPriceBound(Bound):
    """A bound on the price of one ``per`` unit; ``basis`` is the delivery term the act prices on."""

    currency: Currency
    per: Unit
    basis: Id | None = None


class LicenceNeeded(Model):
    licence: Id
    of: Role
    issued: Issued | None = None


class DocumentNeeded(Model):
    document: Id
    by: Id


class ListedNeeded(Model):
    listed: Id
    of: Role


class DatedNeeded(Model):
    """A dated fact: strictly before, at or before, or (neither) before the judged instant.

    ``before: published`` is the publication of the act that takes the route over by ``defaults``.
    """

    dated: Id
    before: Literal["published"] | When | None = None
    by: Literal["published"] | When | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.before is not None and self.by is not None:
            raise ValueError("dated: give `before` or `by`, not both")
        return self


class ExportedBefore(Model):
    exported_before: When


class AttributeNeeded(Comparison):
    attribute: Id
    of: Literal["line", "exporter"]


class QuantityNeeded(Model):
    quantity: QuantityBound


class ValueNeeded(Model):
    value: ValueBound


class UnitPriceNeeded(Model):
    unit_price: UnitPriceBound


class ExporterNeeded(Model):
    exporter: Id


class QuotaNeeded(Model):
    quota: Id


class AllowanceNeeded(Model):
    """A right that grows with filed quantities: factor × what was filed under the form ``per``."""

    allowance: Id
    factor: Rate
    per: Id


class Never(Model):
    never: Literal[True]

    @model_validator(mode="before")
    @classmethod
    def _true(cls, value: Any) -> Any:
        return {"never": True} if isinstance(value, dict) and value.get("never") in ("true", True) else value


class Not(Model):
    negated: "Requirement" = Field(alias="not")


class AnyOf(Model):
    any_of: Annotated[tuple["Requirement", ...], Field(alias="any", min_length=1)]


class AllOf(Model):
    all_of: Annotated[tuple["Requirement", ...], Field(alias="all", min_length=1)]


_KEYWORDS = {
    "licence", "document", "listed", "dated", "exported_before", "attribute", "quantity", "value", "unit_price",
    "exporter", "quota", "allowance", "never", "not", "any", "all",
}  # fmt: skip
_FIELDS = {"negated": "not", "any_of": "any", "all_of": "all"}


def _keyword(value: Any) -> str | None:
    if not isinstance(value, dict | Model):
        return None
    names = value.keys() if isinstance(value, dict) else type(value).model_fields.keys()
    found = [
        _FIELDS.get(str(name), str(name)) for name in names if _FIELDS.get(str(name), str(name)) in _KEYWORDS
    ]
    return found[0] if found else None


Requirement = Annotated[
    Annotated[LicenceNeeded, Tag("licence")]
    | Annotated[DocumentNeeded, Tag("document")]
    | Annotated[ListedNeeded, Tag("listed")]
    | Annotated[DatedNeeded, Tag("dated")]
    | Annotated[ExportedBefore, Tag("exported_before")]
    | Annotated[AttributeNeeded, Tag("attribute")]
    | Annotated[QuantityNeeded, Tag("quantity")]
    | Annotated[ValueNeeded, Tag("value")]
    | Annotated[UnitPriceNeeded, Tag("unit_price")]
    | Annotated[ExporterNeeded, Tag("exporter")]
    | Annotated[QuotaNeeded, Tag("quota")]
    | Annotated[AllowanceNeeded, Tag("allowance")]
    | Annotated[Never, Tag("never")]
    | Annotated[Not, Tag("not")]
    | Annotated[AnyOf, Tag("any")]
    | Annotated[AllOf, Tag("all")],
    Discriminator(
        _keyword,
        custom_error_type="requirement",
        custom_error_message="expected a requirement: one of " + ", ".join(sorted(_KEYWORDS)),
    ),
]
Not.model_rebuild()
AnyOf.model_rebuild()
AllOf.model_rebuild()


class Route(Model):
    """One sufficient way to satisfy a clause: all of its requirements, to some destinations, within a span."""

    route: Text
    all_of: tuple[Requirement, ...] = Field(default=(), alias="all")
    any_of: tuple[Requirement, ...] = Field(default=(), alias="any")
    destinations: Places | None = None
    within: Span | None = None

    @model_validator(mode="after")
    def _asks(self) -> Self:
        if not self.all_of and not self.any_of:
            raise ValueError("route: give `all` or `any` with at least one requirement")
        return self


class Duty(Model):
    """A cost on what is exported: a share of its value, or an amount per unit, from a price on."""

    rate: Fraction | None = None
    amount: Amount | None = None
    currency: Currency | None = None
    per: Unit | None = None
    from_price: UnitPrice | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.rate is None) == (self.amount is None):
            raise ValueError("duty: give `rate` or `amount`")
        if self.amount is not None and (self.per is None or self.currency is None):
            raise ValueError("duty: an amount needs `per` and `currency`")
        if self.from_price is not None and self.currency is None:
            raise ValueError("duty: from_price needs `currency`")
        return self


class DutyEffect(Model):
    duty: Duty


Effect = Literal["block"] | DutyEffect
Destinations = Places | tuple[DatedPlaces, ...]


class Clause(Model):
    """The part of an act with its own scope, dates and effect."""

    clause: Id
    in_force: Annotated[tuple[InForce, ...], Field(min_length=1)]
    effect: Effect = "block"
    goods: Annotated[tuple[GoodsEntry, ...], Field(min_length=1)]
    destinations: Destinations | None = None
    exporters: Parties | None = None
    routes: tuple[Route, ...] = ()
    whole_line: bool = False
    overrides: tuple[Id, ...] = ()
    defaults: tuple[Id, ...] | None = None
    without: tuple[Id, ...] = ()


class PartialClause(Model):
    """Keys of a clause that replace those of the clause with this number."""

    clause: Id | None = None
    in_force: Annotated[tuple[InForce, ...], Field(min_length=1)] | None = None
    effect: Effect | None = None
    goods: Annotated[tuple[GoodsEntry, ...], Field(min_length=1)] | None = None
    destinations: Destinations | None = None
    exporters: Parties | None = None
    routes: tuple[Route, ...] | None = None
    whole_line: bool | None = None
    overrides: tuple[Id, ...] | None = None
    defaults: tuple[Id, ...] | None = None
    without: tuple[Id, ...] | None = None


class Extension(Model):
    """Routes whose span is opened anew until an instant."""

    routes: Annotated[tuple[Text, ...], Field(min_length=1)]
    until: When


class Amendment(Model):
    """What an act changes in a clause of another act, from an instant on (default: its publication)."""

    rule: Id
    clause: Id
    since: When | None = Field(default=None, alias="from")
    add_routes: tuple[Route, ...] = ()
    end_routes: tuple[Text, ...] = ()
    extend: Extension | None = None
    replace: PartialClause | None = None
    end: When | None = None
    suspend: tuple[InForce, ...] = ()

    @model_validator(mode="after")
    def _changes(self) -> Self:
        if not (
            self.add_routes or self.end_routes or self.extend or self.replace or self.end or self.suspend
        ):
            raise ValueError("amends: expected add_routes, end_routes, extend, replace, end or suspend")
        return self


class Quota(Model):
    """A pool the act itself opens."""

    quota: Id
    quantity: Quantity
    unit: Unit
    since: When = Field(alias="from")
    until: When | None = None
    through: Day | None = None
    destinations: tuple[Place, ...] = ()
    holders: tuple[Id, ...] = ()


class Reading(Model):
    """One way to read an ambiguous act: keys that replace those of the document (clauses merge by number)."""

    reading: Id
    replaces: dict[str, Any] | None = None


class Confirms(Model):
    """Which reading of an earlier act is the right one."""

    rule: Id
    reading: Id


class RuleDocument(Model):
    """One act of an authority, cited."""

    rule: RuleId
    status: Literal["enacted", "announced"] = "enacted"
    enacts: Id | None = None
    title: Text | None = None
    citation: Citation | None = None
    published: Instant
    exported_from: Origin | None = None
    made_in: Origin | None = None
    timezone: TimeZone = "UTC"
    clauses: tuple[Clause, ...] = ()
    amends: tuple[Amendment, ...] = ()
    defaults: tuple[Id, ...] = ()
    without: tuple[Id, ...] = ()
    quotas: tuple[Quota, ...] = ()
    facts: tuple[Id, ...] = ()
    readings: tuple[Reading, ...] = ()
    confirms: Confirms | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.clauses and self.exported_from is None:
            raise ValueError(
                "exported_from: a document with clauses says where goods are dispatched from, or `any`"
            )
        numbers = [clause.clause for clause in self.clauses]
        if len(numbers) != len(set(numbers)):
            raise ValueError("clauses: a clause number stands twice")
        names = [reading.reading for reading in self.readings]
        if len(names) != len(set(names)) or len(names) == 1:
            raise ValueError("readings: name at least two, each once")
        for reading in self.readings:
            self.under(reading.reading)
        return self

    def under(self, reading: str) -> "RuleDocument":
        """The document as this reading understands it, without readings of its own.

        Raises:
            ValueError: the reading is not one of this document, or what it replaces does not fit the grammar.
        """
        chosen = next((one for one in self.readings if one.reading == reading), None)
        if chosen is None:
            raise ValueError(f"readings: {self.rule} has no reading {reading!r}")
        whole = self.model_dump(exclude={"readings"}, exclude_unset=True, mode="json")
        replaced = dict(chosen.replaces or {})
        for part in replaced.pop("clauses", ()):
            number = part.get("clause")
            merged = {**next((c for c in whole.get("clauses", ()) if c["clause"] == number), {}), **part}
            others = [c for c in whole.get("clauses", ()) if c["clause"] != number]
            whole["clauses"] = sorted([*others, merged], key=lambda c: str(c["clause"]))
        return RuleDocument.model_validate({**whole, **replaced})
