"""What is known, and what a contract was at an instant: every fact in order, one after another, nothing overwritten."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from functools import cached_property
from typing import Any

from events.contracts import (
    ContractAmended,
    ContractAssigned,
    ContractCancelled,
    ContractSigned,
    ExporterRegistered,
    GoodsShipped,
)
from events.contracts import Line as Ordered
from events.envelope import Event
from tests.naive.measures import convert

Key = tuple[str, str, str]


class Facts:
    """The events that count: each name once, recorded by ``known``, not withdrawn, in the order of section 4."""

    def __init__(self, events: Iterable[Event], known: datetime | None = None) -> None:
        named: dict[tuple[str, str], tuple[bytes, datetime, Event]] = {}
        for event in events:
            mark, learnt = event.content_hash(), event.recordedat or event.time
            there = named.get((event.source, event.id))
            if there is not None and there[0] == mark:
                learnt = min(learnt, there[1])
            if there is None or mark <= there[0]:
                named[event.source, event.id] = (mark, learnt, event)
        kept = [(learnt, event) for _, learnt, event in named.values() if known is None or learnt <= known]
        gone = {(e.data.source, e.data.id) for _, e in kept if e.type == "fact.withdrawn"}  # type: ignore[attr-defined]
        standing = [(t, e) for t, e in kept if (e.source, e.id) not in gone or e.type == "fact.withdrawn"]
        standing.sort(key=lambda pair: (pair[1].time, pair[0], pair[1].source, pair[1].id))
        self.events = tuple(event for _, event in standing)
        self._contracts: dict[tuple[str, str, datetime], Contract | None] = {}
        self._party: dict[str, str] = {}

    @cached_property
    def _typed(self) -> dict[str, list[Event]]:
        typed: dict[str, list[Event]] = {}
        for event in self.events:
            typed.setdefault(event.type, []).append(event)
        return typed

    def of(self, *types: str) -> Iterator[Any]:
        """The content of all facts of these types, in order."""
        return (event.data for event in self.named(*types))

    def named(self, *types: str) -> list[Event]:
        """All facts of these types, in order."""
        if len(types) == 1:
            return self._typed.get(types[0], [])
        return [event for event in self.events if event.type in types]

    def party(self, name: str | None) -> str | None:
        """Who is meant by a name: the same text for all names that are decided to mean one party."""
        if name is None:
            return None
        if name not in self._party:
            seen, ahead = {name}, [name]
            while ahead:
                here = ahead.pop()
                there = {one for pair in self._alike for one in pair if here in pair} - seen
                seen |= there
                ahead += there
            self._party[name] = max(seen)
        return self._party[name]

    @cached_property
    def _alike(self) -> list[frozenset[str]]:
        """The pairs of names of which the last decision says that they mean the same, whenever it was taken."""
        last: dict[frozenset[str], bool] = {}
        for event in self.named("party.matched", "party.unmatched"):
            last[frozenset((event.data.party, event.data.same_as))] = event.type == "party.matched"  # type: ignore[attr-defined]
        return [pair for pair, holds in last.items() if holds]

    def contract(self, exporter: str, name: str, moment: datetime) -> "Contract | None":
        """The contract as it was at the instant; None where it was not signed by then."""
        key = (exporter, name, moment)
        if key not in self._contracts:
            self._contracts[key] = _folded(self, exporter, name, moment)
        return self._contracts[key]

    def lines(self, moment: datetime) -> "list[Line]":
        """All open lines at the instant, in order of exporter, contract and line."""
        names = sorted({(c.exporter, c.contract) for c in self.of("contract.signed")})
        found = [self.line((*name, line), moment) for name in names for line in self._numbers(*name)]
        return [line for line in found if line is not None and line.open > 0 and not line.ended]

    def _numbers(self, exporter: str, name: str) -> list[str]:
        numbers = {
            line.line
            for c in self.of("contract.signed", "contract.amended")
            if (c.exporter, c.contract) == (exporter, name)
            for line in c.lines
        }
        return sorted(numbers, key=line_order)

    def line(self, key: Key, moment: datetime) -> "Line | None":
        """One line as it was at the instant, ended or not; None where it never was by then."""
        contract = self.contract(key[0], key[1], moment)
        if contract is None or key[2] not in contract.lines:
            return None
        told = [e.time for e in self.named(*_TOLD) if e.time <= moment]
        return _line(self, contract, key, max(told))


def line_order(line: str) -> tuple[bool, int, str]:
    """Numeric names by number, before the others."""
    number = line.isascii() and line.isdigit()
    return not number, int(line) if number else 0, line


@dataclass
class Contract:
    """A contract's fields, its lines by number, and who exports it."""

    fields: dict[str, Any]
    signed: datetime | date
    signed_at: datetime
    lines: dict[str, Ordered]
    removed: set[str]
    cancelled: set[str | None]
    party: str


