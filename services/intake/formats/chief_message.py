"""One licence transaction of a CHIEF ``licenceData`` message, read record by record (DES236)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from services.intake.formats import chief_codes, chief_fields
from services.intake.formats.chief_licence import Licence, Line, goods
from services.intake.formats.chief_lines import Faulty, Record, at
from services.intake.names import party

ACTIONS = ("insert", "replace", "cancel")
_HAS = {"O": (False, False), "Q": (True, False), "V": (False, True), "B": (True, True)}
_GROUP = (
    "country group {0}: which countries it holds is not in the message; a licence for a group is not told"
)
_ORIGIN = "an import licence is told with the one country goods may come from (use O): {0}"


@dataclass(slots=True)
class Draft:
    """What the records of one licence say, sorted by their type."""

    head: Record
    traders: list[Record] = field(default_factory=list)
    foreign: list[Record] = field(default_factory=list)
    countries: list[Record] = field(default_factory=list)
    lines: dict[str, Line] = field(default_factory=dict)

    def take(self, record: Record) -> None:
        """One record behind the first. Raises Faulty for one that cannot be told."""
        with at(record):
            match record.kind:
                case "trader":
                    self.traders.append(record)
                case "foreignTrader":
                    self.foreign.append(record)
                case "country":
                    self.countries.append(record)
                case "line":
                    found = line(record)
                    if found.number in self.lines:
                        raise ValueError(f"line {found.number} stands twice in this licence")
                    self.lines[found.number] = found
                case "restrictions" | "end":
                    pass
                case _:
                    raise ValueError(f"{record.kind[:40]!r}: no such record is known in a licence")


def licence(draft: Draft) -> Licence:
    """The licence that the records tell. Raises Faulty where one is missing or says what cannot be told."""
    with at(draft.head):
        trader = _trader(draft.traders)
        if not draft.lines:
            raise ValueError("expected at least one line of goods")
    imports = draft.head.get(5) == "I"
    scheme, destinations = _into_the_country(draft) if imports else _out_of_the_country(draft)
    with at(trader):
        holder = chief_fields.trader(trader.get(5), trader.get(1), trader.get(2))
    starts, until = _span(draft.head, trader)
    buyers = () if imports else _buyers(draft.foreign)
    return Licence(
        draft.head.get(3), scheme, holder, destinations, buyers, starts, until, tuple(draft.lines.values())
    )


def _trader(traders: Sequence[Record]) -> Record:
    if not traders:
        raise ValueError("expected a trader who holds the licence")
    if len(traders) > 1:
        raise Faulty(traders[1].row, "a second trader: a licence is told with the one who holds it")
    return traders[0]


def _buyers(foreign: Sequence[Record]) -> tuple[str, ...]:
    """The foreign traders, to whom alone the licence permits exports."""
    found = []
    for record in foreign:
        with at(record):
            found.append(party(record.get(1)))
    return tuple(dict.fromkeys(found))


def _span(head: Record, trader: Record) -> tuple[datetime, datetime | None]:
    """From the first day to the end of the last, of the licence and of the trader's use of it."""
    starts, ends = [], []
    for record, first in ((head, 6), (trader, 3)):
        with at(record):
            if record.get(first) or record is head:
                starts.append(chief_fields.day("start", record.get(first)))
            if record.get(first + 1):
                ends.append(chief_fields.day("end", record.get(first + 1), after=1))
    with at(head):
        if ends and min(ends) <= max(starts):
            raise ValueError("end: a licence ends after it begins")
    return max(starts), min(ends, default=None)


def _out_of_the_country(draft: Draft) -> tuple[str, tuple[str, ...]]:
    """The scheme of an export licence, and where it permits exports to."""
    with at(draft.head):
        if draft.head.get(5) != "E":
            raise ValueError(f"use {draft.head.get(5)[:5]!r}: expected E (export) or I (import)")
        scheme = chief_codes.scheme(draft.head.get(4), draft.head.get(3))
    places = []
    for record in draft.countries:
        with at(record):
            if record.get(3) != "D":
                raise ValueError(f"country use {record.get(3)[:5]!r}: expected D, a permitted destination")
            places.append(_country(record))
    for record in draft.foreign if not places else ():
        with at(record):
            places.append(chief_fields.country(record.get(9) or record.get(8)))
    with at(draft.head):
        if not places:
            raise ValueError("expected a country the goods may go to")
    return scheme, tuple(dict.fromkeys(places))


def _into_the_country(draft: Draft) -> tuple[str, tuple[str, ...]]:
    """The scheme of an import licence; the goods go to the United Kingdom."""
    origins = []
    for record in draft.countries:
        with at(record):
            if record.get(3) != "O":
                raise ValueError(_ORIGIN.format(f"not with country use {record.get(3)[:5]!r}"))
            origins.append(_country(record))
    with at(draft.head):
        if len(origins) != 1:
            raise ValueError(_ORIGIN.format(f"it names {len(origins)}"))
        return chief_codes.import_scheme(draft.head.get(4), origins[0]), ("GB",)


def _country(record: Record) -> str:
    if record.get(2):
        raise ValueError(_GROUP.format(record.get(2)[:20]))
    return chief_fields.country(record.get(1))


def line(record: Record) -> Line:
    """One line of goods with its limit. Raises ValueError for what the line cannot be held to."""
    number = record.get(1)
    if not (number.isascii() and number.isdigit() and len(number) <= 5):
        raise ValueError(f"line number {number[:20]!r}: expected a whole number")
    if record.get(3) or record.get(4):
        raise ValueError("an additional code narrows the commodity: such a line is not told")
    if record.get(5):
        raise ValueError(f"commodity group {record.get(5)[:20]}: its codes are not in the message")
    if record.get(12).strip("0"):
        raise ValueError("a limit for each period of days: a line with one is not told")
    if record.get(7) not in _HAS:
        raise ValueError(f"controlled by {record.get(7)[:5]!r}: expected O, Q, V or B")
    by_quantity, by_value = _HAS[record.get(7)]
    return Line(
        str(int(number)),
        goods(record.get(2), record.get(6)),
        chief_fields.number("quantity", record.get(11)) if by_quantity else None,
        chief_codes.unit(record.get(9)) if by_quantity else None,
        chief_fields.number("value", record.get(10)) if by_value else None,
        chief_fields.currency(record.get(8)) if by_value else None,
    )
