"""What meets one requirement for one line at one instant: sources for certain, and sources if the unknown is so."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from events import rule_document as grammar
from events.envelope import Event
from events.licences import DocumentFiled, Goods, LicenceGranted
from events.rule_document import RuleDocument
from tests.naive.facts import Facts, Line, registered
from tests.naive.law import Need, quotas
from tests.naive.measures import (
    LAST,
    all_of,
    any_of,
    bounded,
    compared,
    convert,
    day_end,
    day_start,
    floor6,
    listed,
    measure,
    span,
    within,
)
from tests.naive.scope import Taxonomy, Told, attribute

Pool = tuple[str, ...]
NEVER, AMENDABLE, OBTAINABLE = "never", "amendable", "obtainable"
LICENCES, LISTS, BALANCES, FACTS, TERMS, DOCUMENTS = range(6)


@dataclass(frozen=True)
class Source:
    """Covers up to ``most`` (None: everything), as far as each pool's total is not drawn yet; a rate is per unit of the line."""

    most: Fraction | None = None
    pools: tuple[tuple[Pool, Fraction, Fraction], ...] = ()

    def left(self, drawn: dict[Pool, Fraction], need: Fraction) -> Fraction:
        """What it can give to a need, in the line's unit."""
        amounts = [need] if self.most is None else [need, self.most]
        amounts += [
            floor6((total - drawn.get(pool, Fraction(0))) / rate) for pool, total, rate in self.pools if rate
        ]
        return max(Fraction(0), min(amounts))


ALL = Source()


@dataclass(frozen=True)
class Ask:
    """One requirement: its name in ``missing``, what an unmet one can become, and what covers it.

    ``unknown`` names the fact that nobody gave, where it is not the one that is asked for.

    ``sure`` counts always, ``perhaps`` instead of it where every unknown turns out well. ``lots`` hold the same by lot
    for a dated fact. ``filed`` is what is on file of a document that is handed in by the parties.
    """

    name: str
    group: int
    kind: str
    sure: tuple[Source, ...] = ()
    perhaps: tuple[Source, ...] = ()
    filed: Fraction | None = None
    lots: "Lots | None" = None
    unknown: str = ""
    cut_off: datetime | None = None

    def sources(self, unknown: bool) -> tuple[Source, ...]:
        return self.perhaps if unknown else self.sure

    def all_sources(self) -> list[Source]:
        by_lot = [] if self.lots is None else [*self.lots.sure.values(), *self.lots.perhaps.values()]
        return [*self.sure, *self.perhaps, *(source for sources in by_lot for source in sources)]


@dataclass(frozen=True)
class Lots:
    """A dated fact by lot ("" is what names none); ``free``: nothing is known of it, so it may cover everything."""

    sure: dict[str, tuple[Source, ...]] = field(hash=False)
    perhaps: dict[str, tuple[Source, ...]] = field(hash=False)
    free: bool


@dataclass(frozen=True)
class Case:
    """One line judged at one instant by the acts as read, on the facts known.

    ``presence``: only whether evidence is there is asked, not how much of it (so for the opposite of a requirement).
    """

    facts: Facts
    taxonomy: Taxonomy
    acts: tuple[RuleDocument, ...]
    line: Line
    at: datetime
    presence: bool = False


def ask(case: Case, need: Need) -> Ask:
    """What the requirement, or its opposite, comes to."""
    found = _asked(replace(case, presence=need.negated), need)
    if not need.negated:
        return found
    yes, may = _covers(found, case.line.open, False), _covers(found, case.line.open, True)
    told = _told(f"not {found.name}", found.group, NEVER, False if yes else None if may else True)
    return replace(told, unknown=found.unknown or found.name)


def _covers(found: Ask, amount: Fraction, unknown: bool) -> bool:
    """Whether anything at all is there."""
    if found.filed is not None:
        return found.filed > 0
    if found.lots is not None:
        lots = found.lots.perhaps if unknown else found.lots.sure
        return (unknown and found.lots.free) or any(
            s.left({}, amount) > 0 for of in lots.values() for s in of
        )
    return any(source.left({}, amount) > 0 for source in found.sources(unknown))


