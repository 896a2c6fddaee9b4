"""Contracts signed with buyers abroad, at prices and in quantities as they were paid and bought then."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from math import floor, log10
from typing import Any

from story_cast import BUYERS, Maker, buyer
from story_figures import (
    ADVANCE_SHARE,
    COST_TO_GO_SHARE,
    HS,
    HS_YEAR,
    OCCRP,
    PRICED_AT,
    draw,
)
from story_pen import Pen, moment

CURRENCIES = {"GB": ("GBP",), "CZ": ("CZK", "EUR"), "US": ("USD",), "CL": ("USD",), "PH": ("USD",)}
# How many contracts a maker signs, in turn; assumed. The kit makers are the heart of the story.
CONTRACTS = {
    "covid_test_kit": (1, 2, 1, 2, 3, 1, 2), "face_mask": (2, 2, 3), "protective_clothing": (2, 2, 1),
    "ventilator": (2, 3), "infrared_thermometer": (2, 1),
}  # fmt: skip
WHERE = tuple(country for country, (_, buyers) in BUYERS.items() for _ in range(buyers))


@dataclass(slots=True)
class Deal:
    """A contract as the story follows it, with the instants its papers were there.

    ``conforms``: proof of the destination's standard; ``free``: all that No. 5 asks for, by either route;
    ``named``: its maker; ``inspected``: customs' inspection; ``joint``: the joint declaration of No. 12 for masks
    that are not medical.
    """

    exporter: str
    contract: str
    maker: Maker
    signed: datetime
    currency: str
    lines: list[dict[str, Any]] = field(default_factory=list)
    bought: list[tuple[str, float]] = field(default_factory=list)
    ordered: list[str] = field(default_factory=list)
    conforms: datetime | None = None
    free: datetime | None = None
    named: datetime | None = None
    inspected: datetime | None = None
    joint: datetime | None = None
    open: bool = True

    @property
    def key(self) -> dict[str, str]:
        return {"exporter": self.exporter, "contract": self.contract}

    @property
    def last_export(self) -> datetime:
        return max(datetime.fromisoformat(line["export_at"]) for line in self.lines)

    @property
    def export_at(self) -> datetime:
        return min(datetime.fromisoformat(line["export_at"]) for line in self.lines)

    @property
    def medical(self) -> bool:
        """Some of its goods are for medical use, or nothing says that they are not."""
        return any(line["attributes"].get("medical_use") != "false" for line in self.lines)


class Market:
    """Draws prices and quantities evenly over the source's quantiles: an additive sequence a class."""

    def __init__(self, pen: Pen) -> None:
        self.pen = pen
        self.drawn = {goods: count(1) for goods in OCCRP}
        self.numbers: dict[str, count[int]] = {}

    def line(self, number: int, goods: str, currency: str, signed: datetime) -> dict[str, Any]:
        """One deliverable: goods, code, quantity, price, and when it must leave."""
        chance, place = self.pen.chance, next(self.drawn[goods])
        price = draw(OCCRP[goods][2], (0.5 + place * 0.6180339887) % 1) * PRICED_AT[currency]
        pieces = draw(OCCRP[goods][4], (0.5 + place * 0.4142135624) % 1)
        leaves = self.pen.later(signed, 14, 58)
        within = timedelta(days=10 + int(26 * chance.random()))
        return {
            "line": str(number),
            "class": goods,
            "attributes": self._attributes(goods),
            "hs": HS[goods][place % len(HS[goods])],
            "hs_year": HS_YEAR,
            "quantity": str(_round(pieces)),
            "unit": "H87",
            "unit_price": _money(price),
            "export_at": leaves.isoformat(),
            "cost_to_go": _money(price * COST_TO_GO_SHARE),
            **({"deadline": (leaves + within).isoformat()} if chance.random() < 0.9 else {}),
        }

    def _attributes(self, goods: str) -> dict[str, str]:
        dice = self.pen.chance.random()
        match goods:
            case "covid_test_kit":
                return {"method": "nucleic_acid" if dice < 0.6 else "antibody"}
            case "face_mask":
                return {} if dice < 0.08 else {"medical_use": "false" if dice < 0.45 else "true"}
            case "protective_clothing":
                return {} if dice < 0.1 else {"medical_use": "true"}
            case "face_mask.surgical":
                return {"medical_use": "true"}
        return {}

    def sign(self, maker: Maker, exporter: str, signed: datetime, says_maker: bool = True) -> Deal:
        """A contract between an exporter and a buyer abroad, for goods of a maker."""
        chance = self.pen.chance
        country = chance.choice(WHERE)
        currency = chance.choice(CURRENCIES.get(country, ("EUR", "EUR", "EUR", "EUR", "USD")))
        number = next(self.numbers.setdefault(exporter, count(1001)))
        deal = Deal(exporter, f"PO-{number}", maker, signed, currency, named=signed if says_maker else None)
        for line in range(1, 3 if chance.random() < 0.2 else 2):
            goods = (
                "face_mask.surgical" if maker.goods == "face_mask" and chance.random() < 0.5 else maker.goods
            )
            deal.lines.append(self.line(line, goods, currency, signed))
        advance = chance.choice((0.0, ADVANCE_SHARE, ADVANCE_SHARE, 0.5)) * _value(deal.lines)
        self.pen.write(
            "contract.signed",
            signed,
            **deal.key,
            buyer=buyer(self.pen, country),
            buyer_country=country,
            manufacturer=maker.name if exporter != maker.name and says_maker else None,
            exported_from="CN",
            made_in="CN",
            destination=country,
            currency=currency,
            incoterm=chance.choice(("FOB", "FCA", "CIF")),
            terms=self._terms(advance),
            lines=deal.lines,
        )
        if advance and signed < moment("04-02 00:00"):
            self.pen.write(
                "contract.dated",
                self.pen.later(signed, 1, 6),
                **deal.key,
                fact="advance_payment_received",
                value=f"{advance:.2f}",
                currency=currency,
            )
        return deal

    def _terms(self, advance: float) -> dict[str, Any]:
        chance = self.pen.chance
        rate, cap = chance.choice((("0.001", "0.05"), ("0.002", "0.05"), ("0.005", "0.1"), ("0.003", "0.08")))
        notice, end = chance.choice(((7, 60), (14, 60), (14, 90)))
        terms: dict[str, Any] = {"advance": f"{advance:.2f}"} if advance else {}
        if chance.random() < 0.85:
            terms["liquidated_damages"] = {"rate_per_day": rate, "cap": cap}
        if chance.random() < 0.8:
            terms["force_majeure"] = {"notice_days": notice, "terminates_after_days": end}
        return terms


def _value(lines: list[dict[str, Any]]) -> float:
    return sum(float(line["quantity"]) * float(line["unit_price"]) for line in lines)


def _round(pieces: float) -> int:
    """Two leading digits, as orders are written."""
    step: int = 10 ** max(0, floor(log10(pieces)) - 1)
    return max(1, round(pieces / step) * step)


def _money(price: float) -> str:
    """Prices as they are written: tenths of a cent below one, cents below a thousand, else whole."""
    decimals = next((places for below, places in ((0.1, 4), (1, 3), (1000, 2)) if price < below), 0)
    return f"{price:.{decimals}f}"
