"""Whether a clause speaks of a line: yes, no, or nobody can tell because a fact is missing."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from events.rule_document import Comparison, GoodsEntry
from tests.naive.facts import Facts, Line
from tests.naive.law import Binding
from tests.naive.measures import all_of, allowed, any_of, compared, negated

Told = bool | None


@dataclass(frozen=True)
class Scope:
    """The answer, and by name the facts on which an open answer depends."""

    holds: Told
    unknown: tuple[str, ...]


class Taxonomy:
    """Classes with their parents, and successions of codes, as far as they are published."""

    def __init__(self, facts: Facts) -> None:
        self.parents = {
            c.goods_class: c.parent for one in facts.of("goods.published") for c in one.classes if c.parent
        }
        self.steps = [s for one in facts.of("codes.published") for s in one.successions]

    def wider(self, name: str) -> Iterator[str]:
        """The classes that this one is a part of."""
        seen = {name}
        while True:
            name = self.parents.get(name) or name.rpartition(".")[0]
            if not name or name in seen:
                return
            seen.add(name)
            yield name

    def is_a(self, name: str | None, wanted: str) -> Told:
        if name is None:
            return None
        if name == wanted or wanted in self.wider(name):
            return True
        return None if name in self.wider(wanted) else False

    def coded(self, line: Line, entry: GoodsEntry) -> Told:
        """Whether the line's code is among the entry's, whatever the years; unknown without a code."""
        if line.hs is None or line.hs_year is None or entry.hs_year is None:
            return None
        images = self._images(line.hs, line.hs_year, entry.hs_year)
        answers = {_among(image, entry.hs) for image in images}
        return answers.pop() if len(answers) == 1 else None

    def _images(self, code: str, year: int, target: int) -> set[str]:
        """The codes that this one became, or came from, in the target year; none where no succession leads there."""
        path = self._path(year, target)
        codes = {code} if path else set()
        for here, there in pairwise(path):
            codes = {image for one in codes for image in self._step(one, here, there)}
        return codes

    def _step(self, code: str, here: int, there: int) -> set[str]:
        forward = [(s.hs, s.to) for s in self.steps if (s.hs_year, s.to_year) == (here, there)]
        backward = [(s.to, s.hs) for s in self.steps if (s.to_year, s.hs_year) == (here, there)]
        found = {to for known, to in forward + backward if known.startswith(code) or code.startswith(known)}
        return found or {code}

    def _path(self, year: int, target: int) -> list[int]:
        """The years to step through: the fewest steps, the nearest years first; empty where there is no way."""
        paths, seen = [[year]], {year}
        while paths:
            path = paths.pop(0)
            if path[-1] == target:
                return path
            pairs = [(s.hs_year, s.to_year) for s in self.steps] + [
                (s.to_year, s.hs_year) for s in self.steps
            ]
            reached = {to for here, to in pairs if here == path[-1]} - seen
            following = sorted(reached, key=lambda year: (abs(year - target), year))
            paths += [[*path, y] for y in following]
            seen.update(following)
        return []


def _among(code: str, wanted: tuple[str, ...]) -> Told:
    if any(code.startswith(one) for one in wanted):
        return True
    return None if any(one.startswith(code) for one in wanted) else False


def scopes(line: Line, law: list[Binding], taxonomy: Taxonomy, facts: Facts) -> list[tuple[Binding, Scope]]:
    """The clauses that reach the line, or may; one that another overrides reaches it only where the other does not."""
    plain = {(b.rule, b.clause): _plain(line, b, taxonomy, facts) for b in law}
    found = []
    for binding in law:
        scope = plain[binding.rule, binding.clause]
        above = [plain[b.rule, b.clause] for b in law if f"{binding.rule}/{binding.clause}" in b.overrides]
        holds = all_of([scope.holds, *(negated(one.holds) for one in above)])
        names = [name for one in (scope, *above) if one.holds is None for name in one.unknown]
        if holds is not False:
            found.append((binding, Scope(holds, tuple(dict.fromkeys(names)) if holds is None else ())))
    return found


def _plain(line: Line, binding: Binding, taxonomy: Taxonomy, facts: Facts) -> Scope:
    made_in: Told = True
    if binding.made_in is not None and binding.made_in.excluded != ():
        made_in = None if line.made_in is None else allowed(line.made_in, binding.made_in)
    place = allowed(line.exported_from, binding.exported_from) and (
        binding.destinations is None or allowed(line.destination, binding.destinations)
    )
    who, party = binding.exporters, facts.party(line.party)
    named = who is None or (
        party in map(facts.party, who.only)
        if who.only is not None
        else party not in map(facts.party, who.excluded or ())
    )
    entries = [_entry(line, entry, taxonomy) for entry in binding.goods]
    holds = all_of([place, named, made_in, any_of(entry.holds for entry in entries)])
    names = [
        *(["made_in"] if made_in is None else []),
        *(n for e in entries if e.holds is None for n in e.unknown),
    ]
    return Scope(holds, tuple(dict.fromkeys(names)))


def _entry(line: Line, entry: GoodsEntry, taxonomy: Taxonomy) -> Scope:
    """One entry of goods: by class with the code as a hint, by code alone, or by attributes whatever the class."""
    parts: list[tuple[str, Told]] = []
    if entry.hs_defines:
        if entry.goods_class is not None and line.goods_class is not None:
            parts.append(("class", taxonomy.is_a(line.goods_class, entry.goods_class) is not False))
        parts += _where(line, entry)
        parts.append(("hs", taxonomy.coded(line, entry)))
    elif entry.goods_class is not None:
        of_class = taxonomy.is_a(line.goods_class, entry.goods_class)
        if line.goods_class is None and entry.hs and taxonomy.coded(line, entry) is False:
            of_class = False
        parts += [("class", of_class), *_where(line, entry)]
    else:
        parts += _where(line, entry)
    return Scope(all_of(told for _, told in parts), tuple(name for name, told in parts if told is None))


def _where(line: Line, entry: GoodsEntry) -> list[tuple[str, Told]]:
    return [(name, attribute(line, name, wanted, entry.any_class)) for name, wanted in entry.where.items()]


def attribute(line: Line, name: str, wanted: Comparison, missing_is_no: bool = False) -> Told:
    """The line's attribute compared; a missing one is no where all facts are said to be given, else unknown."""
    value = line.attribute(name)
    if value is None and (line.facts_complete or missing_is_no):
        return False
    told = compared(value, wanted)
    return bool(told) if missing_is_no else told
