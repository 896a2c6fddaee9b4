"""What was bought for the contracts: stock on hand, open orders, and what of them was sold or called off since.

A delivery shrinks its order; a sale or a cancelled order turns an estimate into a fact.
"""

from datetime import datetime
from decimal import Decimal

import polars as pl

from services.domain.book import Book
from services.domain.columns import FINE, INSTANT, QUANTITY, Schema
from services.domain.units import converted

KEY = ["exporter", "purchase"]
KINDS = ("sold", "called_off", "stock", "order")
PARCEL: Schema = {
    "exporter": pl.String, "purchase": pl.String, "kind": pl.String, "contract": pl.String, "line": pl.String,
    "class": pl.String, "component": pl.String, "unit": pl.String, "currency": pl.String, "quantity": QUANTITY,
    "bought": QUANTITY, "unit_cost": FINE, "per_unit": FINE, "salvage": FINE, "fee": FINE, "prepaid": FINE,
    "proceeds": FINE, "proceeds_currency": pl.String, "ordered_at": INSTANT, "moved_at": INSTANT,
}  # fmt: skip
_SAID = ["contract", "line", "class", "component", "unit", "currency", "unit_cost", "per_unit", "salvage"]
_ZERO = pl.lit(0, dtype=QUANTITY)


def parcels(book: Book, moment: datetime, named: bool = False) -> pl.DataFrame:
    """All parcels by the instant, one row each (``PARCEL``); of an exporter's those first that are used first.

    ``named``: only of what was told as bought for a line.

    ``kind``: ``stock`` on hand · ``order`` not delivered · ``sold`` stock and ``called_off`` orders, with what they
    brought in. ``quantity`` is the parcel's, ``bought`` that of the whole purchase in stock (or ordered and not
    delivered), of which parcels are parts. ``unit_cost`` and ``salvage`` (price less cost of selling) are per unit of
    the component; ``fee``, ``prepaid`` and ``proceeds`` are sums for the parcel.
    """
    return book.once(("parcels", moment, named), lambda: _parcels(book, moment, named))


def _parcels(book: Book, moment: datetime, named: bool) -> pl.DataFrame:
    ordered, delivered = (
        _stated(book, name, moment, named) for name in ("component.ordered", "component.purchased")
    )
    if ordered.is_empty() and delivered.is_empty():
        return pl.DataFrame(schema=PARCEL)
    stock, sold = _stock(book, moment, ordered, delivered)
    orders, off = _orders(book, moment, ordered, delivered)
    found = [part.select(PARCEL.keys()).cast(PARCEL) for part in (sold, off, stock, orders)]  # type: ignore[arg-type]
    order = pl.col("kind").replace_strict({kind: place for place, kind in enumerate(KINDS)})
    parts = pl.concat(found).filter(pl.col("quantity") > 0)
    return parts.sort(
        "exporter", order, "ordered_at", "purchase", "moved_at", "unit", "currency", maintain_order=True
    )


def _stated(book: Book, event_type: str, moment: datetime, named: bool) -> pl.DataFrame:
    rows = book.of(event_type).filter(
        pl.col("time") <= moment, pl.lit(not named) | pl.col("line").is_not_null()
    )
    if event_type == "component.purchased":
        rows = rows.with_columns(cancellation_fee=pl.lit(None, pl.String), prepaid=pl.lit(None, pl.String))
    fine = {
        name: pl.col(name).cast(FINE) for name in ("unit_cost", "per_unit", "cancellation_fee", "prepaid")
    }
    price, cost = pl.col("salvage_unit_price").cast(FINE), pl.col("salvage_unit_cost").cast(FINE)
    worth = pl.max_horizontal(price - cost.fill_null(0), pl.lit(Decimal(0), FINE))
    return rows.with_columns(
        quantity=pl.col("quantity").cast(QUANTITY), salvage=pl.when(price.is_not_null()).then(worth), **fine
    ).select("time", *KEY, *_SAID, "quantity", fee="cancellation_fee", prepaid="prepaid")  # fmt: skip


def _disposals(book: Book, event_type: str, moment: datetime) -> pl.DataFrame:
    rows = book.of(event_type).filter(pl.col("time") <= moment)
    return rows.select(
        *KEY, moved_at="time", gone=pl.col("quantity").cast(QUANTITY), proceeds=pl.col("proceeds").cast(FINE),
        proceeds_currency="currency",
    ).with_row_index("move")  # fmt: skip