def _asked(case: Case, need: Need) -> Ask:
    asks, line = need.asks, case.line
    match asks:
        case grammar.LicenceNeeded():
            return _licence(case, asks, need.zone)
        case grammar.ListedNeeded():
            return _listed(case, asks)
        case grammar.DocumentNeeded():
            return _document(case, asks)
        case grammar.DatedNeeded():
            return _dated(case, asks, need)
        case grammar.ExportedBefore():
            end = day_start(asks.exported_before, need.zone)
            told = _told("exported_before", FACTS, NEVER, case.at < end)
            return Ask(told.name, told.group, told.kind, told.sure, told.perhaps, cut_off=end)
        case grammar.QuotaNeeded():
            sources = [
                (told, source) for told, _, source in sorted(_pools(case, asks.quota), key=lambda p: p[1])
            ]
            return Ask(asks.quota, BALANCES, OBTAINABLE, *_split(sources))
        case grammar.AllowanceNeeded():
            return _allowance(case, asks)
        case grammar.AttributeNeeded():
            return _told(asks.attribute, TERMS, NEVER, _attribute(case, asks))
        case grammar.ExporterNeeded():
            meant = case.facts.party(asks.exporter)
            return _told("exporter", TERMS, NEVER, case.facts.party(line.party) == meant)
        case grammar.Never():
            return _told("never", TERMS, NEVER, False)
        case _:
            return _told(next(iter(type(asks).model_fields)), TERMS, AMENDABLE, _term(line, asks))


def _told(name: str, group: int, kind: str, told: Told) -> Ask:
    return Ask(name, group, kind, (ALL,) if told else (), () if told is False else (ALL,))


def _split(sources: Iterable[tuple[Told, Source]]) -> tuple[tuple[Source, ...], tuple[Source, ...]]:
    """Those that count for certain, and those that count if all unknowns turn out well."""
    told = list(sources)
    return tuple(s for holds, s in told if holds), tuple(s for holds, s in told if holds is not False)


def for_goods(case: Case, goods: tuple[Goods, ...]) -> Told:
    """Whether one of the entries is good for the line; no entry means all goods."""
    return True if not goods else any_of(_for_entry(case, entry) for entry in goods)


def _for_entry(case: Case, entry: Goods) -> Told:
    line = case.line
    of_class = True if entry.goods_class is None else case.taxonomy.is_a(line.goods_class, entry.goods_class)
    coded: Told = True
    if entry.hs is not None and (line.hs is None or not line.hs.startswith(entry.hs)):
        coded = None if line.hs is None or entry.hs.startswith(line.hs) else False
    return all_of((of_class, coded))


def _role(case: Case, role: str) -> str | None:
    line = case.line
    return {
        "manufacturer": line.manufacturer,
        "exporter": line.party,
        "buyer": line.buyer,
        "end_user": line.end_user,
    }[role]


def _for_party(case: Case, role: str, held: list[tuple[Told, Source]], name: str, group: int) -> Ask:
    """Evidence of a party; of an unknown manufacturer it is the exporter's own, if it has any, else unknown."""
    sure, perhaps = _split(held)
    if _role(case, role) is not None or sure:
        return Ask(name, group, OBTAINABLE, sure, perhaps)
    return Ask(name, group, OBTAINABLE, (), (ALL,), unknown=role)


def _holder(case: Case, role: str) -> str | None:
    """Whose evidence is looked for: an unknown manufacturer may be the exporter."""
    return _role(case, role) or (case.line.party if role == "manufacturer" else None)


# Licences


def versions(facts: Facts, scheme: str, licence: str) -> list[tuple[LicenceGranted, datetime]]:
    """The versions of a licence by their beginning, each with the instant at which the next one takes over."""
    granted = {
        d.valid_from: d for d in facts.of("licence.granted") if (d.scheme, d.licence) == (scheme, licence)
    }
    begins = sorted(granted)
    return [(granted[begin], after) for begin, after in zip(begins, [*begins[1:], LAST], strict=True)]


def valid(facts: Facts, version: LicenceGranted, after: datetime, moment: datetime) -> bool:
    """Whether the version counts at the instant: granted, not over, not revoked, not suspended."""
    if not version.valid_from <= moment < min(version.until or LAST, after):
        return False
    of = [e.data for e in facts.events if getattr(e.data, "scheme", None) == version.scheme
          and getattr(e.data, "licence", None) == version.licence]  # fmt: skip
    kinds: dict[str, list[Any]] = {}
    for data in of:
        kinds.setdefault(type(data).__name__, []).append(data)
    if any(version.valid_from <= end.at <= moment for end in kinds.get("LicenceRevoked", [])):
        return False
    for pause in kinds.get("LicenceSuspended", []):
        back = [r.at for r in kinds.get("LicenceReinstated", []) if r.at > pause.at]
        if pause.at <= moment < min([pause.until or LAST, *back]):
            return False
    return True


