"""The ordered scan: lines that share a finite balance draw from it one after another.

A licence with a quantity, a quota, a letter of credit: each line draws only what finally covers it, from each
balance once however many clauses ask for it. What is left has a low and a high of its own, because what others draw
may be unknown.
Lots (parts of a line with dated facts of their own) are balances that one line draws from alone.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal, localcontext

ZERO = Decimal(0)
_STEP = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Stake:
    """A finite licence a line may draw from: what each of its balances holds, and what one unit of the line takes.

    ``fit`` None: unknown whether it is good for the line. ``unclear``: its unit or currency cannot be converted.
    """

    parts: tuple[tuple[str, Decimal, Decimal], ...]
    fit: bool | None
    unclear: bool


@dataclass(frozen=True, slots=True)
class Fact:
    """What a dated fact says of a lot (None: of the line), in full where ``amount`` is None."""

    lot: str | None
    held: bool | None
    amount: Decimal | None
    unclear: bool


@dataclass(frozen=True, slots=True)
class Need:
    """One requirement of a route: what covers it without drawing, and the stakes or lots it may draw on."""

    file: Decimal
    low: Decimal
    high: Decimal
    stakes: tuple[Stake, ...] = ()
    facts: tuple[Fact, ...] = ()
    cap: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Way:
    """An open route of a clause: its needs by number."""

    number: int
    transition: bool
    needs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Clause:
    number: int
    unknown_scope: bool
    whole_line: bool
    ways: tuple[Way, ...]


@dataclass(frozen=True, slots=True)
class Drawer:
    """A line (or a shipment that has left) at its place in the order."""

    r: int
    open: Decimal
    needs: Mapping[int, Need]
    clauses: tuple[Clause, ...]


@dataclass(frozen=True, slots=True)
class Cover:
    """What a line is covered for: per clause (file without transitions, file, low, high); per way and per need (file,
    low, high)."""

    clauses: dict[int, tuple[Decimal, Decimal, Decimal, Decimal]]
    ways: dict[int, tuple[Decimal, Decimal, Decimal]]
    needs: dict[int, tuple[Decimal, Decimal, Decimal]]


class Ledger:
    """What has been drawn from each balance, in the order of draws: at least, and at most."""

    def __init__(self) -> None:
        self._drawn: defaultdict[str, list[tuple[int, Decimal, Decimal]]] = defaultdict(list)

    def enter(self, place: int, balance: str, least: Decimal, most: Decimal) -> None:
        """A draw at a place in the order; places never go back."""
        before = self._drawn[balance][-1] if self._drawn[balance] else (0, ZERO, ZERO)
        self._drawn[balance].append((place, before[1] + least, before[2] + most))

    def page(self, place: int) -> "Page":
        """What whoever stands at this place in the order finds drawn by those ahead."""
        return Page(self, place)

    def before(self, place: int, balance: str) -> tuple[Decimal, Decimal]:
        """What had been drawn before a place: at least, and at most."""
        entries = self._drawn.get(balance, [])
        index = bisect_left(entries, place, key=lambda entry: entry[0])
        return entries[index - 1][1:] if index else (ZERO, ZERO)


@dataclass(frozen=True, slots=True)
class Page:
    """The ledger as one line finds it."""

    ledger: Ledger
    place: int

    def least(self, balance: str) -> Decimal:
        return self.ledger.before(self.place, balance)[0]

    def most(self, balance: str) -> Decimal:
        return self.ledger.before(self.place, balance)[1]


UNTOUCHED = Page(Ledger(), 0)


@dataclass
class _Till:
    """What is left of balances and lots while one clause of one line draws, in one world."""

    drawn: Callable[[str], Decimal]
    unknown: bool
    filed: bool = False
    took: defaultdict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    lots: defaultdict[str | None, Decimal] = field(default_factory=lambda: defaultdict(Decimal))

    def available(self, stake: Stake) -> Decimal | None:
        """How many units of the line the stake covers; None without bound."""
        if not (stake.fit or (stake.fit is None and self.unknown)):
            return ZERO
        if stake.unclear:
            return None if self.unknown else ZERO
        amounts = [
            _down(max(ZERO, has - self.drawn(balance) - self.took[balance]), per)
            for balance, has, per in stake.parts
        ]
        bounded = [amount for amount in amounts if amount is not None]
        return min(bounded) if bounded else None

    def need(self, need: Need, most: Decimal) -> Decimal:
        """How much of ``most`` the need is met for."""
        met = need.high if self.unknown else need.file if self.filed else need.low
        for stake in need.stakes:
            amount = self.available(stake)
            met = most if amount is None else met + amount
        return min(met, most) if need.cap is None else min(met, most, need.cap)

    def way(self, way: Way, needs: Mapping[int, Need], most: Decimal) -> Decimal:
        """How much the way covers, lots counted once."""
        told = [needs[n] for n in way.needs if needs[n].facts]
        plain = [self.need(needs[n], most) for n in way.needs if not needs[n].facts]
        return min([most, *plain, *([self._by_lots(told, most)] if told else [])])

    def _by_lots(self, told: list[Need], most: Decimal) -> Decimal:
        names = sorted({fact.lot for need in told for fact in need.facts if fact.lot is not None})
        whole = min(self._lot(need, None, most) for need in told)
        lots = [min(self._of_lot(need, name, most) for need in told) - self.lots[name] for name in names]
        total = min(self._total(need, most) for need in told)
        cap = min((need.cap for need in told if need.cap is not None), default=most)
        left = max(ZERO, whole - self.lots[None]) + sum((max(ZERO, lot) for lot in lots), ZERO)
        taken = self.lots[None] + sum((self.lots[name] for name in names), ZERO)
        return max(ZERO, min(left, total - taken, cap - sum(self.lots.values()), most))

    def _of_lot(self, need: Need, name: str, most: Decimal) -> Decimal:
        return (
            self._lot(need, name, most)
            if any(f.lot == name for f in need.facts)
            else self._lot(need, None, most)
        )

    def _lot(self, need: Need, name: str | None, most: Decimal) -> Decimal:
        """What the facts of one lot (None: those that name none) are good for."""
        amounts = [self._amount(fact, most) for fact in need.facts if fact.lot == name]
        return min(most, sum(amounts, ZERO))

    def _total(self, need: Need, most: Decimal) -> Decimal:
        return min(most, sum((self._amount(fact, most) for fact in need.facts), ZERO))

    def _amount(self, fact: Fact, most: Decimal) -> Decimal:
        if not (fact.held or (fact.held is None and self.unknown)):
            return ZERO
        if fact.unclear:
            return most if self.unknown else ZERO
        return most if fact.amount is None else fact.amount

    def take(self, way: Way, needs: Mapping[int, Need], amount: Decimal) -> None:
        """Draw the amount that the way contributes: from licences in their order, from lots in theirs."""
        for number in way.needs:
            rest = amount - (needs[number].high if self.unknown else needs[number].low)
            for stake in needs[number].stakes:
                if rest <= 0:
                    break
                available = self.available(stake)
                part = rest if available is None else min(rest, available)
                if not stake.unclear:
                    for balance, _, per in stake.parts:
                        self.took[balance] += part * per
                rest -= part
        told = [needs[n] for n in way.needs if needs[n].facts]
        if told:
            self._take_lots(told, amount)

    def _take_lots(self, told: list[Need], amount: Decimal) -> None:
        names = sorted({f.lot for need in told for f in need.facts if f.lot is not None})
        for name in (*names, None):
            room = min(self._of_lot(n, name, amount) if name else self._lot(n, None, amount) for n in told)
            part = max(ZERO, min(amount, room - self.lots[name]))
            self.lots[name] += part
            amount -= part
        self.lots[None] += amount


def _down(left: Decimal, per: Decimal) -> Decimal | None:
    """Units that what is left pays for, rounded down to 6 decimals; a unit that takes nothing has no bound."""
    if per == 0:
        return None
    with localcontext() as context:
        context.prec = 60
        return (left / per).quantize(_STEP, rounding=ROUND_DOWN)


def _fill(clause: Clause, drawer: Drawer, till: _Till, target: Decimal) -> dict[int, Decimal]:
    """What each way of the clause contributes to the target, in the pack's order (``whole_line``: the best alone)."""
    if clause.whole_line:
        offers = [(way, till.way(way, drawer.needs, target)) for way in clause.ways]
        best = max(offers, key=lambda offer: offer[1], default=None)
        if best is not None:
            till.take(best[0], drawer.needs, best[1])
        return {} if best is None else {best[0].number: best[1]}
    parts: dict[int, Decimal] = {}
    for way in clause.ways:
        amount = till.way(way, drawer.needs, target - sum(parts.values(), ZERO))
        till.take(way, drawer.needs, amount)
        parts[way.number] = amount
    return parts


