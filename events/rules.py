"""Facts that everybody is judged by: acts, goods, codes, lead times, exchange rates, and corrections."""

from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from events.model import Data, Model
from events.rule_document import RuleDocument
from events.values import Currency, Day, Digest, GoodsClass, HsCode, Id, Instant, Rate, Text


class _RulePublished(Data):
    """A rule document and the digest of the pack it came in."""

    clock: ClassVar[str] = "published"
    partition: ClassVar[str] = "rule"
    status: ClassVar[str]
    document: RuleDocument
    pack: Digest

    @model_validator(mode="after")
    def _status_fits(self) -> Self:
        if self.document.status != self.status:
            raise ValueError(f"document.status: {self.document.status}, but the event says {self.status}")
        return self

    @property
    def published(self) -> object:
        return self.document.published

    @property
    def rule(self) -> str:
        return self.document.rule

    def subject(self) -> str:
        return self.document.rule


class RuleAnnounced(_RulePublished):
    """An act that was announced: it binds only in a what-if."""

    status: ClassVar[str] = "announced"


class RuleEnacted(_RulePublished):
    """An act that binds from the dates it says."""

    status: ClassVar[str] = "enacted"


class GoodsOfClass(Model):
    """A class of goods, its parent, and words and codes by which a text can be told to speak of it."""

    goods_class: GoodsClass = Field(alias="class")
    parent: GoodsClass | None = None
    title: Text | None = None
    keywords: dict[str, tuple[Text, ...]] = {}
    hs: dict[str, tuple[HsCode, ...]] = {}


class GoodsPublished(Data):
    """Classes of goods, as a part of the taxonomy that all such facts make together: they add to one another.

    A class named again keeps the keywords and codes it has and gains those named here; its title and its parent are
    replaced only where they are stated. ``at``: the day from which its author means them.
    """

    partition: ClassVar[str] = "taxonomy"
    at: Instant
    classes: Annotated[tuple[GoodsOfClass, ...], Field(min_length=1)]
    taxonomy: ClassVar[str] = "goods"

    def subject(self) -> str:
        return "goods"


class Succession(Model):
    """A code of one nomenclature year and the code (one of several, perhaps) that followed it in another."""

    hs: HsCode
    hs_year: int = Field(ge=1988, le=2100)
    to: HsCode
    to_year: int = Field(ge=1988, le=2100)


class CodesPublished(Data):
    """How codes of one nomenclature year became codes of another."""

    partition: ClassVar[str] = "taxonomy"
    at: Instant
    successions: Annotated[tuple[Succession, ...], Field(min_length=1)]
    taxonomy: ClassVar[str] = "codes"

    def subject(self) -> str:
        return "codes"


class LeadtimePublished(Data):
    """How long an authority takes to grant a licence: quantiles in days."""

    clock: ClassVar[str] = "valid_from"
    about: ClassVar[tuple[str, ...]] = ("scheme",)
    partition: ClassVar[str] = "scheme"
    scheme: Id
    p10_days: int = Field(ge=0, le=36_500)
    p50_days: int = Field(ge=0, le=36_500)
    p90_days: int = Field(ge=0, le=36_500)
    fast_track: bool = False
    valid_from: Instant = Field(alias="from")
    source: Text

    @model_validator(mode="after")
    def _grow(self) -> Self:
        if not self.p10_days <= self.p50_days <= self.p90_days:
            raise ValueError("p10_days, p50_days, p90_days: quantiles do not decrease")
        return self


class FxPublished(Data):
    """Reference rates of a day: one ``base`` buys so much of each currency."""

    clock: ClassVar[str] = "day"
    about: ClassVar[tuple[str, ...]] = ("base", "day")
    partition: ClassVar[str] = "base"
    day: Day = Field(alias="date")
    base: Currency
    rates: Annotated[dict[Currency, Rate], Field(min_length=1)]


class FactWithdrawn(Data):
    """A correction: the named event counts no more. A withdrawal cannot itself be withdrawn: state the fact anew."""

    partition: ClassVar[str] = "id"
    source: Text
    id: Text
    at: Instant
    reason: Text

    def subject(self) -> str:
        return f"{self.source} {self.id}"
