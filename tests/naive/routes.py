"""How routes cover a line: one after another in the pack's order, each as far as all of its requirements go."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from tests.naive.law import Binding, Way
from tests.naive.measures import allowed, convert
from tests.naive.proof import NEVER, Ask, Case, Pool, Source, ask

Drawn = dict[Pool, Fraction]
ZERO = Fraction(0)


@dataclass(frozen=True)
class Route:
    """A way as it stands for one line at one instant; ``had`` is what the line had at the transition's cut-off."""

    name: str
    asks: tuple[Ask, ...]
    open: bool
    ahead: bool
    there: bool
    transition: bool
    had: Fraction | None

    @property
    def usable(self) -> bool:
        return self.open and self.there


@dataclass(frozen=True)
class Reached:
    """A clause that reaches the line (or may: ``certain`` is false), and the routes out of it."""

    binding: Binding
    certain: bool
    unknown: tuple[str, ...]
    routes: tuple[Route, ...]


def route(case: Case, way: Way) -> Route:
    """The way with everything it asks for."""
    asks = tuple(ask(case, need) for need in way.needs)
    is_open = any(first <= case.at < last for first, last in way.spans)
    ahead = not is_open and any(first > case.at for first, _ in way.spans)
    there = way.destinations is None or allowed(case.line.destination, way.destinations)
    cut_offs = [one.cut_off for one in asks if one.cut_off is not None]
    had = min((_had(case, cut_off) for cut_off in cut_offs), default=None)
    return Route(way.name, asks, is_open, ahead, there, way.transition, had)


def _had(case: Case, cut_off: datetime) -> Fraction:
    """What the line had at the cut-off, less what was shipped; nothing for a line added later."""
    line = case.line
    then = case.facts.line(line.key, min(line.moment, cut_off))
    contract = case.facts.contract(line.key[0], line.key[1], min(line.moment, cut_off))
    if then is None or contract is None or line.key[2] in contract.removed:
        return ZERO
    return max(ZERO, (convert(then.quantity, then.unit, line.unit) or ZERO) - line.shipped)


@dataclass(frozen=True)
class World:
    """What is assumed: balances drawn so far, unknowns good or bad, pending papers counted or not, which routes."""

    drawn: Drawn
    unknown: bool
    pending: bool = True
    only: Collection[int] | None = None


def fill(clause: Reached, target: Fraction, world: World) -> tuple[Fraction, Drawn]:
    """How much of the target the clause's routes cover, and what that draws from each balance."""
    chosen = [r for i, r in enumerate(clause.routes) if r.usable and (world.only is None or i in world.only)]
    if clause.binding.whole_line:
        best: tuple[Fraction, Drawn] = (ZERO, {})
        for one in chosen:
            found = _through([one], target, world)
            best = found if found[0] > best[0] else best
        return best
    return _through(chosen, target, world)


def _through(routes: Sequence[Route], target: Fraction, world: World) -> tuple[Fraction, Drawn]:
    covered, under_way, used = ZERO, ZERO, Drawn()
    for one in routes:
        need = target - covered
        if one.had is not None:
            need = min(need, max(ZERO, one.had - under_way))
        amount, draws = _one(one, need, _added(world.drawn, used), world)
        covered += amount
        under_way += amount if one.had is not None else ZERO
        used = _added(used, draws)
    return covered, used


def _added(one: Drawn, other: Drawn) -> Drawn:
    return {pool: one.get(pool, ZERO) + other.get(pool, ZERO) for pool in {**one, **other}}


def _most(one: Drawn, other: Drawn) -> Drawn:
    return {pool: max(one.get(pool, ZERO), other.get(pool, ZERO)) for pool in {**one, **other}}


def _one(one: Route, need: Fraction, drawn: Drawn, world: World) -> tuple[Fraction, Drawn]:
    """The minimum over the requirements, and the most that any of them draws from each balance for it."""
    plain = [a for a in one.asks if a.lots is None]
    dated = [a for a in one.asks if a.lots is not None]
    amount = min([need, *(cover(a, need, drawn, world) for a in plain)])
    amount = min(amount, _by_lots(dated, amount, drawn, world)[0])
    draws: Drawn = _by_lots(dated, amount, drawn, world)[1]
    for a in plain:
        if a.filed is None:
            draws = _most(draws, take(a.sources(world.unknown), amount, drawn)[1])
    return amount, draws


def cover(one: Ask, need: Fraction, drawn: Drawn, world: World) -> Fraction:
    """How much of a need the requirement alone lets through."""
    if one.filed is not None and not world.pending:
        return min(need, one.filed)
    if one.lots is not None:
        return _by_lots([one], need, drawn, world)[0]
    return take(one.sources(world.unknown), need, drawn)[0]


def take(sources: Sequence[Source], need: Fraction, drawn: Drawn) -> tuple[Fraction, Drawn]:
    """The need, as far as the sources go, one after another; and what is drawn from each pool."""
    covered, used = ZERO, Drawn()
    for source in sources:
        amount = source.left(_added(drawn, used), need - covered)
        covered += amount
        for pool, _, rate in source.pools:
            used[pool] = used.get(pool, ZERO) + amount * rate
    return covered, used


def _by_lots(dated: Sequence[Ask], need: Fraction, drawn: Drawn, world: World) -> tuple[Fraction, Drawn]:
    """Lots are judged one by one and add up: each as far as every fact holds for it (a fact without lot holds for all)."""
    held = [
        (a.lots.perhaps if world.unknown else a.lots.sure)
        for a in dated
        if a.lots is not None and not (a.lots.free and world.unknown)
    ]
    if not held:
        return need, {}
    covered, used = ZERO, Drawn()
    for lot in sorted({lot for lots in held for lot in lots if lot}) + [""]:
        parts = [lots.get(lot, lots.get("", ())) for lots in held]
        now = _added(drawn, used)
        amount = min([need - covered, *(take(part, need - covered, now)[0] for part in parts)])
        draws: Drawn = {}
        for part in parts:
            draws = _most(draws, take(part, amount, now)[1])
        covered += amount
        used = _added(used, draws)
    return covered, used


def closed(one: Route, whole: Fraction, drawn: Drawn) -> bool:
    """Whether the route can never open (again)."""
    if not one.there or not (one.open or one.ahead):
        return True
    return any(a.kind == NEVER and highest(one, a, whole, drawn) == 0 for a in one.asks)


def highest(one: Route, a: Ask, whole: Fraction, drawn: Drawn) -> Fraction:
    """The most that a requirement may let through, where every unknown turns out well."""
    limit = whole if a.cut_off is None or one.had is None else min(whole, one.had)
    return min(limit, cover(a, whole, drawn, World(drawn, True)))


def lowest(one: Route, a: Ask, whole: Fraction, drawn: Drawn, pending: bool = True) -> Fraction:
    """The least that a requirement lets through for certain."""
    limit = whole if a.cut_off is None or one.had is None else min(whole, one.had)
    return min(limit, cover(a, whole, drawn, World(drawn, False, pending)))
