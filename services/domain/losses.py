"""What a blocked line costs, by the terms accountants and courts use, each figure with its steps.

The worked example, in thousands: a contract worth 1,000 is blocked as a whole. Parts for 350 are in stock and would
fetch 140; parts for 120 are on order, unpaid, and could be called off for 40 or resold for 50; 150 would still have to
be spent; damages for delay are capped at 50; 5 went on storage; the buyer has paid 300 in advance.

    stock_write_down     350 − 140                         210
    commitment_loss      min(40, 120 − 50)                  40
    penalty              the cap                            50     0 while force majeure exempts
    other                stated                              5
    out_of_pocket        210 + 40 + 50 + 5                 305     255 if exempt
    lost_margin          1,000 − 350 − 120 − 150           380
    expectation_loss     305 + 380                         685
    accounting_charge    210 + 40 + 50 + 5                 305
    cash_call            300 + 50 + 40                     390
"""

from collections.abc import Mapping
from datetime import datetime

import polars as pl

from services.domain import claims, idle_parts, penalties
from services.domain.book import Book
from services.domain.columns import FINE
from services.domain.figures import NO_STEPS, figure, same
from services.domain.forecast import CASES, PROBABILITY, releases
from services.domain.loss_text import loss_json, steps_json, tagged
from services.domain.money import NOTHING, Rates, converted, day_of, digits

DEFAULTS: Mapping[str, tuple[str, str]] = {
    "stock": ("none", "nothing recorded as bought is nothing bought"),
    "orders": ("none", "nothing recorded as ordered is nothing ordered"),
    "salvage": (
        "0; carrying value in low",
        "nobody is known to buy it; at best it finds another use at cost",
    ),
    "salvage_unit_cost": ("0", "a price is taken as net of selling it unless a cost is given"),
    "cancellation_fee": ("not cancellable", "no right to call an order off is presumed"),
    "prepaid": ("0", "an order is paid on delivery unless said otherwise"),
    "proceeds": ("the cost", "what left the stock without a price was put to use"),
    "cost_to_go": ("unknown", "a margin without it would be invented"),
    "deadline": ("none", "without a deadline nothing is late and nothing can be in time"),
    "liquidated_damages": ("none", "delay costs what the contract says it does"),
    "force_majeure": ("not exempt", "a party that wants to be excused must have given notice"),
    "release": ("never", "no lead time is published: delay runs to its cap; without a cap it is unknown"),
    "advance": ("none", "nothing received is nothing to refund"),
    "guarantee": ("none", "no guarantee is known that could be called"),
    "other": ("0", "storage, demurrage, freight back and fees are counted when stated"),
    "recoveries": ("0", "returns to suppliers and insurance are counted when stated"),
}
"""Each missing input: what is taken instead, and why."""

TERMS = ("blocked_value", "stock_write_down", "commitment_loss", "penalty", "onerous_provision", "other", "recoveries",
         "out_of_pocket", "lost_margin", "expectation_loss", "accounting_charge", "cash_call", "expected",
         "avoidable")  # fmt: skip
_SUMS: Mapping[str, tuple[tuple[str, int], ...]] = {
    "out_of_pocket": (("stock_write_down", 1), ("commitment_loss", 1), ("penalty", 1), ("other", 1),
                      ("recoveries", -1)),
    "expectation_loss": (("out_of_pocket", 1), ("lost_margin", 1)),
    "accounting_charge": (("stock_write_down", 1), ("commitment_loss", 1), ("onerous_provision", 1), ("other", 1)),
}  # fmt: skip
"""Sums, in contract currency, of rounded figures: so the parts add up to what is shown."""


def estimate(
    book: Book,
    rows: pl.DataFrame,
    *,
    now: datetime,
    known: datetime | None = None,
    at: datetime | None = None,
) -> pl.DataFrame:
    """The rows of ``verdicts.assess`` with two more columns of JSON text, null for lines that lose nothing.

    ``loss``: the terms by name, each ``{low, base, high, currency}`` (amounts as text; null, with a ``reason``, where
    nothing can be said), and ``probability``. ``loss_steps``: ``tags`` (input → given, default, estimated) and
    ``steps`` (term → how it was reckoned). Purchases count up to ``at``, else ``now``; nothing else depends on either.
    """
    book, moment = book.known(known), at if at is not None else now
    lines = rows.with_row_index("n")
    figures = claims.stated(book, lines, moment)
    told = figures.filter(
        pl.col("term").is_in([*claims.TERMS, *(p for of in claims.PIECES.values() for p in of)])
    )
    chosen = lines.filter((pl.col("blocked_quantity") > 0) | pl.col("n").is_in(told["n"].implode()))
    if chosen.is_empty():
        return rows.with_columns(loss=pl.lit(None, pl.String), loss_steps=pl.lit(None, pl.String))
    reckoned = _reckoned(book, lines, chosen, figures, moment)
    texts = reckoned.select("n", loss=loss_json(TERMS), loss_steps=steps_json(TERMS))
    return lines.join(texts, on="n", how="left", maintain_order="left").drop("n")