@dataclass(frozen=True)
class Line:
    """One line at an instant: what was agreed and what of it left; ``moment`` is that of the last fact told by then."""

    key: Key
    moment: datetime
    party: str
    buyer: str
    end_user: str | None
    manufacturer: str | None
    exported_from: str
    made_in: str | None
    destination: str
    currency: str
    incoterm: str | None
    facts_complete: bool
    signed: datetime | date
    signed_at: datetime
    goods_class: str | None
    attributes: tuple[tuple[str, str], ...]
    hs: str | None
    hs_year: int | None
    quantity: Fraction
    unit: str
    unit_price: Fraction
    export_at: datetime
    deadline: datetime | None
    shipped: Fraction
    open: Fraction
    ended: bool

    @property
    def ref(self) -> str:
        return "/".join(self.key)

    def attribute(self, name: str) -> str | None:
        return dict(self.attributes).get(name)

    @property
    def goods(self) -> tuple[Any, ...]:
        """What a filed paper was filed for: the goods and where they go."""
        return self.goods_class, self.attributes, self.hs, self.hs_year, self.destination


_FIELDS = ("manufacturer", "buyer", "end_user", "exported_from", "made_in", "destination", "currency", "incoterm",
           "facts_complete")  # fmt: skip


_TOLD = ("contract.signed", "contract.amended", "contract.assigned", "contract.cancelled", "goods.shipped",
         "exporter.registered")  # fmt: skip


def _folded(facts: Facts, exporter: str, name: str, moment: datetime) -> Contract | None:
    state = Contract({}, moment, moment, {}, set(), set(), exporter)
    seen = False
    for event in facts.events:
        data = event.data
        if event.time > moment or (getattr(data, "exporter", None), getattr(data, "contract", None)) != (
            exporter,
            name,
        ):
            continue
        match data:
            case ContractSigned() | ContractAmended():
                if isinstance(data, ContractSigned) and not seen:
                    seen, state.signed, state.signed_at = True, data.signed, event.time
                _agree(state, data)
            case ContractAssigned():
                state.party = data.to
            case ContractCancelled():
                state.cancelled.add(data.line)
            case _:
                pass
    return state if seen else None


def _agree(state: Contract, data: ContractSigned | ContractAmended) -> None:
    """Field by field; a field not given stays, a line given replaces the line of its number."""
    default = False if isinstance(data, ContractSigned) else None
    given = {name: getattr(data, name) for name in _FIELDS}
    state.fields.update(
        {name: value for name, value in given.items() if value is not None and value is not default}
    )
    for line in data.lines:
        state.lines[line.line] = line
        state.removed.discard(line.line)
    if isinstance(data, ContractAmended):
        state.removed.update(data.removed)


def _line(facts: Facts, contract: Contract, key: Key, moment: datetime) -> Line:
    line, fields = contract.lines[key[2]], contract.fields
    shipped = shipped_of(facts, key, line.unit, moment)
    maker = registered(facts, contract.party, moment)
    stands_in = contract.party if maker is not None and maker.maker else None
    return Line(
        key=key, moment=moment, party=contract.party, buyer=fields["buyer"], end_user=fields.get("end_user"),
        manufacturer=line.manufacturer or fields.get("manufacturer") or stands_in,
        exported_from=fields["exported_from"], made_in=fields.get("made_in"),
        destination=line.destination or fields["destination"], currency=fields["currency"],
        incoterm=fields.get("incoterm"), facts_complete=bool(fields.get("facts_complete")),
        signed=contract.signed, signed_at=contract.signed_at, goods_class=line.goods_class,
        attributes=tuple(sorted(line.attributes.items())), hs=line.hs, hs_year=line.hs_year,
        quantity=Fraction(line.quantity), unit=line.unit, unit_price=Fraction(line.unit_price),
        export_at=line.export_at, deadline=line.deadline, shipped=shipped,
        open=max(Fraction(0), Fraction(line.quantity) - shipped),
        ended=key[2] in contract.removed or key[2] in contract.cancelled or None in contract.cancelled,
    )  # fmt: skip


def shipped_of(facts: Facts, key: Key, unit: str, moment: datetime) -> Fraction:
    """What left of a line by the instant, in its unit; a shipment in an unrelated unit says nothing about it."""
    left = Fraction(0)
    for event in facts.named("goods.shipped"):
        data = event.data
        if (
            isinstance(data, GoodsShipped)
            and event.time <= moment
            and (data.exporter, data.contract, data.line) == key
        ):
            left += convert(data.quantity, data.unit, unit) or 0
    return left


def registered(facts: Facts, party: str, moment: datetime) -> ExporterRegistered | None:
    """The last registration of a party by the instant."""
    found: ExporterRegistered | None = None
    for data in facts.of("exporter.registered"):
        if facts.party(data.exporter) == facts.party(party) and data.at <= moment:
            found = data
    return found