def _licence(case: Case, asks: grammar.LicenceNeeded, zone: str) -> Ask:
    holder = _holder(case, asks.of)
    names = sorted({d.licence for d in case.facts.of("licence.granted") if d.scheme == asks.licence})
    held: list[tuple[tuple[Any, ...], Told, Source]] = []
    for name in names:
        for version, after in versions(case.facts, asks.licence, name):
            if (
                case.facts.party(version.holder) == case.facts.party(holder)
                and valid(case.facts, version, after, case.at)
                and _issued(asks, version, zone)
            ):
                source, sure = _balance(case, "licence", (version.scheme, name), version)
                told = all_of((_good_for(case, version), sure))
                held.append(
                    ((bool(version.unit or version.currency), version.until or LAST, name), told, source)
                )
    held.sort(key=lambda one: one[0])
    return _for_party(case, asks.of, [(told, source) for _, told, source in held], asks.licence, LICENCES)


def _issued(asks: grammar.LicenceNeeded, version: LicenceGranted, zone: str) -> bool:
    issued = asks.issued
    if issued is None:
        return True
    if issued.before is not None:
        return version.valid_from < day_start(issued.before, zone)
    return issued.by is not None and version.valid_from < day_end(issued.by, zone)


def _good_for(case: Case, version: LicenceGranted) -> Told:
    line = case.line
    use: Told = True
    if version.uses:
        value = line.attribute("use")
        use = (False if line.facts_complete else None) if value is None else value in version.uses
    to = not version.destinations or listed(line.destination, version.destinations)
    party = case.facts.party
    buyer = not version.buyers or party(line.buyer) in map(party, version.buyers)
    return all_of((for_goods(case, version.goods), to, buyer, use))


def _balance(case: Case, what: str, name: tuple[str, ...], holds: Any) -> tuple[Source, Told]:
    """What a licence or pool gives: everything, or its balances in quantity and value; None where units do not meet."""
    line, pools = case.line, []
    if case.presence:
        return ALL, True
    if holds.quantity is not None:
        (family, size), (own, own_size) = measure(holds.unit), measure(line.unit)
        if family != own:
            return ALL, None
        pools.append(((what, *name, family), Fraction(holds.quantity) * size, own_size))
    if holds.value is not None:
        if holds.currency != line.currency:
            return ALL, None
        pools.append(((what, *name, holds.currency), Fraction(holds.value), line.unit_price))
    return Source(None, tuple(pools)), True


# Lists, quotas, allowances


def _listed(case: Case, asks: grammar.ListedNeeded) -> Ask:
    party = _holder(case, asks.of)
    entries: list[Goods | None] = []
    for event in case.facts.named("list.entered", "list.removed"):
        data: Any = event.data
        meant = case.facts.party(data.party)
        if event.time > case.at or (data.list_name, meant) != (asks.listed, case.facts.party(party)):
            continue
        if event.type == "list.entered":
            entries += data.goods or [None]
        else:
            entries = [entry for entry in entries if data.goods and entry not in data.goods]
    told = any_of(True if entry is None else _for_entry(case, entry) for entry in entries)
    return _for_party(case, asks.of, [(told, ALL)] if told is not False else [], asks.listed, LISTS)


def _pools(case: Case, quota: str) -> Iterator[tuple[Told, tuple[Any, ...], Source]]:
    """The pools of that name which are open, each with its place in the order of draws."""
    for act, number, pool in quotas(case.acts):
        spans = [span(pool.since, pool.until, pool.through, act.timezone)]
        if pool.quota == quota and within(case.at, spans) and _may_draw(case, pool):
            name = (act.rule, str(number))
            filled = _Filled(pool.quantity, pool.unit, None, None)
            source, sure = _balance(case, "quota", name, filled)
            yield sure, (spans[0][1], f"rule {act.rule} {number}"), source
    for event in case.facts.named("quota.opened"):
        opened: Any = event.data
        spans = [(opened.valid_from, opened.until or LAST)]
        if opened.quota == quota and within(case.at, spans) and _may_draw(case, opened):
            source, sure = _balance(case, "quota", (event.source, event.id), opened)
            told = all_of((for_goods(case, opened.goods), sure))
            yield told, (spans[0][1], f"{event.source} {event.id}"), source


@dataclass(frozen=True)
class _Filled:
    quantity: Decimal | None
    unit: str | None
    value: Decimal | None
    currency: str | None


def _may_draw(case: Case, pool: Any) -> bool:
    to = not pool.destinations or listed(case.line.destination, pool.destinations)
    party = case.facts.party
    return to and (not pool.holders or party(case.line.party) in map(party, pool.holders))


