"""Which exporters a fact can touch. What it names is compared with what the exporters' own facts have ever named.

The answer may be too wide, never too narrow: every exporter whose verdicts a fact changes is among those it reaches.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from events import contracts, licences, parties, rules
from events.envelope import Event
from events.model import Data
from events.registry import DATA
from events.rule_document import RuleDocument

EVERYONE = "everyone"


@dataclass(frozen=True, slots=True)
class Reach:
    """Where a fact belongs.

    ``exporter``: whose own fact it is (None: a shared one). ``subject``: the shared thing it speaks of, found by
    whoever is tied to one of its names. ``ties``: what the exporter's facts can reach from now on. ``names``: by what
    the subject is found. ``finite``: exporters tied to the subject share a balance and must be judged together.
    ``also``: whoever is tied to the first of each pair is from now on tied to the second as well, and so on from there.
    """

    exporter: str | None
    subject: str | None
    ties: frozenset[str]
    names: frozenset[str]
    finite: bool
    also: frozenset[tuple[str, str]] = frozenset()


def reach(event: Event) -> Reach:
    """Where this fact belongs, from its content alone."""
    return _PLACES.get(type(event.data), _of_register)(event.data)


def _of_own(data: Any) -> Reach:
    return Reach(data.exporter, None, _ties(data), frozenset(), False)


def _of_withdrawal(data: rules.FactWithdrawn) -> Reach:
    return _shared(f"event:{data.source} {data.id}", ())


def _of_act(data: rules.RuleEnacted | rules.RuleAnnounced) -> Reach:
    return _shared(f"rule:{data.rule}", _origins(data.document), _asks_quota(data.document))


def _of_all(subject: str) -> Callable[[Data], Reach]:
    found = _shared(subject, (EVERYONE,))
    return lambda data: found


def _of_exporter(data: contracts.ExporterRegistered | licences.DocumentFiled) -> Reach:
    """Whoever exports for another by assignment needs the other's registration and papers too."""
    party = f"party:{data.exporter}"
    # Quantities filed may feed an allowance that both draw on.
    finite = getattr(data, "quantity", None) is not None
    ties, names = frozenset({EVERYONE, party}), frozenset({party})
    signed = isinstance(data, licences.DocumentFiled) and data.by not in parties.ROLES
    also = frozenset({(party, f"party:{data.by}")}) if signed else frozenset()  # type: ignore[union-attr]
    return Reach(data.exporter, f"exporter:{data.exporter}", ties, names, finite, also)


def _of_names(data: parties.PartyMatched | parties.PartyUnmatched) -> Reach:
    """Whoever is tied to one name is tied to the other; that they are matched no more takes no tie away."""
    one, other = sorted(f"party:{name}" for name in (data.party, data.same_as))
    also = {(one, other), (other, one)} if isinstance(data, parties.PartyMatched) else set()
    return Reach(None, f"match:{one} {other}", frozenset(), frozenset({one, other}), False, frozenset(also))


def _of_register(data: Data) -> Reach:
    """Licences, lists and quotas: what authorities keep."""
    match data:
        case licences.LicenceGranted():
            finite = data.quantity is not None or data.value is not None
            return _shared(_licence(data), (f"party:{data.holder}", _licence(data)), finite)
        case licences.LicenceApplied():
            return _shared(_licence(data), (f"party:{data.holder}",))
        case licences.ListEntered() | licences.ListRemoved():
            return _shared(f"list:{data.list_name}/{data.party}", (f"party:{data.party}",))
        case licences.QuotaOpened():
            # Everybody may look at it; those who draw on it together are tied by the rule that asks for it.
            return _shared(f"quota:{data.quota}", (EVERYONE,))
        case _:
            return _shared(_licence(data), ())


def _shared(subject: str, names: tuple[str, ...] | frozenset[str], finite: bool = False) -> Reach:
    return Reach(None, subject, frozenset(), frozenset(names), finite)


def _licence(data: Any) -> str:
    return f"licence:{data.scheme}/{data.licence}"


def _ties(data: Data) -> frozenset[str]:
    """The parties and the countries of dispatch that an exporter's own fact names."""
    # Read past pydantic, which answers slowly for a field that a model does not have.
    said = vars(data)
    parties_named = {said.get(field) for field in ("exporter", "manufacturer", "buyer", "end_user", "to")}
    parties_named.update(line.manufacturer for line in said.get("lines", ()))
    ties = {EVERYONE, *(f"party:{party}" for party in parties_named if party is not None)}
    if said.get("licence") is not None:
        ties.add(_licence(data))
    if (origin := said.get("exported_from")) is not None:
        ties.add(f"origin:{origin[:2]}")
    return frozenset(ties)


def _origins(document: RuleDocument) -> tuple[str, ...]:
    """The countries a rule can reach: those it names, or everyone where it excludes, amends or settles a reading."""
    origin = document.exported_from
    if (
        origin is None
        or origin.only is None
        or document.amends
        or document.confirms
        or document.clauses == ()
    ):
        return (EVERYONE,)
    return tuple(f"origin:{place[:2]}" for place in origin.only)


def _asks_quota(document: RuleDocument) -> bool:
    """Whether any part of the act, in any reading, draws on a pool."""

    def asks(node: Any) -> bool:
        if isinstance(node, dict):
            return isinstance(node.get("quota"), str) or any(asks(child) for child in node.values())
        return isinstance(node, list | tuple) and any(asks(child) for child in node)

    return asks(document.model_dump(mode="json"))


_PLACES: Mapping[type[Data], Callable[[Any], Reach]] = {
    **{model: _of_own for model in DATA.values() if "exporter" in model.model_fields},
    contracts.ExporterRegistered: _of_exporter,
    licences.DocumentFiled: _of_exporter,
    parties.PartyMatched: _of_names,
    parties.PartyUnmatched: _of_names,
    rules.FactWithdrawn: _of_withdrawal,
    rules.RuleEnacted: _of_act,
    rules.RuleAnnounced: _of_act,
    **{DATA[f"{name}.published"]: _of_all(name) for name in ("goods", "codes", "fx", "leadtime")},
}
"""How each type of fact is placed; what authorities keep is not named here."""
