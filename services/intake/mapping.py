"""The mapping file: what the columns of somebody's table mean, written by hand.

Left stands the field of the fact, right the column it is read from, or how it is made from columns and stated values.
"""

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import AliasChoices, BeforeValidator, ConfigDict, model_validator
from pydantic import Field as Described

from events.model import Model
from events.values import GoodsClass
from services.intake.cells import Dates, Numbers

_SOURCES = ("column", "constant", "text", "party", "propose", "count", "mark", "day")
NAMED = re.compile(r"\{([^{}]+)\}")


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Words = Annotated[tuple[str, ...], BeforeValidator(_listed)]


class Part(Model):
    """A part of a mapping: a key it does not know is an error."""

    model_config = ConfigDict(hide_input_in_errors=True)


class Rule(Part):
    """A value for texts that say one of these words and none of those, or for tariff codes that begin like this.

    ``mask`` stands at the beginning of a word (and finds masks), ``*mask`` anywhere in one, ``=epi`` is a whole word.
    A rule without a value leaves the field out: what is said may be several things, and none is to be guessed.
    """

    any: Words = ()
    none: Words = ()
    hs: Words = ()
    value: str | None = Described(default=None, validation_alias=AliasChoices("class", "is", "value"))


class Below(Part):
    """A code written as the name of a class: below ``root``, each of its beginnings of so many digits a level.

    With the digits 2 and 4, 010129 is ``root.01.0101.010129`` and 0101 is ``root.01.0101``.
    """

    root: GoodsClass
    digits: tuple[int, ...] = ()

    def name(self, code: str) -> str:
        """The dotted name. Raises ValueError for what is no code."""
        if not (code.isascii() and code.isdigit()):
            raise ValueError("expected a code of digits")
        return ".".join([self.root, *(code[:end] for end in self.digits if end < len(code)), code])


