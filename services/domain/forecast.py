"""When a blocked line may go: what the authorities' lead times say, and how likely it still is before the deadline.

A window that is known opens when it opens. Otherwise a licence that is missing is granted after its lead time, counted
from its application, else from when the line became blocked. Nothing here moves with the clock: an estimate that has
passed stays as it is until a fact says otherwise.
"""

from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache
from typing import Any

import polars as pl

from services.domain.book import Book
from services.domain.codex import Codex
from services.domain.columns import INSTANT, Schema
from services.domain.goods import Taxonomy
from services.domain.leadtimes import PROBABILITY, lead_times, odds
from services.domain.parties import compared
from services.domain.versions import instant

CASES = ("low", "base", "high")
RELEASE: Schema = {
    "n": pl.UInt32, **{f"release_{case}": INSTANT for case in CASES}, "never": pl.Boolean,
    "probability": PROBABILITY, "release_tag": pl.String, "release_told": pl.String,
}  # fmt: skip
_HOLDERS = {
    "manufacturer": "manufacturer",
    "exporter": "party",
    "buyer": "buyer",
}  # rows do not name end users


def releases(book: Book, lines: pl.DataFrame) -> pl.DataFrame:
    """When each line may go again (``RELEASE``): at the 10, 50 and 90 % quantile, null where nothing says.

    ``never``: no route can open. ``probability``: that it can go before its deadline; null without a deadline or a
    lead time. ``lines``: n and the columns of ``verdicts.assess``.
    """
    waits = _waits(book, lines)
    found = lines.select(
        "n", "verdict", "deadline", window=pl.col("export_windows").list.first().struct.field("from")
    ).join(waits, on="n", how="left", maintain_order="left")
    sure, never = pl.col("window").is_not_null(), pl.col("verdict") == "prohibited"
    one, none = pl.lit(Decimal(1), PROBABILITY), pl.lit(Decimal(0), PROBABILITY)
    chance = pl.when(sure).then(one).when(never).then(none).otherwise("odds")
    told = (
        pl.when(sure).then(pl.format("may go from {}, on the facts known", _text("window")))
        .when(never).then(pl.lit("no route can open"))
        .otherwise(pl.col("told").fill_null("no lead time published for what is missing"))
    )  # fmt: skip
    tag = pl.when(sure | never).then(pl.lit("given")).otherwise(pl.col("tag").fill_null("default"))
    return found.select(
        "n",
        *(
            pl.when(sure).then("window").when(~never).then(case).alias(f"release_{case}")
            for case in CASES
        ),
        never=never & ~sure,
        probability=pl.when(pl.col("deadline").is_not_null()).then(chance),
        release_tag=tag, release_told=told,
    ).cast(RELEASE)  # type: ignore[arg-type]  # fmt: skip


def _text(name: str) -> pl.Expr:
    return pl.col(name).dt.strftime("%Y-%m-%d")


def _waits(book: Book, lines: pl.DataFrame) -> pl.DataFrame:
    """Per line the slowest of its missing licences: n, low, base, high instants, odds, tag, told."""
    papers, schemes = asked(book)
    lacks = lines.select("n", "blocked_since", "deadline", "class", "missing", *_HOLDERS.values())
    lacks = lacks.explode("missing", empty_as_null=False).filter(~pl.col("missing").is_in(papers))
    times = lead_times(book)
    lacks = lacks.join(times, left_on="missing", right_on="scheme", how="left", maintain_order="left")
    lacks = lacks.join(_applications(book, lacks, schemes), on=["n", "missing"], how="left").with_columns(
        start=pl.coalesce("applied_at", "blocked_since")
    )
    known = pl.col("p50_days").is_not_null() & pl.col("start").is_not_null()
    days = {case: pl.duration(days=pl.col(f"p{q}_days")) for case, q in zip(CASES, (10, 50, 90), strict=True)}
    due = {case: pl.col("start") + span for case, span in days.items()}
    expected = pl.col("expected")
    due["low"] = pl.min_horizontal(due["low"], expected)
    due["base"] = pl.coalesce(expected, due["base"])
    due["high"] = pl.max_horizontal(due["high"], expected)
    lacks = lacks.with_columns(known=known, **due).with_columns(
        odds=odds(lacks.with_columns(due["base"].alias("base"))), told=_told(), tag=_tag()
    )
    return lacks.sort("n", "base", "missing", descending=[False, True, False]).group_by(
        "n", maintain_order=True
    ).agg(
        *(pl.when(pl.col("known").all()).then(pl.col(name).max()).alias(name) for name in CASES),
        pl.when(pl.col("known").all()).then(pl.col("odds").min()).alias("odds"),
        told=pl.col("told").str.join("; "),
        tag=pl.when(pl.col("known").all()).then(pl.col("tag").first()),
    )  # fmt: skip


