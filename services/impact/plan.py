"""Whom facts make due, and how urgently: whatever reaches many must not delay anybody's own fact. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

PAGE = 1000
"""Exporters that one shared fact makes due in one transaction."""
PROMPT = 50
"""A shared fact that reaches more exporters at once is handed on in bulk."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Who becomes due (True: in bulk, behind everything prompt), which rows are done, and how far the others are."""

    due: dict[str, bool]
    finished: list[int]
    unfinished: list[tuple[int, str]]


@dataclass(frozen=True, slots=True)
class Reached:
    """An exporter that a pending row affects: by a shared fact or its own, and whether on a page behind the first."""

    row: int
    exporter: str
    shared: bool
    later: bool


def planned(taken: Sequence[int], reached: Sequence[Reached], most: int = PAGE) -> Plan:
    """What handing on these pending rows means, where ``most`` exporters make a full page."""
    pages: dict[int, list[str]] = {}
    for one in reached:
        if one.shared:
            pages.setdefault(one.row, []).append(one.exporter)
    wide = {row for row, page in pages.items() if len(page) > PROMPT} | {
        one.row for one in reached if one.later
    }
    due: dict[str, bool] = {}
    for one in reached:
        due[one.exporter] = due.get(one.exporter, True) and one.shared and one.row in wide
    unfinished = [(row, max(page)) for row, page in pages.items() if len(page) >= most]
    more = {row for row, _ in unfinished}
    return Plan(due, [row for row in taken if row not in more], unfinished)


def oldest(stored_at: Mapping[int, datetime], reached: Iterable[Reached]) -> dict[str, datetime]:
    """Of each exporter reached, when the oldest of the facts that reach it was stored."""
    since: dict[str, datetime] = {}
    for one in reached:
        since[one.exporter] = min(stored_at[one.row], since.get(one.exporter, stored_at[one.row]))
    return since