class Value(Part):
    """How one field is filled: from one source, read by the kind of the field unless something else is said here.

    ``empty`` stands in for an empty cell and ``otherwise`` where no entry of ``values`` and none of ``rules`` fits:
    both are statements of whoever writes the mapping. Without them an optional field is left out (for a cell that
    ``values`` does not list: only with ``unlisted: omit``), and a row that lacks a field its fact needs is rejected.
    ``count`` numbers the rows of a group from 1; ``mark`` is made from all cells of the row, the same for the same row;
    ``day`` is that given with the file; ``below`` makes of a code the name of a class under its headings; ``{#}`` in a
    ``text`` is the number of the row. Of several columns the first that is filled counts, except for ``rules``, which
    look at all of them.
    """

    column: Words = Described(default=(), validation_alias=AliasChoices("column", "from"))
    constant: Any = None
    text: str | None = None
    party: str | None = None
    identifier: str | None = None
    scheme: str | None = None
    propose: str | None = None
    hs: str | None = None
    hs_year: int | None = None
    below: Below | None = None
    count: bool = False
    mark: bool = False
    day: bool = False
    values: dict[str, str] = {}
    rules: tuple[Rule, ...] = ()
    otherwise: str | None = None
    unlisted: Literal["reject", "omit"] = "reject"
    empty: str | None = None
    numbers: Numbers | None = None
    dates: Dates | None = None
    decimals: Annotated[int, Described(ge=0, le=9)] | None = None
    number_as_code: Annotated[int, Described(ge=4, le=10)] | None = None
    plus_days: int = Described(default=0, ge=-3660, le=3660)
    only_with: str | None = None
    take: Literal["same", "first"] = "same"

    @model_validator(mode="before")
    @classmethod
    def _column(cls, value: Any) -> Any:
        return {"column": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        given = [name for name in _SOURCES if getattr(self, name)]
        if len(given) != 1:
            said = " and ".join(given) or "nothing"
            raise ValueError(f"expected one of {', '.join(_SOURCES)}, and found {said}")
        return self

    def columns(self) -> Iterator[str]:
        """The columns it is read from."""
        yield from self.column
        yield from (one for one in (self.party, self.identifier, self.propose, self.hs) if one)
        yield from columns_in(self.text or "")


class Condition(Part):
    """Which rows are meant, by one column; ``reason`` says what the others are."""

    column: str
    is_in: Words = Described(default=(), validation_alias=AliasChoices("is", "is_in"))
    is_not: Words = ()
    says: Words = ()
    says_not: Words = ()
    filled: bool | None = None
    reason: str | None = None

    @model_validator(mode="after")
    def _asks_one_thing(self) -> Self:
        asked = [name for name in ("is_in", "is_not", "says", "says_not") if getattr(self, name)]
        if len(asked) + (self.filled is not None) != 1:
            raise ValueError("expected one of is, is_not, says, says_not, filled")
        return self


class GroupBy(Part):
    """Rows that become one fact: those equal in ``columns``, standing together or anywhere in the file.

    ``at_most``: a larger group becomes several facts. ``if_rejected``: one row that cannot be read keeps its whole
    group back (a contract without one of its lines is another contract), or only itself.
    """

    columns: Words
    rows: Literal["consecutive", "whole_file"]
    at_most: int | None = Described(default=None, ge=1)
    if_rejected: Literal["group", "row"] = "group"


class Fact(Part):
    """One fact made of each row, or of each group of rows: ``each`` fills the items of a list, one for every row."""

    event: str
    fields: dict[str, Value] = {}
    each: dict[str, dict[str, Value]] = {}
    where: tuple[Condition, ...] = ()
    recorded: Value | None = None

    def values(self) -> Iterator[tuple[str, Value]]:
        """All values of the fact, with their place in the mapping."""
        yield from ((f"fields.{name}", value) for name, value in self.fields.items())
        for part, inside in self.each.items():
            yield from ((f"each.{part}.{name}", value) for name, value in inside.items())


class File(Part):
    """How the file is written; what is not said is found out, or the usual."""

    encoding: Literal["utf-8", "utf-8-sig", "utf-16", "cp1252"] | None = None
    delimiter: Literal[",", ";", "\t", "tab", "|"] | None = None
    header: int = Described(default=1, ge=1, le=1000)
    sheet: str | None = None
    rows: str | None = None


class TableMapping(Part):
    """A mapping as a whole. ``fits`` says which table it was written for, for people.

    ``blanks``: words that mean an empty cell. ``totals``: words with which a row of sums begins. ``fill_down``: columns
    written on the first of several rows only. ``where``: rows that are meant; all others are passed over, with the
    reason.
    """

    fits: str | None = None
    source: Annotated[str, Described(min_length=1, max_length=200)]
    file: File = File()
    numbers: Numbers = Numbers()
    dates: Dates = Dates()
    blanks: Words = ()
    totals: Words = ("total", "totals", "grand total", "subtotal", "sub-total", "sum")
    fill_down: Words = ()
    where: tuple[Condition, ...] = ()
    group_by: GroupBy | None = None
    facts: Annotated[tuple[Fact, ...], Described(min_length=1)]

    @model_validator(mode="before")
    @classmethod
    def _one_fact(cls, value: Any) -> Any:
        """A mapping of one fact may say its event and fields without a list."""
        if not isinstance(value, dict) or "event" not in value or "facts" in value:
            return value
        apart = {key: value[key] for key in ("event", "fields", "each", "recorded") if key in value}
        return {key: one for key, one in value.items() if key not in apart} | {"facts": [apart]}

    def asks_for_the_day(self) -> bool:
        """Whether a value of it is the day given with the file."""
        return any(value.day for fact in self.facts for _, value in fact.values()) or any(
            fact.recorded.day for fact in self.facts if fact.recorded
        )

    def columns(self) -> list[str]:
        """All columns it reads, each once."""
        named = [column for fact in self.facts for _, value in fact.values() for column in value.columns()]
        named += [name for fact in self.facts if fact.recorded for name in fact.recorded.columns()]
        asked = [one.column for one in (*self.where, *(other for fact in self.facts for other in fact.where))]
        grouped = self.group_by.columns if self.group_by else ()
        return list(dict.fromkeys([*named, *asked, *grouped, *self.fill_down]))


def columns_in(template: str) -> list[str]:
    """The columns named in a text such as ``{ID}/{lot}``; ``{#}`` is the number of the row, and no column."""
    return [name for name in NAMED.findall(template) if name != "#"]
