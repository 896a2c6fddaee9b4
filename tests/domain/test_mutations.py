"""Nothing in a pack is idle: whatever is taken out of a document, some golden case turns red."""

import re
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path as File
from typing import Any

import pytest
from pydantic import ValidationError

from events.envelope import Event
from events.rule_document import RuleDocument
from services.domain.scenarios import outcomes
from services.runtime.packs import Act
from tests.domain.golden import CASES, PACKS, Document, acts, documents, golden, shared

# What names or cites, and changes no verdict.
LABELS = {"rule", "title", "citation", "published", "clause", "route", "reading", "enacts", "facts"}
# The terms of a duty are a cost on what is exported: they enter losses, never a verdict.
NO_VERDICT = {"duty"}
# Lists of places and of hint codes count as one thing each.
WHOLE = {"only", "except", "hs"}
WORDS = {
    "exported_from", "made_in", "timezone", "clauses", "amends", "defaults", "without", "quotas", "readings",
    "confirms",
    "status", "in_force", "until", "through", "effect", "goods", "class", "where", "any_class", "hs", "hs_year",
    "hs_defines", "is", "at_least", "more_than", "at_most", "less_than", "destinations", "only", "except",
    "exporters",
    "routes", "whole_line", "overrides", "within", "licence", "of", "issued", "before", "by", "document", "listed",
    "dated", "exported_before", "attribute", "quantity", "value", "unit_price", "currency", "unit", "per", "basis",
    "exporter", "quota", "allowance", "factor", "never", "not", "any", "all", "add_routes", "end_routes", "extend",
    "replace", "end", "suspend", "holders", "replaces", "from",
}  # fmt: skip
SHARES = 40
Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Mutation:
    """A document without one of its parts: where it was, and the words of the grammar that went with it."""

    rule: str
    path: Path
    words: frozenset[str]
    document: Document

    @property
    def act(self) -> Event:
        """What is left of the act, as a fact."""
        return Act(RuleDocument.model_validate(self.document), File("mutated"), f"sha256:{'0' * 64}").event()

    def __str__(self) -> str:
        return f"{self.rule} without {'/'.join(str(step) for step in self.path)}"


@cache
def made() -> Sequence[Mutation]:
    """Every mutation of every pack, neighbours beside one another."""
    packs = documents(PACKS, CASES)
    return [one for rule in packs for one in mutations(packs[rule])]


@pytest.mark.slow
@pytest.mark.parametrize("share", range(SHARES))
def test_whatever_is_taken_out_of_a_pack_turns_a_golden_case_red(share: int) -> None:
    first, last = (len(made()) * n // SHARES for n in (share, share + 1))
    assert last > first
    assert survivors(made()[first:last]) == []


@pytest.mark.slow
def test_every_word_of_the_grammar_is_among_what_is_taken_out() -> None:
    print(f"{len(made())} mutations")
    assert len(made()) >= 639
    assert WORDS - {word for mutation in made() for word in mutation.words} == set()


def survivors(some: Sequence[Mutation]) -> list[str]:
    """The mutations that no case notices."""
    cases, found = [case for _, case in golden(PACKS, CASES)], []
    for mutation in some:
        changed = {**acts(), mutation.rule: mutation.act}
        asked = [case for case in cases if mutation.rule in case.rules]
        red = next(
            (case for case in asked if any(o.differences for o in outcomes(case, changed, shared()))), None
        )
        if red is None:
            found.append(str(mutation))
            continue
        cases.remove(red)  # it is asked first next time: neighbours often fall to the same case
        cases.insert(0, red)
    return found


def mutations(document: Document) -> Iterator[Mutation]:
    """The document with each of its parts taken out in turn, where what is left still fits the grammar."""
    original = RuleDocument.model_validate(document)
    for path in _paths(document):
        mutant = deepcopy(dict(document))
        removed = _remove(mutant, path)
        if _idle(document, path):
            continue
        try:
            changed = RuleDocument.model_validate(mutant)
        except ValidationError:
            continue
        if changed != original:
            yield Mutation(str(document["rule"]), path, frozenset(_words(removed, path)), mutant)


def _idle(document: Document, path: Path) -> bool:
    """What by its nature changes no verdict."""
    clauses = document.get("clauses", ())
    duties = [isinstance(clause.get("effect"), Mapping) for clause in clauses]
    nowhere = bool(clauses) and all(clause.get("destinations") == {"only": []} for clause in clauses)
    if document.get("status") == "announced":
        return path != ("status",)  # an announced act binds nobody, whatever it says
    match path:  # a duty only costs, a clause may reach no destination
        case ("timezone",):  # where no bare day is given
            return (bool(clauses) and all(duties)) or not re.search(
                r"'\d{4}-\d\d-\d\d'", str({**document, "citation": None})
            )
        case ("defaults", *_):  # a standing transition that the act itself switches off again
            off = {*document.get("without", ()), *(n for c in clauses for n in c.get("without", ()))}
            return set(document["defaults"]) <= off
        case ("clauses",) | ("exported_from",):
            return all(duties) or (nowhere and path == ("exported_from",))
        case ("clauses", int(number), *rest):
            return duties[number] and rest[:1] != ["effect"]
    return False


def _paths(node: Any, path: Path = ()) -> Iterator[Path]:
    if isinstance(node, Mapping):
        for key, child in node.items():
            if key in LABELS and not (key in ("rule", "clause") and isinstance(child, Mapping)):
                continue
            yield (*path, key)
            if key in WHOLE and not (key == "hs" and "hs_defines" in node):
                continue
            if key not in NO_VERDICT:
                yield from _paths(child, (*path, key))
    elif isinstance(node, list):
        for number, child in enumerate(node):
            yield (*path, number)
            yield from _paths(child, (*path, number))


def _remove(document: dict[str, Any], path: Path) -> Any:
    """Takes the part out, and what cannot stand without it (a code's year, a document's empty list of clauses)."""
    node: Any = document
    for step in path[:-1]:
        node = node[step]
    removed = {path[-1]: node[path[-1]]} if isinstance(node, dict) else node[path[-1]]
    del node[path[-1]]
    if path == ("exported_from",):
        document["exported_from"] = (
            "any"  # an act must say where goods leave from: without its own word, from anywhere
        )
    if path[-1] == "hs" and isinstance(node, dict):
        removed["hs_year"] = node.pop("hs_year", None)
    return removed


def _words(removed: Any, path: Path) -> Iterator[str]:
    yield from (str(step) for step in path[-2:] if isinstance(step, str))
    if isinstance(removed, Mapping):
        for key, child in removed.items():
            yield str(key)
            yield from _words(child, ())
    elif isinstance(removed, list):
        for child in removed:
            yield from _words(child, ())
