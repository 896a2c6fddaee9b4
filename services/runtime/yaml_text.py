"""YAML read as text: every scalar stays what was written (else Norway would be false), and a key may stand once."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import yaml

from services.runtime.settings import NeedsAction

MOST_BYTES = 4 * 1024 * 1024
MOST_PARTS = 500_000
_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # in C where the platform has it: ten times as fast


class FileError(NeedsAction):
    """A file cannot be used; the message names it, the place in it and what was expected there."""


def read_bytes(path: Path) -> bytes:
    """The bytes of a file somebody named. Raises FileError where there is none to read."""
    with reading(path) as file:
        return file.read()


@contextmanager
def reading(path: Path) -> Iterator[IO[bytes]]:
    """A file somebody named, open for reading. Raises FileError where there is none to read."""
    try:
        with path.open("rb") as file:
            yield file
    except FileNotFoundError:
        raise FileError(
            f"{path}: there is no such file. Check the name, or give the path from here."
        ) from None
    except IsADirectoryError:
        raise FileError(f"{path} is a folder. Give the files in it by name.") from None
    except OSError as error:
        raise FileError(f"{path}: cannot be read ({error.strerror}).") from error


def documents(path: Path, content: bytes | None = None) -> list[Any]:
    """The YAML documents of a file (or of its ``content``, where that was read before). Raises FileError."""
    text = read_bytes(path) if content is None else content
    if len(text) > MOST_BYTES:
        raise FileError(f"{path}: larger than {MOST_BYTES} bytes. Split it into several files.")
    try:
        found = [_value(node, {}) for node in yaml.compose_all(text, Loader=_LOADER)]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f", line {mark.line + 1}" if mark else ""
        raise FileError(f"{path}{line}: not YAML: {error.problem or error.context}") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise FileError(f"{path}: not YAML: {' '.join(str(error).split())}") from error
    if sum(_parts(one, {}) for one in found) > MOST_PARTS:
        raise FileError(
            f"{path}: its aliases unfold to more than {MOST_PARTS} values. Write them out, or fewer of them."
        )
    return found


def _value(node: yaml.Node, made: dict[int, Any]) -> Any:
    """The node as text, lists and maps; what an alias names again is the same object again."""
    if id(node) not in made:
        match node:
            case yaml.MappingNode():
                made[id(node)] = _map(node, made)
            case yaml.SequenceNode():
                made[id(node)] = [_value(part, made) for part in node.value]
            case _:
                made[id(node)] = node.value
    return made[id(node)]


def _map(node: yaml.MappingNode, made: dict[int, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise yaml.MarkedYAMLError(None, None, "expected a word as key", key.start_mark)
        if key.value in found:
            raise yaml.MarkedYAMLError(None, None, f"the key {key.value} stands twice", key.start_mark)
        found[key.value] = _value(value, made)
    return found


def _parts(node: Any, known: dict[int, int]) -> int:
    """How many values the node holds with all aliases written out; each shared one is walked once only."""
    if not isinstance(node, dict | list):
        return 1
    if id(node) not in known:
        known[id(node)] = MOST_PARTS + 1  # an alias of itself has no end
        inside = node.values() if isinstance(node, dict) else node
        known[id(node)] = 1 + sum(_parts(part, known) for part in inside)
    return known[id(node)]
