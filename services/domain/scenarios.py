"""Golden cases: a few facts in short form, the acts that were known, and the answers a lawyer expects of them.

Pure: a case is plain data (as YAML read as text gives it), and running it needs nothing but the acts it names.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from events.contracts import ContractAmended, ContractSigned
from events.envelope import Event, event, explain
from events.licences import DocumentFiled
from events.rule_document import RuleDocument
from events.rules import RuleAnnounced, RuleEnacted
from events.values import instant_of
from services.domain.answers import KEYS, answers
from services.domain.book import Book, frame_of
from services.domain.losses import estimate
from services.domain.verdicts import assess

SOURCE = "scenario"
_ASSUMED = ("documents_filed",)
_ASKED = ("line", "at", "known", "now", "reading")


class CaseError(ValueError):
    """A case says something that cannot be read; the message names the place and what was expected."""


@dataclass(frozen=True)
class Expectation:
    """What the answer for one line must say, judged ``at`` (default: as planned), with what was ``known``."""

    line: str
    at: datetime | None
    known: datetime | None
    now: datetime | None
    reading: str | None
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Question:
    """What a book is asked: the present, the instant judged at, what had been learnt, one reading of the acts."""

    now: datetime
    at: datetime | None
    known: datetime | None
    reading: str | None


@dataclass(frozen=True)
class Case:
    """One scenario. ``rules`` holds when each act was learnt, where it was not on the day it was published."""

    name: str
    rules: Mapping[str, datetime | None]
    given: tuple[Event, ...]
    documents_filed: bool
    then: tuple[Expectation, ...]


@dataclass(frozen=True)
class Difference:
    """A key of an answer that is not what was expected."""

    key: str
    expected: Any
    found: Any


@dataclass(frozen=True)
class Outcome:
    """An expectation and how the answer differs from it; where nothing differs, it holds."""

    expectation: Expectation
    differences: tuple[Difference, ...] = field(default=())


def read(raw: Any) -> Case:
    """The case in a decoded entry of a scenario file. Raises CaseError."""
    content = _mapping(raw, "a scenario", ("scenario", "rules", "given", "then"), ())
    name = str(content["scenario"])
    facts = [_mapping(fact, f"{name}: given {n}") for n, fact in enumerate(_list(content, "given"), 1)]
    assumed = {str(fact["assume"]) for fact in facts if set(fact) == {"assume"}}
    if unknown := assumed - set(_ASSUMED):
        raise CaseError(f"{name}: assume: expected {_ASSUMED[0]}, not {min(unknown)}")
    return Case(
        name=name,
        rules=dict(_rule(name, entry) for entry in _list(content, "rules")),
        given=tuple(_fact(name, n, fact) for n, fact in enumerate(facts, 1) if "assume" not in fact),
        documents_filed=bool(assumed),
        then=tuple(_expectation(name, n, entry) for n, entry in enumerate(_list(content, "then"), 1)),
    )


def run(case: Case, acts: Mapping[str, Event], shared: Iterable[Event] = ()) -> list[Outcome]:
    """How each expectation fares. ``acts``: each act by its rule id as a fact; ``shared``: taxonomies.

    Raises:
        CaseError: the case names an act that is not among ``acts``.
    """
    return list(outcomes(case, acts, shared))


def outcomes(case: Case, acts: Mapping[str, Event], shared: Iterable[Event] = ()) -> Iterator[Outcome]:
    """As ``run``, one at a time: whoever looks for the first difference need not wait for the others."""
    book = Book.from_events(frame_of(facts(case, acts, shared)))
    judged: dict[tuple[Question, bool], Mapping[str, Mapping[str, Any]]] = {}
    for one in case.then:
        asked, costs = question(case, one), "loss" in one.values
        if asked is not None and (asked, costs) not in judged:
            judged[asked, costs] = _judged(book, asked, costs)
        yield compared(one, None if asked is None else judged[asked, costs].get(one.line))


def facts(case: Case, acts: Mapping[str, Event], shared: Iterable[Event] = ()) -> list[Event]:
    """All that is told in a case: taxonomies, acts, its own facts and the papers it assumes. Raises CaseError."""
    known = [_learnt(case, rule, recorded, acts) for rule, recorded in case.rules.items()]
    documents = [one.data.document for one in known if isinstance(one.data, RuleEnacted | RuleAnnounced)]
    papers = _all_documents(case.given, documents) if case.documents_filed else ()
    return [*shared, *known, *case.given, *papers]


def question(case: Case, expectation: Expectation) -> Question | None:
    """What is asked for an expectation; nothing where its line has no instant of export by which to ask."""
    now = expectation.now or expectation.at or _planned(case, expectation)
    return None if now is None else Question(now, expectation.at, expectation.known, expectation.reading)


def compared(expectation: Expectation, answer: Mapping[str, Any] | None) -> Outcome:
    """How an answer (as plain values; none where there is no such line) differs from what was expected."""
    if answer is None:
        return Outcome(expectation, (Difference("line", expectation.line, None),))
    wanted = expectation.values.items()
    return Outcome(
        expectation,
        tuple(Difference(key, of, answer[key]) for key, of in wanted if not same(of, answer[key], key)),
    )


def same(expected: Any, found: Any, key: str = "") -> bool:
    """Whether an answer is what a case expects: text as written, or the same instant; lists of names in any order."""
    match expected:
        case Mapping():
            return isinstance(found, Mapping) and all(same(v, found.get(k), k) for k, v in expected.items())
        case list():
            if not isinstance(found, list) or len(found) != len(expected):
                return False
            if key in ("missing", "readings"):
                return sorted(map(str, expected)) == sorted(found)
            return all(same(one, other) for one, other in zip(expected, found, strict=True))
        case "null":
            return found is None
        case _:
            return bool(found == expected) or (isinstance(found, str) and _same_text(str(expected), found))


def _same_text(expected: str, found: str) -> bool:
    try:
        return instant_of(expected) == instant_of(found)
    except ValueError:
        return _plain(expected) == found


def _plain(text: str) -> str:
    """The number as answers print it, without trailing zeros; any other text as it is."""
    whole, point, decimals = text.partition(".")
    if not (whole.lstrip("-").isdigit() and point and decimals.isdigit()):
        return text
    return f"{whole}.{decimals}".rstrip("0").rstrip(".")


def _judged(book: Book, asked: Question, costs: bool) -> Mapping[str, Mapping[str, Any]]:
    """The answers for all lines, by line; with their losses where those are asked for."""
    rows = assess(book, now=asked.now, at=asked.at, known=asked.known, reading=asked.reading)
    if costs:
        rows = estimate(book, rows, now=asked.now, known=asked.known, at=asked.at)
    return {answer["ref"]: answer for answer in answers(rows)}


def _planned(case: Case, expectation: Expectation) -> datetime | None:
    """When the line was to be exported, by the last version of it that was known."""
    found = None
    for fact in sorted(case.given, key=lambda one: (one.time, one.recordedat)):
        data = fact.data
        if isinstance(data, ContractSigned | ContractAmended) and _known(fact, expectation.known):
            for line in data.lines:
                if expectation.line == f"{data.exporter}/{data.contract}/{line.line}":
                    found = line.export_at
    return found


def _known(fact: Event, known: datetime | None) -> bool:
    return known is None or (fact.recordedat or fact.time) <= known


def _learnt(case: Case, rule: str, recorded: datetime | None, acts: Mapping[str, Event]) -> Event:
    if rule not in acts:
        raise CaseError(
            f"{case.name}: the rule {rule} is not known. Name the folder of its pack with --rules."
        )
    return _recorded(acts[rule], recorded) if recorded else acts[rule]


def _recorded(fact: Event, recorded: datetime) -> Event:
    return fact.model_copy(update={"recordedat": recorded})


def _all_documents(given: tuple[Event, ...], acts: list[RuleDocument]) -> Iterator[Event]:
    """Every paper that an act asks for, filed anew whenever the contract changed; not one that the case speaks of."""
    told = {
        (f.data.exporter, f.data.contract, f.data.form) for f in given if isinstance(f.data, DocumentFiled)
    }
    forms = sorted({form for act in acts for form in _forms(act.model_dump(mode="json"))})
    for fact in given:
        data = fact.data
        if not isinstance(data, ContractSigned | ContractAmended):
            continue
        for form, by in forms:
            if told.isdisjoint({(data.exporter, data.contract, form), (data.exporter, None, form)}):
                paper = {"exporter": data.exporter, "contract": data.contract, "document": form, "form": form, "by": by,
                         "at": fact.time}  # fmt: skip
                yield event(
                    "document.filed",
                    paper,
                    source=SOURCE,
                    id=f"{fact.id}/{form}/{by}",
                    recordedat=fact.recordedat,
                )


def _forms(node: Any) -> Iterator[tuple[str, str]]:
    if isinstance(node, dict):
        if isinstance(node.get("document"), str) and isinstance(node.get("by"), str):
            yield node["document"], node["by"]
        for part in node.values():
            yield from _forms(part)
    elif isinstance(node, list | tuple):
        for part in node:
            yield from _forms(part)


def _fact(name: str, number: int, fact: Mapping[str, Any]) -> Event:
    place = f"{name}: given {number}"
    if len(fact) != 1:
        raise CaseError(
            f"{place}: expected one fact, such as contract.signed: {{…}}, not {', '.join(map(str, fact))}"
        )
    ((kind, raw),) = fact.items()
    data = dict(_mapping(raw, f"{place} ({kind})"))
    recorded = data.pop("recorded", None)
    try:
        made = event(str(kind), data, source=SOURCE, id=f"{number:04}", recordedat=recorded)
    except ValueError as error:
        raise CaseError(f"{place} ({kind}): {explain(error)}") from error
    return made if made.recordedat else _recorded(made, made.time)


def _rule(name: str, entry: Any) -> tuple[str, datetime | None]:
    if isinstance(entry, str):
        return entry, None
    content = _mapping(entry, f"{name}: rules", ("rule",), ("recorded",))
    return str(content["rule"]), _instant(content, "recorded", f"{name}: rules")


def _expectation(name: str, number: int, entry: Any) -> Expectation:
    place = f"{name}: then {number}"
    content = _mapping(entry, place, ("line",), (*_ASKED, *KEYS))
    at, known, now = (_instant(content, key, place) for key in ("at", "known", "now"))
    values = {key: value for key, value in content.items() if key not in _ASKED}
    if not values:
        raise CaseError(f"{place}: expected a key of the answer, such as verdict")
    return Expectation(str(content["line"]), at, known, now, content.get("reading"), values)


def _instant(content: Mapping[str, Any], key: str, place: str) -> datetime | None:
    if key not in content:
        return None
    try:
        return instant_of(content[key])
    except ValueError as error:
        raise CaseError(f"{place}: {key}: {error}") from error


def _mapping(
    raw: Any, place: str, needed: tuple[str, ...] = (), others: tuple[str, ...] | None = None
) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise CaseError(f"{place}: expected keys and values")
    if absent := [key for key in needed if key not in raw]:
        raise CaseError(f"{place}: expected {', '.join(absent)}")
    unknown = [key for key in raw if others is not None and key not in (*needed, *others)]
    if unknown:
        raise CaseError(f"{place}: {', '.join(unknown)}: no such key is known here")
    return raw


def _list(content: Mapping[str, Any], key: str) -> list[Any]:
    found = content[key]
    if not isinstance(found, list):
        raise CaseError(f"{content['scenario']}: {key}: expected a list")
    return found
