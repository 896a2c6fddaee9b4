"""Books of any number of lines, as frames: many exporters with few kinds of goods each, as a customs house sees them.

Made without reading each event as a model, since a million of them would take minutes; the first of each kind are read,
so that a book nobody could tell is refused.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import polars as pl

from bench.books import law
from events.envelope import event
from services.domain.book import frame_of
from services.domain.columns import EVENT_SCHEMA

LINES_EACH = 100
"""Lines of one exporter."""
_START = datetime(2020, 1, 6, tzinfo=UTC)
_GOODS: tuple[tuple[str, dict[str, str], str], ...] = (
    ("covid_test_kit", {"method": "antibody"}, "30021500"),
    ("face_mask.surgical", {"medical_use": "true"}, "6307900010"),
    ("face_mask", {"medical_use": "false"}, "6307900090"),
    ("protective_clothing", {"medical_use": "true"}, "6210103010"),
    ("ventilator", {}, "9019200010"),
    ("infrared_thermometer", {}, "9025199010"),
)
_PLACES = ("DE", "FR", "IT", "ES", "US", "GB", "BR", "ZA", "AU", "CZ", "PL", "NL")
_PRICES = ("0.45", "2.80", "9.50", "14.00", "38.00", "12500.00")
_Told = tuple[str, str, datetime, dict[str, Any]]


def large(lines: int, seed: int = 7) -> pl.DataFrame:
    """The law that ships with the program, and exporters with this many lines, as the frame ``Book`` takes."""
    chance, told, seen = Random(seed), [], set[str]()
    for number in range(max(1, lines // LINES_EACH)):
        for kind, name, time, data in _exporter(f"exporter-{number:05}", chance):
            if kind not in seen:
                event(kind, data, source="bench", id=name, time=time, recordedat=time)
                seen.add(kind)
            told.append(("bench", name, kind, time, time, json.dumps(data, separators=(",", ":"))))
    return pl.concat([frame_of(law()), pl.DataFrame(told, schema=dict(EVENT_SCHEMA), orient="row")])


def _exporter(name: str, chance: Random) -> Iterator[_Told]:
    goods = chance.sample(_GOODS, 3)
    registered = {"exporter": name, "at": _text(_START), "name": name, "country": "CN", "maker": True}
    yield "exporter.registered", f"{name}/registered", _START, registered
    for scheme, share in (("ce_marking", 0.8), ("nmpa_registration", 0.4)):
        for kind, _, _ in goods:
            if chance.random() < share:
                yield _licence(name, scheme, kind, _START + timedelta(days=chance.randrange(140)))
    if chance.random() < 0.3:
        on = _START + timedelta(days=111)
        entry = {
            "list": "cn-cccmhpie-medical",
            "party": name,
            "goods": [{"class": goods[0][0]}],
            "at": _text(on),
        }
        yield "list.entered", f"{name}/listed", on, entry
    for form in ("cn-2020-05-declaration", "destination_conformity"):
        if chance.random() < 0.5:
            yield _paper(name, form, None, _START + timedelta(days=chance.randrange(100)))
    for number in range(LINES_EACH // 4):
        yield from _contract(name, f"PO-{number:04}", goods, chance)


def _licence(name: str, scheme: str, goods: str, on: datetime) -> _Told:
    data = {
        "scheme": scheme,
        "licence": f"{name}-{goods}",
        "holder": name,
        "goods": [{"class": goods}],
        "from": _text(on),
    }
    return "licence.granted", f"{name}/{scheme}/{goods}", on, data


def _paper(name: str, form: str, contract: str | None, on: datetime) -> _Told:
    key = f"{name}/{form}/{contract}"
    data = {"exporter": name, "document": key, "form": form, "by": "exporter", "at": _text(on)}
    return "document.filed", key, on, data | ({"contract": contract} if contract else {})


def _contract(name: str, contract: str, goods: list[Any], chance: Random) -> Iterator[_Told]:
    """Four lines; some contracts have papers of their own, some are shipped in part, cancelled or amended."""
    signed, place = _START + timedelta(hours=chance.randrange(24 * 90)), chance.choice(_PLACES)
    key = {"exporter": name, "contract": contract}
    yield "contract.signed", f"{name}/{contract}", signed, {
        **key, "buyer": f"buyer-{place}-{chance.randrange(9)}", "buyer_country": place, "exported_from": "CN",
        "made_in": "CN", "destination": place, "currency": "EUR", "signed": _text(signed), "incoterm": "FOB",
        "lines": [_line(number, signed, chance.choice(goods), chance) for number in range(1, 5)],
    }  # fmt: skip
    if chance.random() < 0.3:
        yield _paper(name, "destination_conformity", contract, signed + timedelta(hours=50))
    what, on = chance.random(), signed + timedelta(days=20)
    if what < 0.05:
        sent = {**key, "line": "1", "quantity": "100", "unit": "H87", "at": _text(on)}
        yield "goods.shipped", f"{name}/{contract}/shipped", on, sent
    elif what < 0.07:
        yield "contract.cancelled", f"{name}/{contract}/cancelled", on, {**key, "line": "2", "at": _text(on)}
    elif what < 0.10:
        yield (
            "contract.amended",
            f"{name}/{contract}/amended",
            on,
            {**key, "destination": "FR", "at": _text(on)},
        )


def _line(number: int, signed: datetime, goods: tuple[str, Any, str], chance: Random) -> dict[str, Any]:
    name, attributes, code = goods
    export_at = signed + timedelta(days=30, hours=chance.randrange(24 * 40))
    return {
        "line": str(number), "class": name, "attributes": attributes, "hs": code, "hs_year": 2017,
        "quantity": str(100 * chance.randrange(5, 500)), "unit": "H87", "unit_price": chance.choice(_PRICES),
        "export_at": _text(export_at), "deadline": _text(export_at + timedelta(days=21)),
    }  # fmt: skip


def _text(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")
