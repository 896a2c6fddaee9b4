"""Files of the Open Contracting Data Standard: release packages, record packages, bare releases and records.

JSON Lines of any of these are read line by line, however long the file is; one JSON text is read as a whole, up to
``MOST_BYTES``. Numbers stay the text they were written as, so that no amount passes through a float.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from services.intake.formats.ocds_merge import snapshots
from services.intake.formats.ocds_values import Json
from services.intake.formats.ocds_values import text as _text
from services.runtime.yaml_text import FileError, reading

MOST_BYTES = 64 * 1024 * 1024
MOST_DEEP = 40
_READ = ("ocid", "id", "date", "buyer", "parties", "awards", "contracts")
_OF_TENDER = (
    "procuringEntity",
    "mainProcurementCategory",
    "additionalProcurementCategories",
    "contractPeriod",
)


@dataclass(frozen=True, slots=True)
class Found:
    """A release, less what nobody reads here, where it stands and who published it."""

    place: str
    release: Json
    publisher: str


@dataclass(frozen=True, slots=True)
class Wrong:
    """Something that is no release, where it stands, and what was expected there."""

    place: str
    reason: str


def releases(path: Path) -> Iterator[Found | Wrong]:
    """The releases of a file in their order.

    Of a record, the releases inside it; where it only links to them, its compiled release; where it has none, the
    states its versioned release went through. Raises FileError where the file as a whole cannot be used.
    """
    with reading(path) as file:
        if _one_a_line(file):
            file.seek(0)
            yield from _lines(file)
            return
        file.seek(0)
        text = file.read(MOST_BYTES + 1)
    if len(text) > MOST_BYTES:
        raise FileError(
            f"{path}: one JSON text of more than {MOST_BYTES // 1024 // 1024} MB. Write its releases or records one a "
            "line (JSON Lines); those are read however many there are."
        )
    try:
        found = list(_inside(_loaded(text), "", "", ""))
    except ValueError as error:
        raise FileError(
            f"{path}: not JSON: {error}. Expected a package, release or record of OCDS."
        ) from error
    if len(found) == 1 and isinstance(found[0], Wrong) and not found[0].place:
        raise FileError(f"{path}: {found[0].reason}.")
    if not found:
        raise FileError(
            f"{path}: holds no release and no record. Expected a package, release or record of OCDS."
        )
    yield from found


def _one_a_line(file: IO[bytes]) -> bool:
    """Whether the file is JSON Lines: it has two lines, and one of the first two is a part of OCDS by itself."""
    lines = (line for line in iter(lambda: file.readline(MOST_BYTES + 1), b"") if line.strip())
    first, second = next(lines, b""), next(lines, b"")
    return bool(second) and (_is_part(first) or _is_part(second))


def _is_part(line: bytes) -> bool:
    try:
        content = _loaded(line)
    except ValueError:
        return False
    return isinstance(content, dict) and bool(
        content.keys() & {"ocid", "releases", "records", "compiledRelease"}
    )


def _lines(file: IO[bytes]) -> Iterator[Found | Wrong]:
    number = 0
    while line := file.readline(MOST_BYTES + 1):
        number += 1
        place = f"line {number}"
        if len(line) > MOST_BYTES:
            while line and not line.endswith(b"\n"):
                line = file.readline(MOST_BYTES)
            yield Wrong(
                place, f"longer than {MOST_BYTES // 1024 // 1024} MB: write one release or record a line"
            )
        elif line.strip():
            try:
                yield from _inside(_loaded(line), place, "", "")
            except ValueError as error:
                yield Wrong(place, f"not JSON: {error}")


def _loaded(text: bytes) -> Any:
    """The JSON content, its numbers as text. Raises ValueError."""
    try:
        return json.loads(text.decode("utf-8-sig"), parse_float=str, parse_int=str, parse_constant=_refused)
    except UnicodeDecodeError:
        raise ValueError("expected text in UTF-8") from None
    except RecursionError:
        raise ValueError("nested too deep") from None


def _refused(constant: str) -> Any:
    raise ValueError(f"{constant} is no number of JSON")


def _inside(content: Any, place: str, publisher: str, version: str) -> Iterator[Found | Wrong]:
    """The releases in a package, a list, a record or a release."""
    if isinstance(content, list):
        for number, one in enumerate(content, 1):
            yield from _inside(one, _at(place, f"item {number}"), publisher, version)
        return
    if not isinstance(content, dict):
        yield Wrong(place, "expected a package, release or record of OCDS")
        return
    publisher = _publisher(content) or publisher
    version = _text(content.get("version")) or version
    if version and not version.startswith("1."):
        yield Wrong(place, f"version: expected OCDS 1.0, 1.1 or another 1.x, not {version[:20]}")
    elif "compiledRelease" in content or "versionedRelease" in content or _is_record(content):
        yield from _record(content, place, publisher, version)
    elif isinstance(content.get("records"), list):
        for number, one in enumerate(content["records"], 1):
            yield from _inside(one, _at(place, f"record {number}"), publisher, version)
    elif isinstance(content.get("releases"), list):
        for number, one in enumerate(content["releases"], 1):
            yield from _inside(one, _at(place, f"release {number}"), publisher, version)
    else:
        yield _release(content, place, publisher)


def _is_record(content: Json) -> bool:
    return "ocid" in content and "releases" in content


def _record(record: Json, place: str, publisher: str, version: str) -> Iterator[Found | Wrong]:
    given = record.get("releases")
    inside = given if isinstance(given, list) else []
    whole = [one for one in inside if isinstance(one, dict) and "ocid" in one]
    compiled, versioned = record.get("compiledRelease"), record.get("versionedRelease")
    if whole and len(whole) == len(inside):
        for number, one in enumerate(whole, 1):
            yield from _inside(one, _at(place, f"release {number}"), publisher, version)
    elif isinstance(compiled, dict):
        yield _release({"ocid": record.get("ocid")} | compiled, _at(place, "compiled release"), publisher)
    elif isinstance(versioned, dict):
        yield from _versions(
            {"ocid": record.get("ocid")} | versioned, _at(place, "versioned release"), publisher
        )
    else:
        yield Wrong(place, "record: links to releases that are not in the file, and has no compiled release")


def _versions(versioned: Json, place: str, publisher: str) -> Iterator[Found | Wrong]:
    if _too_deep(versioned):
        yield Wrong(place, "nested too deep")
        return
    try:
        states = list(snapshots(versioned))
    except ValueError as error:
        yield Wrong(place, str(error))
        return
    yield from (_release(one, place, publisher) for one in states)


def _release(release: Json, place: str, publisher: str) -> Found | Wrong:
    if not release.keys() & {"ocid", "tag", "contracts", "awards", "tender", "planning"}:
        return Wrong(place, "expected a package, release or record of OCDS")
    kept = {name: release[name] for name in _READ if name in release}
    tender = release.get("tender")
    if isinstance(tender, dict):
        kept["tender"] = {name: tender[name] for name in _OF_TENDER if name in tender}
    if _too_deep(kept):
        return Wrong(place, "nested too deep")
    return Found(place, kept, _publisher(release) or publisher)


def _too_deep(content: Any) -> bool:
    level = [content]
    for _ in range(MOST_DEEP):
        level = [
            inside
            for one in level
            for inside in (one.values() if isinstance(one, dict) else one)
            if isinstance(inside, dict | list)
        ]
        if not level:
            return False
    return True


def _publisher(content: Json) -> str:
    package = content.get("packageInfo")
    told = content.get("publisher") or (package.get("publisher") if isinstance(package, dict) else None)
    if not isinstance(told, dict):
        return ""
    return _text(told.get("uri")) or _text(told.get("name"))


def _at(place: str, inside: str) -> str:
    return f"{place}, {inside}" if place else inside
