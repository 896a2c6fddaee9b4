"""The book of the fault tests: an invented act on lithium, exporters with two lines each, and a stream of facts on them.

Facts are plain dictionaries as they stand on the wire, so that neither the sender nor the oracle needs the program.
"""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any

NOON = datetime.fromisoformat("2020-04-10T12:00:00+00:00")
Fact = dict[str, Any]
TOPICS = {
    "contract": "contracts",
    "goods": "contracts",
    "licence": "licences",
    "component": "purchases",
    "rule": "rules",
}
GROUP = 3
"""So many exporters in ten have their goods from one maker, and share its licence."""

ACT: Fact = {
    "specversion": "1.0", "id": "xx-2020-1", "source": "faults/rules", "type": "rule.enacted", "time": "2020-03-02T21:00:00Z",
    "recordedat": "2020-03-02T21:00:00Z", "data": {"pack": "sha256:" + "0" * 64, "document": {
        "rule": "xx-2020-1", "title": "Export of lithium carbonate", "published": "2020-03-02T21:00:00Z",
        "citation": {"issuers": ["Ministry of Trade"], "number": "2020 No. 1", "dated": "2020-03-02"},
        "exported_from": {"only": ["CL"]}, "timezone": "America/Santiago",
        "clauses": [{"clause": "1", "in_force": [{"from": "2020-03-10T03:00:00Z"}], "goods": [{"class": "lithium_carbonate"}],
                     "routes": [{"route": "export licence", "all": [{"licence": "cl_export_licence", "of": "manufacturer"}]}]}]}},
}  # fmt: skip


@dataclass(frozen=True)
class Record:
    """One Kafka record to be: where it goes, its key, and the facts it carries."""

    topic: str
    key: str
    facts: Sequence[Fact]

    @property
    def body(self) -> bytes:
        return json.dumps(list(self.facts) if len(self.facts) > 1 else self.facts[0]).encode()

    @property
    def content_type(self) -> bytes:
        return (
            b"application/cloudevents-batch+json" if len(self.facts) > 1 else b"application/cloudevents+json"
        )


def key(fact: Fact) -> str:
    """(source, id) as one text: what an event is called for ever."""
    return f"{fact['source']} {fact['id']}"


def record(*facts: Fact) -> Record:
    """Facts of one exporter and one topic in one record."""
    data, (kind, _, _) = facts[0]["data"], facts[0]["type"].partition(".")
    return Record(
        TOPICS[kind], data.get("exporter") or data.get("holder") or data.get("licence") or "act", facts
    )


