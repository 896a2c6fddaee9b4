"""Units of UN/ECE Recommendation 20 that measure the same thing, and nothing beyond that table.

Source: UNECE Recommendation No. 20, conversion factors of level 1 and 2 units; the pound and ounce are the
international avoirdupois ones.
"""

from decimal import Decimal

import polars as pl

from services.domain.columns import FINE, QUANTITY

# unit → (what it measures, how many base units it holds)
_UNITS: dict[str, tuple[str, str]] = {
    "MGM": ("mass", "0.000001"), "GRM": ("mass", "0.001"), "KGM": ("mass", "1"), "TNE": ("mass", "1000"),
    "LBR": ("mass", "0.45359237"), "ONZ": ("mass", "0.028349523125"), "STN": ("mass", "907.18474"),
    "LTN": ("mass", "1016.0469088"),
    "MLT": ("volume", "0.001"), "LTR": ("volume", "1"), "HLT": ("volume", "100"), "MTQ": ("volume", "1000"),
    "MMT": ("length", "0.001"), "CMT": ("length", "0.01"), "MTR": ("length", "1"), "KMT": ("length", "1000"),
    "H87": ("count", "1"), "C62": ("count", "1"), "NMB": ("count", "1"), "EA": ("count", "1"),
    "DZN": ("count", "12"), "CEN": ("count", "100"), "GRO": ("count", "144"), "MIL": ("count", "1000"),
}  # fmt: skip


def factor(unit: str | None, to: str | None) -> Decimal | None:
    """How many of the other unit one unit is; None where the table does not say."""
    if unit is None or to is None:
        return None
    if unit == to:
        return Decimal(1)
    here, there = _UNITS.get(unit), _UNITS.get(to)
    if here is None or there is None or here[0] != there[0]:
        return None
    return Decimal(here[1]) / Decimal(there[1])


SIZE = pl.Decimal(38, 18)
"""The factor between two units, fine enough that what is drawn adds up to what was there."""

FACTORS = {
    f"{unit}>{to}": size.quantize(Decimal("1e-18"))
    for unit in _UNITS
    for to in _UNITS
    if (size := factor(unit, to)) is not None and unit != to
}


_NAMES = pl.Series(list(_UNITS), dtype=pl.String)
_SIZES = pl.Series([Decimal(size) for _, size in _UNITS.values()], dtype=pl.Decimal(38, 12))
_MEASURES = pl.Series([what for what, _ in _UNITS.values()], dtype=pl.String)
PAIRS = pl.Series(list(FACTORS), dtype=pl.String)
"""The names of ``FACTORS``, and beside them ``PER``, the factors."""
PER = pl.Series(list(FACTORS.values()), dtype=SIZE)


def converted(amount: pl.Expr, unit: pl.Expr, to: pl.Expr) -> pl.Expr:
    """The quantity in the other unit, rounded down to 6 decimals; null where the table does not say how."""
    size = unit.replace_strict(_NAMES, _SIZES, default=None)
    other = to.replace_strict(_NAMES, _SIZES, default=None)
    same = unit.replace_strict(_NAMES, _MEASURES, default=None) == to.replace_strict(
        _NAMES, _MEASURES, default=None
    )
    moved = (amount.cast(pl.Decimal(38, 12)) * size / other).cast(FINE)
    return pl.when(unit == to).then(amount).when(same).then(moved.truncate(6).cast(QUANTITY)).otherwise(None)
