"""The law at an instant: acts in order of publication, each reading by itself, amendments applied one after another."""

from dataclasses import dataclass, field
from datetime import datetime
from itertools import product
from typing import Any

from events.rule_document import (
    AllOf,
    Amendment,
    AnyOf,
    Clause,
    DatedNeeded,
    DutyEffect,
    ExportedBefore,
    GoodsEntry,
    Not,
    Parties,
    Places,
    Route,
    RuleDocument,
)
from tests.naive.facts import Facts
from tests.naive.measures import FIRST, LAST, Span, cut, day_start, span, within


@dataclass(frozen=True)
class Need:
    """One requirement or its opposite, with the zone of the act that asks and that act's publication."""

    asks: Any
    negated: bool
    zone: str
    published: datetime


@dataclass(frozen=True)
class Way:
    """A route in normal form: all needs at once, while it is open, to some destinations."""

    name: str
    needs: tuple[Need, ...]
    spans: tuple[Span, ...]
    destinations: Places | None

    @property
    def transition(self) -> bool:
        return any(
            isinstance(need.asks, DatedNeeded | ExportedBefore) and not need.negated for need in self.needs
        )


@dataclass(frozen=True)
class Binding:
    """A clause that is in force, as it reads at that instant."""

    rule: str
    clause: str
    blocks: bool
    goods: tuple[GoodsEntry, ...]
    exported_from: Places
    made_in: Places | None
    destinations: Places | None
    exporters: Parties | None
    ways: tuple[Way, ...]
    whole_line: bool
    overrides: tuple[str, ...]


@dataclass
class _Text:
    """The words of a clause while amendments are applied to them; ``zone`` is that of its destinations' dates."""

    clause: Clause
    zone: str
    spans: list[Span]
    routes: list[tuple[Route, list[Span], RuleDocument]] = field(default_factory=list)


def readings(
    facts: Facts, reading: str | None = None
) -> list[tuple[tuple[str, ...], tuple[RuleDocument, ...]]]:
    """Every combination of readings nobody has settled: their names as RULE/READING, and the acts read that way.

    ``reading``, a reading's name or RULE/READING, settles the acts that have one of that name by hand.
    """
    latest = {data.document.rule: data.document for data in facts.of("rule.enacted")}
    acts = sorted((d for d in latest.values() if d.status == "enacted"), key=lambda d: (d.published, d.rule))
    settled = {act.confirms.rule: act.confirms.reading for act in acts if act.confirms is not None}
    choices: list[list[tuple[str, RuleDocument]]] = []
    for act in acts:
        names = [one.reading for one in act.readings]
        if settled.get(act.rule) in names:
            choices.append([("", act.under(settled[act.rule]))])
        else:
            asked = [name for name in names if reading in (name, f"{act.rule}/{name}")] or names
            choices.append([(f"{act.rule}/{name}", act.under(name)) for name in asked] or [("", act)])
    return [(tuple(n for n, _ in chosen if n), tuple(a for _, a in chosen)) for chosen in product(*choices)]


def bindings(acts: tuple[RuleDocument, ...], moment: datetime) -> list[Binding]:
    """The clauses in force at the instant, in order of rule and clause."""
    by_name = {act.rule: act for act in acts}
    texts = _texts(acts, moment)
    found = [
        _binding(by_name[rule], text, texts, moment)
        for (rule, _), text in texts.items()
        if within(moment, text.spans)
    ]
    return sorted(found, key=lambda binding: (binding.rule, binding.clause))


def _texts(acts: tuple[RuleDocument, ...], moment: datetime) -> dict[tuple[str, str], _Text]:
    texts: dict[tuple[str, str], _Text] = {}
    for act in acts:
        for clause in act.clauses:
            text = _Text(
                clause,
                act.timezone,
                [span(s.since, s.until, s.through, act.timezone) for s in clause.in_force],
            )
            text.routes = [(route, _open(route, act), act) for route in clause.routes]
            texts[act.rule, clause.clause] = text
    for act in acts:
        for amendment in act.amends:
            text_amended = texts.get((amendment.rule, amendment.clause))
            if text_amended is not None:
                _amend(text_amended, amendment, act, moment)
    return texts


def _open(route: Route, act: RuleDocument) -> list[Span]:
    w = route.within
    return [(FIRST, LAST)] if w is None else [span(w.since, w.until, w.through, act.timezone)]


