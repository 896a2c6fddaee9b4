"""A mapping proposed from the header and the first rows of a table: what it rests on, and what is missing.

It is a draft for a person: what no column seems to hold is listed as missing and never filled in.
"""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from events.registry import DATA
from services.intake import fields
from services.intake.filled import plainly
from services.intake.formats import delimited, sheets
from services.intake.formats.profile import MOST, Profile, profile
from services.intake.formats.words import EVENTS, WORDS
from services.intake.mapped import Broken, Row
from services.intake.mapping import File
from services.runtime.yaml_text import FileError

SAMPLE = 200
KINDS = ("csv", "xlsx", "json")
_LISTS = {"contract.signed": "lines", "codes.published": "successions"}
_BARE = re.compile(r"[A-Za-z_][\w.-]*( [\w.-]+)*")
_NUMBERED = frozenset({"contract", "line", "purchase", "licence", "component", "document", "lot"})
_SAID = frozenset({"true", "false", "yes", "no", "null", "on", "off"})


@dataclass(frozen=True)
class _Chosen:
    """A column for a field, how well it fits, and why it was taken."""

    field: str
    column: Profile
    score: float
    why: str


def suggest(path: Path, kind: str, event: str | None = None) -> str:
    """A mapping for this table as YAML with comments. Raises FileError: no such table, or no such fact."""
    if kind not in KINDS:
        raise FileError(f"{kind}: needs no mapping. One is suggested for {', '.join(KINDS)}.")
    if event is not None:
        try:
            fields.known(event)
        except ValueError as error:
            raise FileError(f"--event: {error}. One of {', '.join(fields.FACTS)}.") from None
    how, columns = _looked_at(path, kind)
    asked = [event] if event else EVENTS
    best = sorted(((one, _choose(one, columns)) for one in asked), key=lambda pair: -_worth(*pair))
    others = [f"{one} ({_found(one, chosen)})" for one, chosen in best[1:3]]
    return "\n".join(_written(path, how, *best[0], columns, others)) + "\n"


def _found(event: str, chosen: Sequence[_Chosen]) -> str:
    needed = _needed(event)
    return f"{len({one.field for one in chosen} & set(needed))} of {len(needed)}"


def _looked_at(path: Path, kind: str) -> tuple[File, list[Profile]]:
    """How the file is written, and what its columns look like in the first rows behind the header."""
    how = File(sheet=sheets.sheets_of(path)[0]) if kind == "xlsx" else File()
    at = 1 if kind == "json" else _header(path, kind, how)
    how = how.model_copy(update={"header": at})
    with _table(path, kind, how) as (header, rows):
        sample = [row for row in islice(rows, SAMPLE) if isinstance(row, Row)]
    found = [profile(name, [row.cells.get(name, "") for row in sample]) for name in dict.fromkeys(header)]
    return how, [one for one in found if one.filled]


@contextmanager
def _table(path: Path, kind: str, how: File) -> Iterator[tuple[list[str], Iterator[Row | Broken]]]:
    if kind == "csv":
        with delimited.opened(path, how) as table:
            yield table
    else:
        yield (sheets.workbook if kind == "xlsx" else sheets.json_rows)(path, how)


def _header(path: Path, kind: str, how: File) -> int:
    """The first of ten rows in which at least half as many names stand as in the fullest of them."""
    counted = dict[int, int]()
    for number in range(1, 11):
        try:
            with _table(path, kind, how.model_copy(update={"header": number})) as (header, _):
                counted[number] = sum(not re.fullmatch(r"column \d+", name) for name in header)
        except FileError:
            if number == 1:
                raise
            break
    return next(number for number, count in counted.items() if count * 2 >= max(counted.values()))


def _choose(event: str, columns: Sequence[Profile]) -> list[_Chosen]:
    """The best column for each field of the fact, each column once, the surest first."""
    offers = sorted(
        (offer for path in _paths(event) for column in columns if (offer := _offer(event, path, column))),
        key=lambda one: -one.score,
    )
    taken, found = set[str](), dict[str, _Chosen]()
    for one in offers:
        # Where the buyer is at home is where the goods go, unless another column says where.
        again = one.field == "destination" and one.column == getattr(
            found.get("buyer_country"), "column", None
        )
        if one.field not in found and (one.column.name not in taken or again):
            found[one.field] = one
            taken.add(one.column.name)
    return list(found.values())


