"""What all models of the vocabulary share: they cannot be changed, and they refuse fields nobody knows."""

from datetime import UTC, date, datetime, time
from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, model_validator

from events.values import decimals_of


class Model(BaseModel):
    """A frozen value; a field it does not know is an error, never ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True)


class Data(Model):
    """The ``data`` of one type of event.

    ``clock`` names the field that says when it was true in the world (it equals the envelope's ``time``),
    ``partition`` the field that keeps facts about the same thing together, ``about`` those that name the thing,
    ``amounts`` the money fields written in the model's own ``currency``.
    """

    clock: ClassVar[str] = "at"
    partition: ClassVar[str] = "exporter"
    about: ClassVar[tuple[str, ...]] = ()
    amounts: ClassVar[tuple[str, ...]] = ()

    @model_validator(mode="after")
    def _currency_fits(self) -> Self:
        if not self.amounts:
            return self
        currency = getattr(self, "currency", None)
        for name in self.amounts:
            amount = getattr(self, name, None)
            if amount is None:
                continue
            if currency is None:
                raise ValueError(f"{name}: an amount needs its currency")
            if -amount.normalize().as_tuple().exponent > decimals_of(currency):
                raise ValueError(f"{name}: {currency} has at most {decimals_of(currency)} decimals")
        return self

    def occurred_at(self) -> datetime:
        """When it was true in the world; a day known without its hour counts from midnight UTC."""
        moment = getattr(self, self.clock)
        return moment if isinstance(moment, datetime) else day_start(moment)

    def subject(self) -> str:
        """The thing the event is about, in words a person can search for."""
        return "/".join(str(getattr(self, name)) for name in self.about)

    def partitionkey(self) -> str:
        """Facts with the same key travel in one partition."""
        return str(getattr(self, self.partition))


def day_start(day: date) -> datetime:
    """Midnight UTC at which the day begins."""
    return datetime.combine(day, time(), UTC)
