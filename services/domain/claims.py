"""What a loss is reckoned from, besides components: the user's own figures, sums of the contract, and its terms.

Sums given for a whole contract are split over its lines by value, by largest remainder, so that parts add up.
"""

from datetime import datetime

import polars as pl

from services.domain.book import Book
from services.domain.columns import FINE, INSTANT, Schema
from services.domain.contracts import folded
from services.domain.money import shared_out
from services.domain.versions import instant

KEY = ["exporter", "contract"]
TERMS = ("stock_write_down", "commitment_loss", "penalty", "onerous_provision", "other", "recoveries", "lost_margin",
         "cash_call")  # fmt: skip
"""Terms of a loss a user may state; stated, they replace the estimate."""
PIECES = {"other": ("storage", "demurrage", "freight_back", "guarantee_fees", "lc_fees"),
          "recoveries": ("supplier_returns", "insurance")}  # fmt: skip
"""Terms that are sums of stated pieces."""
SUMS = ("advance", "guarantee", "liquidated_damages_cap")
"""Stated for a contract, these are sums of it, of which the blocked part of a line bears its share."""
_STATED: Schema = {"n": pl.UInt32, "term": pl.String, "amount": FINE, "of": pl.String}
_TERM_FIELDS = {
    "ld_rate": pl.col("terms").struct.field("liquidated_damages").struct.field("rate_per_day").cast(FINE),
    "ld_cap": pl.col("terms").struct.field("liquidated_damages").struct.field("cap").cast(FINE),
    "notice_days": pl.col("terms").struct.field("force_majeure").struct.field("notice_days"),
    "ends_after": pl.col("terms").struct.field("force_majeure").struct.field("terminates_after_days"),
    "clause_of_force_majeure": pl.col("terms").struct.field("force_majeure").is_not_null(),
}  # fmt: skip


def stated(
    book: Book, lines: pl.DataFrame, now: datetime, others: pl.DataFrame | None = None
) -> pl.DataFrame:
    """The user's own figures for each line: n, term, amount, ``of`` (its currency); the last statement counts.

    One for a whole contract goes to the lines that state none of their own: ``SUMS`` as the blocked part of each line's
    share, terms to the blocked lines by blocked value (to all by value where none is blocked), ``release_days`` as is.
    Of a contract that has lines among ``others`` it is theirs alone.
    """
    rows = book.of("loss.stated").filter(pl.col("time") <= now)
    if others is not None and not rows.is_empty():
        borne = rows.filter(pl.col("line").is_null()).join(others, on=KEY, how="semi")
        rows = rows.join(borne, on=["source", "id"], how="anti", maintain_order="left")
    last = rows.unique([*KEY, "line", "term"], keep="last", maintain_order=True)
    last = last.select(*KEY, "line", "term", amount=pl.col("amount").cast(FINE), of="currency")
    if last.is_empty():
        return pl.DataFrame(schema=_STATED)
    own = last.drop_nulls("line").join(lines.select("n", *KEY, "line"), on=[*KEY, "line"])
    whole = _over_lines(book, lines, last.filter(pl.col("line").is_null()).drop("line"), now)
    whole = whole.join(own, on=["n", "term"], how="anti")
    both = pl.concat([own.select(_STATED.keys()), whole.select(_STATED.keys())])
    return both.cast(_STATED).sort("n", "term")  # type: ignore[arg-type]


def _over_lines(book: Book, lines: pl.DataFrame, whole: pl.DataFrame, now: datetime) -> pl.DataFrame:
    sums = _by_value(book, whole.filter(pl.col("term").is_in(SUMS)), lines, now)
    rest = whole.filter(~pl.col("term").is_in(SUMS)).join(
        lines.select("n", *KEY, "quantity", "blocked_quantity", "unit_price"), on=KEY, maintain_order="left"
    )
    group = [*KEY, "term"]
    any_blocked = (pl.col("blocked_quantity") > 0).any().over(group)
    weight = pl.when(any_blocked).then("blocked_quantity").otherwise("quantity").cast(FINE) * pl.col(
        "unit_price"
    ).cast(FINE)
    part = shared_out(pl.col("amount"), pl.col("weight"), pl.col("of"), group)
    as_is = pl.col("term") == "release_days"
    rest = rest.sort("n").with_columns(weight=weight).with_columns(
        amount=pl.when(as_is).then("amount").otherwise(part), bears=as_is | ~any_blocked | (pl.col("weight") > 0)
    )  # fmt: skip
    return pl.concat([sums, rest.filter("bears").select(_STATED.keys())])


