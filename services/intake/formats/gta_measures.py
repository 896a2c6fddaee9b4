"""A measure of the Global Trade Alert list as a rule document, or why the row does not say enough to be one.

The list gives a kind of measure, a country, days and kinds of goods. It gives neither the goods themselves nor rates
nor quantities: what it does not give stays unknown.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from services.intake.formats.gta_columns import FLAGS, Row
from services.intake.places import country, union

Json = dict[str, Any]
# Which classes of goods a flag may speak of.
_CLASSES: Mapping[str, tuple[str, ...]] = {
    "consumables": ("protective_equipment", "covid_test_kit", "disinfectant", "disinfection_towel"),
    "equipment": ("ventilator", "infrared_thermometer", "patient_monitor"),
    "medicines": ("medicine",),
    "food": ("food",),
    "medical": ("medical_goods", "protective_equipment"),
}
_TITLES = {
    "consumables": "medical consumables", "equipment": "medical equipment", "medicines": "medicines", "food": "food",
    "medical": "medical products",
}  # fmt: skip
_TIGHTENS, _EASES = ("restrictive", "red", "amber"), ("liberalising", "liberalizing", "green")
_ENTRY = re.compile(r"[0-9A-Za-z_-]{1,40}")
_ADDRESS = re.compile(r"https?://[^\s\"<>]+")
_DAY = re.compile(r"(19|20|21)\d\d-\d\d-\d\d")
_DAYS = {"announced": "Announcement date", "implemented": "Implementation date", "removed": "Removal date"}


@dataclass(frozen=True, slots=True)
class Measure:
    """A rule document without its end, the last day on which it binds where the row gives one, and when announced."""

    document: Json
    announced: date
    last: date | None


def measure(row: Row) -> Measure:
    """The measure of a row. Raises ValueError: what the row lacks, or why it is no rule on exports."""
    if not row.whole:
        raise ValueError("the row has more or fewer cells than the heading")
    if not _ENTRY.fullmatch(row["entry"]):
        raise ValueError("Entry ID: expected a number")
    if not flag(row, "is_export"):
        raise ValueError("an import measure: it governs no export")
    _restricts(row)
    routes = _routes(row)
    days = _days(row)
    goods, titles = _goods(row)
    places, members = _origin(row, days["implemented"])
    clause: Json = {
        "clause": "1", "in_force": [{"from": days["implemented"].isoformat()}], "goods": goods, "routes": routes,
    }  # fmt: skip
    if members:
        clause["destinations"] = {"except": list(members)}
    document = {
        "rule": f"gta-{row['entry']}", "title": f"{row['kind']}: {', '.join(titles)}", "citation": _citation(row),
        "published": f"{days['announced'].isoformat()}T00:00:00Z", "exported_from": {"only": list(places)},
        "clauses": [clause],
    }  # fmt: skip
    return Measure(document, days["announced"], days.get("removed"))


def flag(row: Row, name: str) -> bool:
    """Whether the cell says yes. Raises ValueError where it says neither yes nor no; an empty one says no."""
    match row[name].casefold():
        case "true" | "yes" | "1":
            return True
        case "false" | "no" | "0" | "":
            return False
        case _:
            raise ValueError(f"{name.replace('_', ' ')}: expected True or False")


def _restricts(row: Row) -> None:
    said = row["assessment"].casefold()
    if said in _EASES:
        raise ValueError("liberalising: it eases a measure that the row does not name")
    if said not in _TIGHTENS:
        raise ValueError("assessment: expected restrictive or liberalising")


def _routes(row: Row) -> Sequence[Json]:
    """What may still leave. A quota's size is not in the list: nothing is within it until ``quota.opened`` is told."""
    rule = f"gta-{row['entry']}"
    match row["kind"].casefold():
        case "export ban":
            return [{"route": "none", "all": [{"never": "true"}]}]
        case "export licensing requirement":
            return [{"route": "licence", "all": [{"licence": f"{rule}-licence", "of": "exporter"}]}]
        case "export quota":
            return [{"route": "quota", "all": [{"quota": f"{rule}-quota"}]}]
        case "export tax":
            raise ValueError("Export tax: the list does not give its rate, and a duty needs one")
        case "":
            raise ValueError("GTA intervention type: missing, so what the measure asks for is not said")
        case _:
            raise ValueError("GTA intervention type: what a measure of this type asks for is not said")


def _days(row: Row) -> Mapping[str, date]:
    """The days of the row. Raises ValueError where one that is needed is missing or they contradict each other."""
    found = {name: _day(name, row[name]) for name in _DAYS if row[name]}
    if "announced" not in found:
        raise ValueError("Announcement date: missing, so since when it was known is not said")
    if "implemented" not in found:
        raise ValueError("Implementation date: missing, so since when it binds is not said")
    if "removed" in found and found["removed"] < found["implemented"]:
        raise ValueError("Removal date: before the implementation date")
    return found


def _day(name: str, text: str) -> date:
    try:
        if not _DAY.fullmatch(text):
            raise ValueError(text)
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{_DAYS[name]}: expected a day such as 2020-03-11") from None


def _goods(row: Row) -> tuple[list[Json], list[str]]:
    """The classes the flags speak of, and how to call them.

    A flag says that the measure is on some goods of a kind, not on which. So a line of that kind is reached only if
    somebody says so of it: the attribute ``covered-by-gta-ENTRY``; until then it is unknown.
    """
    named = [name for name in FLAGS if flag(row, name)]
    narrow = [name for name in named if name != "medical"]
    if "medical" in named and not {"consumables", "equipment", "medicines"} & set(named):
        narrow.append("medical")
    if not narrow:
        raise ValueError("product flags: none is set, so which goods the measure is on is not said")
    where = {f"covered-by-gta-{row['entry']}": "true"}
    classes = dict.fromkeys(one for name in narrow for one in _CLASSES[name])
    return [{"class": one, "where": where} for one in classes], [_TITLES[name] for name in narrow]


def _origin(row: Row, since: date) -> tuple[Sequence[str], Sequence[str]]:
    """Where goods leave from, and the members of a customs union, within which nothing is exported."""
    if single := country(row["jurisdiction"]):
        return (single,), ()
    if several := union(row["jurisdiction"]):
        members = several.on(since)
        return members, members
    raise ValueError("Jurisdiction: no country and no customs union is known by that name")


def _citation(row: Row) -> Json:
    status = f" ({row['status']})" if row["status"] else ""
    found = dict.fromkeys(one.rstrip(".,;:)]'") for one in _ADDRESS.findall(row["source"]))
    return {
        "issuers": [row["jurisdiction"]], "number": f"Global Trade Alert entry {row['entry']}",
        "url": [one for one in found if len(one) <= 2000],
        "note": f"Second-hand, from the list of Global Trade Alert{status}. Days are in UTC; the last one counts.",
    }  # fmt: skip
