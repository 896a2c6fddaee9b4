"""What was stated in pieces, the margin that is lost, and the sums: out of pocket, charged, expected, called in cash.

Sums are in contract currency and add up figures that were rounded before, so the parts add up to what is shown.
"""

from collections.abc import Mapping, Sequence
from functools import cache

import polars as pl

from services.domain import idle_parts
from services.domain.claims import PIECES
from services.domain.columns import FINE
from services.domain.figures import NO_STEPS, NO_TEXT, figure, same
from services.domain.forecast import CASES
from services.domain.money import NOTHING, Rates, converted, day_of, digits

_SUMS: Mapping[str, tuple[tuple[str, int], ...]] = {
    "out_of_pocket": (("stock_write_down", 1), ("commitment_loss", 1), ("penalty", 1), ("other", 1),
                      ("recoveries", -1)),
    "expectation_loss": (("out_of_pocket", 1), ("lost_margin", 1)),
    "accounting_charge": (("stock_write_down", 1), ("commitment_loss", 1), ("onerous_provision", 1), ("other", 1)),
}  # fmt: skip


def terms(frame: pl.DataFrame, figures: pl.DataFrame, rates: Rates) -> pl.DataFrame:
    """The frame with ``other, recoveries, lost_margin``, the sums, ``expected`` and ``cash_call``."""
    for name, pieces in PIECES.items():
        frame = _of_pieces(frame, figures.filter(pl.col("term").is_in(pieces)), name, rates)
    frame = _sums(frame.with_columns(_lost_margin()), rates)
    return frame.with_columns(*_expected(), *_cash_call())


def _of_pieces(frame: pl.DataFrame, pieces: pl.DataFrame, name: str, rates: Rates) -> pl.DataFrame:
    """A term that is the sum of what was stated: in its own currency, or the contract's where there are several."""
    if pieces.is_empty():
        return frame.with_columns(_nothing_stated(name))
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


@cache
def _nothing_stated(name: str) -> list[pl.Expr]:
    return figure(name, same(NOTHING))


@cache
def _lost_margin() -> list[pl.Expr]:
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
    return figure("lost_margin", same(margin), reason=reason, steps=steps)


def _in_contract(frame: pl.DataFrame, names: Sequence[str], rates: Rates) -> pl.DataFrame:
    """The frame with ``TERM_CASE_c``: the rounded figures of terms in contract currency, unrounded."""
    frame = frame.with_columns(_unconverted(tuple(names)))
    for name in names:
        if not frame[f"{name}_currency"].equals(frame["currency"]):
            moved = converted(
                frame.drop(f"{name}_rate", f"{name}_lacks"), rates, [f"{name}_{case}_c" for case in CASES],
                source=f"{name}_currency", target="currency", day=day_of(pl.col("blocked_since")),
            )  # fmt: skip
            frame = moved.rename({"rate": f"{name}_rate", "lacks": f"{name}_lacks"})
    return frame


@cache
def _unconverted(names: tuple[str, ...]) -> list[pl.Expr]:
    told = [NO_TEXT.alias(f"{name}_{what}") for name in names for what in ("rate", "lacks")]
    return told + [
        pl.col(f"{name}_{case}").cast(FINE).alias(f"{name}_{case}_c") for name in names for case in CASES
    ]


def _sums(frame: pl.DataFrame, rates: Rates) -> pl.DataFrame:
    """The sums of ``_SUMS``, each of figures rounded before, in contract currency."""
    done: set[str] = set()
    for name, parts in _SUMS.items():
        new = [part for part, _ in parts if part not in done]
        frame = _in_contract(frame, new, rates).with_columns(_sum(name))
        done.update(new)
    return frame


@cache
def _sum(name: str) -> list[pl.Expr]:
    parts = _SUMS[name]
    cases = {case: _signed_sum(parts, case) for case in CASES}
    why = pl.coalesce(pl.coalesce(f"{part}_reason", f"{part}_lacks") for part, _ in parts)
    told = pl.concat_list(
        pl.format("{}{} {} {}", pl.lit("− " if sign < 0 else "+ "), pl.lit(part),
                  digits(pl.col(f"{part}_base")).fill_null("?"), f"{part}_currency")
        for part, sign in parts
    )  # fmt: skip
    used = (
        pl.concat_list(f"{part}_rate" for part, _ in parts).list.drop_nulls().list.unique(maintain_order=True)
    )
    return figure(name, cases, reason=why, steps=told.list.concat(used))


def _signed_sum(parts: tuple[tuple[str, int], ...], case: str) -> pl.Expr:
    total = NOTHING
    for part, sign in parts:
        amount = pl.col(f"{part}_{case}_c")
        total = total + amount if sign > 0 else total - amount
    return total


@cache
def _expected() -> list[pl.Expr]:
    """(1 − probability) · out_of_pocket."""
    odds = pl.col("probability").cast(FINE)
    cases = {case: (pl.lit(1, FINE) - odds) * pl.col(f"out_of_pocket_{case}").cast(FINE) for case in CASES}
    silent = pl.when(pl.col("deadline").is_null()).then(pl.lit("no deadline, so no probability"))
    why = pl.coalesce(pl.col("out_of_pocket_reason"), silent, "release_told")
    told = pl.format(
        "(1 − {}) × {}", digits(odds).fill_null("?"), digits(pl.col("out_of_pocket_base")).fill_null("?")
    )
    return figure("expected", cases, reason=why, steps=pl.concat_list(told))


@cache
def _cash_call() -> list[pl.Expr]:
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
    return figure("cash_call", cases, reason=why, steps=pl.concat_list(step))
