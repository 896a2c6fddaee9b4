"""Files of events: JSON Lines, one CloudEvents object (or a batch) a line, or one JSON text for the whole file."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from events.envelope import Event
from events.wire import Unreadable, decode
from services.runtime.yaml_text import FileError, reading

_LOOKED_AT = 100


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
    """Each event of the file, readable or not, with its place in words. Raises FileError where there is no file.

    JSON Lines are read one by one, however many there are; one JSON text over many lines is read as a whole.
    """
    with reading(path) as file:
        first = [line for line in islice(file, _LOOKED_AT) if line.strip()]
        file.seek(0)
        if first and not _one_a_line(first):
            yield from _whole(file.read())
            return
        for number, line in enumerate(file, 1):
            if line.strip():
                for event in decode(line.strip()):
                    yield f"line {number}", event


@contextmanager
def writing(path: Path) -> Iterator[Callable[[Sequence[Event]], None]]:
    """A file of events as JSON Lines, written bit by bit; it bears its name only once it is complete.

    Raises FileError where nothing can be written there.
    """
    unfinished = path.with_name(f"{path.name}.part")
    try:
        with unfinished.open("w", encoding="utf-8") as file:
            yield lambda events: file.writelines(f"{event.wire_text()}\n" for event in events)
        unfinished.replace(path)
    except OSError as error:
        raise FileError(
            f"{path}: cannot be written ({error.strerror or error}). Give a name in another folder."
        ) from error
    finally:
        unfinished.unlink(missing_ok=True)


def _one_a_line(lines: Sequence[bytes]) -> bool:
    """Whether these first lines are JSON Lines, a damaged one perhaps among them, and not parts of one JSON text.

    An event that stands alone on its line tells them apart, unless a comma or bracket before it makes it an item.
    """
    before = [b"", *lines]
    return isinstance(_json(lines[0]), dict | list) or any(
        _is_event(line) and not last.rstrip().endswith((b",", b"[", b":"))
        for last, line in zip(before, lines, strict=False)
    )


def _is_event(line: bytes) -> bool:
    found = _json(line)
    one = found[0] if isinstance(found, list) and found else found
    return isinstance(one, dict) and "specversion" in one


def _whole(content: bytes) -> Iterator[tuple[str, Event | Unreadable]]:
    """One JSON text over many lines, or the first mistake in it."""
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


def _json(text: bytes) -> object:
    """The JSON content of the text; None where it has none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