def cover(drawer: Drawer, page: Page) -> Cover:
    """What the line is covered for at its place in the order."""
    clauses, ways = {}, {}
    for clause in drawer.clauses:
        plain = Clause(clause.number, clause.unknown_scope, clause.whole_line,
                       tuple(way for way in clause.ways if not way.transition))  # fmt: skip
        amounts = [
            _fill(plain, drawer, _Till(page.most, unknown=False, filed=True), drawer.open),
            _fill(clause, drawer, _Till(page.most, unknown=False, filed=True), drawer.open),
            _fill(clause, drawer, _Till(page.most, unknown=False), drawer.open),
            _fill(clause, drawer, _Till(page.least, unknown=True), drawer.open),
        ]
        sums = [sum(parts.values(), ZERO) for parts in amounts]
        clauses[clause.number] = (sums[0], sums[1], sums[2], max(sums[2:]))
        for way in clause.ways:
            alone = [
                _Till(drawn, unknown, filed).way(way, drawer.needs, drawer.open)
                for drawn, unknown, filed in (
                    (page.most, False, True), (page.most, False, False), (page.least, True, False),
                )
            ]  # fmt: skip
            ways[way.number] = (alone[0], alone[1], alone[2])
    needs = {}
    for number, need in drawer.needs.items():
        if need.stakes or need.facts:
            one = Way(0, False, (number,))
            low = _Till(page.most, unknown=False).way(one, drawer.needs, drawer.open)
            needs[number] = (low, low, _Till(page.least, unknown=True).way(one, drawer.needs, drawer.open))
    return Cover(clauses, ways, needs)


