"""Lines judged per second: the columnar program on a large book, and an interpreter that goes line by line."""

from bench.books import NOW, books, few_exporters, law
from bench.figures import Figure, in_turn
from services.domain.book import Book, frame_of
from services.domain.verdicts import assess
from tests import naive

GOAL = 20.0


async def judged(copies: int, times: int) -> Figure:
    """Lines judged a second by ``assess`` with all shipped packs, against the naive interpreter on a few exporters."""
    book = Book.from_events(frame_of([*law(), *books(copies)]))
    small = [*law(), *few_exporters()]
    lines, few = assess(book, now=NOW).height, len(naive.assess(small, now=NOW))

    async def columns() -> None:
        assess(book, now=NOW)

    async def one_by_one() -> None:
        naive.assess(small, now=NOW)

    ours, theirs = await in_turn([columns, one_by_one], times)
    return Figure("judged by assess, all shipped packs", lines / ours, "lines/s",
                  f"naive interpreter on {few} lines", few / theirs, GOAL, lines)  # fmt: skip
