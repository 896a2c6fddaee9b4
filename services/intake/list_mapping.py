"""What the columns of an official list mean: a short YAML file of its own beside the list, written once for each list.

It says which list (or licence scheme) is meant, how an entry and its party are named, which rows count, and how the
file is written.
"""

from decimal import Decimal
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, ValidationError, model_validator

from events.envelope import explain
from events.licences import Goods
from events.model import Model
from events.values import Id, Place, Text, TimeZone
from services.runtime.yaml_text import FileError, documents


class PartyNamed(Model):
    """Where an entry says who it is about. ``before_last``: the name ends where this text stands last."""

    name: Text
    before_last: Text | None = None
    identifier: Text | None = None
    scheme: Id | None = None


class Limit(Model):
    """Bounds on a number in a column; a row without the number does not count."""

    at_least: Decimal | None = None
    more_than: Decimal | None = None
    at_most: Decimal | None = None
    less_than: Decimal | None = None

    def holds(self, number: Decimal) -> bool:
        return (
            (self.at_least is None or number >= self.at_least)
            and (self.more_than is None or number > self.more_than)
            and (self.at_most is None or number <= self.at_most)
            and (self.less_than is None or number < self.less_than)
        )

    @model_validator(mode="after")
    def _finite(self) -> Self:
        bounds = [b for b in (self.at_least, self.more_than, self.at_most, self.less_than) if b is not None]
        if not bounds or not all(bound.is_finite() for bound in bounds):
            raise ValueError("expected a bound that is a number, such as at_least: 80")
        return self


class DayIn(Model):
    """Where the day of a snapshot stands: in a field of its content (JSON), else in the name of the file."""

    field: Text | None = None


class ListMapping(Model):
    """How to read one official list.

    ``list`` makes entries of a list (one for each party, however many rows it has), ``scheme`` licences (one for each
    row). ``columns`` gives other names that a column had in other years. ``most_removed``: the percentage of entries
    that may vanish at once; beyond it the file is taken for a broken one, unless ``accept_removals``.
    ``rollback: correction``: what a single snapshot says against the one before and the one after it was a mistake.
    """

    list_name: Id | None = Field(default=None, alias="list")
    scheme: Id | None = None
    source: Text
    format: Literal["csv", "json"]
    encoding: Literal["utf-8", "cp1252", "latin-1"] = "utf-8"
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    decimal: Literal[".", ","] = "."
    timezone: TimeZone
    day: DayIn = DayIn()
    entries: Text | None = None
    columns: dict[Text, tuple[Text, ...]] = {}
    key: Text
    party: PartyNamed
    where: dict[Text, Text | tuple[Text, ...] | Limit] = {}
    goods: tuple[Goods, ...] = ()
    destinations: tuple[Place, ...] = ()
    most_removed: Decimal = Field(default=Decimal(50), ge=0, le=100)
    accept_removals: bool = False
    rollback: Literal["as_published", "correction"] = "as_published"

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.list_name is None) == (self.scheme is None):
            raise ValueError("list or scheme: say which of them the entries belong to, one of the two")
        if self.destinations and self.scheme is None:
            raise ValueError("destinations: only a licence has destinations")
        if self.format == "csv" and (self.entries is not None or self.day.field is not None):
            raise ValueError("entries and day.field: only a JSON file has them")
        if self.delimiter in '\r\n"':
            raise ValueError("delimiter: expected one character that is no quote and no line end")
        return self

    @property
    def origin(self) -> str:
        """The source of the facts."""
        return f"list-snapshot/{self.list_name or self.scheme}"

    def names_of(self, column: str) -> tuple[str, ...]:
        """The names under which the column may stand, the first that is there counts."""
        return self.columns.get(column, (column,))


def load(path: Path) -> ListMapping:
    """The mapping in a YAML file. Raises FileError, naming each field that is not as expected."""
    found = documents(path)
    if len(found) != 1 or not isinstance(found[0], dict):
        raise FileError(f"{path}: expected one mapping. See seeds/mappings for two of them.")
    try:
        return ListMapping.model_validate(found[0])
    except ValidationError as error:
        raise FileError(f"{path}: {explain(error)}. See seeds/mappings for two mappings.") from error
