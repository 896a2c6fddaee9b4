"""Purchases that name no line, shared out over the lines that need them, from the narrowest scope to the widest.

Within a scope what was shipped comes first, then unblocked lines, then blocked ones, each by export date.
"""

from collections.abc import Sequence

import polars as pl

from services.domain.columns import FINE, QUANTITY
from services.domain.goods import Taxonomy
from services.domain.purchases import KINDS

BLOCKED_ONLY = ("sold", "called_off")
"""What was sold or called off went there because a line was blocked; unblocked lines cannot use it."""
_LINE = ["exporter", "contract", "line"]
_NEED = ["n", "component", "unit"]
_POOL = ["exporter", "component", "unit", "of_contract", "of_class"]
_ZERO = pl.lit(0, dtype=QUANTITY)


def shared_out_by_need(
    pooled: pl.DataFrame,
    lines: pl.DataFrame,
    shipments: pl.DataFrame,
    needs: pl.DataFrame,
    taxonomy: Taxonomy,
) -> tuple[list[pl.DataFrame], pl.DataFrame]:
    """The parts (p, n, quantity, guessed) of each blocked line, and ``needs`` with what they meet.

    ``needs``: n, component, unit, per_unit, has_blocked, has_free. A need that is met is not met again.
    """
    parts: list[pl.DataFrame] = []
    pooled = pooled.rename({"contract": "of_contract", "class": "of_class"})
    for in_contract, level in _levels(pooled, lines, taxonomy):
        at_level = pooled.filter(pl.col("of_contract").is_not_null() == in_contract)
        scope, sent = (
            frame.join(level, on="class", nulls_equal=True, maintain_order="left").with_columns(
                of_contract=pl.when(pl.lit(in_contract)).then(pl.col("contract"))
            )
            for frame in (lines, shipments)
        )
        drawn, needs = _one_level(at_level, scope, sent, needs)
        parts += drawn
    return parts, needs


def _levels(pooled: pl.DataFrame, lines: pl.DataFrame, taxonomy: Taxonomy) -> list[tuple[bool, pl.DataFrame]]:
    """Scopes from narrow to wide: in the contract or not, and for each class of lines the class that is asked for."""
    classes = lines["class"].drop_nulls().unique().sort().to_list()
    chains = {name: [name, *taxonomy.ancestors(name)] for name in classes}
    asked = set(pooled["of_class"].drop_nulls())
    depth = max((len(chain) for chain in chains.values()), default=0)
    levels: list[tuple[bool, pl.DataFrame]] = []
    for in_contract in (True, False):
        here = pooled.filter(pl.col("of_contract").is_not_null() == in_contract)
        if here.is_empty():
            continue
        for step in range(depth):
            of = [(n, c[step]) for n, c in chains.items() if step < len(c) and c[step] in asked]
            if of:
                levels.append((in_contract, _level(of)))
        if here["of_class"].null_count():
            levels.append((in_contract, _level([(name, None) for name in [*classes, None]])))
    return levels


def _level(of: Sequence[tuple[str | None, str | None]]) -> pl.DataFrame:
    return pl.DataFrame(of, schema={"class": pl.String, "of_class": pl.String}, orient="row")


def _one_level(
    pooled: pl.DataFrame, scope: pl.DataFrame, sent: pl.DataFrame, needs: pl.DataFrame
) -> tuple[list[pl.DataFrame], pl.DataFrame]:
    """The purchases of one scope shared out: to shipments, to unblocked lines, and what is left to blocked ones."""
    pools = pooled.group_by(_POOL, maintain_order=True).agg(
        pool_per_unit=pl.col("per_unit").drop_nulls().last(), since=pl.col("ordered_at").min()
    )
    wants = scope.join(pools, on=["exporter", "of_contract", "of_class"], nulls_equal=True)
    wants = wants.join(needs, on=_NEED, how="left").with_columns(
        per_unit=pl.coalesce("per_unit", "pool_per_unit")
    )
    told = wants.filter(pl.col("per_unit").is_not_null()).sort("exporter", "export_at", "n")
    first = told.select(*_POOL, "n", wanted=short("free"))
    if not sent.is_empty():
        first = pl.concat([_consumed(sent, pools, needs, scope), first], how="diagonal_relaxed")
    order = pl.col("kind").replace_strict({kind: place for place, kind in enumerate(KINDS)})
    supply = pooled.with_columns(order=order).sort(*_POOL, "order", "p")
    stays = supply.filter(~pl.col("kind").is_in(BLOCKED_ONLY)).select(*_POOL, "p", "quantity")
    used = drawn(first, stays, _POOL)
    rest = less(supply.select(*_POOL, "p", "quantity"), used)
    lost = drawn(told.select(*_POOL, "n", wanted=short("blocked")), rest, _POOL)
    guess = _proportional(wants.filter(pl.col("per_unit").is_null()), rest)
    has = pl.concat(
        [
            needs,
            told.select(*_NEED, "per_unit"),
            used.drop_nulls("n").select(*_NEED, has_free="quantity"),
            lost.select(*_NEED, has_blocked="quantity"),
        ],
        how="diagonal_relaxed",
    )
    parts = [lost.select("p", "n", "quantity", guessed=pl.lit(False)), guess]
    return parts, has.group_by(_NEED, maintain_order=True).agg(
        pl.col("has_blocked", "has_free").sum(), per_unit=pl.col("per_unit").drop_nulls().first()
    )