def _paths(event: str) -> list[str]:
    """The single values a fact may have: its own, and those of the list it is made of."""
    own = [name for name in fields.names(DATA[event]) if _single(event, name)]
    part = _LISTS.get(event)
    inside = fields.names(fields.items(event, f"{part}")) if part else []
    return own + [f"{part}.0.{name}" for name in inside if _single(event, f"{part}.0.{name}")]


def _single(event: str, path: str) -> bool:
    try:
        fields.field(event, path)
    except ValueError:
        return False
    return True


def _offer(event: str, path: str, column: Profile) -> _Chosen | None:
    """How well a column would do: it is called like the field, and its cells read as what the field takes."""
    kind, name = fields.field(event, path).kind, path.rpartition(".")[2]
    called = _called(column.name, name)
    if not called or (kind != "text" and column.shares.get(kind, 0.0) < 1 - MOST):
        return None
    if kind == "text" and name not in _NUMBERED and column.fits("number"):
        return None
    share = 1.0 if kind == "text" else column.shares[kind]
    why = f"the column is called so; {share:.0%} of {column.filled} cells seen read as {_kind_name(kind)}"
    full = column.filled / max(column.seen, 1)
    return _Chosen(
        path, column, called + share + full / 2, why if kind != "text" else "the column is called so"
    )


