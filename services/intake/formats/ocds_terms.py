"""One contract of a release as its terms here, or why it is none of ours.

The supplier exports and the buyer buys. Nothing is guessed: without the country it comes from or goes to, a contract is
refused by name, since no export rule could be judged.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from events.values import instant_text
from services.intake.formats.ocds_lines import Agreed, Item, items, line
from services.intake.formats.ocds_parties import Organisation, buyer, suppliers
from services.intake.formats.ocds_values import Json, moment, parts, shown, text

DOMESTIC = "domestic: nothing is exported"
PENDING = "pending: not signed yet"
SERVICES = "services: no goods leave the country"


@dataclass(frozen=True, slots=True)
class Nothing:
    """A contract that is no export, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A contract that the buyer withdrew before it was signed."""

    exporter: Organisation


@dataclass(frozen=True, slots=True)
class Terms:
    """A signed contract: who exports, and the data of ``contract.signed``. ``closed``: it has come to its end."""

    exporter: Organisation
    data: Json
    closed: bool


def terms(release: Json, contract: Json, name: str) -> Terms | Withdrawn | Nothing:
    """What the release says of the contract by now. Raises ValueError, naming the field and what was expected."""
    exporter = _exporter(suppliers(release, contract))
    buying = buyer(release)
    if exporter.country is None:
        raise ValueError(
            "suppliers: no address and no register says the supplier's country, where goods come from"
        )
    given = items(release, contract, buying.country if buying else None)
    reached = {one.destination for one in given} or {buying.country if buying else None}
    if None in reached:
        raise ValueError(
            "items.deliveryAddress: neither it nor the buyer's address says the country goods go to"
        )
    if reached == {exporter.country}:
        return Nothing(DOMESTIC)
    if _only_services(release):
        return Nothing(SERVICES)
    match text(contract.get("status")):
        case "pending":
            return Nothing(PENDING)
        case "cancelled":
            return Withdrawn(exporter)
        case ("active" | "terminated" | "") as status:
            leaving = [one for one in given if one.destination != exporter.country]
            closed = status == "terminated"
            return Terms(
                exporter, _data(release, contract, name, exporter, buying, leaving, len(given)), closed
            )
        case other:
            raise ValueError(
                f"status: expected pending, active, cancelled or terminated, not {shown(other)!r}"
            )


def _exporter(found: list[Organisation]) -> Organisation:
    if not found:
        raise ValueError("suppliers: neither the contract nor its award names a supplier")
    if len(found) > 1:
        raise ValueError(
            f"suppliers: {len(found)} suppliers share it, and which part each of them exports is not said"
        )
    return found[0]


def _only_services(release: Json) -> bool:
    tender: Any = next(parts(release.get("tender")), {})
    main, others = tender.get("mainProcurementCategory"), tender.get("additionalProcurementCategories")
    return main == "services" and not (isinstance(others, list) and "goods" in others)


def _data(
    release: Json,
    contract: Json,
    name: str,
    exporter: Organisation,
    buying: Organisation | None,
    given: list[Item],
    count: int,
) -> Json:
    """The data of ``contract.signed``: the lines that leave the exporter's country, the rest is no export."""
    signed = _signed(contract)
    if buying is None:
        raise ValueError("buyer: neither a buyer nor a procuring entity is named")
    if not given:
        raise ValueError("items: neither the contract nor its award lists what is delivered")
    agreed = Agreed.of(release, contract, signed, count)
    destination = str(given[0].destination)
    told = [line(one, agreed, destination) for one in given]
    currencies = sorted({currency for _, currency in told})
    if len(currencies) > 1:
        raise ValueError(
            f"items.unit.value.currency: one contract is priced in {' and '.join(map(shown, currencies))}"
        )
    data = {
        "exporter": exporter.id, "contract": name, "buyer": buying.id, "buyer_country": buying.country,
        "exported_from": exporter.country, "destination": destination, "currency": currencies[0],
        "signed": instant_text(signed), "lines": [one for one, _ in told],
    }  # fmt: skip
    return {name: value for name, value in data.items() if value is not None}


def _signed(contract: Json) -> datetime:
    try:
        signed = moment(contract.get("dateSigned"))
    except ValueError as error:
        raise ValueError(f"dateSigned: {error}") from error
    if signed is None:
        raise ValueError("dateSigned: expected the instant at which the contract was signed")
    return signed