def _consumed(
    sent: pl.DataFrame, pools: pl.DataFrame, needs: pl.DataFrame, scope: pl.DataFrame
) -> pl.DataFrame:
    """What shipments since the first purchase of a pool used up of it; lines with purchases of their own used those."""
    rows = sent.join(pools, on=["exporter", "of_contract", "of_class"], nulls_equal=True)
    own = needs.join(scope.select("n", *_LINE), on="n").select(*_LINE, "component", "unit")
    rows = rows.filter((pl.col("sent_at") >= pl.col("since")) & pl.col("pool_per_unit").is_not_null()).join(
        own, on=[*_LINE, "component", "unit"], how="anti"
    )
    amount = down(pl.col("sent").cast(FINE) * pl.col("pool_per_unit"))
    return rows.group_by(_POOL, maintain_order=True).agg(wanted=amount.sum())


def _proportional(silent: pl.DataFrame, supply: pl.DataFrame) -> pl.DataFrame:
    """Without ``per_unit`` each line bears a share by its open quantity."""
    total = pl.col("open_quantity").sum().over(_POOL).cast(FINE)
    shares = silent.with_columns(total=total).select(*_POOL, "n", "blocked_quantity", "total")
    found = shares.join(supply, on=_POOL, nulls_equal=True)
    part = down(pl.col("quantity").cast(FINE) * pl.col("blocked_quantity").cast(FINE) / pl.col("total"))
    return found.select("p", "n", quantity=part, guessed=pl.lit(True))


def short(part: str) -> pl.Expr:
    """What the free (unblocked) or blocked part of a line wants of a component beyond what it has."""
    blocked = pl.col("blocked_quantity")
    of = blocked if part == "blocked" else pl.col("open_quantity") - blocked
    need = down(of.cast(FINE) * pl.col("per_unit"))
    return pl.max_horizontal(need - pl.col(f"has_{part}").fill_null(_ZERO), _ZERO)


def less(supply: pl.DataFrame, used: pl.DataFrame) -> pl.DataFrame:
    gone = used.group_by("p").agg(gone=pl.col("quantity").sum())
    left = supply.join(gone, on="p", how="left", maintain_order="left")
    return left.with_columns(quantity=pl.col("quantity") - pl.col("gone").fill_null(_ZERO)).drop("gone")


def drawn(wants: pl.DataFrame, supply: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    """Wants drawn from supplies of the same key, both in the order of their rows: the key, n, p, quantity.

    Each stands as an interval on the running total of its key; what two intervals share is what one draws of the other.
    """
    upto, over = pl.col("wanted").cum_sum().over(key), pl.col("quantity").cum_sum().over(key)
    names = list(key) if "n" in key else [*key, "n"]
    if wants.is_empty() or supply.is_empty():
        nothing = [wants.clear().select(names), supply.clear().select("p", "quantity")]
        return pl.concat(nothing, how="horizontal")
    left = (
        wants.filter(pl.col("wanted") > 0)
        .with_columns(w_end=upto)
        .with_columns(w_start=pl.col("w_end") - pl.col("wanted"))
    )
    right = (
        supply.filter(pl.col("quantity") > 0)
        .with_columns(s_end=over)
        .with_columns(s_start=pl.col("s_end") - pl.col("quantity"))
    )
    both = left.join(right.drop("quantity"), on=list(key), nulls_equal=True, maintain_order="left")
    shared = pl.min_horizontal("w_end", "s_end") - pl.max_horizontal("w_start", "s_start")
    both = both.with_columns(quantity=shared).filter(pl.col("quantity") > 0)
    return both.select(*names, "p", "quantity")


def down(amount: pl.Expr) -> pl.Expr:
    return amount.truncate(6).cast(QUANTITY)