def _allowance(case: Case, asks: grammar.AllowanceNeeded) -> Ask:
    """Factor times what the exporter filed under a form; filings in another measure leave it open."""
    family, size = measure(case.line.unit)
    total, open_end = Fraction(0), False
    who = case.facts.party(case.line.party) or ""
    for filing in case.facts.of("document.filed"):
        if (
            (case.facts.party(filing.exporter), filing.form) != (who, asks.per)
            or filing.at > case.at
            or filing.refused
        ):
            continue
        if filing.quantity is not None:
            other, factor = measure(filing.unit)
            open_end = open_end or other != family
            total += Fraction(filing.quantity) * factor * Fraction(asks.factor) if other == family else 0
    pool = ("allowance", asks.allowance, who, family)
    source = Source(None, ((pool, total, size),))
    return Ask(asks.allowance, BALANCES, OBTAINABLE, (source,), (ALL,) if open_end else (source,))


# Documents


def _document(case: Case, asks: grammar.DocumentNeeded) -> Ask:
    sides = ("exporter", "buyer") if asks.by == "both" else (asks.by,)
    states = [_filed(case, asks.document, side) for side in sides]
    refused = any(state is None for state in states)
    filed = Fraction(0) if refused else min(state for state in states if state is not None)
    sources = () if refused else (ALL,)
    return Ask(asks.document, DOCUMENTS, OBTAINABLE, sources, sources, filed=filed)


def _filed(case: Case, form: str, by: str) -> Fraction | None:
    """How much of the line is on file under a form by one side; None where the last filing was refused."""
    party = case.facts.party
    signers = (by, "both") if by in ("exporter", "buyer") else (party(by),)
    filings = [
        event
        for event in case.facts.named("document.filed")
        if isinstance(event.data, DocumentFiled) and event.data.form == form and party(event.data.by) in signers
        and event.time <= case.at and _applies(case, event)
    ]  # fmt: skip
    amounts = [(e.data.refused, e.data.quantity, e.data.unit) for e in filings]  # type: ignore[attr-defined]
    if amounts and amounts[-1][0]:
        return None
    whole, own = case.line.open, case.line.unit
    given = [
        whole if q is None else convert(q, unit, own) or Fraction(0) for no, q, unit in amounts if not no
    ]
    return min(whole, sum(given, Fraction(0)))


def _applies(case: Case, event: Event) -> bool:
    """Whether the filing is about the line, and about the goods and destination it has had ever since."""
    filing, line = event.data, case.line
    assert isinstance(filing, DocumentFiled)
    if filing.contract is None:
        named = case.facts.party(filing.exporter) == case.facts.party(line.party)
    else:
        named = (filing.exporter, filing.contract) == line.key[:2] and filing.line in (None, line.key[2])
    return named and not changed_since(case.facts, line, event.time)


def changed_since(facts: Facts, line: Line, moment: datetime) -> bool:
    """Whether an amendment after the instant gave the line other goods or another destination."""
    times = [e.time for e in facts.named("contract.signed", "contract.amended")
             if (e.data.exporter, e.data.contract) == line.key[:2] and moment < e.time <= line.moment]  # type: ignore[attr-defined]  # fmt: skip
    states = [facts.line(line.key, time) for time in [moment, *times]]
    goods = [state.goods for state in states if state is not None]
    return any(one != goods[0] for one in goods)


# Dated facts


def _dated(case: Case, asks: grammar.DatedNeeded, need: Need) -> Ask:
    cut_off, end = _cut_off(asks, need)
    instances = [one for one in _instances(case) if one[0] == asks.dated]
    lots: dict[str, list[tuple[Told, Any]]] = {}
    for _, lot, holds in instances:
        lots.setdefault(lot or "", []).append((_in_time(case, holds, end, need.zone), holds))
    by_lot = {lot: _lot_sources(case, asks.dated, lot, of) for lot, of in lots.items()}
    found = Lots(
        {lot: sure for lot, (sure, _) in by_lot.items()},
        {lot: may for lot, (_, may) in by_lot.items()},
        not instances and not case.line.facts_complete,
    )
    passed = cut_off is not None and cut_off < case.at
    return Ask(asks.dated, FACTS, NEVER if passed else OBTAINABLE, lots=found, cut_off=cut_off)


