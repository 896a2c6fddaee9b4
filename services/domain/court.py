"""A book at an instant, ready to judge: lines folded, rules compiled per reading, balances drawn in their order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

import polars as pl

from services.domain import balances
from services.domain.book import Book
from services.domain.columns import FINE, INSTANT, QUANTITY
from services.domain.contracts import folded
from services.domain.evidence import Evidence
from services.domain.goods import Taxonomy
from services.domain.judge import RANK, Law, conclude, drawers, frames
from services.domain.rules import World, worlds
from services.domain.scope import kinds, reach
from services.domain.units import converted

_CHUNK = 500_000


@dataclass(frozen=True)
class Bench:
    """One reading of the rules: its law, and the ledger each line found at its place in the order of draws."""

    world: World
    law: Law
    pages: Mapping[int, balances.Ledger]


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
        evidence = Evidence(book, Taxonomy.of(book.goods, book.codes))
        lines = folded(book, at if at is not None else now)
        planned = lines if at is None else folded(book, now)
        drawn = pl.concat([planned, _gone(book, at if at is not None else now)], how="diagonal_relaxed")
        every, of = kinds(pl.concat([lines, drawn], how="diagonal_relaxed"))
        lines, drawn = every.head(lines.height), every.tail(drawn.height)
        benches = tuple(
            _bench(world, drawn, lines, of, evidence, now, at) for world in worlds(book.rules, reading)
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

    def over(self, lines: pl.DataFrame) -> "Court":
        """The same court over other folds of lines that draw on nothing shared."""
        lines, of = kinds(lines)
        benches = tuple(
            Bench(b.world, Law.of(b.world.bindings, reach(of, b.world.bindings, self.evidence.taxonomy)), {})
            for b in self.benches
        )
        return replace(self, lines=lines, benches=benches)

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
        return self.at_moments(self.planned())

    def at_moments(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The same for any rows of lines with a ``moment`` each (a line may stand there many times)."""
        parts = [
            self._at_moments(rows.slice(first, _CHUNK)) for first in range(0, max(1, rows.height), _CHUNK)
        ]
        return pl.concat(parts)

    def _at_moments(self, rows: pl.DataFrame) -> pl.DataFrame:
        rows = rows.with_row_index("r")
        answers = [self._answer(rows, bench) for bench in self.benches]
        return rows.join(_combined(answers, self.benches), on="r", how="left", maintain_order="left").drop(
            "r"
        )

    def _answer(self, rows: pl.DataFrame, bench: Bench) -> pl.DataFrame:
        of = frames(rows, bench.law, self.evidence)
        lines = (
            dict(rows.select("r", "line_id").iter_rows())
            if not (of.stakes.is_empty() and of.lots.is_empty())
            else {}
        )
        covers = {
            r: balances.cover(drawer, bench.pages.get(lines[r], balances.Ledger()))
            for r, drawer in drawers(of, bench.law).items()
        }
        return conclude(of, bench.law, covers)


def _gone(book: Book, moment: datetime) -> pl.DataFrame:
    """What was shipped by the instant, as lines of that much: drawn for ever, ahead of open lines."""
    key = ["exporter", "contract", "line"]
    shipped = book.of("goods.shipped").filter(pl.col("time") <= moment).select(
        *key, shipped_at="time", on_scheme="scheme", on_licence="licence", sent="quantity", sent_unit="unit",
        event=pl.concat_str("source", "id", separator=" "),
    )  # fmt: skip
    if shipped.is_empty():
        text = {name: pl.String() for name in ("on_scheme", "on_licence", "event")}
        return pl.DataFrame(schema={"shipped_at": INSTANT, **text})
    lines = folded(book, moment, ended=True).drop("over")
    sent = converted(pl.col("sent").cast(QUANTITY), pl.col("sent_unit"), pl.col("unit"))
    return shipped.join(lines, on=key).with_columns(open=sent).drop_nulls("open").drop("sent", "sent_unit")


def _bench(
    world: World, drawn: pl.DataFrame, lines: pl.DataFrame, of: pl.DataFrame, evidence: Evidence, now: datetime,
    at: datetime | None,
) -> Bench:  # fmt: skip
    law = Law.of(world.bindings, reach(of, world.bindings, evidence.taxonomy))
    pages = _drawn(law, drawn, evidence, now)
    if at is None:
        return Bench(world, law, pages)
    refs = dict(_by_ref(drawn, pages))
    return Bench(
        world, law, {n: refs[ref] for n, ref in lines.select("line_id", "ref").iter_rows() if ref in refs}
    )


def _by_ref(drawn: pl.DataFrame, pages: Mapping[int, balances.Ledger]) -> list[tuple[str, balances.Ledger]]:
    names = drawn.filter(pl.col("shipped_at").is_null()) if "shipped_at" in drawn.columns else drawn
    return [(ref, pages[n]) for n, ref in names.select("line_id", "ref").iter_rows() if n in pages]