def _amend(text: _Text, amendment: Amendment, act: RuleDocument, moment: datetime) -> None:
    """What the act changes; whole keys are replaced only from its instant on, routes carry their own spans."""
    since = act.published if amendment.since is None else day_start(amendment.since, act.timezone)
    if amendment.replace is not None and since <= moment:
        keys = {
            name: getattr(amendment.replace, name) for name in amendment.replace.model_fields_set - {"clause"}
        }
        text.clause = text.clause.model_copy(update=keys)
        text.zone = act.timezone if "destinations" in keys else text.zone
        if "in_force" in keys:
            text.spans = [span(s.since, s.until, s.through, act.timezone) for s in text.clause.in_force]
        if "routes" in keys:
            text.routes = [(route, _open(route, act), act) for route in text.clause.routes]
    for index, (route, spans, author) in enumerate(text.routes):
        if route.route in amendment.end_routes:
            text.routes[index] = (route, cut(spans, FIRST, since), author)
    if amendment.extend is not None:
        until = day_start(amendment.extend.until, act.timezone)
        for route, spans, _ in text.routes:
            if route.route in amendment.extend.routes and since < until:
                spans.append((since, until))
    text.routes += [(route, cut(_open(route, act), since, LAST), act) for route in amendment.add_routes]
    if amendment.end is not None:
        text.spans = cut(text.spans, FIRST, day_start(amendment.end, act.timezone))
    for pause in amendment.suspend:
        first, last = span(pause.since, pause.until, pause.through, act.timezone)
        text.spans = cut(text.spans, FIRST, first) + cut(text.spans, last, LAST)


def _binding(
    act: RuleDocument, text: _Text, texts: dict[tuple[str, str], _Text], moment: datetime
) -> Binding:
    clause = text.clause
    standing = act.defaults if clause.defaults is None else clause.defaults
    routes = list(text.routes)
    for name in standing:
        rule, _, number = name.rpartition("/")
        if name not in act.without and name not in clause.without and (rule, number) in texts:
            routes += [(route, spans, act) for route, spans, _ in texts[rule, number].routes]
    return Binding(
        rule=act.rule, clause=clause.clause, blocks=not isinstance(clause.effect, DutyEffect), goods=clause.goods,
        exported_from=act.exported_from or Places(only=()), made_in=act.made_in,
        destinations=_destinations(text, moment), exporters=clause.exporters,
        ways=tuple(way for route, spans, author in routes for way in _ways(route, spans, author)),
        whole_line=clause.whole_line, overrides=clause.overrides,
    )  # fmt: skip


def _destinations(text: _Text, moment: datetime) -> Places | None:
    """Of dated entries the last that holds; where none does, everywhere."""
    places = text.clause.destinations
    if places is None or isinstance(places, Places):
        return places
    holding = [p for p in places if within(moment, [span(p.since, p.until, p.through, text.zone)])]
    return holding[-1] if holding else None


def _ways(route: Route, spans: list[Span], act: RuleDocument) -> list[Way]:
    """The route as alternatives of needs that all hold together, in the order in which they are written."""
    parts = [*route.all_of, *([AnyOf(any_of=route.any_of)] if route.any_of else [])]
    found = []
    for chosen in product(*(_alternatives(part, False, act) for part in parts)):
        needs: list[Need] = []
        for need in (need for group in chosen for need in group):
            if need not in needs:
                needs.append(need)
        found.append(Way(route.route, tuple(needs), tuple(spans), route.destinations))
    return found


def _alternatives(node: Any, opposite: bool, act: RuleDocument) -> list[list[Need]]:
    match node:
        case Not():
            return _alternatives(node.negated, not opposite, act)
        case AnyOf() | AllOf():
            children = node.any_of if isinstance(node, AnyOf) else node.all_of
            branches = [_alternatives(child, opposite, act) for child in children]
            if isinstance(node, AnyOf) is not opposite:
                return [way for branch in branches for way in branch]
            return [[need for group in chosen for need in group] for chosen in product(*branches)]
        case _:
            return [[Need(node, opposite, act.timezone, act.published)]]


def quotas(acts: tuple[RuleDocument, ...]) -> list[tuple[RuleDocument, int, Any]]:
    """The pools that acts open themselves."""
    return [(act, number, pool) for act in acts for number, pool in enumerate(act.quotas)]