def _by_value(book: Book, sums: pl.DataFrame, lines: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """Sums of contracts (exporter, contract, term, amount, of) split over their lines; the blocked part of each.

    The lines that were not called off share; once none of them is open, what was shipped and ``lines`` do.
    """
    if sums.is_empty():
        return pl.DataFrame(schema=_STATED)
    asked = pl.col("ref").is_in(lines["ref"].implode())
    goes_on = (~pl.col("over") & (pl.col("open") > 0)).any().over(KEY)
    every = folded(book, now, ended=True).join(sums, on=KEY, how="semi", maintain_order="left")
    every = every.filter(~pl.col("over") | (~goes_on & (asked | (pl.col("open") <= 0))))
    every = every.select(
        *KEY, "line", "line_id", value=pl.col("quantity").cast(FINE) * pl.col("unit_price").cast(FINE)
    )
    split = sums.join(every, on=KEY).sort("line_id")
    split = split.with_columns(
        amount=shared_out(pl.col("amount"), pl.col("value"), pl.col("of"), [*KEY, "term"])
    )
    split = split.join(lines.select("n", *KEY, "line", "quantity", "blocked_quantity"), on=[*KEY, "line"])
    return split.select(
        "n", "term", amount=pl.col("amount") * pl.col("blocked_quantity").cast(FINE) / pl.col("quantity").cast(FINE),
        of="of",
    ).cast(_STATED)  # type: ignore[arg-type]  # fmt: skip


def contract_sums(book: Book, lines: pl.DataFrame, chosen: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """The blocked part of the advance and guarantee of each chosen line's contract, in its currency: n, advance,
    guarantee.

    An advance is what was received, as far as dated facts give its value; else what the contract agrees.
    """
    lines = lines.join(chosen, on=KEY, how="semi", maintain_order="left")
    agreed = lines.group_by(KEY, maintain_order=True).agg(
        of=pl.col("currency").first(),
        advance=pl.col("terms").struct.field("advance").cast(FINE).drop_nulls().first(),
        guarantee=pl.col("terms").struct.field("guarantee").cast(FINE).drop_nulls().first(),
    )
    paid = book.of("contract.dated").filter(
        (pl.col("time") <= now)
        & (pl.col("fact") == "advance_payment_received")
        & pl.col("value").is_not_null()
    )
    paid = paid.join(agreed.select(*KEY, currency="of"), on=[*KEY, "currency"])
    if not paid.is_empty():
        received = paid.group_by(KEY).agg(received=pl.col("value").cast(FINE).sum())
        agreed = agreed.join(received, on=KEY, how="left").with_columns(
            advance=pl.coalesce("received", "advance")
        )
    sums = agreed.unpivot(
        ["advance", "guarantee"], index=[*KEY, "of"], variable_name="term", value_name="amount"
    )
    parts = _by_value(book, sums.drop_nulls("amount").select(*KEY, "term", "amount", "of"), lines, now)
    return parts.group_by("n").agg(
        pl.col("amount").filter(pl.col("term") == name).first().alias(name)
        for name in ("advance", "guarantee")
    )


def terms(book: Book, lines: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """The lines with the terms by which delay is paid for, and when force majeure was notified (and until when)."""
    told = book.of("contract.dated").filter(
        (pl.col("time") <= now) & (pl.col("fact") == "force_majeure_notified")
    )
    rows = lines.with_columns(**_TERM_FIELDS)
    if told.is_empty():
        return rows.with_columns(notified_at=pl.lit(None, INSTANT), notified_until=pl.lit(None, INSTANT))
    told = told.select(*KEY, "line", notified_at="time", notified_until=instant(pl.col("until")))
    first = [pl.col("notified_at", "notified_until").first()]
    for_line = told.drop_nulls("line").group_by([*KEY, "line"], maintain_order=True).agg(first)
    for_all = told.filter(pl.col("line").is_null()).group_by(KEY, maintain_order=True).agg(first)
    rows = rows.join(for_line, on=[*KEY, "line"], how="left", maintain_order="left")
    rows = rows.join(for_all, on=KEY, how="left", suffix="_all", maintain_order="left")
    return rows.with_columns(
        pl.coalesce(name, f"{name}_all").cast(INSTANT).alias(name)
        for name in ("notified_at", "notified_until")
    ).drop("notified_at_all", "notified_until_all")
