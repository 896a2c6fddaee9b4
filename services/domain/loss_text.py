"""A loss as JSON text: the same keys in the same order, the same bytes for the same figures."""

from functools import cache

import polars as pl

from services.domain.forecast import CASES
from services.domain.money import digits

_GIVEN, _DEFAULT, _ESTIMATED = (pl.lit(tag) for tag in ("given", "default", "estimated"))


@cache
def loss_json(terms: tuple[str, ...]) -> pl.Expr:
    """The terms by name, each ``{low, base, high, currency}`` (a null with its ``reason``), and ``probability``."""
    odds = pl.format('"{}"', digits(pl.col("probability"))).fill_null("null")
    parts = [pl.concat_str(pl.lit(f'"{name}":'), _term(name)) for name in terms]
    parts.insert(len(terms) - 2, pl.concat_str(pl.lit('"probability":'), odds))
    return pl.concat_str(pl.lit("{"), pl.concat_str(parts, separator=","), pl.lit("}"))


def _term(name: str) -> pl.Expr:
    amounts = [digits(pl.col(f"{name}_{case}")).alias(case) for case in CASES]
    amounts.append(pl.col(f"{name}_currency").alias("currency"))
    reason = pl.col(f"{name}_reason")
    return (
        pl.when(reason.is_null()).then(pl.struct(amounts).struct.json_encode())
        .otherwise(pl.struct([*amounts, reason.alias("reason")]).struct.json_encode())
    )  # fmt: skip


@cache
def steps_json(terms: tuple[str, ...]) -> pl.Expr:
    """``{tags: {input: tag}, steps: {term: [text]}}``; only inputs and terms that play a part are named."""
    steps = [
        pl.when(pl.col(f"{name}_steps").list.len() > 0).then(
            pl.concat_str(
                pl.lit(f'"{name}":'),
                pl.struct(pl.col(f"{name}_steps").alias("s")).struct.json_encode().str.slice(5).str.head(-1),
            )
        )
        for name in terms
    ]
    told = pl.concat_str(steps, separator=",", ignore_nulls=True)
    return pl.concat_str(pl.lit('{"tags":{'), "tags", pl.lit('},"steps":{'), told, pl.lit("}}"))


def tagged(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with ``tags``: for each input whether it was given, taken from the defaults, or estimated."""
    said = [
        n.removeprefix("said_") for n in frame.columns if n.startswith("said_") and f"{n}_of" in frame.columns
    ]
    return frame.with_columns(tags=_tagged(tuple(said)))


@cache
def _tagged(said: tuple[str, ...]) -> pl.Expr:
    tags = [pl.concat_str(pl.lit(f'"{name}":"'), tag, pl.lit('"')) for name, tag in _tags(said).items()]
    return pl.concat_str(tags, separator=",", ignore_nulls=True)


def _tags(said: tuple[str, ...]) -> dict[str, pl.Expr]:
    """Tags by input; null where the input plays no part."""
    has_stock, has_orders = pl.col("stock_in").is_not_null(), pl.col("orders_in").is_not_null()
    unpriced = (pl.col("stock_unpriced").fill_null(0) + pl.col("orders_unpriced").fill_null(0)) > 0
    components = pl.when(pl.col("guessed")).then(_ESTIMATED).otherwise(_GIVEN)
    agreed = pl.any_horizontal(
        pl.col(n).is_not_null() for n in ("ld_rate", "ld_cap", "said_liquidated_damages_cap_of")
    )
    tags = {
        "unit_price": _GIVEN,
        "stock": pl.when(has_stock).then(components).otherwise(_DEFAULT),
        "orders": pl.when(has_orders).then(components).otherwise(_DEFAULT),
        "salvage": pl.when(pl.col("said_nrv").is_not_null()).then(_GIVEN)
                   .when(has_stock | has_orders).then(_or_default(~unpriced)),
        "cancellation_fee": pl.when(has_orders).then(_or_default(pl.col("orders_firm") == 0)),
        "cost_to_go": _or_default(pl.coalesce("said_cost_to_go", "cost_to_go").is_not_null()),
        "deadline": _or_default(pl.col("deadline").is_not_null()),
        "release": pl.col("release_tag"),
        "liquidated_damages": _or_default(agreed),
        "force_majeure": _or_default(pl.col("notified_at").is_not_null()),
        "advance": _or_default(pl.coalesce("said_advance", "advance").is_not_null()),
        "guarantee": _or_default(pl.coalesce("said_guarantee", "guarantee").is_not_null()),
        "other": _or_default(pl.col("other_steps").list.len() > 0),
        "recoveries": _or_default(pl.col("recoveries_steps").list.len() > 0),
    }  # fmt: skip
    for name in said:
        told = pl.when(pl.col(f"said_{name}_of").is_not_null()).then(_GIVEN)
        tags[name] = told.otherwise(tags[name]) if name in tags else told
    return tags


def _or_default(given: pl.Expr) -> pl.Expr:
    return pl.when(given.fill_null(False)).then(_GIVEN).otherwise(_DEFAULT)