def _cut_off(asks: grammar.DatedNeeded, need: Need) -> tuple[datetime | None, datetime | None]:
    """The cut-off, and the first instant at which it is too late (of ``by`` an instant: just after it)."""
    if asks.before is not None:
        before = day_start(need.published if asks.before == "published" else asks.before, need.zone)
        return before, before
    if asks.by is None:
        return None, None
    by = need.published if asks.by == "published" else asks.by
    end = day_end(by, need.zone)
    return (by if isinstance(by, datetime) else end), end


def _instances(case: Case) -> Iterator[tuple[str, str | None, Any]]:
    """What happened to the line: fact, lot, and the moment with its balance; signing is one of them."""
    yield "contract_signed", None, _Moment(case.line.signed)
    for data in case.facts.of("contract.dated"):
        if (data.exporter, data.contract) == case.line.key[:2] and data.line in (None, case.line.key[2]):
            yield data.fact, data.lot, data


@dataclass(frozen=True)
class _Moment:
    at: Any
    until: Any = None
    quantity: Decimal | None = None
    unit: str | None = None
    value: Decimal | None = None
    currency: str | None = None
    line: str | None = ""


def _in_time(case: Case, holds: Any, end: datetime | None, zone: str) -> Told:
    """Whether it had happened by the judged instant, before the cut-off, and still counts."""
    first = day_start(holds.at, zone)
    last = first if isinstance(holds.at, datetime) else day_end(holds.at, zone)
    if first > case.at or (holds.until is not None and case.at >= day_start(holds.until, zone)):
        return False
    if end is not None and first >= end:
        return False
    by_now = last <= case.at
    in_time = end is None or last <= end
    return True if by_now and in_time else None


def _lot_sources(
    case: Case, fact: str, lot: str, of: list[tuple[Told, Any]]
) -> tuple[tuple[Source, ...], tuple[Source, ...]]:
    """What a lot covers under one fact: full where some instance gives no balance, else its balances together."""
    line = case.line
    own: Pool = ("lot", line.ref, lot or f"fact {fact}")
    sure: list[Source] = []
    may: list[Source] = []
    for unknown in (False, True):
        count: list[Source] = []
        for told, holds in of:
            if told is False or (told is None and not unknown):
                continue
            source, meets = _balance(
                case, "dated", (*line.key[:2], holds.line or "*", lot or f"fact {fact}"), holds
            )
            if meets or unknown:
                count.append(source)
        (may if unknown else sure).extend(_counted_once(count, own, line.open))
    return tuple(sure), tuple(may)


def _counted_once(sources: list[Source], own: Pool, whole: Fraction) -> list[Source]:
    """The sources of a lot as one, since a lot counts once over all routes: each draws the lot beside its own balance."""
    if any(not source.pools for source in sources):
        return [Source(None, ((own, whole, Fraction(1)),))]
    merged: dict[tuple[Pool, ...], Source] = {}
    for source in sources:
        names = tuple(pool for pool, _, _ in source.pools)
        there = merged.get(names)
        totals = [t + (there.pools[i][1] if there else 0) for i, (_, t, _) in enumerate(source.pools)]
        merged[names] = Source(
            None, tuple((p, t, r) for (p, _, r), t in zip(source.pools, totals, strict=True))
        )
    size = sum((source.left({}, whole) for source in merged.values()), Fraction(0))
    return [Source(None, (*source.pools, (own, size, Fraction(1)))) for source in merged.values()]


# Attributes and terms


def _attribute(case: Case, asks: grammar.AttributeNeeded) -> Told:
    if asks.of == "line":
        return attribute(case.line, asks.attribute, asks)
    about = registered(case.facts, case.line.party, case.line.moment)
    value = about.attributes.get(asks.attribute) if about is not None else None
    return compared(value, asks)


def _term(line: Line, asks: Any) -> Told:
    """A term the parties can amend: the ordered quantity (of a consignment what is still to leave), its value, a price."""
    match asks:
        case grammar.QuantityNeeded():
            (family, size), (other, there) = measure(line.unit), measure(asks.quantity.unit)
            return (
                bounded(_meant(line, asks.quantity) * size / there, asks.quantity)
                if family == other
                else None
            )
        case grammar.ValueNeeded():
            same = line.currency == asks.value.currency
            return bounded(_meant(line, asks.value) * line.unit_price, asks.value) if same else None
        case _:
            price = asks.unit_price
            (family, size), (other, there) = measure(line.unit), measure(price.per)
            basis = price.basis is None or price.basis == (line.incoterm or "")[:3]
            if family != other or line.currency != price.currency or not basis:
                return None
            return bounded(line.unit_price * there / size, price)


def _meant(line: Line, bound: Any) -> Fraction:
    return line.open if bound.per == "consignment" else line.quantity
