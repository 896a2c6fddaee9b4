"""Components of blocked lines as money: what stock loses in value, what open orders cost, what was avoidable.

Stock is worth its best remaining use, at least nothing. An order is called off, or taken and resold, whichever costs
less. What was sold or called off since the block is no estimate any more.
"""

from datetime import datetime
from functools import cache

import polars as pl

from services.domain.book import Book
from services.domain.columns import FINE, QUANTITY, Schema
from services.domain.components import idle
from services.domain.contracts import folded
from services.domain.figures import figure
from services.domain.forecast import CASES
from services.domain.money import NOTHING, Rates, converted, day_of, digits
from services.domain.units import converted as in_unit

GROUPS = {"stock": "stock_write_down", "orders": "commitment_loss", "avoidable": "avoidable"}
_LINE = ["exporter", "contract", "line"]
_SENT: Schema = {"class": pl.String, "sent": QUANTITY, "sent_at": pl.Datetime("us", "UTC")}
_LOSSES = [f"loss_{case}" for case in CASES]
_EMPTY = pl.lit([], dtype=pl.List(pl.String))


def of(
    book: Book,
    bought: pl.DataFrame,
    lines: pl.DataFrame,
    chosen: pl.DataFrame,
    moment: datetime,
    rates: Rates,
) -> pl.DataFrame:
    """What idle components (``purchases.parcels``) cost each chosen line: n, and for each of ``GROUPS`` its sums,
    currency, error and steps."""
    sent = _shipments(book, bought, moment)
    parts = idle(bought, lines, sent, book.codex.taxonomy)
    about = chosen.select("n", "blocked_since", "rule_published", contract_currency="currency")
    parts = parts.join(about, on="n", maintain_order="left")
    before = pl.col("moved_at") < pl.col("blocked_since")
    parts = parts.filter(~before.fill_null(False))
    parts = _in_money(_reckoned(parts, rates), rates)
    frame = chosen.select("n")
    for group in GROUPS:
        frame = frame.join(_sums(parts.filter(pl.col("group") == group), group), on="n", how="left")
    return frame.join(_costs(parts), on="n", how="left")


def _shipments(book: Book, bought: pl.DataFrame, moment: datetime) -> pl.DataFrame:
    """What left of each line and when, in the line's unit; asked only where purchases are shared out over lines."""
    gone = book.of("goods.shipped").filter(pl.col("time") <= moment)
    if gone.is_empty() or not bought["line"].null_count():
        return pl.DataFrame(schema={**dict.fromkeys(_LINE, pl.String), **_SENT})
    lines = folded(book, moment, ended=True).select(*_LINE, "class", line_unit="unit")
    sent = in_unit(pl.col("quantity").cast(QUANTITY), pl.col("unit"), pl.col("line_unit"))
    return gone.join(lines, on=_LINE).select(*_LINE, "class", sent=sent, sent_at="time").drop_nulls("sent")


def _reckoned(parts: pl.DataFrame, rates: Rates) -> pl.DataFrame:
    """The parts with ``carrying``, ``loss_low, _base, _high`` and ``cash`` in their own currency, and ``group``."""
    parts = converted(parts, rates, ["proceeds"], source="proceeds_currency", target="currency",
                      day=day_of(pl.col("blocked_since"))).rename({"lacks": "proceeds_lack"}).drop("rate")  # fmt: skip
    for columns in _one_after_another():
        parts = parts.with_columns(columns)
    return parts


@cache
def _one_after_another() -> list[list[pl.Expr]]:
    amount = pl.col("quantity").cast(FINE)
    carrying, worth = amount * pl.col("unit_cost"), pl.col("salvage")
    best = {"low": worth.fill_null(pl.col("unit_cost")), "base": worth.fill_null(NOTHING), "high": NOTHING}
    held = [pl.col("prepaid").fill_null(NOTHING), carrying.alias("carrying")]
    losses = [_loss(case).alias(f"loss_{case}") for case in CASES]
    late = (pl.col("ordered_at") > pl.col("rule_published")).fill_null(False)
    stock = pl.col("kind").is_in(["stock", "sold"])
    group = (
        pl.when(late).then(pl.lit("avoidable")).when(stock).then(pl.lit("stock")).otherwise(pl.lit("orders"))
    )
    return [
        held + [(amount * each).alias(f"nrv_{case}") for case, each in best.items()],
        losses,
        [_cash().alias("cash"), group.alias("group"), _step().alias("step")],
    ]


