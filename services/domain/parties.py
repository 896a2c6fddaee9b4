"""One party by several names: decisions that names mean the same, and the one name a party is compared by.

Registers, lists and contracts spell the same firm differently. What is compared is the party; what is printed stays as
it was told. Identity has no dates: a decision that counts holds at every instant that is judged.
"""

from collections.abc import Collection, Iterable, Mapping

import polars as pl

from services.domain.columns import ORDER

Names = Mapping[str, str]
"""The name each party is compared by, for every name that is not that one itself."""
COMPARED: Mapping[str, tuple[str, ...]] = {
    "contract.assigned": ("to",),
    "exporter.registered": ("exporter",),
    "licence.applied": ("holder",),
    "licence.granted": ("holder", "buyers"),
    "list.entered": ("party",),
    "list.removed": ("party",),
    "quota.opened": ("holders",),
    "document.filed": ("by",),
}
"""The columns in which a fact names a party only to be compared, by its type."""


def decided(matched: pl.DataFrame, unmatched: pl.DataFrame) -> Names:
    """The names of the parties that count as one: of each pair the latest decision holds; matches join further.

    ``matched``, ``unmatched``: the columns of ``ORDER``, and party, same_as String.
    """
    if matched.is_empty():
        return {}
    columns = [*ORDER, "party", "same_as"]
    told = pl.concat(
        frame.select(*columns, holds=pl.lit(value)) for frame, value in ((matched, True), (unmatched, False))
    ).sort(ORDER)
    latest = {
        (min(pair), max(pair)): holds for *pair, holds in told.select("party", "same_as", "holds").iter_rows()
    }
    return _named(pair for pair, holds in latest.items() if holds)


def _named(pairs: Iterable[tuple[str, str]]) -> Names:
    """The first name of each class of names that pairs join, for its other names."""
    classes: dict[str, set[str]] = {}
    for one, other in pairs:
        both = classes.get(one, {one}) | classes.get(other, {other})
        classes.update(dict.fromkeys(both, both))
    first = {id(names): min(names) for names in classes.values()}
    return {name: first[id(names)] for name, names in classes.items() if name != first[id(names)]}


def compared(column: str, names: Names) -> pl.Expr:
    """The column with each party by the name it is compared by."""
    return pl.col(column).replace(names) if names else pl.col(column)


def with_compared(facts: pl.DataFrame, event_type: str, names: Names) -> pl.DataFrame:
    """Facts of a type with the columns of ``COMPARED`` that way; where nothing is matched, as they are."""
    columns = COMPARED.get(event_type, ()) if names else ()
    lists = [name for name in columns if facts.schema[name] == pl.List(pl.String)]
    return facts.with_columns(
        *(compared(name, names) for name in columns if name not in lists),
        *(pl.col(name).list.eval(pl.element().replace(names)) for name in lists),
    )


def every_name(of: Collection[str], names: Names) -> set[str]:
    """These names and all others by which their parties are told."""
    own = {*of, *named(of, names)}
    return own | {name for name, party in names.items() if party in own}


def named(told: Iterable[str], names: Names) -> list[str]:
    """The names, each as its party is compared by."""
    return [names.get(name, name) for name in told]
