"""The values in releases as publishers write them: text that may be empty, instants, numbers kept as text, lists."""

import re
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from events.values import instant_of

Json = dict[str, Any]
_NUMBER = re.compile(r"-?\d{1,40}(\.\d{1,40})?([eE][+-]?\d{1,2})?")
_FINE = re.compile(r"(\.\d{6})\d+")
_SHOWN = 80


def text(value: Any) -> str:
    """The text without space around it; empty where there is none, or something else."""
    return value.strip() if isinstance(value, str) else ""


def part(value: Any, *names: str) -> Any:
    """What stands under these names, one inside the other; None where there is nothing."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def parts(value: Any) -> Iterator[Json]:
    """The objects of a list; one object alone counts as a list of one."""
    for one in [value] if isinstance(value, dict) else value if isinstance(value, list) else []:
        if isinstance(one, dict):
            yield one


def moment(value: Any) -> datetime | None:
    """The instant, cut to microseconds; None where none is given. Raises ValueError: a day alone is no instant."""
    given = text(value)
    return instant_of(_FINE.sub(r"\1", given)) if given else None


def number(value: Any) -> Decimal | None:
    """The number exactly as written; None where none is given. Raises ValueError."""
    given = text(value)
    if not given:
        return None
    if not _NUMBER.fullmatch(given):
        raise ValueError("expected a number")
    return Decimal(given)


def shown(value: Any) -> str:
    """The text as it may stand in a report: in one line, not too long, nothing in it that cannot be printed."""
    told = "".join(letter if letter.isprintable() else "?" for letter in text(value))
    return told if len(told) <= _SHOWN else f"{told[:_SHOWN]}…"
