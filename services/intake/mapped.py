"""A table told by its mapping: what becomes of each row, alone or together with the other rows of its group.

Every row ends as told, unchanged or rejected. Nothing is kept of a row once its group is told, but of each contract
and each closed group a mark of some 100 bytes: so a contract that the file signs twice is noticed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from events.envelope import Event, explain
from services.intake import cells
from services.intake.cells import Cell
from services.intake.filled import CellError, Habits, Standing, met, reason_of
from services.intake.made import Made, events, make, merge
from services.intake.mapping import GroupBy, TableMapping
from services.intake.rows import Outcome, Rejected, Told, Unchanged
from services.runtime.yaml_text import FileError

MOST_HELD = 500_000


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table: where the user sees it, and its cells by column."""

    place: str
    cells: dict[str, Cell]

    def standing(self, count: int) -> Standing:
        """Its number in the file, and within its group."""
        return Standing(self.place.split()[1], count)


@dataclass(frozen=True, slots=True)
class Broken:
    """A row that is no row of this table, and why."""

    place: str
    reason: str


@dataclass(slots=True)
class _Group:
    """Rows that become one fact, the place of the first that cannot be read, and how many are held."""

    name: str
    places: list[str] = field(default_factory=list)
    made: Made = field(default_factory=list)
    spoiled_by: str | None = None


class Table:
    """The rows of one file under one mapping."""

    def __init__(self, path: Path, mapping: TableMapping, day: datetime | None = None) -> None:
        self.path, self.mapping = path, mapping
        self.habits = Habits(mapping.numbers, mapping.dates, frozenset(mapping.blanks), day)
        self._totals = {one.casefold() for one in mapping.totals}
        self._above: dict[str, Cell] = {}
        self._open: dict[tuple[str, ...], _Group] = {}
        self._held = 0
        self._closed: set[int] = set()
        self._signed: dict[int, int] = {}

    def outcomes(self, table: Iterator[Row | Broken]) -> Iterator[Outcome]:
        """What becomes of each row, in the order in which that is known. Raises FileError: too many rows to hold."""
        by = self.mapping.group_by
        for one in table:
            if isinstance(one, Broken):
                yield Rejected(self.path, one.place, one.reason)
            elif (passed := self._says_nothing(one) or self._not_meant(self._filled_down(one))) is not None:
                yield Unchanged(one.place, passed)
            elif by is None:
                yield self._alone(one)
            else:
                yield from self._grouped(one, by)
        yield from self._close_all()

    def _says_nothing(self, row: Row) -> str | None:
        filled = (cell for cell in row.cells.values() if not self.habits.empty(cell))
        first = next(filled, None)
        if first is None:
            return "a blank row"
        if self._totals_begin(first) and not any(_wordy(cell) for cell in filled):
            return "a row of totals"
        return None

    def _not_meant(self, row: Row) -> str | None:
        return next(
            (reason_of(one) for one in self.mapping.where if not met(one, row.cells, self.habits)), None
        )

    def _totals_begin(self, first: Cell) -> bool:
        return isinstance(first, str) and cells.text(first).rstrip(": ").casefold() in self._totals

    def _filled_down(self, row: Row) -> Row:
        """The row with what the mapping says is written once, on the first of several rows."""
        for name in self.mapping.fill_down:
            if self.habits.empty(row.cells[name]):
                row.cells[name] = self._above.get(name, "")
            self._above[name] = row.cells[name]
        return row

    def _alone(self, row: Row) -> Outcome:
        try:
            made = make(self.mapping, row.cells, row.standing(1), self.habits)
        except CellError as error:
            return Rejected(self.path, row.place, str(error))
        return self._told(row.place, 1, made)

    def _grouped(self, row: Row, by: GroupBy) -> Iterator[Outcome]:
        if empty := [name for name in by.columns if self.habits.empty(row.cells[name])]:
            yield Rejected(self.path, row.place, f"{empty[0]}: empty, and rows are grouped by it")
            return
        key = tuple(cells.text(row.cells[name]) for name in by.columns)
        if key not in self._open:
            if by.rows == "consecutive":
                yield from self._close_all()
            if hash(key) in self._closed:
                told = "was told further up, without this row: sort the file by it, or say `rows: whole_file`"
                yield Rejected(self.path, row.place, f"{', '.join(by.columns)} {' '.join(key)} {told}")
                return
            self._open[key] = _Group(" ".join(key))
        yield from self._joined(row, self._open[key], by)

    def _joined(self, row: Row, group: _Group, by: GroupBy) -> Iterator[Outcome]:
        try:
            made = make(self.mapping, row.cells, row.standing(len(group.places) + 1), self.habits)
            group.made = merge(self.mapping.facts, group.made, made) if group.made else made
        except CellError as error:
            if by.if_rejected == "group":
                group.spoiled_by = group.spoiled_by or row.place
            yield Rejected(self.path, row.place, str(error))
            return
        group.places.append(row.place)
        self._held += 1
        if by.at_most is not None and len(group.places) >= by.at_most:
            yield from self._close(group)
            group.places, group.made = [], []
        if self._held > MOST_HELD:
            raise FileError(
                f"{self.path}, {row.place}: more than {MOST_HELD:,} rows have to be held together. Sort the file by "
                "what it is grouped by and say `rows: consecutive`, or say how many rows make a fact, `at_most`."
            )

    def _close_all(self) -> Iterator[Outcome]:
        for key, group in self._open.items():
            self._closed.add(hash(key))
            yield from self._close(group)
        self._open.clear()

    def _close(self, group: _Group) -> Iterator[Outcome]:
        self._held -= len(group.places)
        place = _span(group.places)
        if group.spoiled_by is not None and group.places:
            told = f"{group.name}: its rows are told together, and {group.spoiled_by} cannot be read"
            yield Rejected(self.path, place, told, len(group.places))
        elif group.places:
            yield self._told(place, len(group.places), group.made)

    def _told(self, place: str, count: int, made: Made) -> Outcome:
        try:
            facts = tuple(events(self.mapping, made))
        except ValueError as error:
            return Rejected(self.path, place, explain(error), count)
        if not facts:
            return Unchanged(place, "no fact of the mapping is for it", count)
        if other := next((one for one in facts if self._before(one) is False), None):
            told = f"contract {other.subject} is signed further up with other content"
            return Rejected(self.path, place, f"{told}; rows of one contract need `group_by`", count)
        news = tuple(one for one in facts if self._before(one) is None)
        self._signed |= {hash(one.subject): hash(one.id) for one in news if one.type == "contract.signed"}
        return Told(place, news, count) if news else Unchanged(place, "the same as a row further up", count)

    def _before(self, one: Event) -> bool | None:
        """Whether this file signed the contract before: with the same content, with another (False), or not (None)."""
        mark = self._signed.get(hash(one.subject)) if one.type == "contract.signed" else None
        return None if mark is None else mark == hash(one.id)


def _wordy(cell: Cell) -> bool:
    """Whether the cell holds more than a number and its marks."""
    return isinstance(cell, str) and sum(letter.isalpha() for letter in cell) > 3


def _span(places: list[str]) -> str:
    if len(places) < 2:
        return "".join(places)
    return f"{places[0]} to {places[-1].removeprefix('row ').removeprefix('item ')}"
