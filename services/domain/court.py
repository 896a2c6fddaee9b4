"""A book at an instant, ready to judge: lines folded, rules compiled per reading, balances drawn in their order."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property, lru_cache

import polars as pl

from services.domain import balances
from services.domain.book import Book
from services.domain.codex import Codex
from services.domain.columns import INSTANT
from services.domain.contracts import folded, numbered
from services.domain.draws import draw_all, gone
from services.domain.evidence import Evidence
from services.domain.judge import RANK, Frames, Law, conclude, drawers, frames, verdict
from services.domain.rules import World, worlds
from services.domain.scope import Scopes, kinds

_CHUNK = 500_000
_Say = Callable[[Frames, Law, Mapping[int, balances.Cover]], pl.DataFrame]


@dataclass(frozen=True)
class Bench:
    """One reading of the rules: its law, and the ledger each line found at its place in the order of draws."""

    world: World
    law: Law
    pages: Mapping[int, balances.Page]


_Combine = Callable[[Sequence[pl.DataFrame], Sequence[Bench]], pl.DataFrame]


@dataclass(frozen=True)
class Court:
    """Lines folded to ``at`` (default ``now``), to be judged under every open reading."""

    book: Book
    evidence: Evidence
    now: datetime
    at: datetime | None
    reading: str | None
    lines: pl.DataFrame
    benches: tuple[Bench, ...]

    @classmethod
    def of(cls, book: Book, now: datetime, at: datetime | None, reading: str | None) -> "Court":
        """The court over a book (as known), with all finite balances drawn in order as planned at ``now``."""
        now, at = now.astimezone(UTC), at and at.astimezone(UTC)
        evidence = Evidence(book, book.codex.taxonomy)
        lines = folded(book, at if at is not None else now)
        planned = lines.with_columns(looks=pl.lit(False)) if at is None else _beside(book, lines, now)
        drawn = pl.concat([planned, gone(book, at if at is not None else now)], how="diagonal_relaxed")
        every, of = kinds(pl.concat([lines, drawn], how="diagonal_relaxed"))
        lines, drawn = every.head(lines.height).select(*lines.columns, "kind"), every.tail(drawn.height)
        benches = tuple(
            _bench(world, law.about(of), drawn, lines, evidence, now, at)
            for world, law in _laws(book.codex, reading)
        )
        return cls(book, evidence, now, at, reading, lines, benches)

    @property
    def fold(self) -> datetime:
        """The instant contracts are folded to."""
        return self.at if self.at is not None else self.now

    @property
    def after(self) -> datetime:
        """The instant after which changes lie ahead."""
        return self.now if self.at is None else max(self.now, self.at)

    def also(self, lines: pl.DataFrame) -> "Court":
        """The same court over these lines as well (``line_id`` beyond its own), which draw on nothing shared."""
        every, of = kinds(pl.concat([self.lines.drop("kind"), lines], how="vertical_relaxed"))
        benches = tuple(replace(bench, law=bench.law.about(of), pages={}) for bench in self.benches)
        return replace(self, lines=every, benches=benches)

    @cached_property
    def finite(self) -> pl.Series:
        """The lines (``line_id``) that can reach a finite balance in some reading."""
        reached = {line for bench in self.benches for line in bench.pages}
        return pl.Series("line_id", sorted(reached), dtype=pl.UInt32)

    def planned(self) -> pl.DataFrame:
        """Every line with ``moment``, the instant it is judged at."""
        if self.at is not None:
            moment = pl.Series("moment", [self.at] * self.lines.height, dtype=INSTANT)
            return self.lines.with_columns(moment)
        return self.lines.with_columns(moment=pl.max_horizontal("export_at", pl.lit(self.now)))

    def judged(self) -> pl.DataFrame:
        """The lines of ``contracts.folded`` with ``moment`` and what ``judge.conclude`` says, readings combined."""
        rows = self.planned()
        return rows.join(self.answers(rows.select("line_id", "moment")), on=["line_id", "moment"], how="left",
                         maintain_order="left")  # fmt: skip

    def answers(self, wanted: pl.DataFrame) -> pl.DataFrame:
        """What ``judge.conclude`` says of lines at instants (``line_id``, ``moment``), readings combined."""
        return self._by_chunks(wanted, conclude, _combined)

    def verdicts(self, wanted: pl.DataFrame) -> pl.DataFrame:
        """Only ``line_id``, ``moment`` and ``verdict`` of the same, which is found sooner."""
        return self._by_chunks(wanted, verdict, _combined_verdicts)

    def _by_chunks(self, wanted: pl.DataFrame, say: _Say, combine: _Combine) -> pl.DataFrame:
        firsts = range(0, max(1, wanted.height), _CHUNK)
        return pl.concat([self._chunk(wanted.slice(first, _CHUNK), say, combine) for first in firsts])

    def _chunk(self, wanted: pl.DataFrame, say: _Say, combine: _Combine) -> pl.DataFrame:
        rows = wanted.with_row_index("r").join(self.lines, on="line_id", how="left", maintain_order="left")
        answers = combine([self._answer(rows, bench, say) for bench in self.benches], self.benches)
        return rows.select("r", "line_id", "moment").join(answers, on="r", maintain_order="left").drop("r")

    def _answer(self, rows: pl.DataFrame, bench: Bench, say: _Say) -> pl.DataFrame:
        of = frames(rows, bench.law, self.evidence)
        lines = (
            dict(rows.select("r", "line_id").iter_rows())
            if not (of.stakes.is_empty() and of.lots.is_empty())
            else {}
        )
        covers = {
            r: balances.cover(drawer, bench.pages.get(lines[r], balances.UNTOUCHED))
            for r, drawer in drawers(of, bench.law).items()
        }
        return say(of, bench.law, covers)


@lru_cache(maxsize=32)
def _laws(codex: Codex, reading: str | None) -> tuple[tuple[World, Law], ...]:
    """Every open combination of readings with its law, made once for all judgements under the same acts."""
    return tuple(
        (world, Law.of(world.bindings, Scopes(world.bindings, codex.taxonomy)))
        for world in worlds(codex.rules, reading)
    )


def _beside(book: Book, lines: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """The open lines at ``now``, and those of ``lines`` that are not open then: these only look at the balances.

    Where they stand in the order is what is said of them by ``now``, ended or not.
    """
    every = folded(book, now, ended=True)
    opened = every.filter((pl.col("open") > 0) & ~pl.col("over"))
    ended = every.join(opened.select("ref"), on="ref", how="anti").join(
        lines.select("ref"), on="ref", how="semi"
    )
    later = lines.join(every.select("ref"), on="ref", how="anti")
    looking = pl.concat([ended.drop("over"), later.select(ended.drop("over").columns)])
    both = [opened.drop("over").with_columns(looks=pl.lit(False)), looking.with_columns(looks=pl.lit(True))]
    return numbered(pl.concat(both).drop("line_id", "ref"))


def _bench(
    world: World, law: Law, drawn: pl.DataFrame, lines: pl.DataFrame, evidence: Evidence, now: datetime,
    at: datetime | None,
) -> Bench:  # fmt: skip
    pages = draw_all(law, drawn, evidence, now)
    if at is None:
        return Bench(world, law, pages)
    open_lines = drawn.filter(pl.col("shipped_at").is_null()).select("line_id", "ref").iter_rows()
    by_ref = {ref: pages[number] for number, ref in open_lines if number in pages}
    numbered = lines.select("line_id", "ref").iter_rows()
    return Bench(world, law, {number: by_ref[ref] for number, ref in numbered if ref in by_ref})


def _combined_verdicts(answers: Sequence[pl.DataFrame], benches: Sequence[Bench]) -> pl.DataFrame:
    """Only the verdicts of the rows under all readings: r, verdict."""
    if len(answers) == 1:
        return answers[0].select("r", "verdict")
    told = (
        pl.concat(answers)
        .group_by("r")
        .agg(
            pl.col("verdict").first(),
            verdicts=pl.col("verdict").n_unique(),
            low=pl.col("low").min(),
            high=pl.col("high").max(),
        )
    )
    review = (pl.col("verdicts") > 1) | (pl.col("low") != pl.col("high"))
    return told.select("r", verdict=pl.when(review).then(pl.lit("needs_review")).otherwise("verdict"))


def _combined(answers: Sequence[pl.DataFrame], benches: Sequence[Bench]) -> pl.DataFrame:
    """The rows under all readings: where they differ the answer is ``needs_review``, and the readings are named."""
    none = pl.lit([], dtype=pl.List(pl.String))
    if len(answers) == 1:
        return answers[0].with_columns(readings=none)
    told = pl.concat(answer.with_columns(world=pl.lit(n, pl.UInt32)) for n, answer in enumerate(answers))
    told = told.with_columns(
        rank=pl.col("verdict").replace_strict(RANK, return_dtype=pl.Int8),
        row=pl.struct("verdict", "rule", "clause", "route", "missing", "low", "high"),
    )
    worst = told.sort("r", "rank", "world", descending=[False, True, False]).unique(
        "r", keep="first", maintain_order=True
    )
    bounds = told.group_by("r").agg(
        verdicts=pl.col("verdict").n_unique(),
        low_all=pl.col("low").min(),
        high_all=pl.col("high").max(),
        cited_all=pl.col("cited").list.explode(keep_nulls=False, empty_as_null=False).unique().sort(),
    )
    worst = worst.join(bounds, on="r", how="left").join(_readings(told, benches), on="r", how="left")
    review = (pl.col("verdicts") > 1) | (pl.col("low_all") != pl.col("high_all"))
    keeps = pl.col("verdict") == "needs_review"
    return worst.with_columns(
        verdict=pl.when(review).then(pl.lit("needs_review")).otherwise("verdict"),
        missing=pl.when(review & ~keeps).then(none).otherwise("missing"),
        readings=pl.col("readings").fill_null(none),
        low="low_all",
        high="high_all",
        cited="cited_all",
    ).select(*answers[0].columns, "readings")


def _readings(told: pl.DataFrame, benches: Sequence[Bench]) -> pl.DataFrame:
    """The readings of those acts of which choosing another one, all else equal, changes the row: r, readings."""
    chosen = [bench.world.chosen for bench in benches]
    found = []
    for act in range(len(chosen[0])):
        others = {n: "|".join(names[:act] + names[act + 1 :]) for n, names in enumerate(chosen)}
        same = told.with_columns(others=pl.col("world").replace_strict(others, return_dtype=pl.String))
        turns = same.group_by("r", "others").agg(pl.col("row").n_unique()).filter(pl.col("row") > 1)
        names = sorted({one[act] for one in chosen})
        found.append(
            turns.select("r").unique().with_columns(readings=pl.lit(names, dtype=pl.List(pl.String)))
        )
    both = pl.concat(found).explode("readings")
    return both.group_by("r").agg(pl.col("readings").sort())
