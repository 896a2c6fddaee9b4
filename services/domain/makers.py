"""Who could ship instead: who holds the evidence that the clauses in force ask for, from registers and lists only.

Every holder is asked the one question of this program for a piece of the goods it would make and export itself; papers
that parties issue themselves do not count against it, and nobody's contracts are looked at.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import polars as pl

from services.domain.book import Book
from services.domain.columns import EVENT_SCHEMA, Schema
from services.domain.forecast import asked
from services.domain.verdicts import EXPORTABLE, assess

MAKERS: Schema = {"party": pl.String, "class": pl.String, "held": pl.List(pl.String), "missing": pl.List(pl.String),
                  "licensed": pl.Boolean}  # fmt: skip
_REGISTERS = ("rule.enacted", "goods.published", "codes.published", "exporter.registered",
              "licence.granted", "licence.suspended", "licence.reinstated", "licence.revoked", "licence.used",
              "quota.opened", "list.entered", "list.removed", "party.matched", "party.unmatched")  # fmt: skip
_ASKED = "asked"


def makers(
    book: Book,
    *,
    at: datetime,
    goods_class: str,
    destination: str,
    attributes: Mapping[str, str] | None = None,
    exported_from: str | None = None,
    known: datetime | None = None,
) -> pl.DataFrame:
    """The holders of evidence for goods of a class to a destination at an instant, in order of their names.

    A party that holds evidence under several names is one row, by the first of them.

    Columns: ``party, class`` String · ``held`` (such as ``licence:SCHEME/ID`` or ``list:LIST``) and ``missing`` (names,
    without papers) List(String) · ``licensed`` Boolean, null where a fact is missing to tell (an attribute, a reading).
    A party dispatches from where it is registered, else from where the acts that ask for its evidence bind;
    ``exported_from`` says it for all.
    """
    book = book.known(known)
    registers = book.events.filter(pl.col("type").is_in(_REGISTERS))
    places = _places(Book(registers))
    line = {"line": "1", "class": goods_class, "attributes": dict(attributes or {}), "quantity": "1", "unit": "C62",
            "unit_price": "1", "export_at": at.isoformat()}  # fmt: skip
    rows = [
        _question(party, exported_from or place, destination, at, line)
        for party, place in sorted(places.items())
    ]
    if not rows:
        return pl.DataFrame(schema=MAKERS)
    questions = pl.DataFrame(rows, schema=dict(EVENT_SCHEMA), orient="row")
    told = assess(Book.from_events(pl.concat([registers, questions])), now=at, at=at)
    papers, _ = asked(book)
    held = pl.col("cited").list.eval(
        pl.element().filter(pl.element().str.contains(r"^(licence|list|quota|balance):"))
    )
    missing = pl.col("missing").list.set_difference(pl.lit(papers, dtype=pl.List(pl.String)))
    unsure = pl.col("verdict") == "needs_review"
    found = told.select(
        party="exporter",
        **{"class": pl.col("class")},
        held=held,
        missing=pl.when(unsure).then("missing").otherwise(missing),
        licensed=pl.when(~unsure).then(pl.col("verdict").is_in(EXPORTABLE)),
    )
    return found.filter(pl.col("held").list.len() > 0).cast(MAKERS).sort("party")  # type: ignore[arg-type]


def _question(
    party: str, place: str, destination: str, at: datetime, line: dict[str, Any]
) -> tuple[Any, ...]:
    data = {"exporter": party, "contract": _ASKED, "manufacturer": party, "buyer": _ASKED, "exported_from": place,
            "destination": destination, "currency": "USD", "signed": at.isoformat(), "lines": [line]}  # fmt: skip
    return _ASKED, party, "contract.signed", at, at, json.dumps(data, ensure_ascii=False)


def _places(book: Book) -> dict[str, str]:
    """Where each holder of anything dispatches from; holders of whom nobody can tell are left out."""
    wanted = _wanted(book)
    held = [
        *book.told("licence.granted").select("holder", "scheme").unique(maintain_order=True).iter_rows(),
        *book.told("list.entered").select("party", "list").unique(maintain_order=True).iter_rows(),
    ]
    first = dict[str, str]()
    for name in sorted(name for name, _ in held):
        first.setdefault(book.names.get(name, name), name)
    told = sorted(((first[book.names.get(name, name)], what) for name, what in held), reverse=True)
    places = {name: wanted[what] for name, what in told if what in wanted}
    registered = book.of("exporter.registered").select("exporter", "country").iter_rows()
    return places | {first[party]: country for party, country in registered if party in first}


def _wanted(book: Book) -> dict[str, str]:
    """A country from which evidence is asked for, by its scheme or list; acts that name no country are left out."""
    first: dict[str, str] = {}
    places = {rule.rule: rule.exported_from for rule in book.rules}
    for rule in book.rules:
        origins = [rule.exported_from, *(places.get(amended.rule) for amended in rule.amends)]
        named = [place for origin in origins if origin is not None for place in origin.only or ()]
        if named:
            for name in _names(rule.model_dump(mode="json")):
                first.setdefault(name, named[0])
    return first


def _names(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        yield from (node[key] for key in ("licence", "listed") if isinstance(node.get(key), str))
        for child in node.values():
            yield from _names(child)
    elif isinstance(node, list):
        for child in node:
            yield from _names(child)
