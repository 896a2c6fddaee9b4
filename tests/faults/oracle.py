"""What the book of the fault tests must come to, reckoned from the set of its facts in plain Python.

It shares no code with the program; where the two differ, an event was lost, doubled, or taken in the wrong order.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal

from tests.faults.book import Fact, key

CENT = Decimal("0.01")


@dataclass(frozen=True)
class Answer:
    """One open line: its verdict, what of it is open and blocked, the money of that, and the parts lost by it."""

    verdict: str
    open: Decimal
    blocked_value: Decimal
    write_down: Decimal


@dataclass
class _Contract:
    manufacturer: str = ""
    lines: dict[str, Fact] = field(default_factory=dict)
    shipped: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    bought: Decimal = Decimal()


def expected(facts: Iterable[Fact], now: datetime) -> dict[str, Answer]:
    """The answer for every open line, by its ref. Facts may come in any order, and more than once."""
    once = {key(one): one for one in facts}
    contracts: dict[str, _Contract] = defaultdict(_Contract)
    licences: dict[str, Fact] = {}
    revoked: dict[str, datetime] = {}
    lawful = True
    for one in sorted(once.values(), key=_order):
        data = one["data"]
        match one["type"]:
            case "rule.enacted":
                lawful = False
            case "contract.signed":
                contracts[data["exporter"]].manufacturer = data["manufacturer"]
                contracts[data["exporter"]].lines |= {line["line"]: line for line in data["lines"]}
            case "contract.amended":
                contracts[data["exporter"]].lines |= {line["line"]: line for line in data["lines"]}
            case "goods.shipped":
                contracts[data["exporter"]].shipped[data["line"]] += Decimal(data["quantity"])
            case "component.purchased":
                contracts[data["exporter"]].bought += Decimal(data["quantity"]) * Decimal(data["unit_cost"])
            case "licence.granted":
                licences[data["licence"]] = data
            case "licence.revoked":
                revoked[data["licence"]] = _instant(data["at"])
    return dict(_answers(contracts, licences, revoked, lawful, now))


def _answers(
    contracts: dict[str, _Contract],
    licences: dict[str, Fact],
    revoked: dict[str, datetime],
    lawful: bool,
    now: datetime,
) -> Iterable[tuple[str, Answer]]:
    left = {name: Decimal(one["quantity"]) for name, one in licences.items() if "quantity" in one}
    held = {one["holder"]: name for name, one in licences.items()}
    lines = [
        (line["export_at"], name, line["line"])
        for name, one in contracts.items()
        for line in one.lines.values()
        if one.manufacturer  # changed before it was ever signed, as far as is told: no line yet
    ]
    for _, name, number in sorted(lines):
        one, line = contracts[name], contracts[name].lines[number]
        open_ = Decimal(line["quantity"]) - one.shipped[number]
        moment = max(_instant(line["export_at"]), now)
        licence = held.get(one.manufacturer)
        covered = Decimal()
        if lawful or (licence is not None and _valid(licences[licence], revoked.get(licence), moment)):
            covered = min(open_, left.get(licence or "", open_))
            if licence in left:
                left[licence] -= covered
        verdict = "clear" if lawful else _verdict(covered, open_)
        blocked = (open_ - covered) * Decimal(line["unit_price"])
        lost = one.bought if number == "1" and covered == 0 else Decimal()
        yield f"{name}/C1/{number}", Answer(verdict, open_, _cents(blocked), _cents(lost))


def sums(answers: Iterable[Answer]) -> tuple[Decimal, Decimal]:
    """The money of the whole book: what is blocked, and what is lost on parts."""
    found = list(answers)
    return sum((one.blocked_value for one in found), Decimal()), sum(
        (one.write_down for one in found), Decimal()
    )


def _verdict(covered: Decimal, open_: Decimal) -> str:
    return "satisfied" if covered == open_ else "partial" if covered else "unlicensed"


def _valid(licence: Fact, revoked: datetime | None, moment: datetime) -> bool:
    ends = [
        end
        for end in (revoked, _instant(licence["until"]) if "until" in licence else None)
        if end is not None
    ]
    return _instant(licence["from"]) <= moment and all(moment < end for end in ends)


_CLOCKS = {"contract.signed": "signed", "licence.granted": "from"}


def _order(fact: Fact) -> tuple[datetime, datetime, str, str]:
    at = fact.get("time") or fact["data"][_CLOCKS.get(fact["type"], "at")]
    return _instant(at), _instant(fact["recordedat"]), fact["source"], fact["id"]


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_EVEN)
