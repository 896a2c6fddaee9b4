"""The verdict on one line at one instant: for every clause some route, all its requirements, some evidence."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations

from tests.naive.law import Binding
from tests.naive.proof import AMENDABLE, Ask, Case
from tests.naive.routes import Drawn, Reached, Route, World, closed, fill, highest, lowest, route
from tests.naive.scope import scopes

ORDER = ("clear", "satisfied", "grandfathered", "needs_documents", "needs_review", "partial", "in_abeyance",
         "unlicensed", "prohibited")  # fmt: skip
EXPORTABLE = ORDER[:4]
ZERO = Fraction(0)


@dataclass(frozen=True)
class Judged:
    """The answer: ``low`` is covered for certain, ``high`` perhaps."""

    verdict: str
    rule: str | None
    clause: str | None
    route: str | None
    missing: tuple[str, ...]
    low: Fraction
    high: Fraction


@dataclass(frozen=True)
class Left:
    """What is drawn from balances before this line: at most (for its low) and at least (for its high)."""

    large: Drawn
    small: Drawn


@dataclass(frozen=True)
class _Measured:
    clause: Reached
    low: Fraction
    high: Fraction
    verdict: str

    @property
    def name(self) -> tuple[str, str]:
        return self.clause.binding.rule, self.clause.binding.clause


def reached(case: Case, law: list[Binding]) -> list[Reached]:
    """The blocking clauses that reach the line, or may, each with its routes."""
    return [
        Reached(b, scope.holds is True, scope.unknown, tuple(route(case, way) for way in b.ways))
        for b, scope in scopes(case.line, law, case.taxonomy, case.facts)
        if b.blocks
    ]


def judge(clauses: Sequence[Reached], whole: Fraction, left: Left) -> Judged:
    """The verdict on the line's own minimum over its clauses."""
    if not clauses:
        return Judged("clear", None, None, None, (), whole, whole)
    measured = [_measured(clause, whole, left) for clause in clauses]
    low, high = min(m.low for m in measured), min(m.high for m in measured)
    if high == 0:
        deciding = _worst(m for m in measured if m.high == 0)
        verdict = deciding.verdict
    elif low != high:
        verdict = "needs_review"
        deciding = min((m for m in measured if m.low != m.high), key=lambda m: (m.low, m.name))
    elif low < whole:
        verdict = "partial"
        deciding = min((m for m in measured if m.low < whole), key=lambda m: (m.low, m.name))
    else:
        deciding = _worst(measured)
        verdict = deciding.verdict
    nearest, missing = _nearest(deciding, verdict, whole, left)
    rule, clause = deciding.name
    return Judged(verdict, rule, clause, nearest, missing, low, high)


def _worst(measured: Iterable[_Measured]) -> _Measured:
    return min(measured, key=lambda m: (-ORDER.index(m.verdict), m.name))


def _measured(clause: Reached, whole: Fraction, left: Left) -> _Measured:
    low = fill(clause, whole, World(left.large, unknown=False))[0]
    high = max(low, fill(clause, whole, World(left.small, unknown=True))[0]) if clause.certain else whole
    if high == 0:
        verdict = _never_or_not_yet(clause, whole, left)
    elif low != high:
        verdict = "needs_review"
    elif low < whole:
        verdict = "partial"
    else:
        verdict = _how_covered(clause, whole, left)
    return _Measured(clause, low, high, verdict)


def _never_or_not_yet(clause: Reached, whole: Fraction, left: Left) -> str:
    """What an uncovered clause can become: the best that any of its routes can."""
    found = "prohibited"
    for one in clause.routes:
        if closed(one, whole, left.small):
            continue
        blocking = [a for a in one.asks if highest(one, a, whole, left.small) == 0]
        if one.open and blocking and all(a.kind == AMENDABLE for a in blocking):
            return "in_abeyance"
        found = "unlicensed"
    return found