def _loss(case: str) -> pl.Expr:
    carrying, kind = pl.col("carrying"), pl.col("kind")
    resold = pl.max_horizontal(carrying - pl.col(f"nrv_{case}"), NOTHING)
    called_off = pl.col("prepaid") + pl.col("fee")
    unsaid = pl.col("proceeds_lack").is_null() & pl.col("proceeds").is_null()
    fact = (
        pl.when(kind == "sold").then(carrying).otherwise(pl.col("prepaid") + pl.col("fee").fill_null(NOTHING))
    )
    # Stock that left without a price was put to use; an order called off without a refund returned nothing.
    returned = (
        pl.when(unsaid & (kind == "sold")).then(carrying).when(unsaid).then(NOTHING).otherwise("proceeds")
    )
    return (
        pl.when(kind.is_in(["sold", "called_off"])).then(pl.max_horizontal(fact - returned, _null_as(returned)))
        .when(kind == "order").then(pl.min_horizontal(called_off, resold))
        .otherwise(resold)
    )  # fmt: skip


def _null_as(amount: pl.Expr) -> pl.Expr:
    """Nothing, or unknown where the amount is: horizontal minima and maxima skip what is unknown."""
    return pl.when(amount.is_not_null()).then(NOTHING)


def _cash() -> pl.Expr:
    """What open orders still take: the fee where calling off is cheaper (in base), else what is unpaid."""
    cheaper = (pl.col("prepaid") + pl.col("fee")) <= pl.max_horizontal(
        pl.col("carrying") - pl.col("nrv_base"), NOTHING
    )
    unpaid = pl.max_horizontal(pl.col("carrying") - pl.col("prepaid"), NOTHING)
    is_open = pl.col("kind") == "order"
    return (
        pl.when(is_open & cheaper.fill_null(False)).then("fee").when(is_open).then(unpaid).otherwise(NOTHING)
    )


def _step() -> pl.Expr:
    what = pl.format("{} ({}): {} {} × {} {}", "component", "purchase", digits(pl.col("quantity")), "unit",
                     digits(pl.col("unit_cost")), "currency")  # fmt: skip
    fetches = pl.format(", fetches {} each", digits(pl.col("salvage"))).fill_null(", fetches nothing known")
    fee = pl.format(", called off for {}", digits(pl.col("fee"))).fill_null(", not cancellable")
    paid = pl.format(", prepaid {}", digits(pl.col("prepaid")))
    prepaid = pl.when(pl.col("prepaid") > 0).then(paid).otherwise(pl.lit(""))
    sold = pl.format(", sold for {}", digits(pl.col("proceeds"))).fill_null(", put to other use")
    back = pl.format(", called off, returned {}", digits(pl.col("proceeds"))).fill_null(", called off")
    kind = pl.col("kind")
    tail = (
        pl.when(kind == "stock").then(fetches).when(kind == "sold").then(sold)
        .when(kind == "order").then(pl.concat_str(fee, prepaid, fetches)).otherwise(back)
    )  # fmt: skip
    return pl.concat_str(what, tail, pl.format(" → {}", digits(pl.col("loss_base"))).fill_null(" → unknown"))


def _in_money(parts: pl.DataFrame, rates: Rates) -> pl.DataFrame:
    """Losses in the currency of a line's group, or the contract's where there are several; costs in the contract's."""
    one = pl.col("currency").n_unique().over("n", "group") == 1
    day = day_of(pl.col("blocked_since"))
    parts = parts.with_columns(
        target=pl.when(one).then("currency").otherwise("contract_currency"), cost="carrying",
        held=pl.when(pl.col("kind") == "stock").then("carrying").otherwise(NOTHING),
        fact=pl.when(pl.col("kind") == "stock").then(NOTHING).otherwise("loss_base"),
    )  # fmt: skip
    parts = converted(
        parts, rates, [*_LOSSES, "held", "fact"], source="currency", target="target", day=day
    ).rename({"rate": "group_rate", "lacks": "group_lacks"})
    return converted(
        parts, rates, ["cost", "cash"], source="currency", target="contract_currency", day=day
    ).rename({"rate": "cost_rate", "lacks": "costs_lack"})


def total(name: str) -> pl.Expr:
    """The sum; unknown where a part is."""
    return pl.when(pl.col(name).null_count() == 0).then(pl.col(name).sum())


