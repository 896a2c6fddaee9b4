"""What duties cost on the part of a line that may be exported.

A duty never enters a verdict and no total of losses: it is the price of going, where a loss is the price of staying.
It is reckoned when somebody asks, for the instant the line is judged at.

Worked example: 1,000 t of palm oil at USD 1,200 may leave, and the duty is USD 50 a tonne from a price of USD 1,000 on:
50,000 USD are due.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import polars as pl

from events.rule_document import Duty
from events.values import MINOR_UNITS, plain
from services.domain.book import Book
from services.domain.court import Court
from services.domain.judge import frames
from services.domain.money import Rates
from services.domain.units import factor


@dataclass(frozen=True, slots=True)
class Owed:
    """One duty on a line. ``amount`` is rounded to its currency; None: unknown, and ``step`` says why."""

    rule: str
    clause: str
    amount: Decimal | None
    currency: str
    step: str


class _Unknown(Exception):
    """Why a duty cannot be reckoned."""


def duties(book: Book, ref: str, *, now: datetime, known: datetime | None = None) -> tuple[Owed, ...]:
    """The duties on what may be exported of an open line (``EXPORTER/CONTRACT/LINE``), by rule and clause.

    What may be exported is the covered quantity of its verdict; of a duty with a threshold nothing is owed below it.
    """
    court = Court.of(book.known(known), now, None, None)
    judged = court.judged().filter(pl.col("ref") == ref)
    if judged.is_empty():
        return ()
    line = judged.row(0, named=True)
    asked = court.planned().filter(pl.col("ref") == ref).with_row_index("r")
    owed: dict[str, Owed] = {}
    for bench in court.benches:
        clauses = frames(asked, bench.law, court.evidence).clauses
        for number, in_scope in clauses.select("binding", "in_scope").iter_rows():
            binding = bench.law.bindings[number]
            if binding.duty is not None and binding.name not in owed:
                found = _owed(binding.duty.duty, line, in_scope, Rates(court.book.fx))
                if found is not None:
                    owed[binding.name] = Owed(binding.rule, binding.clause, *found)
    return tuple(owed[name] for name in sorted(owed))


def _owed(
    duty: Duty, line: dict[str, Any], in_scope: bool | None, rates: Rates
) -> tuple[Decimal | None, str, str] | None:
    """Amount, currency and step; None where nothing is owed."""
    currency = duty.currency if duty.amount is not None and duty.currency is not None else line["currency"]
    if not line["low"] and not line["high"]:
        return None
    try:
        if duty.from_price is not None and _price(duty, line, rates) < duty.from_price:
            return None
        if in_scope is None:
            raise _Unknown("nobody can tell from the facts given whether it reaches this line")
        amount, step = _amount(duty, line)
    except _Unknown as why:
        return None, currency, str(why)
    cent = Decimal(1).scaleb(-MINOR_UNITS.get(currency, 2))
    return amount.quantize(cent, ROUND_HALF_EVEN), currency, f"{step} {currency}"


def _amount(duty: Duty, line: dict[str, Any]) -> tuple[Decimal, str]:
    if line["low"] != line["high"]:
        raise _Unknown("how much may be exported is not known")
    quantity, unit, price = line["low"], line["unit"], line["unit_price"]
    if duty.rate is not None:
        return duty.rate * quantity * price, f"{plain(duty.rate)} × {plain(quantity)} {unit} × {plain(price)}"
    size, per = _size(unit, duty.per), plain(duty.amount or Decimal(0))
    return (duty.amount or Decimal(0)) * quantity * size, f"{per} × {plain(quantity * size)} {duty.per} in"


def _size(unit: str, per: str | None) -> Decimal:
    size = factor(unit, per)
    if size is None:
        raise _Unknown(f"{unit} cannot be converted into {per}")
    return size


def _price(duty: Duty, line: dict[str, Any], rates: Rates) -> Decimal:
    """The price in the duty's own currency, for one of the unit it counts in."""
    here, there = line["currency"], duty.currency
    day = line["moment"].date()
    asked = pl.DataFrame({"from": [here], "to": [there], "day": [day]})
    rate = rates.of(asked).row(0, named=True)
    if rate["lacks"]:
        raise _Unknown(rate["lacks"])
    price: Decimal = line["unit_price"] * rate["up"] / rate["down"]
    return price if duty.per is None else price / _size(line["unit"], duty.per)
