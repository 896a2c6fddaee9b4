"""From rule documents to clauses: amendments applied in order of publication, readings chosen, defaults added.

A document says only what its own act said. What binds at an instant is the sum of all acts known by then, and that sum
is made here: clauses with the spans in which they bind, each with its routes, each route a list of requirements.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

from events.rule_document import (
    AllOf,
    Amendment,
    AnyOf,
    Clause,
    DatedNeeded,
    DatedPlaces,
    DutyEffect,
    ExportedBefore,
    GoodsEntry,
    Not,
    Parties,
    Places,
    Requirement,
    Route,
    RuleDocument,
)

BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
END = datetime(9999, 1, 1, tzinfo=UTC)
Spans = tuple[tuple[datetime, datetime], ...]


@dataclass(frozen=True, slots=True)
class Way:
    """A route in normal form: all of its needs, in the spans in which it is open, to some destinations."""

    name: str
    needs: tuple["Need", ...]
    spans: Spans
    destinations: Places | None

    @property
    def transition(self) -> bool:
        """Whether it is open only to what was under way before a cut-off."""
        return any(not n.negated and isinstance(n.asks, DatedNeeded | ExportedBefore) for n in self.needs)


@dataclass(frozen=True, slots=True)
class Need:
    """One requirement, or its opposite, in the time zone of the act that asks for it."""

    asks: Any
    negated: bool
    timezone: str
    published: datetime


@dataclass(frozen=True, slots=True)
class Binding:
    """A clause as it binds in some spans: who and what it reaches, and the ways to satisfy it."""

    rule: str
    clause: str
    published: datetime
    spans: Spans
    goods: tuple[GoodsEntry, ...]
    exported_from: Places
    made_in: Places | None
    destinations: Places | None
    exporters: Parties | None
    duty: DutyEffect | None
    ways: tuple[Way, ...]
    whole_line: bool
    overrides: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.rule}/{self.clause}"


@dataclass(frozen=True, slots=True)
class World:
    """One choice of readings, and the clauses that bind under it. ``chosen`` names what was chosen as RULE/READING."""

    chosen: tuple[str, ...]
    bindings: tuple[Binding, ...]


def start(moment: datetime | date, timezone: str) -> datetime:
    """The instant, or the first instant of the day in the time zone."""
    if isinstance(moment, datetime):
        return moment
    return datetime.combine(moment, time(), ZoneInfo(timezone)).astimezone(UTC)


def day_after(moment: datetime | date, timezone: str) -> datetime:
    """The instant, or the first instant after the day in the time zone."""
    if isinstance(moment, datetime):
        return moment
    return start(moment + timedelta(days=1), timezone)


def span(since: Any, until: Any, through: Any, timezone: str) -> tuple[datetime, datetime]:
    """The half-open span; an open end lies far away."""
    first = BEGINNING if since is None else start(since, timezone)
    if through is not None:
        return first, day_after(through, timezone)
    return first, END if until is None else start(until, timezone)


def meet(spans: Spans, first: datetime, last: datetime) -> Spans:
    """The spans, cut to [first, last)."""
    cut = ((max(a, first), min(b, last)) for a, b in spans)
    return tuple((a, b) for a, b in cut if a < b)


def minus(spans: Spans, first: datetime, last: datetime) -> Spans:
    """The spans without [first, last)."""
    return tuple(sorted(meet(spans, BEGINNING, first) + meet(spans, last, END)))


def attributes_asked(documents: Iterable[RuleDocument]) -> frozenset[str]:
    """The attributes that some rule, in some reading, asks about."""

    def names(node: Any) -> Iterator[str]:
        if isinstance(node, dict):
            where = node.get("where")
            if isinstance(where, dict):
                yield from where
            if isinstance(node.get("attribute"), str):
                yield node["attribute"]
            for child in node.values():
                yield from names(child)
        elif isinstance(node, list | tuple):
            for child in node:
                yield from names(child)

    return frozenset(name for one in documents for name in names(one.model_dump(mode="json"))) | {"use"}


def worlds(documents: Sequence[RuleDocument], reading: str | None = None) -> tuple[World, ...]:
    """Every combination of readings that nobody has settled, each with the clauses that bind under it.

    ``reading`` (a reading's name, or RULE/READING) settles one by hand.
    """
    enacted = [one for one in documents if one.status == "enacted"]
    confirmed = {one.confirms.rule: one.confirms.reading for one in enacted if one.confirms}
    choices: list[list[tuple[str | None, RuleDocument]]] = []
    for one in enacted:
        names = [r.reading for r in one.readings]
        if one.rule in confirmed:
            names = [name for name in names if name == confirmed[one.rule]] or names
        if reading is not None:
            names = [name for name in names if reading in (name, f"{one.rule}/{name}")] or names
        if not names:
            choices.append([(None, one)])
        else:
            label = len(names) > 1
            choices.append([(f"{one.rule}/{name}" if label else None, one.under(name)) for name in names])
    return tuple(
        World(tuple(label for label, _ in chosen if label), bindings([one for _, one in chosen]))
        for chosen in product(*choices)
    )


def bindings(documents: Sequence[RuleDocument]) -> tuple[Binding, ...]:
    """The clauses of all acts with all amendments, in order of rule and clause."""
    ordered = sorted(documents, key=lambda one: (one.published, one.rule))
    acts = {one.rule: one for one in ordered}
    versions = {
        (one.rule, clause.clause): [_version(one, clause)] for one in ordered for clause in one.clauses
    }
    for one in ordered:
        for amendment in one.amends:
            key = (amendment.rule, amendment.clause)
            if key in versions:
                versions[key] = _amend(versions[key], amendment, one, acts[amendment.rule])
    plain = {key: [v for v in of if v.spans] for key, of in versions.items()}
    bound = [_bind(version, acts[key[0]], versions) for key, of in plain.items() for version in of]
    return tuple(sorted((b for group in bound for b in group), key=lambda b: (b.rule, b.clause, b.spans)))


@dataclass(frozen=True, slots=True)
class _Version:
    """A clause's text in the spans in which it stood, with the routes each act gave it."""

    clause: Clause
    spans: Spans
    routes: tuple[tuple[Route, Spans, RuleDocument], ...]
    places_in: str
    stood: tuple[datetime, datetime] = (BEGINNING, END)


def _version(act: RuleDocument, clause: Clause) -> _Version:
    spans = _joined(tuple(span(s.since, s.until, s.through, act.timezone) for s in clause.in_force))
    return _Version(
        clause, spans, tuple((route, _within(route, act), act) for route in clause.routes), act.timezone
    )


def _within(route: Route, act: RuleDocument) -> Spans:
    within = route.within
    return (
        (span(within.since, within.until, within.through, act.timezone),) if within else ((BEGINNING, END),)
    )


def _amend(
    versions: list[_Version], amendment: Amendment, act: RuleDocument, target: RuleDocument
) -> list[_Version]:
    since = start(amendment.since, act.timezone) if amendment.since is not None else act.published
    changed = versions
    if amendment.replace is not None:
        changed = [part for version in changed for part in _replaced(version, amendment, since, act, target)]
    changed = [_rerouted(version, amendment, since, act) for version in changed]
    if amendment.end is not None:
        end = start(amendment.end, act.timezone)
        changed = [replace(v, spans=meet(v.spans, BEGINNING, end)) for v in changed]
    for pause in amendment.suspend:
        first, last = span(pause.since, pause.until, pause.through, act.timezone)
        changed = [replace(v, spans=minus(v.spans, first, last)) for v in changed]
    return changed


def _replaced(
    version: _Version, amendment: Amendment, since: datetime, act: RuleDocument, target: RuleDocument
) -> list[_Version]:
    """The version until the change, and its successor with whole keys replaced from then on."""
    assert amendment.replace is not None
    keys = {
        name: getattr(amendment.replace, name) for name in amendment.replace.model_fields_set - {"clause"}
    }
    clause = version.clause.model_copy(update=keys)
    spans = version.spans
    if "in_force" in keys:
        spans = _joined(tuple(span(s.since, s.until, s.through, act.timezone) for s in clause.in_force))
    routes = version.routes
    if "routes" in keys:
        routes = tuple((route, _within(route, act), act) for route in clause.routes)
    first, last = version.stood
    before = replace(
        version, spans=meet(version.spans, BEGINNING, since), stood=(first, max(first, min(last, since)))
    )
    stood = (min(last, max(first, since)), last)
    zone = act.timezone if "destinations" in keys else version.places_in
    return [before, _Version(clause, meet(spans, since, END), routes, zone, stood)]


def _rerouted(version: _Version, amendment: Amendment, since: datetime, act: RuleDocument) -> _Version:
    ended, extension = set(amendment.end_routes), amendment.extend
    routes = []
    for route, spans, author in version.routes:
        if route.route in ended:
            spans = meet(spans, BEGINNING, since)
        if extension is not None and route.route in extension.routes:
            spans = _joined((*spans, (since, start(extension.until, act.timezone))))
        routes.append((route, spans, author))
    added = tuple((route, meet(_within(route, act), since, END), act) for route in amendment.add_routes)
    return replace(version, routes=(*routes, *added))


def _joined(spans: Spans) -> Spans:
    """The union, overlapping and touching spans made one."""
    joined: list[tuple[datetime, datetime]] = []
    for first, last in sorted(spans):
        if joined and first <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        elif first < last:
            joined.append((first, last))
    return tuple(joined)


def _bind(
    version: _Version, act: RuleDocument, versions: dict[tuple[str, str], list[_Version]]
) -> list[Binding]:
    """The version as bindings, one for each span of its destinations."""
    clause = version.clause
    standing = clause.defaults if clause.defaults is not None else act.defaults
    without = {*act.without, *clause.without}
    borrowed = [
        (route, meet(spans, *default.stood), act)
        for name in standing
        if name not in without
        for default in versions.get((name.rpartition("/")[0], name.rpartition("/")[2]), ())
        for route, spans, _ in default.routes
    ]
    ways = tuple(
        way for route, spans, author in (*version.routes, *borrowed) for way in _ways(route, spans, author)
    )
    dated = _destinations(clause, version.spans, version.places_in)
    return [
        Binding(
            rule=act.rule, clause=clause.clause, published=act.published, spans=spans, goods=clause.goods,
            exported_from=act.exported_from or Places(excluded=()), made_in=act.made_in, destinations=places,
            exporters=clause.exporters, duty=clause.effect if isinstance(clause.effect, DutyEffect) else None,
            ways=ways, whole_line=clause.whole_line, overrides=clause.overrides,
        )
        for places, spans in dated
        if spans
    ]  # fmt: skip


def _destinations(clause: Clause, spans: Spans, timezone: str) -> list[tuple[Places | None, Spans]]:
    """Which destinations the clause reaches when; where several entries hold, the last; where none does, all."""
    if clause.destinations is None or isinstance(clause.destinations, Places):
        return [(clause.destinations, spans)]
    found: list[tuple[Places | None, Spans]] = []
    rest = spans
    for entry in reversed(clause.destinations):
        assert isinstance(entry, DatedPlaces)
        first, last = span(entry.since, entry.until, entry.through, timezone)
        found.append((entry, meet(rest, first, last)))
        rest = minus(rest, first, last)
    return [*reversed(found), (None, rest)]


def _ways(route: Route, spans: Spans, act: RuleDocument) -> list[Way]:
    """The route in normal form: a way for each combination of alternatives, in the order they are written."""
    parts = [*route.all_of, *((AnyOf(any_of=route.any_of),) if route.any_of else ())]
    alternatives = [
        tuple(need for group in chosen for need in group)
        for chosen in product(*(_alternatives(part, False, act) for part in parts))
    ]
    return [
        Way(route.route, tuple(dict.fromkeys(needs)), spans, route.destinations) for needs in alternatives
    ]


def _alternatives(node: Requirement, negated: bool, act: RuleDocument) -> list[tuple[Need, ...]]:
    match node:
        case Not():
            return _alternatives(node.negated, not negated, act)
        case AnyOf() | AllOf():
            children = node.any_of if isinstance(node, AnyOf) else node.all_of
            branches = [_alternatives(child, negated, act) for child in children]
            if isinstance(node, AnyOf) != negated:
                return [way for branch in branches for way in branch]
            return [tuple(n for group in chosen for n in group) for chosen in product(*branches)]
        case _:
            return [(Need(_relative(node, act), negated, act.timezone, act.published),)]


def _relative(node: Any, act: RuleDocument) -> Any:
    """``before: published`` means the publication of the act that the route now belongs to."""
    if isinstance(node, DatedNeeded):
        update = {name: act.published for name in ("before", "by") if getattr(node, name) == "published"}
        return node.model_copy(update=update) if update else node
    return node