def draw(drawer: Drawer, covered: Cover, page: Page) -> None:
    """Enter in the ledger what the line draws: at most to cover its high, at least to cover its low."""
    low = min((covered.clauses[c.number][2] for c in drawer.clauses), default=ZERO)
    high = min(
        (drawer.open if c.unknown_scope else covered.clauses[c.number][3] for c in drawer.clauses),
        default=ZERO,
    )
    largest = _drawn(drawer, page.least, high, max, unknown_scope=True)
    smallest = _drawn(drawer, page.most, low, min, unknown_scope=False)
    for balance in sorted(largest.keys() | smallest.keys()):
        # In the low world a line may fall back on another balance: of the two draws the smaller is sure.
        both = (smallest.get(balance, ZERO), largest.get(balance, ZERO))
        page.ledger.enter(page.place, balance, min(both), max(both))


def _drawn(
    drawer: Drawer,
    drawn: Callable[[str], Decimal],
    target: Decimal,
    pick: Callable[[Iterable[Decimal]], Decimal],
    unknown_scope: bool,
) -> dict[str, Decimal]:
    """What is drawn from each balance, the larger (or smaller) of the two worlds: unknown = nothing, unknown = all."""
    worlds = []
    for unknown in (False, True):
        most: dict[str, Decimal] = {}
        for clause in drawer.clauses:
            if clause.unknown_scope and not unknown_scope:
                continue
            till = _Till(drawn, unknown)
            _fill(clause, drawer, till, target)
            for balance, amount in till.took.items():
                most[balance] = max(most.get(balance, ZERO), amount)
        worlds.append(most)
    names = worlds[0].keys() | worlds[1].keys()
    return {name: pick(w.get(name, ZERO) for w in worlds) for name in names}
