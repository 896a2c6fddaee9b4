"""Whose components: which part of every purchase lies idle because a line is blocked.

A purchase that names its line stays with it, in proportion to what of the line is blocked. One that names only a
contract, a class or an exporter is shared out over the open lines that need it, by export date, unblocked lines first:
only what no unblocked line needs is lost.
"""

import polars as pl

from services.domain.columns import FINE, Schema
from services.domain.goods import Taxonomy
from services.domain.pools import BLOCKED_ONLY, down, drawn, less, shared_out_by_need, short
from services.domain.purchases import PARCEL

PART: Schema = {"n": pl.UInt32, **PARCEL, "guessed": pl.Boolean}
_LINE = ["exporter", "contract", "line"]
_NEED = ["n", "component", "unit"]
_SUMS = ("fee", "prepaid", "proceeds")


def idle(
    parcels: pl.DataFrame, lines: pl.DataFrame, shipments: pl.DataFrame, taxonomy: Taxonomy
) -> pl.DataFrame:
    """The parcels, or parts of them, that lie idle because of each blocked line: ``n`` (the line) and ``PARCEL``.

    ``quantity`` and the sums are those of the part. ``guessed``: shared out without ``per_unit``, in proportion.
    ``lines``: n, exporter, contract, line, class, export_at, quantity, open_quantity, blocked_quantity of all open
    lines of the exporters. ``shipments``: exporter, contract, line, class, sent (quantity), sent_at.
    """
    lines = lines.select("n", *_LINE, "class", "export_at", "quantity", "open_quantity", "blocked_quantity")
    harmed = lines.filter(pl.col("blocked_quantity") > 0)
    parcels = parcels.join(harmed, on="exporter", how="semi", maintain_order="left").with_row_index("p")
    if parcels.is_empty():
        return pl.DataFrame(schema=PART)
    lines = lines.join(parcels, on="exporter", how="semi", maintain_order="left")
    named = parcels.filter(pl.col("line").is_not_null())
    own, needs = _named(named, lines)
    shared, needs = shared_out_by_need(
        parcels.filter(pl.col("line").is_null()), lines, shipments, needs, taxonomy
    )
    own = _lent(own, parcels, needs, lines)
    parts = pl.concat([own, *shared]).filter(pl.col("quantity") > 0)
    return _priced(parts, parcels).sort("n", "p").drop("p")


def _priced(parts: pl.DataFrame, parcels: pl.DataFrame) -> pl.DataFrame:
    """The parts with the columns of their parcels, sums in proportion."""
    joined = parts.join(parcels.rename({"quantity": "of"}), on="p", maintain_order="left")
    share = (pl.col(name) * pl.col("quantity").cast(FINE) / pl.col("of").cast(FINE) for name in _SUMS)
    return joined.with_columns(share).select("p", *PART.keys()).cast(PART)  # type: ignore[arg-type]


def _named(named: pl.DataFrame, lines: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What of each named purchase is the blocked share of its line, and what the unblocked shares have.

    The first: p, n, quantity, guessed. The second: n, component, unit, per_unit, and what of the component the line's
    blocked and unblocked parts have (``has_blocked``, ``has_free``).
    """
    found = named.join(lines.select("n", *_LINE, "quantity", "open_quantity", "blocked_quantity"),
                       on=_LINE, suffix="_line").sort("n", "p")  # fmt: skip
    whole = pl.col("quantity_line").cast(FINE)
    blocked = down(pl.col("bought").cast(FINE) * pl.col("blocked_quantity").cast(FINE) / whole)
    free = down(
        pl.col("bought").cast(FINE)
        * (pl.col("open_quantity") - pl.col("blocked_quantity")).cast(FINE)
        / whole
    )
    found = found.with_columns(
        blocked=blocked, free=free, stage=pl.col("kind").is_in(["called_off", "order"])
    )
    demand = found.group_by("exporter", "purchase", "unit", "currency", "stage", "n", maintain_order=True).agg(
        wanted=pl.col("blocked").max(), free=pl.col("free").max(),
        component=pl.col("component").first(), per_unit=pl.col("per_unit").drop_nulls().last(),
    )  # fmt: skip
    key = ["exporter", "purchase", "unit", "currency", "stage", "n"]
    parts = drawn(demand.select(*key, "wanted"), found.select(*key, "p", "quantity"), key)
    parts = parts.join(found.select("p", "n", guessed=pl.col("per_unit").is_null()), on=["p", "n"])
    parts = parts.select("p", "n", "quantity", "guessed")
    has = demand.group_by("n", "component", "unit", maintain_order=True).agg(
        has_blocked=pl.col("wanted").sum(), has_free=pl.col("free").sum(),
        per_unit=pl.col("per_unit").drop_nulls().last(),
    )  # fmt: skip
    return parts, has


def _lent(own: pl.DataFrame, parcels: pl.DataFrame, needs: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """The named parts less what wholly unblocked lines lack of the same component: it goes there instead."""
    key = ["exporter", "component", "unit"]
    free = lines.filter(pl.col("blocked_quantity") == 0)
    wants = (
        needs.join(free, on="n").filter(pl.col("per_unit").is_not_null()).with_columns(wanted=short("free"))
    )
    wants = wants.filter(pl.col("wanted") > 0)
    if wants.is_empty():
        return own
    wants = wants.sort("exporter", "export_at", "n").select(*key, "n", "wanted")
    stays = own.filter(~pl.col("guessed")).with_row_index("q")
    offers = stays.join(parcels.select("p", "kind", *key), on="p").filter(~pl.col("kind").is_in(BLOCKED_ONLY))
    offers = offers.sort("kind", "n", "p", descending=[True, False, False]).select(*key, "quantity", p="q")
    gone = drawn(wants, offers, key).select("p", "quantity")
    left = less(stays.drop("p").rename({"q": "p"}), gone).select(q="p", n="n", quantity="quantity")
    kept = stays.select("q", "p", "guessed").join(left, on="q", maintain_order="left")
    return pl.concat([kept.select(own.columns), own.filter("guessed")])
