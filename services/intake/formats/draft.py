"""A suggested mapping as text: each line with what it rests on, and what is missing where it would stand."""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from services.intake import fields
from services.intake.formats.choice import LISTS, Chosen, found_of, kind_name, needed_by, paths
from services.intake.formats.profile import Profile
from services.intake.mapping import File

_BARE = re.compile(r"[A-Za-z_][\w.-]*( [\w.-]+)*")
_SAID = frozenset({"true", "false", "yes", "no", "null", "on", "off"})


def draft(
    path: Path,
    how: File,
    event: str,
    chosen: Sequence[Chosen],
    columns: Sequence[Profile],
    others: Sequence[str],
) -> Iterator[str]:
    """The lines of the draft."""
    needed = needed_by(event)
    found = {one.field: one for one in chosen}
    yield f"# A proposal from the header and the first rows of {path.name}: check every line."
    yield f"# For {event}, {found_of(event, chosen)} needed fields were found. Where it says missing, name a column,"
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
    part = LISTS.get(event)
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


def _dates(chosen: Sequence[Chosen]) -> Iterator[str]:
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


def _group(event: str, found: dict[str, Chosen]) -> Iterator[str]:
    contract = found.get("contract")
    if event == "contract.signed" and contract and contract.column.distinct < contract.column.filled:
        yield f"group_by: {{columns: [{_text(contract.column.name)}], rows: consecutive}}    # its values repeat"
    if event == "codes.published":
        yield "group_by: {columns: [], rows: consecutive, at_most: 2000, if_rejected: row}"


def _fields(event: str, found: dict[str, Chosen], needed: Sequence[str], under: str) -> Iterator[str]:
    indent = "    " if under else "  "
    for path in [one for one in paths(event) if one.startswith(under) and (under or "." not in one)]:
        name = path.removeprefix(under)
        if one := found.get(path):
            yield f"{indent}{name}: {_value(event, one)}    # {one.why}"
        elif path == "lines.0.line":
            yield f"{indent}line: {{count: true}}    # no column numbers them: counted within each contract"
        elif path in needed:
            hint = "; {mark: true} names a row by its content" if name in ("contract", "purchase") else ""
            yield f"{indent}# missing: {name} ({kind_name(fields.field(event, path).kind)}{hint})"


def _value(event: str, one: Chosen) -> str:
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