def _told() -> pl.Expr:
    since = pl.when(pl.col("applied_at").is_not_null()).then(pl.lit("application")).otherwise(pl.lit("block"))
    return (
        pl.when(pl.col("p50_days").is_null()).then(pl.format("{}: no lead time published", "missing"))
        .otherwise(pl.format("{}: {}/{}/{} days from {} of {}", "missing", "p10_days", "p50_days", "p90_days",
                             since, _text("start").fill_null("an unknown day")))
    )  # fmt: skip


def _tag() -> pl.Expr:
    return pl.when(pl.col("expected").is_not_null()).then(pl.lit("given")).otherwise(pl.lit("estimated"))


def asked(book: Book) -> tuple[list[str], list[tuple[str, str]]]:
    """The papers that parties issue themselves (no authority to wait for), and (scheme, role that must hold it)."""
    papers, schemes = _asked(book.codex)
    return list(papers), list(schemes)


@lru_cache(maxsize=16)
def _asked(codex: Codex) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    papers, schemes = set[str](), set[tuple[str, str]]()
    for rule in codex.rules:
        for node in _nodes(rule.model_dump(mode="json", by_alias=True)):
            if isinstance(node.get("document"), str):
                papers.add(node["document"])
            if isinstance(node.get("licence"), str):
                schemes.add((node["licence"], node.get("of") or "manufacturer"))
    return tuple(sorted(papers)), tuple(sorted(schemes))


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for child in node.values():
            yield from _nodes(child)
    elif isinstance(node, list):
        for child in node:
            yield from _nodes(child)


def _applications(book: Book, lacks: pl.DataFrame, schemes: list[tuple[str, str]]) -> pl.DataFrame:
    """The earliest pending application for each missing licence: n, missing, applied_at, expected."""
    shape: Schema = {"n": pl.UInt32, "missing": pl.String, "applied_at": INSTANT, "expected": INSTANT}
    granted = book.of("licence.granted").select("scheme", "licence").unique()
    pending = book.of("licence.applied").join(
        granted, on=["scheme", "licence"], how="anti", maintain_order="left"
    )
    if pending.is_empty() or not schemes:
        return pl.DataFrame(schema=shape)
    asked = lacks.join(
        pl.DataFrame(schemes, {"missing": pl.String, "role": pl.String}, orient="row"), on="missing"
    )
    if asked.is_empty():
        return pl.DataFrame(schema=shape)
    holders = [pl.when(pl.col("role") == role).then(column) for role, column in _HOLDERS.items()]
    maker = pl.when(pl.col("role") == "manufacturer").then("party")  # unknown: perhaps the exporter itself
    who = pl.coalesce(*holders, maker)
    found = (
        asked.with_columns(holder=who)
        .with_columns(compared("holder", book.names))
        .join(
            pending.select("time", "goods", "holder", missing="scheme", expected=instant(pl.col("expected"))),
            on=["missing", "holder"],
        )
    )
    found = found.filter(_for_goods(found, book.codex.taxonomy))
    return (
        found.sort("time", "expected").group_by("n", "missing", maintain_order=True)
        .agg(applied_at=pl.col("time").first(), expected=pl.col("expected").first()).cast(shape)  # type: ignore[arg-type]
    )  # fmt: skip


def _for_goods(found: pl.DataFrame, taxonomy: Taxonomy) -> pl.Series:
    """Whether an application may be for the line's goods (none named: all goods)."""
    if found["goods"].null_count() == found.height:
        return pl.repeat(True, found.height, dtype=pl.Boolean, eager=True)
    verdicts: dict[tuple[str | None, tuple[str | None, ...]], bool] = {}
    answers = []
    for name, goods in found.select("class", "goods").iter_rows():
        named = tuple(entry["class"] for entry in goods or ())
        if (name, named) not in verdicts:
            verdicts[name, named] = not named or any(
                one is None or taxonomy.is_a(name, one) is not False for one in named
            )
        answers.append(verdicts[name, named])
    return pl.Series(answers, dtype=pl.Boolean)