def book(
    chance: random.Random, exporters: int, each: int, together: int = 40, prefix: str = "maker"
) -> list[Record]:
    """About ``exporters`` × ``each`` facts, shuffled, up to ``together`` in a record; the act is not among them."""
    records: list[Record] = []
    for number in range(exporters):
        firm = _Firm(chance, prefix, number)
        records.append(record(firm.signed()))
        records += [record(one) for one in firm.licences()]
        left = each - 4
        for some in (
            firm.amended(left // 2),
            firm.bought(left // 4),
            firm.shipped(left - left // 2 - left // 4),
        ):
            records += [record(*some[at : at + together]) for at in range(0, len(some), together)]
    chance.shuffle(records)
    return records


def stream(chance: random.Random, each: int, exporters: int = 25) -> Iterator[Record]:
    """Books of ``exporters`` one after the other, without end, each shuffled in itself."""
    for number in count():
        yield from book(chance, exporters, each, prefix=f"b{number:03}")


def facts_of(records: Sequence[Record]) -> list[Fact]:
    return [fact for one in records for fact in one.facts]


class _Firm:
    """One exporter and what happens to it; the facts of one firm have ids of their own."""

    def __init__(self, chance: random.Random, prefix: str, number: int) -> None:
        self.chance, self.number, self.count = chance, number, 0
        self.name = f"{prefix}-{number:04}"
        self.group = f"{prefix}-works-{number // 10}" if number % 10 < GROUP else None
        self.export_at = NOON + timedelta(days=chance.randint(5, 60))

    def _fact(self, kind: str, clock: str, at: datetime, data: Fact) -> Fact:
        self.count += 1
        return {"specversion": "1.0", "id": f"{self.count}", "source": f"faults/{self.name}", "type": kind,
                "recordedat": _text(NOON), "data": {**data, clock: _text(at)}}  # fmt: skip

    def _line(self, number: str) -> Fact:
        # Line 2 is shipped in small parts; its quantity is beyond all of them. Group lines are never shipped.
        quantity = (
            self.chance.randint(10, 60) if number == "1" or self.group else self.chance.randint(1000, 2000)
        )
        price = f"{self.chance.randint(1000, 99999) / 100:.2f}"
        return {"line": number, "class": "lithium_carbonate", "quantity": str(quantity), "unit": "TNE",
                "unit_price": price, "export_at": _text(self.export_at)}  # fmt: skip

    def _contract(self) -> Fact:
        return {"exporter": self.name, "contract": "C1"}

    def signed(self) -> Fact:
        data = self._contract() | {
            "manufacturer": self.group or self.name, "buyer": "smelter-de", "exported_from": "CL", "destination": "DE",
            "currency": "EUR", "lines": [self._line("1"), self._line("2")],
        }  # fmt: skip
        return self._fact("contract.signed", "signed", NOON - timedelta(days=30), data)

    def amended(self, count: int) -> list[Fact]:
        """New quantities and prices, now and then two at one instant."""
        told = []
        for _ in range(count):
            data = self._contract() | {"lines": [self._line(self.chance.choice("12"))]}
            at = NOON - timedelta(minutes=self.chance.randint(1, 20_000))
            told.append(self._fact("contract.amended", "at", at, data))
        return told

    def licences(self) -> list[Fact]:
        """A licence of its own, which may run out or be revoked before the export; or a part of its maker's."""
        if self.group:
            shared = {"quantity": "70", "unit": "TNE"}
            return [self._granted(self.group, f"L-{self.group}", shared)] if self.number % 10 == 0 else []
        name, fate = (
            f"L-{self.name}",
            self.chance.choice(("none", "for ever", "ends before", "ends after", "revoked")),
        )
        if fate == "none":
            return []
        days = {"ends before": -1, "ends after": 1}.get(fate)
        until = {} if days is None else {"until": _text(self.export_at + timedelta(days=days))}
        told = [self._granted(self.name, name, until)]
        if fate == "revoked":
            data = {"scheme": "cl_export_licence", "licence": name}
            told.append(
                self._fact("licence.revoked", "at", NOON - timedelta(days=self.chance.randint(1, 9)), data)
            )
        return told

    def _granted(self, holder: str, name: str, more: Fact) -> Fact:
        data = {"scheme": "cl_export_licence", "licence": name, "holder": holder} | more
        return self._fact("licence.granted", "from", NOON - timedelta(days=self.chance.randint(40, 90)), data)

    def bought(self, count: int) -> list[Fact]:
        """Parts for line 1: each adds to what a block costs. Groups buy nothing, so theirs is never lost in part."""
        if self.group:
            return self.amended(count)
        told = []
        for number in range(count):
            data = {"exporter": self.name, "purchase": f"P{number}", "contract": "C1", "line": "1", "component": "ore",
                    "quantity": str(self.chance.randint(1, 9)), "unit": "TNE", "currency": "EUR",
                    "unit_cost": f"{self.chance.randint(100, 9999) / 100:.2f}"}  # fmt: skip
            at = NOON - timedelta(days=45, minutes=self.chance.randint(0, 5000))
            told.append(self._fact("component.purchased", "at", at, data))
        return told

    def shipped(self, count: int) -> list[Fact]:
        """Parts of line 2 that have left already: each takes from what is open."""
        if self.group:
            return self.amended(count)
        told = []
        for _ in range(count):
            data = self._contract() | {"line": "2", "quantity": str(self.chance.randint(1, 5)), "unit": "TNE"}
            at = NOON - timedelta(minutes=self.chance.randint(1, 20_000))
            told.append(self._fact("goods.shipped", "at", at, data))
        return told


def _text(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