def _drawn(law: Law, drawn: pl.DataFrame, evidence: Evidence, now: datetime) -> dict[int, balances.Ledger]:
    """Draw all finite balances in order: what was used elsewhere, shipments by time, open lines by planned export.

    Returns the ledger each open line found, by ``line_id``.
    """
    if not _finite_asked(law, evidence):
        return {}
    gone = pl.col("shipped_at").is_not_null()
    rows = drawn.with_columns(
        moment=pl.when(gone).then("shipped_at").otherwise(pl.max_horizontal("export_at", pl.lit(now)))
    ).sort(~gone, pl.when(gone).then("shipped_at").otherwise("export_at"), "line_id", "event")  # fmt: skip
    rows = rows.with_row_index("r")
    made = frames(rows, law, evidence)
    ledger = balances.Ledger()
    _used(evidence, ledger, now)
    pages: dict[int, balances.Ledger] = {}
    of_rows = drawers(made, law)
    named = rows.filter(pl.col("on_licence").is_not_null())["r"].to_list()
    lines = dict(rows.filter(~gone).select("r", "line_id").iter_rows())
    for r in sorted({*of_rows, *named}):
        if r in lines:
            pages[lines[r]] = ledger.page(of_rows[r])
        if r in named:
            _draw_named(rows.row(r, named=True), evidence, ledger)
        else:
            balances.draw(of_rows[r], balances.cover(of_rows[r], ledger), ledger)
    return pages


def _finite_asked(law: Law, evidence: Evidence) -> bool:
    """Whether any finite balance, or lot, is in the book at all."""
    finite = evidence.licences.filter(pl.col("quantity").is_not_null() | pl.col("value").is_not_null())
    filed = evidence.papers.filter(pl.col("quantity").is_not_null())
    return bool(law.needs) and not (finite.is_empty() and evidence.pools.is_empty() and filed.is_empty())


def _used(evidence: Evidence, ledger: balances.Ledger, fold: datetime) -> None:
    """What of licences was used elsewhere by the instant, in each licence's own unit or currency."""
    used = evidence.book.of("licence.used").filter(pl.col("time") <= fold)
    if used.is_empty():
        return
    units = evidence.licences.group_by("scheme", "licence").agg(
        of_unit=pl.col("unit").drop_nulls().first(), of_currency=pl.col("currency").drop_nulls().first()
    )
    rows = used.join(units, on=["scheme", "licence"]).with_columns(
        amount=converted(pl.col("quantity").cast(QUANTITY), pl.col("unit"), pl.col("of_unit")),
        worth=pl.when(pl.col("currency") == pl.col("of_currency")).then(pl.col("value").cast(FINE)),
    )
    for scheme, licence, amount, worth in rows.select("scheme", "licence", "amount", "worth").iter_rows():
        if amount is not None:
            ledger.draw(f"{scheme}/{licence} quantity", amount)
        if worth is not None:
            ledger.draw(f"{scheme}/{licence} value", worth)


def _draw_named(row: Mapping[str, object], evidence: Evidence, ledger: balances.Ledger) -> None:
    """A shipment that names its licence draws on it, whatever the line could have drawn on."""
    named = evidence.licences.filter(
        (pl.col("scheme") == row["on_scheme"]) & (pl.col("licence") == row["on_licence"])
    )
    sent = pl.DataFrame({"open": [row["open"]], "unit": [row["unit"]], "price": [row["unit_price"]]},
                        schema={"open": QUANTITY, "unit": pl.String, "price": FINE})  # fmt: skip
    for unit, currency in named.select("unit", "currency").unique(maintain_order=True).head(1).iter_rows():
        drawn = sent.select(
            amount=converted(pl.col("open"), pl.col("unit"), pl.lit(unit, pl.String)),
            worth=pl.col("open").cast(FINE) * pl.col("price"),
        ).row(0)
        name = f"{row['on_scheme']}/{row['on_licence']}"
        if drawn[0] is not None:
            ledger.draw(f"{name} quantity", drawn[0])
        if currency == row["currency"]:
            ledger.draw(f"{name} value", drawn[1])


def _combined(answers: Sequence[pl.DataFrame], benches: Sequence[Bench]) -> pl.DataFrame:
    """The rows under all readings: where they differ the answer is ``needs_review``, and the readings are named."""
    none = pl.lit([], dtype=pl.List(pl.String))
    if len(answers) == 1:
        return answers[0].with_columns(readings=none)
    names = sorted({label for bench in benches for label in bench.world.chosen})
    told = pl.concat(answer.with_columns(world=pl.lit(n, pl.UInt32)) for n, answer in enumerate(answers))
    rank = pl.col("verdict").replace_strict(RANK, return_dtype=pl.Int8)
    other = [
        pl.col(name).n_unique().over("r") > 1
        for name in ("verdict", "rule", "clause", "route", "low", "high")
    ]
    told = told.with_columns(rank=rank).with_columns(
        differs=pl.any_horizontal(*other, pl.col("missing").list.join("\n").n_unique().over("r") > 1)
    )
    worst = told.sort("r", pl.col("rank"), "world", descending=[False, True, False]).unique(
        "r", keep="first", maintain_order=True
    )
    bounds = told.group_by("r").agg(
        verdicts=pl.col("verdict").n_unique(),
        low_all=pl.col("low").min(),
        high_all=pl.col("high").max(),
        cited_all=pl.col("cited").list.explode(keep_nulls=False, empty_as_null=False).unique().sort(),
    )
    worst = worst.join(bounds, on="r", how="left")
    review = (pl.col("verdicts") > 1) | ((pl.col("low_all") != pl.col("high_all")) & pl.col("differs"))
    keeps = pl.col("verdict") == "needs_review"
    return worst.with_columns(
        verdict=pl.when(review).then(pl.lit("needs_review")).otherwise("verdict"),
        missing=pl.when(review & ~keeps).then(none).otherwise("missing"),
        readings=pl.when("differs").then(pl.lit(names, dtype=pl.List(pl.String))).otherwise(none),
        low="low_all", high="high_all", cited="cited_all",
    ).select(*answers[0].columns, "readings")  # fmt: skip
