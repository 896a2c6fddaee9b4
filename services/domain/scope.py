"""Which clauses reach which lines: yes, no, or unknown because a fact is missing.

Lines are sorted into kinds (equal in all that scope can depend on), each clause is asked once about each kind, and the
answer holds for all lines of the kind. In Polars ``&`` and ``|`` follow three-valued logic.
"""

from collections.abc import Callable, Sequence
from typing import Any

import polars as pl

from events.rule_document import Comparison, GoodsEntry, Places
from services.domain.columns import FINE, Schema
from services.domain.goods import Taxonomy
from services.domain.rules import Binding

KIND = ("exported_from", "made_in", "destination", "class", "hs", "hs_year", "facts_complete", "attributes")
SCOPE: Schema = {
    "kind": pl.UInt32,
    "binding": pl.UInt32,
    "in_scope": pl.Boolean,
    "unknown": pl.List(pl.String),
}
_REMEMBERED = 50_000
_TRUE, _FALSE, _UNKNOWN = pl.lit(True), pl.lit(False), pl.lit(None, dtype=pl.Boolean)


def kinds(lines: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The lines with a column ``kind`` (UInt32), and one row per kind with the columns of ``KIND``."""
    numbered = lines.with_columns(kind=pl.struct(KIND).rank("dense").cast(pl.UInt32))
    return numbered, numbered.select("kind", *KIND).unique("kind", keep="any")


class Scopes:
    """What clauses say of kinds of goods, whatever the instant and the exporter; each kind is asked about once."""

    def __init__(self, bindings: Sequence[Binding], taxonomy: Taxonomy) -> None:
        self._bindings, self._taxonomy = bindings, taxonomy
        self._known: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}

    def reach(self, of: pl.DataFrame) -> pl.DataFrame:
        """The clauses that reach, or may reach, each of the kinds.

        Returns columns ``kind`` UInt32, ``binding`` UInt32 (position in ``bindings``), ``in_scope`` Boolean (null:
        unknown) and ``unknown`` List(String): the missing facts on which it depends.
        """
        known = self._known if len(self._known) < _REMEMBERED else {}
        keys = dict(zip(of["kind"], _keys(of), strict=True))
        new = [kind for kind, key in keys.items() if key not in known]
        if new:
            told = self._asked(of.filter(pl.col("kind").is_in(new)))
            # A new dictionary each time: whoever reads the old one in another thread is not disturbed.
            known = self._known = known | {keys[kind]: told.get(kind, []) for kind in new}
        rows = [(kind, *row) for kind, key in keys.items() for row in known.get(key, ())]
        return pl.DataFrame(rows, SCOPE, orient="row")

    def _asked(self, of: pl.DataFrame) -> dict[int, list[tuple[Any, ...]]]:
        classes = tuple(name for name in of["class"].unique().to_list() if name is not None)
        codes = tuple(of.select("hs", "hs_year").unique().drop_nulls().rows())
        asked = _Asked(of, self._taxonomy, classes, codes)
        told: dict[int, list[tuple[Any, ...]]] = {}
        for number, binding in enumerate(self._bindings):
            for kind, *row in asked.binding(number, binding).iter_rows():
                told.setdefault(kind, []).append(tuple(row))
        return told


def _keys(of: pl.DataFrame) -> list[tuple[Any, ...]]:
    """Each kind as what a dictionary takes."""
    return of.select(KIND).with_columns(pl.col("attributes").struct.json_encode()).rows()


class _Asked:
    """The kinds, and what has been worked out about their distinct classes and codes."""

    def __init__(
        self,
        of: pl.DataFrame,
        taxonomy: Taxonomy,
        classes: tuple[str, ...],
        codes: tuple[tuple[str, int], ...],
    ) -> None:
        self.of, self.taxonomy, self.classes, self.codes = of, taxonomy, classes, codes

    def binding(self, number: int, binding: Binding) -> pl.DataFrame:
        place = _place("exported_from", binding.exported_from) & _place("destination", binding.destinations)
        made_in = _place("made_in", binding.made_in)
        entries = [self._entry(entry) for entry in binding.goods]
        goods = entries[0][0]
        for match, _ in entries[1:]:
            goods = goods | match
        unknown = pl.concat_list(
            pl.when(made_in.is_null())
            .then(pl.lit(["made_in"]))
            .otherwise(pl.lit([], dtype=pl.List(pl.String))),
            *(names for _, names in entries),
        )
        return (
            self.of.filter(place.fill_null(True))
            .select(
                "kind", binding=pl.lit(number, pl.UInt32), in_scope=place & made_in & goods, unknown=unknown
            )
            .filter(pl.col("in_scope").is_null() | pl.col("in_scope"))
            .with_columns(
                unknown=pl.when(pl.col("in_scope").is_null())
                .then(pl.col("unknown").list.unique(maintain_order=True))
                .otherwise(pl.lit([], dtype=pl.List(pl.String)))
            )
        )

    def _entry(self, entry: GoodsEntry) -> tuple[pl.Expr, pl.Expr]:
        """Whether the entry speaks of the goods, and the facts missing where nobody can tell."""
        parts: list[tuple[str, pl.Expr]] = [
            (name, _compared(pl.col("attributes").struct.field(name), comparison, entry.any_class))
            for name, comparison in entry.where.items()
        ]
        if entry.hs_defines:
            parts.append(("hs", self._coded(entry)))
            if entry.goods_class is not None:
                of_class = self._of_class(entry.goods_class)
                parts.append(("", of_class | pl.col("class").is_null() | of_class.is_null()))
        elif entry.goods_class is not None:
            of_class = self._of_class(entry.goods_class)
            if entry.hs:
                of_class = of_class & (self._coded(entry).fill_null(True) | pl.col("class").is_not_null())
            parts.append(("class", of_class))
        match = _TRUE
        for _, part in parts:
            match = match & part
        names = pl.concat_list(
            pl.when(match.is_null() & part.is_null())
            .then(pl.lit([name]))
            .otherwise(pl.lit([], dtype=pl.List(pl.String)))
            for name, part in sorted(parts, key=lambda p: p[0] != "class")
            if name
        )
        return match, names

    def _of_class(self, wanted: str) -> pl.Expr:
        return _told("class", {name: self.taxonomy.is_a(name, wanted) for name in self.classes})

    def _coded(self, entry: GoodsEntry) -> pl.Expr:
        assert entry.hs_year is not None
        coded = {(c, y): self.taxonomy.coded(c, y, entry.hs, entry.hs_year) for c, y in self.codes}
        return _told(
            pl.concat_str("hs", "hs_year", separator="@"), {f"{c}@{y}": v for (c, y), v in coded.items()}
        )


def _told(column: str | pl.Expr, answers: dict[str, bool | None]) -> pl.Expr:
    """The answer for each value of a column; unknown for a missing value."""
    value = pl.col(column) if isinstance(column, str) else column
    yes = [name for name, answer in answers.items() if answer is True]
    no = [name for name, answer in answers.items() if answer is False]
    return pl.when(value.is_in(yes)).then(_TRUE).when(value.is_in(no)).then(_FALSE).otherwise(_UNKNOWN)


def _place(column: str, places: Places | None) -> pl.Expr:
    """Whether the column's place is among the places; a country holds its territories."""
    if places is None:
        return _TRUE
    if places.only is not None:
        return inside(pl.col(column), places.only)
    return ~inside(pl.col(column), places.excluded or ()) if places.excluded else _TRUE


def inside(place: pl.Expr, listed: Sequence[str]) -> pl.Expr:
    """Whether a place, or the country it is a part of, is listed."""
    return place.is_in(list(listed)) | place.str.head(2).is_in(list(listed))


def _compared(value: pl.Expr, comparison: Comparison, missing_is_no: bool) -> pl.Expr:
    """The comparison; a missing attribute is unknown, unless all facts are said to be given."""
    match = compared(value, comparison)
    told = pl.when(value.is_null() & pl.col("facts_complete")).then(_FALSE).otherwise(match)
    return told.fill_null(False) if missing_is_no else told


def compared(value: pl.Expr, comparison: Comparison) -> pl.Expr:
    """Whether a text fulfils a comparison; text that is no number is unknown to a bound."""
    number = value.cast(FINE, strict=False)
    bounds: list[tuple[object, Callable[[pl.Expr], pl.Expr]]] = [
        (comparison.at_least, number.__ge__), (comparison.more_than, number.__gt__),
        (comparison.at_most, number.__le__), (comparison.less_than, number.__lt__),
    ]  # fmt: skip
    match = _TRUE if comparison.equals is None else value == comparison.equals
    for bound, compare in bounds:
        if bound is not None:
            match = match & compare(pl.lit(bound, dtype=FINE))
    return match