def _called(header: str, name: str) -> float:
    """How nearly a header names a field: 3 for the word alone, less for one word among others, 0 for none."""
    said = re.findall(r"[^\W_]+", plainly(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", header)))
    joined = " ".join(said)
    best = 0.0
    for rank, word in enumerate((name.replace("_", " "), *WORDS.get(name, ()))):
        if joined == word:
            best = max(best, 3.0 - rank / 100)
        elif f" {word} " in f" {joined} ":
            best = max(best, 1.0 + word.count(" ") + 1 / len(said) - rank / 100)
    return best


def _worth(event: str, chosen: Sequence[_Chosen]) -> float:
    """How much speaks for this fact: the share of its needed fields that were found counts most."""
    found = {one.field for one in chosen}
    needed = _needed(event)
    return len(found & set(needed)) / len(needed) * 10 + sum(one.score for one in chosen) / 10


def _needed(event: str) -> list[str]:
    part = _LISTS.get(event)
    inside = fields.required(fields.items(event, part)) if part else ()
    own = [name for name in fields.required(DATA[event]) if name != part]
    return own + [f"{part}.0.{name}" for name in inside]


def _written(
    path: Path,
    how: File,
    event: str,
    chosen: Sequence[_Chosen],
    columns: Sequence[Profile],
    others: Sequence[str],
) -> Iterator[str]:
    needed = _needed(event)
    found = {one.field: one for one in chosen}
    yield f"# A proposal from the header and the first {SAMPLE} rows of {path.name}: check every line."
    yield f"# For {event}, {_found(event, chosen)} needed fields were found. Where it says missing, name a column,"
    yield "# or state a value with {constant: …}: nothing is filled in for you."
    if others:
        yield f"# Other facts it might tell: {', '.join(others)}. Ask with --event TYPE."
    yield f"source: {_text(f'/tables/{path.stem}')}    # names these facts for ever; choose it once"
    yield from _file(how)
    yield from _numbers([one.column for one in chosen if fields.field(event, one.field).kind == "number"])
    yield from _dates(
        [one for one in chosen if fields.field(event, one.field).kind in ("instant", "when", "day")]
    )
    yield from _group(event, found)
    yield f"event: {event}"
    yield "fields:"
    part = _LISTS.get(event)
    yield from _fields(event, found, needed, "")
    if part:
        yield "each:"
        yield f"  {part}:"
        yield from _fields(event, found, needed, f"{part}.0.")
    unused = [one.name for one in columns if one.name not in {c.column.name for c in chosen}]
    yield f"# columns not used: {', '.join(map(_text, unused)) or 'none'}"


def _file(how: File) -> Iterator[str]:
    said = [f"header: {how.header}"] if how.header != 1 else []
    said += [f"sheet: {_text(how.sheet)}"] if how.sheet else []
    if said:
        yield f"file: {{{', '.join(said)}}}"


def _numbers(columns: Sequence[Profile]) -> Iterator[str]:
    """The way of writing numbers in which all number columns read best; two that fit alike are both named."""
    texts = [one for one in columns if one.numbers]
    if not texts:
        return
    ways = [way for way in texts[0].numbers if all(way in one.numbers for one in texts)] or list(
        texts[0].numbers
    )
    best = ways[0]
    marks = ", ".join(
        [f"decimal: {json.dumps(best.decimal)}"]
        + ([f"thousands: {json.dumps(best.thousands)}"] if best.thousands else [])
        + (["brackets: true"] if best.brackets else [])
    )
    doubt = (
        any(re.search(r"\d[.,]\d{3}$", one.example) for one in texts) and len({w.decimal for w in ways}) > 1
    )
    told = "decimals or thousands? No cell tells; check" if doubt else f"as in {json.dumps(texts[0].example)}"
    yield f"numbers: {{{marks}}}    # {told}"


def _dates(chosen: Sequence[_Chosen]) -> Iterator[str]:
    if not chosen:
        return
    ways = [way for way in chosen[0].column.dates if all(way in one.column.dates for one in chosen)]
    ways = ways or list(chosen[0].column.dates)
    example = json.dumps(chosen[0].column.example, ensure_ascii=False)
    if len(ways) > 1 and ways[0]:
        yield f"# missing: days and months cannot be told apart in {example}: {' or '.join(ways)}?"
        yield f"# dates: {{formats: [{json.dumps(ways[0])}], timezone: …, time: …}}"
    elif ways and ways[0]:
        yield f"dates: {{formats: [{json.dumps(ways[0])}]}}    # as in {example}"
    if not all(one.column.hours for one in chosen):
        yield "# missing: the days have no hour. Say where and when they count, beside the formats:"
        yield '# dates: {timezone: Europe/Berlin, time: "12:00"}'


def _group(event: str, found: dict[str, _Chosen]) -> Iterator[str]:
    contract = found.get("contract")
    if event == "contract.signed" and contract and contract.column.distinct < contract.column.filled:
        yield f"group_by: {{columns: [{_text(contract.column.name)}], rows: consecutive}}    # its values repeat"
    if event == "codes.published":
        yield "group_by: {columns: [], rows: consecutive, at_most: 2000, if_rejected: row}"


def _fields(event: str, found: dict[str, _Chosen], needed: Sequence[str], under: str) -> Iterator[str]:
    indent = "    " if under else "  "
    for path in [one for one in _paths(event) if one.startswith(under) and (under or "." not in one)]:
        name = path.removeprefix(under)
        if one := found.get(path):
            yield f"{indent}{name}: {_value(event, one)}    # {one.why}"
        elif path == "lines.0.line":
            yield f"{indent}line: {{count: true}}    # no column numbers them: counted within each contract"
        elif path in needed:
            yield f"{indent}# missing: {name} ({_kind_name(fields.field(event, path).kind)})"


def _value(event: str, one: _Chosen) -> str:
    name, last = _text(one.column.name), one.field.rpartition(".")[2]
    if last in ("exporter", "buyer", "holder", "party", "manufacturer", "end_user"):
        return f"{{party: {name}}}"
    if last == "class":
        return f"{{propose: {name}}}"
    if (
        fields.field(event, one.field).kind == "code"
        and re.fullmatch(r"\d+(\.0)?", one.column.example)
        and "." in one.column.example
    ):
        return f"{{column: {name}, number_as_code: 6}}"
    return name


def _text(said: str) -> str:
    """The text as YAML: bare where it cannot be taken for anything else."""
    if _BARE.fullmatch(said) and said.casefold() not in _SAID:
        return said
    return json.dumps(said, ensure_ascii=False)


def _kind_name(kind: fields.Kind) -> str:
    names = {"number": "a number", "whole": "a whole number", "flag": "yes or no", "instant": "an instant",
             "when": "a day or an instant", "day": "a day", "country": "a country", "currency": "a currency",
             "code": "a tariff code", "text": "text"}  # fmt: skip
    return names[kind]
