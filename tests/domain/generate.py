"""Small random books: contracts, evidence of every kind, corrections, and the rules that bind them, as events.

Facts are left out everywhere, since what nobody said is what the verdicts must be careful about. The world is small on
purpose, so that things meet: few classes, few schemes, instants on a coarse grid.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from events.envelope import Event, event
from tests.domain.generate_rules import (
    ATTRIBUTES,
    BUYERS,
    CLASSES,
    CODES,
    EXPORTERS,
    FACTS,
    FORMS,
    LISTS,
    MAKERS,
    PLACES,
    QUOTAS,
    SCHEMES,
    YEARS,
    Json,
    Pick,
    acts,
)

UNITS = {"H87": 72, "C62": 6, "DZN": 10, "KGM": 9, "TNE": 3}
PACK = "sha256:" + "0" * 64


@dataclass(frozen=True)
class World:
    """A book and the question asked of it."""

    events: tuple[Event, ...]
    now: datetime
    at: datetime | None
    known: datetime | None


def world(chance: Random) -> World:
    """One small book with its rules; the same chance makes the same book."""
    pick = Pick(chance)
    book = _Pen(pick)
    for act in acts(pick):
        announced = pick.chance(4)
        status = {"status": "announced"} if announced else {}
        book.write(
            "rule.announced" if announced else "rule.enacted", {"document": act | status, "pack": PACK}
        )
    _taxonomy(pick, book)
    for exporter in EXPORTERS[: pick.weighted({1: 25, 2: 40, 3: 35})]:
        if pick.chance(60):
            _register(pick, book, exporter)
        for number in range(pick.weighted({1: 60, 2: 40})):
            _contract(pick, book, exporter, f"C{number}")
    for exporter, contract, line in book.lines:
        if pick.chance(93):
            short = {
                "quantity": pick.of(("3", "6", "12")),
                "unit": line["unit"],
                "from": pick.instant(-5, 3),
            }
            book.write(
                "licence.granted",
                {"scheme": "s1", "licence": f"P{exporter}{line['line']}", "holder": exporter, **short},
            )
        if pick.chance(50):
            part = {"quantity": pick.of(("5", "20")), "unit": line["unit"], "at": pick.instant(0, 3)}
            book.write(
                "contract.dated", {"exporter": exporter, "contract": contract, "fact": "lc_issued", **part}
            )
    for _ in range(pick.random.randint(2, 9)):
        _WRITERS[pick.weighted(_WEIGHTS)](pick, book)
    if pick.chance(12):
        _withdraw(pick, book)
    now = datetime.fromisoformat(pick.instant(9, 24))
    at = datetime.fromisoformat(pick.instant(7, 36)) if pick.chance(30) else None
    known = now + timedelta(days=pick.random.randint(-2, 6)) if pick.chance(15) else None
    if book.lines and pick.chance(35):
        _alike(pick, book)
    return World(tuple(book.events), now, at, known)


class _Pen:
    """Writes events down, each under its own number; some are learnt later than they were true."""

    def __init__(self, pick: Pick) -> None:
        self.pick, self.events = pick, list[Event]()
        self.lines: list[tuple[str, str, Json]] = []

    def write(self, event_type: str, data: Json) -> None:
        one = event(event_type, data, source="book", id=f"{len(self.events):03}")
        learnt = (
            one.time + timedelta(hours=12 * self.pick.random.randint(1, 12))
            if self.pick.chance(20)
            else one.time
        )
        self.events.append(one.model_copy(update={"recordedat": learnt}))


def _taxonomy(pick: Pick, book: _Pen) -> None:
    if pick.chance(40):
        classes = [{"class": "mask", "parent": "gear"}, {"class": "kit", "parent": pick.of(("gear", "mask"))}]
        book.write("goods.published", {"at": pick.instant(0, 2), "classes": classes})
    if pick.chance(40):
        steps = [("630790", "63079010"), ("630790", "63079020"), ("3822", "38220090"), ("28112100", "3822")]
        chosen = pick.some(steps, 3, 1)
        successions = [{"hs": a, "hs_year": 2017, "to": b, "to_year": 2022} for a, b in chosen]
        book.write("codes.published", {"at": pick.instant(0, 2), "successions": successions})


def _register(pick: Pick, book: _Pen, exporter: str) -> None:
    data: Json = {"exporter": exporter, "at": pick.instant(-3, 0), "name": exporter, "country": "CN"}
    data["maker"] = pick.chance(50)
    if pick.chance(40):
        data["attributes"] = {"medical": pick.of(("true", "false"))}
    book.write("exporter.registered", data)


def _contract(pick: Pick, book: _Pen, exporter: str, name: str) -> None:
    lines = [_line(pick, str(number)) for number in pick.some((1, 2, 10), 3, 1)]
    data: Json = {
        "exporter": exporter, "contract": name, "buyer": pick.of(BUYERS), "exported_from": pick.weighted({"CN": 97, "IN": 3}),
        "destination": pick.of(PLACES), "currency": pick.weighted({"EUR": 92, "USD": 8}), "signed": pick.instant(0, 6), "lines": lines,
    }  # fmt: skip
    if pick.chance(25):
        data["signed"] = data["signed"][:10]
    if pick.chance(55):
        data["manufacturer"] = pick.of((exporter, *MAKERS))
    for field, values, percent in (
        ("end_user", BUYERS, 40),
        ("made_in", ("CN", "IN"), 60),
        ("incoterm", ("FOB", "CIF"), 50),
    ):
        if pick.chance(percent):
            data[field] = pick.of(values)
    if pick.chance(35):
        data["facts_complete"] = True
    book.write("contract.signed", data)
    book.lines += [(exporter, name, line) for line in lines]


def _line(pick: Pick, number: str) -> Json:
    line: Json = {
        "line": number, "quantity": pick.of(("100", "100", "60", "24", "10.5")), "unit": pick.weighted(UNITS),
        "unit_price": pick.of(("1", "3", "10", "10", "2.5", "0")), "export_at": pick.instant(8, 34),
    }  # fmt: skip
    if pick.chance(96):
        line["class"] = pick.weighted(
            {"mask": 16, "mask.surgical": 52, "mask.surgical.n95": 28, "kit": 2, "gas": 1, "gear": 1}
        )
    if pick.chance(50):
        line |= {"hs": pick.of(CODES), "hs_year": pick.of(YEARS)}
    given = {name: pick.of(values) for name, values in ATTRIBUTES.items() if pick.chance(70)}
    if given:
        line["attributes"] = given
    if pick.chance(60):
        line["deadline"] = pick.instant(30, 45)
    if pick.chance(10):
        line["destination"] = pick.of(PLACES)
    if pick.chance(10):
        line["manufacturer"] = pick.of(MAKERS)
    return line


def _granted(pick: Pick, book: _Pen) -> None:
    """Mostly what a line of the book could use, at times for somebody else; often for less than is wanted."""
    exporter, _, line = pick.of(book.lines)
    strangers = (*EXPORTERS, *MAKERS, *BUYERS)
    data: Json = {
        "scheme": pick.of(("s1", "s1", "s2")), "licence": pick.of(("L1", "L2", "L3", "L4")), "from": pick.instant(-5, 16),
        "holder": exporter if pick.chance(60) else pick.of(strangers),
    }  # fmt: skip
    if pick.chance(40):
        data["until"] = pick.instant(21, 45)
    if pick.chance(70):
        unit = line["unit"] if pick.chance(70) else pick.weighted(UNITS)
        data |= {"quantity": pick.of(("8", "20", "50", "90")), "unit": unit}
    elif pick.chance(40):
        data |= {"value": pick.of(("20", "100", "500")), "currency": pick.weighted({"EUR": 85, "USD": 15})}
    if pick.chance(20):
        data["goods"] = _goods(pick)
    for field, values in (("destinations", PLACES), ("buyers", BUYERS), ("uses", ("army", "civil"))):
        if pick.chance(10):
            data[field] = pick.some(values, 2, 1)
    book.write("licence.granted", data)


def _goods(pick: Pick) -> list[Json]:
    return [pick.of(({"class": pick.of(CLASSES)}, {"hs": pick.of(CODES)}, {"class": pick.of(CLASSES), "hs": pick.of(CODES)}))
            for _ in range(pick.random.randint(1, 2))]  # fmt: skip


def _of_licence(pick: Pick, book: _Pen) -> None:
    kind = pick.of(("used", "used", "suspended", "reinstated", "revoked"))
    data: Json = {
        "scheme": pick.of(SCHEMES),
        "licence": pick.of(("L1", "L2", "L3")),
        "at": pick.instant(2, 28),
    }
    if kind == "used":
        data |= pick.of(
            ({"quantity": "20", "unit": pick.weighted(UNITS)}, {"value": "50", "currency": "EUR"})
        )
    if kind == "suspended" and pick.chance(50):
        data["until"] = pick.instant(29, 40)
    book.write(f"licence.{kind}", data)


def _opened(pick: Pick, book: _Pen) -> None:
    data: Json = {"quota": pick.of(QUOTAS), "from": pick.instant(0, 15)}
    data |= pick.of(
        (
            {"quantity": pick.of(("50", "130")), "unit": pick.weighted(UNITS)},
            {"value": "300", "currency": "EUR"},
        )
    )
    if pick.chance(40):
        data["until"] = pick.instant(20, 40)
    if pick.chance(30):
        data["goods"] = _goods(pick)
    if pick.chance(20):
        data["destinations"] = pick.some(PLACES, 2, 1)
    if pick.chance(20):
        data["holders"] = pick.some(EXPORTERS, 2, 1)
    book.write("quota.opened", data)


def _filed(pick: Pick, book: _Pen) -> None:
    exporter, contract, line = pick.of(book.lines)
    data: Json = {"exporter": exporter, "document": f"D{len(book.events)}", "form": pick.of(FORMS), "at": pick.instant(0, 30),
                  "by": pick.of(("exporter", "exporter", "buyer", "both", "chamber"))}  # fmt: skip
    if pick.chance(60):
        data["contract"] = contract
        data |= {"line": line["line"]} if pick.chance(60) else {}
    if pick.chance(35):
        data |= {"quantity": pick.of(("40", "200")), "unit": line["unit"]}
    if pick.chance(12):
        data["refused"] = True
    book.write("document.filed", data)


def _listed(pick: Pick, book: _Pen) -> None:
    party = pick.of((*EXPORTERS, *MAKERS, *BUYERS))
    data: Json = {"list": pick.of(LISTS), "party": party, "at": pick.instant(-3, 28)}
    if pick.chance(30):
        data["goods"] = _goods(pick)
    book.write("list.entered" if pick.chance(75) else "list.removed", data)


def _dated(pick: Pick, book: _Pen) -> None:
    exporter, contract, line = pick.of(book.lines)
    data: Json = {
        "exporter": exporter,
        "contract": contract,
        "fact": pick.of(FACTS),
        "at": pick.moment(0, 20),
    }
    if pick.chance(60):
        data["line"] = line["line"]
    if pick.chance(35):
        data["lot"] = pick.of(("A", "B"))
    if pick.chance(45):
        data |= {"quantity": pick.of(("20", "45")), "unit": line["unit"]}
    elif pick.chance(15):
        data |= {"value": "120", "currency": pick.of(("EUR", "EUR", "USD"))}
    if pick.chance(20):
        data["until"] = pick.moment(21, 35)
    book.write("contract.dated", data)


def _amended(pick: Pick, book: _Pen) -> None:
    exporter, contract, line = pick.of(book.lines)
    data: Json = {"exporter": exporter, "contract": contract, "at": pick.instant(7, 26)}
    match pick.weighted({"line": 45, "terms": 35, "removed": 10, "new": 10}):
        case "line":
            data["lines"] = (
                [line | _line(pick, line["line"])] if pick.chance(40) else [line | {"quantity": "90"}]
            )
        case "new":
            data["lines"] = [_line(pick, "7")]
        case "removed":
            data["removed"] = [line["line"]]
        case _:
            values = {"destination": pick.of(PLACES), "manufacturer": pick.of(MAKERS), "buyer": pick.of(BUYERS), "facts_complete": True,
                      "end_user": pick.of(BUYERS), "made_in": "CN", "incoterm": "FOB"}  # fmt: skip
            data |= {name: values[name] for name in pick.some(tuple(values), 2, 1)}
    book.write("contract.amended", data)


def _ended(pick: Pick, book: _Pen) -> None:
    exporter, contract, line = pick.of(book.lines)
    data: Json = {"exporter": exporter, "contract": contract, "at": pick.instant(7, 30)}
    if pick.chance(60):
        book.write("contract.assigned", data | {"to": pick.of(EXPORTERS)})
    else:
        book.write("contract.cancelled", data | ({"line": line["line"]} if pick.chance(60) else {}))


def _shipped(pick: Pick, book: _Pen) -> None:
    exporter, contract, line = pick.of(book.lines)
    data: Json = {"exporter": exporter, "contract": contract, "line": line["line"], "quantity": pick.of(("8", "24")), "unit": line["unit"],
                  "at": pick.instant(6, 24)}  # fmt: skip
    if pick.chance(35):
        data |= {"scheme": pick.of(SCHEMES), "licence": pick.of(("L1", "L2", "L3"))}
    book.write("goods.shipped", data)


def _withdraw(pick: Pick, book: _Pen) -> None:
    one = pick.of(
        book.events if pick.chance(20) else [e for e in book.events if not e.type.startswith("rule.")]
    )
    book.write(
        "fact.withdrawn",
        {"source": one.source, "id": one.id, "at": pick.instant(6, 24), "reason": "an error"},
    )


def _alike(pick: Pick, book: _Pen) -> None:
    """Names that are decided to mean one party; some decisions are taken back, and some of those taken anew."""
    first = len(book.events)
    told = [e.data for e in book.events]
    sides = [name for of in told for role in ("exporter", "manufacturer", "buyer", "end_user", "to")
             if isinstance(name := getattr(of, role, None), str)]  # fmt: skip
    holders = [name for of in told for role in ("holder", "party") if (name := getattr(of, role, None))]
    for _ in range(pick.random.randint(1, 4)):
        one, other = pick.of(sides), pick.of(holders or MAKERS)
        if one != other:
            _decide(pick, book, one, other)
    for name in pick.some(sides, 2, 0):
        _spelled_otherwise(pick, book, name)
    if pick.chance(30):
        exporter, contract, line = pick.of(book.lines)
        data = {
            "exporter": exporter,
            "document": "by-notary",
            "form": pick.of(FORMS),
            "at": pick.instant(0, 30),
        }
        of = {"contract": contract, "line": line["line"]} if pick.chance(50) else {}
        book.write("document.filed", data | of | {"by": "notary"})
        _decide(pick, book, "notary", "chamber")
    if len(book.events) > first and pick.chance(20):
        gone = pick.of(book.events[first:])
        reason = {"at": pick.instant(6, 24), "reason": "an error"}
        book.write("fact.withdrawn", {"source": gone.source, "id": gone.id} | reason)


def _spelled_otherwise(pick: Pick, book: _Pen, name: str) -> None:
    """A register and a list that know the party by another name."""
    spelled, line = f"{name}-ltd", pick.of(book.lines)[2]
    short = {"quantity": pick.of(("20", "90")), "unit": line["unit"]} if pick.chance(60) else {}
    grant = {"scheme": pick.of(("s1", "s1", "s2")), "licence": f"R{name}", "holder": spelled}
    book.write("licence.granted", grant | {"from": pick.instant(-5, 3)} | short)
    if pick.chance(50):
        book.write("list.entered", {"list": pick.of(LISTS), "party": spelled, "at": pick.instant(-3, 8)})
    _decide(pick, book, name, spelled)


def _decide(pick: Pick, book: _Pen, one: str, other: str) -> None:
    for kind in ("matched", "unmatched", "matched")[: pick.weighted({1: 75, 2: 20, 3: 5})]:
        pair = {"party": one, "same_as": other} if pick.chance(50) else {"party": other, "same_as": one}
        book.write(f"party.{kind}", pair | {"at": pick.instant(-5, 45), "by": "ana"})


_WRITERS: dict[str, Callable[[Pick, _Pen], None]] = {
    "granted": _granted, "of_licence": _of_licence, "opened": _opened, "filed": _filed, "listed": _listed, "dated": _dated,
    "amended": _amended, "ended": _ended, "shipped": _shipped,
}  # fmt: skip
_WEIGHTS = {
    "granted": 38, "of_licence": 8, "opened": 20, "filed": 16, "listed": 7, "dated": 14, "amended": 7, "ended": 2, "shipped": 5,
}  # fmt: skip


def described(one: World) -> list[Any]:
    """The world as text that can be pasted into a test."""
    return [
        *(e.wire() for e in one.events),
        {"now": str(one.now), "at": str(one.at), "known": str(one.known)},
    ]