def _reckoned(
    book: Book, lines: pl.DataFrame, chosen: pl.DataFrame, figures: pl.DataFrame, moment: datetime
) -> pl.DataFrame:
    """The chosen lines with every term as ``figures.figure`` lays it out, and the tags of the inputs."""
    rates = Rates(book.fx)
    frame = claims.terms(book, chosen, moment)
    for more in (releases(book, chosen), claims.contract_sums(book, lines, moment)):
        frame = frame.join(more, on="n", how="left", maintain_order="left")
    frame = _released_as_stated(_with_stated(frame, figures, rates))
    frame = frame.join(
        idle_parts.of(book, lines, frame, moment, rates), on="n", how="left", maintain_order="left"
    )
    worth = pl.col("unit_price").cast(FINE) * pl.col("blocked_quantity").cast(FINE)
    frame = frame.with_columns(late_value=worth)
    priced = pl.format(
        "{} {} × {} {}", digits(pl.col("blocked_quantity")), "unit", digits(pl.col("unit_price")), "currency"
    )
    frame = frame.with_columns(figure("blocked_value", same(worth), steps=pl.concat_list(priced)))
    frame = penalties.terms(idle_parts.terms(frame, rates))
    for name, pieces in claims.PIECES.items():
        frame = _of_pieces(frame, figures.filter(pl.col("term").is_in(pieces)), name, rates)
    return tagged(_cash_call(_expected(_sums(_lost_margin(frame), rates)), rates))


def _with_stated(frame: pl.DataFrame, figures: pl.DataFrame, rates: Rates) -> pl.DataFrame:
    """``said_TERM`` and its currency ``said_TERM_of``; of inputs the amount in contract currency, or ``_lacks``."""
    names = (*claims.TERMS, *_INPUTS, "nrv")
    columns = [
        pl.col(column).filter(pl.col("term") == name).first().alias(alias)
        for name in (*names, "release_days")
        for column, alias in (("amount", f"said_{name}"), ("of", f"said_{name}_of"))
    ]
    frame = frame.join(figures.group_by("n").agg(columns), on="n", how="left", maintain_order="left")
    frame = frame.rename({"said_release_days": "release_days"}).drop("said_release_days_of")
    for name in _INPUTS:
        said, source = f"said_{name}", f"said_{name}_of"
        if frame[source].null_count() < frame.height:
            day = day_of(pl.col("blocked_since"))
            moved = converted(frame, rates, [said], source=source, target="currency", day=day).drop("rate")
            frame = moved.rename({"lacks": f"{said}_lacks"})
        else:
            frame = frame.with_columns(pl.lit(None, pl.String).alias(f"{said}_lacks"))
    return frame


_INPUTS = ("advance", "guarantee", "cost_to_go", "liquidated_damages_cap")


def _released_as_stated(frame: pl.DataFrame) -> pl.DataFrame:
    """Days until the release as the user states them, counted from the block."""
    said = pl.col("release_days").is_not_null()
    at = pl.col("blocked_since") + pl.duration(days=pl.col("release_days").cast(pl.Int64))
    in_time = pl.when(at <= pl.col("deadline")).then(pl.lit(1)).when(at > pl.col("deadline")).then(pl.lit(0))
    told = pl.format("stated: {} days after the block", digits(pl.col("release_days")))
    return frame.with_columns(
        *(pl.when(said).then(at).otherwise(f"release_{case}").alias(f"release_{case}") for case in CASES),
        probability=pl.when(said).then(in_time.cast(PROBABILITY)).otherwise("probability"),
        release_tag=pl.when(said).then(pl.lit("given")).otherwise("release_tag"),
        release_told=pl.when(said).then(told).otherwise("release_told"),
    )


def _of_pieces(frame: pl.DataFrame, pieces: pl.DataFrame, name: str, rates: Rates) -> pl.DataFrame:
    """A term that is the sum of what was stated: in its own currency, or the contract's where there are several."""
    about = frame.select("n", "blocked_since", contract_currency="currency")
    rows = pieces.join(about, on="n", maintain_order="left").with_columns(
        target=pl.when(pl.col("of").n_unique().over("n") == 1).then("of").otherwise("contract_currency"),
        told=pl.format("{} {} {}, stated", "term", digits(pl.col("amount")), "of"),
    )
    rows = converted(
        rows, rates, ["amount"], source="of", target="target", day=day_of(pl.col("blocked_since"))
    )
    sums = rows.group_by("n", maintain_order=True).agg(
        idle_parts.total("amount"),
        pl.col("target").first(),
        pl.col("lacks").drop_nulls().first(),
        pl.col("told"),
    )
    frame = frame.join(sums, on="n", how="left", maintain_order="left")
    amount = pl.when(pl.col("target").is_null()).then(NOTHING).otherwise("amount")
    columns = figure(name, same(amount), currency=pl.col("target"), reason=pl.col("lacks"),
                     steps=pl.col("told"))  # fmt: skip
    return frame.with_columns(columns).drop("amount", "target", "lacks", "told")


