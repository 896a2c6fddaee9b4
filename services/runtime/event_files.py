"""Files of events: JSON Lines, one CloudEvents object (or a batch) a line, or one JSON text for the whole file."""

import json
from collections.abc import Iterator
from pathlib import Path

from events.envelope import Event
from events.wire import Unreadable, decode
from services.runtime.yaml_text import FileError, read_bytes


def events(path: Path) -> list[Event]:
    """All events of the file. Raises FileError: the first line that cannot be read, and what was expected there."""
    found: list[Event] = []
    wrong: list[str] = []
    for place, event in each(path):
        if isinstance(event, Unreadable):
            wrong.append(f"{path}, {place}: {event.reason}")
        else:
            found.append(event)
    if wrong:
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        raise FileError(f"{wrong[0]}{more}")
    return found


def each(path: Path) -> Iterator[tuple[str, Event | Unreadable]]:
    """Each event of the file, readable or not, with its place in words. Raises FileError where there is no file."""
    content = read_bytes(path)
    lines = content.split(b"\n")
    first = next((line for line in lines if line.strip()), b"")
    if first.strip() and not _json(first):
        yield from _whole(content)
        return
    for number, line in enumerate(lines, 1):
        if line.strip():
            for event in decode(line.strip()):
                yield f"line {number}", event


def _whole(content: bytes) -> Iterator[tuple[str, Event | Unreadable]]:
    """A file whose first line is no JSON by itself: one JSON text over many lines, or a mistake on the first."""
    try:
        json.loads(content)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 1)
        yield (
            f"line {line}",
            Unreadable(0, "unreadable", f"not JSON: {getattr(error, 'msg', error)}", content),
        )
        return
    for number, event in enumerate(decode(content), 1):
        yield f"event {number}", event


def _json(text: bytes) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