def _stock(
    book: Book, moment: datetime, ordered: pl.DataFrame, delivered: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Stock on hand, and what of it was sold or scrapped; deliveries of one purchase are one stock at average cost."""
    order = ordered.unique(KEY, keep="last", maintain_order=True).select(
        *KEY, *(pl.col(name).alias(f"o_{name}") for name in _SAID)
    )
    first = ordered.group_by(KEY).agg(first_ordered=pl.col("time").min())
    rows = delivered.join(order, on=KEY, how="left", maintain_order="left").join(
        first, on=KEY, how="left", maintain_order="left"
    )
    rows = rows.with_columns(pl.coalesce(name, f"o_{name}").alias(name) for name in _SAID)
    group = [*KEY, "unit", "currency"]
    sums = rows.group_by(group, maintain_order=True).agg(
        *(pl.col(name).drop_nulls().last() for name in _SAID if name not in (*group, "unit_cost")),
        bought=pl.col("quantity").sum(),
        carrying=(pl.col("quantity").cast(FINE) * pl.col("unit_cost")).sum(),
        last_cost=pl.col("unit_cost").last(),
        ordered_at=pl.coalesce("first_ordered", "time").min(),
        came_at=pl.col("time").min(),
    )
    some = pl.when(pl.col("bought") > 0).then(pl.col("bought").cast(FINE))
    empty = pl.lit(None, FINE)
    sums = sums.with_columns(
        unit_cost=(pl.col("carrying") / some).fill_null(pl.col("last_cost")),
        first=pl.int_range(pl.len()).over(KEY) == 0, fee=empty, prepaid=empty,
    )  # fmt: skip
    return _moved(sums, _disposals(book, "component.disposed", moment), "sold", "stock")


def _orders(
    book: Book, moment: datetime, ordered: pl.DataFrame, delivered: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Open orders, and what of them was called off; fee and prepayment in proportion to the whole order."""
    last = ordered.unique(KEY, keep="last", maintain_order=True)
    first = ordered.group_by(KEY).agg(ordered_at=pl.col("time").min())
    came = delivered.join(last.select(*KEY, order_unit="unit"), on=KEY).with_columns(
        amount=converted(pl.col("quantity"), pl.col("unit"), pl.col("order_unit"))
    )
    came = came.group_by(KEY).agg(delivered=pl.col("amount").sum())
    rows = last.join(came, on=KEY, how="left").join(first, on=KEY, how="left")
    rows = rows.with_columns(
        whole=pl.col("quantity").cast(FINE),
        bought=pl.max_horizontal(pl.col("quantity") - pl.col("delivered").fill_null(_ZERO), _ZERO),
        first=pl.lit(True),
    ).drop("quantity", "time")
    open_, off = _moved(rows, _disposals(book, "component.order_cancelled", moment), "called_off", "order")
    return _proportionate(open_), _proportionate(off)


def _proportionate(orders: pl.DataFrame) -> pl.DataFrame:
    some = pl.when(pl.col("whole") > 0).then(pl.col("whole"))
    return orders.with_columns(
        pl.col(name) * pl.col("quantity").cast(FINE) / some for name in ("fee", "prepaid")
    )


def _moved(
    held: pl.DataFrame, moves: pl.DataFrame, gone_kind: str, kind: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What is left of each purchase, and each part that went; a move without a quantity takes all that was left."""
    nothing: Schema = {"proceeds": FINE, "proceeds_currency": pl.String, "moved_at": INSTANT}
    left = held.with_columns(
        *(pl.lit(None, dtype).alias(name) for name, dtype in nothing.items()),
        quantity=pl.col("bought"), kind=pl.lit(kind),
    )  # fmt: skip
    if moves.is_empty():
        return left, left.clear()
    took = moves.join(held.filter("first"), on=KEY, maintain_order="left").with_columns(
        pl.coalesce("gone", "bought").alias("gone")
    )
    upto = pl.min_horizontal(pl.col("gone").cum_sum().over(KEY), pl.col("bought"))
    took = took.with_columns(upto=upto)
    took = took.with_columns(quantity=pl.col("upto") - pl.col("upto").shift(fill_value=0).over(KEY))
    total = took.group_by(KEY).agg(went=pl.col("quantity").sum()).with_columns(first=pl.lit(True))
    left = left.join(total, on=[*KEY, "first"], how="left", maintain_order="left").with_columns(
        quantity=pl.col("bought") - pl.col("went").fill_null(_ZERO)
    )
    return left, took.with_columns(kind=pl.lit(gone_kind))