def _how_covered(clause: Reached, whole: Fraction, left: Left) -> str:
    """By evidence on file, else with transitions, else only with papers to be filed: over every subset of routes."""
    numbers = [i for i, one in enumerate(clause.routes) if one.usable]
    shared = any(source.pools for one in clause.routes for a in one.asks for source in a.all_sources())
    for plain, verdict in ((True, "satisfied"), (False, "grandfathered")):
        of = [i for i in numbers if not (plain and clause.routes[i].transition)]
        sizes = range(len(of) + 1) if shared else [len(of)]  # without balances fewer routes never cover more
        for only in (only for size in sizes for only in combinations(of, size)):
            if fill(clause, whole, World(left.large, False, pending=False, only=only))[0] >= whole:
                return verdict
    return "needs_documents"


def _nearest(of: _Measured, verdict: str, whole: Fraction, left: Left) -> tuple[str | None, tuple[str, ...]]:
    """The nearest route's name, and what is missing there (of a line under review: what is unknown)."""
    routes = list(enumerate(of.clause.routes))
    if verdict == "needs_documents":
        routes = [(i, one) for i, one in routes if _covers_something(of.clause, i, whole, left)]
    ranked = sorted(
        routes,
        key=lambda r: (closed(r[1], whole, left.small), r[1].ahead, len(_unmet(r[1], whole, left)), r[0]),
    )
    name = ranked[0][1].name if ranked else None
    if verdict == "needs_review":
        return name, _unknown(of, whole, left)
    if not ranked or verdict in ("satisfied", "grandfathered"):
        return name, ()
    return name, _names(_unmet(ranked[0][1], whole, left))


def _covers_something(clause: Reached, number: int, whole: Fraction, left: Left) -> bool:
    return fill(clause, whole, World(left.large, False, only=(number,)))[0] > 0


def _unmet(one: Route, whole: Fraction, left: Left) -> list[Ask]:
    """Requirements that do not let the whole line through on what is on file."""
    return [a for a in one.asks if lowest(one, a, whole, left.large, pending=False) < whole]


def _unknown(of: _Measured, whole: Fraction, left: Left) -> tuple[str, ...]:
    """The unknown facts of the deciding clause: of its scope, then of each route whose cover depends on one."""
    asks = [
        a
        for i, one in enumerate(of.clause.routes)
        if fill(of.clause, whole, World(left.large, False, only=(i,)))[0]
        != fill(of.clause, whole, World(left.small, True, only=(i,)))[0]
        for a in one.asks
        if lowest(one, a, whole, left.large) != highest(one, a, whole, left.small)
    ]
    asks.sort(key=lambda a: a.group)
    return tuple(dict.fromkeys([*of.clause.unknown, *(a.unknown or a.name for a in asks)]))


def _names(asks: Iterable[Ask]) -> tuple[str, ...]:
    """Names by group (licences, lists, balances, facts, terms, documents), each once."""
    return tuple(dict.fromkeys(a.name for a in sorted(asks, key=lambda a: a.group)))


def draws(clauses: Sequence[Reached], judged: Judged, left: Left) -> tuple[Drawn, Drawn]:
    """The most and the least that the line draws from each balance: from each once, however many clauses ask for it."""
    if not clauses:
        return {}, {}
    large: Drawn = {}
    for unknown in (False, True):
        for clause in clauses:
            large = _each(max, large, fill(clause, judged.high, World(left.small, unknown))[1])
    small: Drawn | None = None
    for unknown in (False, True):
        world: Drawn = {}
        for clause in clauses:
            if clause.certain:
                world = _each(max, world, fill(clause, judged.low, World(left.large, unknown))[1])
        small = world if small is None else _each(min, small, world)
    # A line may turn to another balance just where others left less of the first: there the two change places.
    least = small or {}
    return _balances(_each(max, large, least)), _balances(_each(min, large, least))


def _each(choose: Callable[[Fraction, Fraction], Fraction], one: Drawn, other: Drawn) -> Drawn:
    return {pool: choose(one.get(pool, ZERO), other.get(pool, ZERO)) for pool in {**one, **other}}


def _balances(drawn: Drawn) -> Drawn:
    """Only what outlives the line: that a lot counts once is a matter of one line."""
    return {pool: amount for pool, amount in drawn.items() if pool[0] != "lot" and amount > 0}
