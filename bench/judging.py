"""Lines judged per second: the columnar program on large books, an interpreter that goes line by line, and DuckDB."""

import resource

from bench import relational
from bench.books import NOW, books, few_exporters, law
from bench.figures import Figure, in_turn
from bench.large import large
from services.domain import alike
from services.domain.book import Book, frame_of
from services.domain.court import Court
from services.domain.edges import boundaries
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


async def in_bulk(lines: int, times: int) -> list[Figure]:
    """A book of so many lines: the joins alone beside the same joins in DuckDB, and everything ``assess`` says.

    The last figure is what the whole process ever held, both books and DuckDB's tables among it.
    """
    events = large(lines)
    court = Court.of(Book.from_events(events), NOW, None, None)
    planned, edges = court.planned().select("line_id", "moment"), boundaries(court)
    duck = relational.prepared(court)

    async def joins() -> None:
        alike.verdicts(court, planned, edges)

    async def theirs() -> None:
        duck.execute(relational.QUERY).fetchall()

    async def everything() -> None:
        assess(Book.from_events(events), now=NOW)

    one, other, whole = await in_turn([joins, theirs, everything], times)
    told, n = f"the same joins in DuckDB, {lines:,} lines", planned.height
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return [
        Figure("verdicts of lines as planned", n / one, "lines/s", told, n / other, 1.0, n),
        Figure("all of assess: folds, verdicts, windows, next changes", n / whole, "lines/s", told, n / other, 1.0, n),
        Figure("held in memory at most", held, "MB", "the facts as one frame", events.estimated_size("mb"), 40, n,
               most=True),
    ]  # fmt: skip
