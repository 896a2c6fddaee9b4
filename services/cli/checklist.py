"""A route as a checklist: each requirement in words, and whether a line has it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from events.rule_document import (
    AllowanceNeeded,
    AttributeNeeded,
    DatedNeeded,
    DocumentNeeded,
    ExportedBefore,
    ExporterNeeded,
    LicenceNeeded,
    ListedNeeded,
    Never,
    QuotaNeeded,
    RuleDocument,
)
from services.domain.rules import Need, Way, worlds

MET, UNMET, UNSURE = "met", "missing", "unknown"
MARKS = {MET: ("✓", "green"), UNMET: ("✗", "red"), UNSURE: ("?", "magenta")}


def ways(documents: Sequence[RuleDocument], rule: str, clause: str) -> tuple[Way, ...]:
    """The routes of a clause, as all acts together leave them; of several readings the first that has the clause."""
    for world in worlds(documents):
        for binding in world.bindings:
            if (binding.rule, binding.clause) == (rule, clause):
                return binding.ways
    return ()


def checklist(way: Way | None, missing: Sequence[str], unsure: bool) -> list[dict[str, str]]:
    """Each requirement of the way, and whatever else is missing: ``need, state, says``."""
    state = UNSURE if unsure else UNMET
    listed = [(_name(need), _says(need)) for need in (way.needs if way else ())]
    rest = [name for name in missing if name not in {name for name, _ in listed}]
    items = [(name, state if name in missing else MET, says) for name, says in listed]
    items += [(name, UNSURE if unsure else UNMET, f"{name.replace('_', ' ')}: not stated") for name in rest]
    return [{"need": name, "state": found, "says": says} for name, found, says in items]


def opens(way: Way, at: datetime) -> str | None:
    """What there is to know of a way that is not open at the instant."""
    if any(first <= at < last for first, last in way.spans):
        return None
    later = [first for first, _ in way.spans if first > at]
    return f"opens on {min(later):%Y-%m-%d %H:%M}Z" if later else "is closed"


def _name(need: Need) -> str:
    asks = need.asks
    match asks:
        case LicenceNeeded():
            name = asks.licence
        case DocumentNeeded():
            name = asks.document
        case ListedNeeded():
            name = asks.listed
        case DatedNeeded():
            name = asks.dated
        case AttributeNeeded():
            name = asks.attribute
        case QuotaNeeded():
            name = asks.quota
        case AllowanceNeeded():
            name = asks.allowance
        case _:
            name = next(iter(type(asks).model_fields))
    return f"not {name}" if need.negated else name


def _says(need: Need) -> str:
    said = _words(need.asks)
    return f"not: {said}" if need.negated else said


def _words(asks: Any) -> str:
    match asks:
        case LicenceNeeded():
            return f"{_plain(asks.licence)} held by the {_plain(asks.of)}"
        case DocumentNeeded():
            return f"{_plain(asks.document)}, filed by the {_plain(asks.by)}"
        case ListedNeeded():
            return f"the {_plain(asks.of)} on the list {asks.listed}"
        case DatedNeeded():
            bound = (
                f" before {asks.before}" if asks.before else f" by {asks.by}" if asks.by else " before export"
            )
            return f"{_plain(asks.dated)}{bound}"
        case ExportedBefore():
            return f"exported before {asks.exported_before}"
        case ExporterNeeded():
            return f"exported by {asks.exporter}"
        case QuotaNeeded():
            return f"a share of the quota {asks.quota}"
        case AllowanceNeeded():
            return f"the allowance {asks.allowance}: {asks.factor} × what was filed under {asks.per}"
        case Never():
            return "nothing opens this route"
        case _:
            return _bounded(asks.model_dump(mode="json", exclude_none=True, by_alias=True))


def _bounded(asks: dict[str, Any]) -> str:
    """A comparison in words: of an attribute, or of a term of the contract such as its quantity."""
    if "attribute" in asks:
        limits, what = asks, f"{_plain(asks['attribute'])} of the {asks['of']}"
    else:
        name, limits = next(iter(asks.items()))
        what = _plain(name)
    told = [
        f"{_plain(key)} {value}"
        for key, value in limits.items()
        if key not in ("attribute", "of") and value != []
    ]
    return f"{what}: {', '.join(told)}"


def _plain(name: str) -> str:
    return str(name).replace("_", " ")