def _lost_margin(frame: pl.DataFrame) -> pl.DataFrame:
    """Revenue less all that fulfilling costs: components (whenever bought) and what would still have been spent."""
    per_unit = pl.col("cost_to_go").cast(FINE) * pl.col("blocked_quantity").cast(FINE)
    to_go = pl.coalesce("said_cost_to_go", per_unit)
    margin = pl.col("late_value") - pl.col("stock_cost") - pl.col("order_cost") - to_go
    none = pl.when(to_go.is_null()).then(pl.lit("the cost still to come is not given"))
    reason = pl.coalesce("costs_lack", "said_cost_to_go_lacks", none)
    step = pl.format(
        "{} − {} stock − {} on order − {} to go {}",
        *(
            digits(amount).fill_null("?")
            for amount in (pl.col("late_value"), pl.col("stock_cost"), pl.col("order_cost"), to_go)
        ),
        "currency",
    )
    steps = pl.concat_list(pl.concat_list(step), pl.col("cost_rates").fill_null(NO_STEPS))
    return frame.with_columns(figure("lost_margin", same(margin), reason=reason, steps=steps))


def _in_contract(frame: pl.DataFrame, name: str, rates: Rates) -> pl.DataFrame:
    """The frame with ``TERM_CASE_c``: the rounded figures of a term in contract currency, unrounded."""
    names = [f"{name}_{case}_c" for case in CASES]
    frame = frame.with_columns(
        pl.col(f"{name}_{case}").cast(FINE).alias(f"{name}_{case}_c") for case in CASES
    )
    moved = converted(frame, rates, names, source=f"{name}_currency", target="currency",
                      day=day_of(pl.col("blocked_since")))  # fmt: skip
    return moved.rename({"rate": f"{name}_rate", "lacks": f"{name}_lacks"})


def _sums(frame: pl.DataFrame, rates: Rates) -> pl.DataFrame:
    """The sums of ``_SUMS``, each of figures rounded before, in contract currency."""
    done: set[str] = set()
    for name, parts in _SUMS.items():
        for part, _ in parts:
            if part not in done:
                frame = _in_contract(frame, part, rates)
                done.add(part)
        cases = {case: _signed_sum(parts, case) for case in CASES}
        why = pl.coalesce(pl.coalesce(f"{part}_reason", f"{part}_lacks") for part, _ in parts)
        told = pl.concat_list(
            pl.format("{}{} {} {}", pl.lit("− " if sign < 0 else "+ "), pl.lit(part),
                      digits(pl.col(f"{part}_base")).fill_null("?"), f"{part}_currency")
            for part, sign in parts
        )  # fmt: skip
        used = (
            pl.concat_list(f"{part}_rate" for part, _ in parts)
            .list.drop_nulls()
            .list.unique(maintain_order=True)
        )
        frame = frame.with_columns(figure(name, cases, reason=why, steps=told.list.concat(used)))
    return frame


def _signed_sum(parts: tuple[tuple[str, int], ...], case: str) -> pl.Expr:
    total = NOTHING
    for part, sign in parts:
        amount = pl.col(f"{part}_{case}_c")
        total = total + amount if sign > 0 else total - amount
    return total


def _expected(frame: pl.DataFrame) -> pl.DataFrame:
    """(1 − probability) · out_of_pocket."""
    odds = pl.col("probability").cast(FINE)
    cases = {case: (pl.lit(1, FINE) - odds) * pl.col(f"out_of_pocket_{case}").cast(FINE) for case in CASES}
    silent = pl.when(pl.col("deadline").is_null()).then(pl.lit("no deadline, so no probability"))
    why = pl.coalesce(pl.col("out_of_pocket_reason"), silent, "release_told")
    told = pl.format(
        "(1 − {}) × {}", digits(odds).fill_null("?"), digits(pl.col("out_of_pocket_base")).fill_null("?")
    )
    return frame.with_columns(figure("expected", cases, reason=why, steps=pl.concat_list(told)))


def _cash_call(frame: pl.DataFrame, rates: Rates) -> pl.DataFrame:
    """What has to be paid soon: the advance, the penalty, orders, and guarantees beyond the claim they secure."""
    advance, guarantee = (
        pl.when(pl.col(f"said_{name}_of").is_not_null())
        .then(f"said_{name}")
        .otherwise(pl.col(name).fill_null(NOTHING))
        for name in ("advance", "guarantee")
    )
    cases = {}
    for case in CASES:
        claim = advance + pl.col(f"penalty_{case}_c")
        known = claim.is_not_null() & guarantee.is_not_null()
        beyond = pl.when(known).then(pl.max_horizontal(guarantee - claim, NOTHING))
        cases[case] = claim + pl.col("cash") + beyond
    why = pl.coalesce(
        "penalty_reason", "penalty_lacks", "costs_lack", "said_advance_lacks", "said_guarantee_lacks"
    )
    step = pl.format(
        "advance {} + penalty {} + orders {}, guarantee {} {}",
        *(
            digits(amount).fill_null("?")
            for amount in (advance, pl.col("penalty_base_c"), pl.col("cash"), guarantee)
        ),
        "currency",
    )
    return frame.with_columns(figure("cash_call", cases, reason=why, steps=pl.concat_list(step)))