def _sums(parts: pl.DataFrame, group: str) -> pl.DataFrame:
    return parts.group_by("n", maintain_order=True).agg(_sums_of(group))


@cache
def _sums_of(group: str) -> list[pl.Expr]:
    rates = pl.col("group_rate").drop_nulls().unique(maintain_order=True)
    return [
        *(total(f"loss_{case}").alias(f"{group}_{case}") for case in CASES),
        total("held").alias(f"{group}_held"), total("fact").alias(f"{group}_fact"),
        pl.col("target").first().alias(f"{group}_in"),
        pl.coalesce("group_lacks", "proceeds_lack").drop_nulls().first().alias(f"{group}_lacks"),
        pl.concat([pl.col("step"), rates]).alias(f"{group}_told"),
        pl.col("salvage").null_count().alias(f"{group}_unpriced"),
        pl.col("fee").null_count().alias(f"{group}_firm"),
    ]  # fmt: skip


def _costs(parts: pl.DataFrame) -> pl.DataFrame:
    """Per line, in contract currency: what its components cost, on hand and on order, and what is still to be paid."""
    bought = pl.col("kind").is_in(["stock", "sold"])
    parts = parts.with_columns(
        stock_cost=pl.when(bought).then("cost").otherwise(NOTHING),
        order_cost=pl.when(~bought).then("cost").otherwise(NOTHING),
        cash=pl.when(pl.col("group") == "avoidable").then(NOTHING).otherwise("cash"),
    )
    return parts.group_by("n", maintain_order=True).agg(
        total("stock_cost"), total("order_cost"), total("cash"), guessed=pl.col("guessed").any(),
        costs_lack=pl.col("costs_lack").drop_nulls().first(),
        cost_rates=pl.col("cost_rate").drop_nulls().unique(maintain_order=True),
    )  # fmt: skip


def terms(frame: pl.DataFrame, rates: Rates) -> pl.DataFrame:
    """The frame with ``stock_write_down``, ``commitment_loss`` and ``avoidable``, and costs of nothing filled in."""
    frame = frame.with_columns(
        pl.when(pl.col("guessed").is_null()).then(NOTHING).otherwise(name).alias(name)
        for name in ("stock_cost", "order_cost", "cash")
    )
    return _stated_value(frame, rates).with_columns(_figures())


@cache
def _figures() -> list[pl.Expr]:
    columns = []
    for group, name in GROUPS.items():
        none = pl.col(f"{group}_in").is_null()
        cases = {case: pl.when(none).then(NOTHING).otherwise(pl.col(f"{group}_{case}")) for case in CASES}
        columns += figure(name, cases, currency=pl.col(f"{group}_in"), reason=pl.col(f"{group}_lacks"),
                          steps=pl.col(f"{group}_told").fill_null(_EMPTY))  # fmt: skip
    return columns


def _stated_value(frame: pl.DataFrame, rates: Rates) -> pl.DataFrame:
    """Where the user stated what the stock will fetch, the write-down is the rest of its cost."""
    if frame["said_nrv"].null_count() == frame.height:
        return frame
    stated = pl.col("said_nrv").is_not_null() & pl.col("stock_in").is_not_null()
    nrv = frame.select("n", "blocked_since", "said_nrv", "said_nrv_of", "stock_in")
    nrv = converted(nrv, rates, ["said_nrv"], source="said_nrv_of", target="stock_in",
                    day=day_of(pl.col("blocked_since")))  # fmt: skip
    frame = frame.join(
        nrv.select("n", worth="said_nrv", worth_lacks="lacks"), on="n", how="left", maintain_order="left"
    )
    rest = pl.max_horizontal(pl.col("stock_held") - pl.col("worth"), _null_as(pl.col("worth"))) + pl.col(
        "stock_fact"
    )
    told = pl.concat_list(
        pl.format("stated value of the stock: {} {}", digits(pl.col("said_nrv")), "said_nrv_of")
    )
    return frame.with_columns(
        *(pl.when(stated).then(rest).otherwise(f"stock_{case}").alias(f"stock_{case}") for case in CASES),
        stock_lacks=pl.coalesce("stock_lacks", "worth_lacks"),
        stock_told=pl.when(stated).then(pl.col("stock_told").list.concat(told)).otherwise("stock_told"),
    ).drop("worth", "worth_lacks")  # fmt: skip
