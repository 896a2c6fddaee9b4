"""One judgement: lines, each at an instant, under one reading of the rules.

For every clause in scope, some route has all of its requirements met by some evidence: lines ⋈ scope ⋈ routes ⋈
requirements ⟕ evidence, then the minimum over requirements, the sum over routes, the minimum over clauses.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import polars as pl

from services.domain import balances
from services.domain.columns import INSTANT, QUANTITY, Schema
from services.domain.evidence import Evidence
from services.domain.needs import AMENDABLE, HELD, LOT, NEVER, STAKE, holding
from services.domain.parties import Names, named
from services.domain.rules import Binding, Need
from services.domain.scope import SCOPE, Scopes, inside

VERDICTS = ("clear", "satisfied", "grandfathered", "needs_documents", "needs_review", "partial", "in_abeyance",
            "unlicensed", "prohibited")  # fmt: skip
RANK = {name: number for number, name in enumerate(VERDICTS)}
_ZERO = pl.lit(0, dtype=QUANTITY)
_OPEN, _LATER, _CLOSED = 0, 1, 2


@dataclass(frozen=True)
class Frames:
    """The relational middle of a judgement.

    ``rows``: r, moment and the line's columns · ``clauses``: r, binding, in_scope, unknown · ``ways``: r, binding,
    way, position, state (0 open, 1 not yet, 2 closed), transition · ``asked``: r, way, need, place · ``held``:
    r, need and ``HELD`` · ``stakes``, ``lots``: by r and need.
    """

    rows: pl.DataFrame
    clauses: pl.DataFrame
    ways: pl.DataFrame
    asked: pl.DataFrame
    held: pl.DataFrame
    stakes: pl.DataFrame
    lots: pl.DataFrame


@dataclass(frozen=True)
class Law:
    """The clauses of one world as frames, made once for all judgements under it.

    ``scope``: what ``scopes`` say of the kinds of goods that are judged.
    """

    bindings: Sequence[Binding]
    scopes: Scopes
    scope: pl.DataFrame
    spans: pl.DataFrame
    ways: pl.DataFrame
    way_spans: pl.DataFrame
    asked: pl.DataFrame
    needs: tuple[Need, ...]

    @classmethod
    def of(cls, bindings: Sequence[Binding], scopes: Scopes) -> "Law":
        """The law of these clauses, about no goods yet."""
        needs: dict[Need, int] = {}
        spans, ways, way_spans, asked = (list[tuple[Any, ...]]() for _ in range(4))
        for number, binding in enumerate(bindings):
            spans += [(number, first, last) for first, last in binding.spans]
            for position, way in enumerate(binding.ways):
                index = len(ways)
                ways.append((number, index, position, way.name, way.transition))
                way_spans += [(index, first, last) for first, last in way.spans]
                asked += [
                    (index, needs.setdefault(n, len(needs)), place) for place, n in enumerate(way.needs)
                ]
        u32 = pl.UInt32
        return cls(
            bindings,
            scopes,
            pl.DataFrame(schema=SCOPE),
            pl.DataFrame(spans, {"binding": u32, "first": INSTANT, "last": INSTANT}, orient="row"),
            pl.DataFrame(ways, {"binding": u32, "way": u32, "position": u32, "route": pl.String,
                                "transition": pl.Boolean}, orient="row"),
            pl.DataFrame(way_spans, {"way": u32, "first": INSTANT, "last": INSTANT}, orient="row"),
            pl.DataFrame(asked, {"way": u32, "need": u32, "place": u32}, orient="row"),
            tuple(needs),
        )  # fmt: skip

    def about(self, kinds: pl.DataFrame) -> "Law":
        """The same law, about these kinds of goods (``scope.kinds``)."""
        return replace(self, scope=self.scopes.reach(kinds))


def frames(rows: pl.DataFrame, law: Law, evidence: Evidence) -> Frames:
    """Which clauses bind each row at its instant, by which ways, and what it has of each requirement.

    ``rows``: r UInt32, moment, kind UInt32 and the columns of ``contracts.folded``.
    """
    clauses = _clauses(rows, law, evidence.book.names)
    ways = _ways(rows, clauses, law)
    asked = ways.select("r", "way").join(law.asked, on="way")
    held, stakes, lots = _held(rows, asked, law, evidence)
    return Frames(rows, clauses, ways, asked, held, stakes, lots)


def _clauses(rows: pl.DataFrame, law: Law, names: Names) -> pl.DataFrame:
    found = (
        rows.select("r", "kind", "moment", "party").join(law.scope, on="kind").join(law.spans, on="binding")
    )
    found = found.filter((pl.col("first") <= pl.col("moment")) & (pl.col("moment") < pl.col("last")))
    for number, binding in enumerate(law.bindings):
        if binding.exporters is not None:
            only, but = binding.exporters.only, binding.exporters.excluded
            listed = pl.col("party").is_in(named(only if only is not None else but or (), names))
            found = found.filter((pl.col("binding") != number) | (listed if only is not None else ~listed))
    return _overridden(found, law).select("r", "binding", "in_scope", "unknown")


def _overridden(found: pl.DataFrame, law: Law) -> pl.DataFrame:
    """Without the clauses that a more specific one in scope overrides; unknown where its own scope is."""
    names = defaultdict(list)
    for number, binding in enumerate(law.bindings):
        names[binding.name].append(number)
    pairs = [
        (n, over) for n, b in enumerate(law.bindings) for name in b.overrides for over in names.get(name, ())
    ]
    if not pairs:
        return found
    pair = pl.DataFrame(pairs, {"binding": pl.UInt32, "loser": pl.UInt32}, orient="row")
    winners = found.select("r", "binding", wins="in_scope", why="unknown").join(pair, on="binding")
    winners = winners.group_by("r", "loser").agg(
        pl.col("wins").any(ignore_nulls=False),
        why=pl.col("why")
        .filter(pl.col("wins").is_null())
        .list.explode(keep_nulls=False, empty_as_null=False),
    )
    joined = found.join(
        winners, left_on=["r", "binding"], right_on=["r", "loser"], how="left", maintain_order="left"
    )
    beaten = joined.with_columns(
        in_scope=pl.when(pl.col("why").is_null())
        .then("in_scope")
        .otherwise(pl.col("in_scope") & ~pl.col("wins")),
        unknown=pl.when(pl.col("why").is_null())
        .then("unknown")
        .otherwise(pl.concat_list("unknown", "why").list.unique(maintain_order=True)),
    )
    return beaten.filter(pl.col("in_scope").fill_null(True))


def _ways(rows: pl.DataFrame, clauses: pl.DataFrame, law: Law) -> pl.DataFrame:
    """The ways of the clauses that bind: open, not yet open, or closed at the row's instant."""
    found = clauses.select("r", "binding").join(law.ways, on="binding")
    found = found.join(rows.select("r", "moment", "destination"), on="r")
    timed = found.select("r", "way", "moment").join(law.way_spans, on="way")
    timed = timed.group_by("r", "way").agg(
        open=((pl.col("first") <= pl.col("moment")) & (pl.col("moment") < pl.col("last"))).any(),
        later=(pl.col("first") > pl.col("moment")).any(),
    )
    found = found.join(timed, on=["r", "way"], how="left")
    state = (
        pl.when(pl.col("open").fill_null(False))
        .then(_OPEN)
        .when(pl.col("later").fill_null(False))
        .then(_LATER)
    )
    found = found.with_columns(state=state.otherwise(_CLOSED).cast(pl.Int8))
    index = 0
    for binding in law.bindings:
        for way in binding.ways:
            if way.destinations is not None:
                only = way.destinations.only
                listed = inside(
                    pl.col("destination"), only if only is not None else way.destinations.excluded or ()
                )
                wrong = (pl.col("way") == index) & (~listed if only is not None else listed)
                found = found.with_columns(
                    state=pl.when(wrong).then(_CLOSED).otherwise("state").cast(pl.Int8)
                )
            index += 1
    return found.select("r", "binding", "way", "position", "route", "transition", "state")


def _held(
    rows: pl.DataFrame, asked: pl.DataFrame, law: Law, evidence: Evidence
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    u32: Schema = {"need": pl.UInt32}
    held, stakes, lots = [pl.DataFrame(schema=HELD | u32)], [pl.DataFrame(schema=STAKE | u32)], [
        pl.DataFrame(schema=LOT | u32)
    ]  # fmt: skip
    for part in asked.select("r", "need").unique().partition_by("need", maintain_order=False):
        number = part["need"][0]
        has = holding(rows.join(part.select("r"), on="r", how="semi"), law.needs[number], evidence)
        tag = pl.lit(number, pl.UInt32).alias("need")
        held.append(has.held.cast(HELD).with_columns(tag))  # type: ignore[arg-type]
        stakes.append(has.stakes.with_columns(tag))
        lots.append(has.lots.with_columns(tag))
    return pl.concat(held), pl.concat(stakes), pl.concat(lots)


def drawers(of: Frames, law: Law) -> dict[int, balances.Drawer]:
    """The rows that draw from finite balances, or are told lot by lot, as what the ordered scan takes."""
    finite = pl.concat([of.stakes["r"], of.lots["r"]]).unique()
    among = pl.col("r").is_in(finite.implode())
    stakes: dict[tuple[int, int], list[balances.Stake]] = defaultdict(list)
    ordered = of.stakes.sort("r", "need", "last", "licence", nulls_last=True)
    for row in ordered.iter_rows(named=True):
        parts = [(row[f"{x}_balance"], row[f"{x}_has"], row[f"{x}_per"]) for x in "qv" if row[f"{x}_balance"]]
        sure = tuple((b, has, per if per is not None else Decimal(0)) for b, has, per in parts)
        stakes[row["r"], row["need"]].append(balances.Stake(sure, row["fit"], row["unclear"]))
    facts: dict[tuple[int, int], list[balances.Fact]] = defaultdict(list)
    caps: dict[tuple[int, int], Decimal] = {}
    for row in of.lots.iter_rows(named=True):
        key = row["r"], row["need"]
        facts[key].append(balances.Fact(row["lot"], row["held"], row["amount"], row["unclear"]))
        caps[key] = row["cap"]
    needs: dict[int, dict[int, balances.Need]] = defaultdict(dict)
    for r, need, file, low, high in (
        of.held.filter(among).select("r", "need", "file", "low", "high").iter_rows()
    ):
        key = (r, need)
        needs[r][need] = balances.Need(
            file, low, high, tuple(stakes.get(key, ())), tuple(facts.get(key, ())), caps.get(key)
        )
    asked: dict[int, list[int]] = defaultdict(list)
    for way, need in law.asked.select("way", "need").iter_rows():
        asked[way].append(need)
    ways: dict[tuple[int, int], list[balances.Way]] = defaultdict(list)
    open_ways = of.ways.filter(among & (pl.col("state") == _OPEN)).sort("r", "binding", "position")
    for r, binding, way, transition in open_ways.select("r", "binding", "way", "transition").iter_rows():
        ways[r, binding].append(balances.Way(way, transition, tuple(asked[way])))
    clauses: dict[int, list[balances.Clause]] = defaultdict(list)
    for r, number, in_scope in (
        of.clauses.filter(among).select("r", "binding", "in_scope").sort("r", "binding").rows()
    ):
        if law.bindings[number].duty is None:
            clauses[r].append(
                balances.Clause(
                    number, in_scope is None, law.bindings[number].whole_line, tuple(ways[r, number])
                )
            )
    amounts = dict(of.rows.filter(among).select("r", "open").iter_rows())
    return {r: balances.Drawer(r, amounts[r], needs[r], tuple(clauses[r])) for r in finite.to_list()}


def conclude(of: Frames, law: Law, covers: Mapping[int, balances.Cover]) -> pl.DataFrame:
    """The verdict of each row.

    Columns: r · verdict, rule, clause, route String · missing, cited List(String) · low, high Decimal(38,6) ·
    rule_published instant.
    """
    held = _with_need_covers(of, covers)
    ways = _judged_ways(of, held, covers)
    clauses = _judged_clauses(of, ways, law, covers)
    rows = _judged_rows(of, clauses)
    return _explained(rows, clauses, ways, of, held, law)


def verdict(of: Frames, law: Law, covers: Mapping[int, balances.Cover]) -> pl.DataFrame:
    """Only ``r, verdict, low, high`` of what ``conclude`` says."""
    ways = _judged_ways(of, _with_need_covers(of, covers), covers)
    rows = _judged_rows(of, _judged_clauses(of, ways, law, covers))
    return rows.select("r", "low", "high", verdict=_named("rank"))


def _named(rank: str) -> pl.Expr:
    return pl.col(rank).replace_strict(dict(enumerate(VERDICTS)), return_dtype=pl.String)


def _cover_frame(
    covers: Mapping[int, balances.Cover], what: str, key: str, names: Sequence[str]
) -> pl.DataFrame:
    data = [
        (r, number, *amounts) for r, one in covers.items() for number, amounts in getattr(one, what).items()
    ]
    schema = {"r": pl.UInt32, key: pl.UInt32} | dict.fromkeys(names, QUANTITY)
    return pl.DataFrame(data, schema, orient="row")


def _with_need_covers(of: Frames, covers: Mapping[int, balances.Cover]) -> pl.DataFrame:
    if not covers:
        return of.held
    scanned = _cover_frame(covers, "needs", "need", ("s_file", "s_low", "s_high"))
    joined = of.held.join(scanned, on=["r", "need"], how="left", maintain_order="left")
    return joined.with_columns(
        file=pl.coalesce("s_file", "file"),
        low=pl.coalesce("s_low", "low"),
        high=pl.coalesce("s_high", "high"),
    ).drop("s_file", "s_low", "s_high")


def _judged_ways(of: Frames, held: pl.DataFrame, covers: Mapping[int, balances.Cover]) -> pl.DataFrame:
    """The ways with what each covers by itself, how many needs are unmet, and what the worst of them can become."""
    asked = of.asked.join(held, on=["r", "need"]).join(of.rows.select("r", "open"), on="r")
    unmet = pl.col("file") < pl.col("open")
    by_way = asked.group_by("r", "way").agg(
        pl.col("file", "low", "high").min(),
        unmet=unmet.sum(),
        worst=pl.col("unmet").filter(pl.col("high") <= 0).max(),
        amendable=(pl.col("unmet").filter(pl.col("high") <= 0) == AMENDABLE).all(),
    )
    ways = of.ways.join(by_way, on=["r", "way"], how="left")
    if covers:
        scanned = _cover_frame(covers, "ways", "way", ("s_file", "s_low", "s_high"))
        ways = ways.join(scanned, on=["r", "way"], how="left").with_columns(
            file=pl.coalesce("s_file", "file"),
            low=pl.coalesce("s_low", "low"),
            high=pl.coalesce("s_high", "high"),
        )
    shut = pl.col("state") != _OPEN
    never = (pl.col("state") == _CLOSED) | (pl.col("worst") == NEVER).fill_null(False)
    becomes = (
        pl.when(never).then(RANK["prohibited"])
        .when(shut).then(RANK["unlicensed"])
        .when(pl.col("amendable") & pl.col("worst").is_not_null()).then(RANK["in_abeyance"])
        .otherwise(RANK["unlicensed"])
    )  # fmt: skip
    far = pl.when(never).then(_CLOSED).otherwise("state")
    return ways.with_columns(
        *(pl.when(shut).then(_ZERO).otherwise(name).alias(name) for name in ("file", "low", "high")),
        becomes=becomes.cast(pl.Int8), far=far.cast(pl.Int8),
    )  # fmt: skip


def _judged_clauses(
    of: Frames, ways: pl.DataFrame, law: Law, covers: Mapping[int, balances.Cover]
) -> pl.DataFrame:
    """The clauses with their cover and, each by itself, their verdict."""
    whole = [n for n, binding in enumerate(law.bindings) if binding.whole_line]
    duties = [n for n, binding in enumerate(law.bindings) if binding.duty is not None]
    clauses = of.clauses.filter(~pl.col("binding").is_in(duties)).join(of.rows.select("r", "open"), on="r")
    one = pl.col("binding").is_in(whole).first()

    def total(column: pl.Expr) -> pl.Expr:
        return pl.when(one).then(column.max()).otherwise(column.sum())

    plain = pl.when(pl.col("transition")).then(_ZERO).otherwise("file")
    sums = ways.group_by("r", "binding").agg(
        plain=total(plain), file=total(pl.col("file")), low=total(pl.col("low")), high=total(pl.col("high")),
        becomes=pl.col("becomes").min(),
    )  # fmt: skip
    amounts = ("plain", "file", "low", "high")
    clauses = clauses.join(sums, on=["r", "binding"], how="left")
    if covers:
        scanned = _cover_frame(covers, "clauses", "binding", tuple(f"s_{name}" for name in amounts))
        clauses = clauses.join(scanned, on=["r", "binding"], how="left").with_columns(
            pl.coalesce(f"s_{name}", name).alias(name) for name in amounts
        )
    clauses = clauses.with_columns(
        pl.min_horizontal("open", pl.col(name).fill_null(_ZERO)).alias(name) for name in amounts
    )
    clauses = clauses.with_columns(high=pl.when(pl.col("in_scope").is_null()).then("open").otherwise("high"))
    rank = (
        pl.when(pl.col("high") <= 0).then(pl.col("becomes").fill_null(RANK["prohibited"]))
        .when(pl.col("low") != pl.col("high")).then(RANK["needs_review"])
        .when(pl.col("low") < pl.col("open")).then(RANK["partial"])
        .when(pl.col("plain") >= pl.col("open")).then(RANK["satisfied"])
        .when(pl.col("file") >= pl.col("open")).then(RANK["grandfathered"])
        .otherwise(RANK["needs_documents"])
    )  # fmt: skip
    return clauses.with_columns(rank=rank.cast(pl.Int8))


def _judged_rows(of: Frames, clauses: pl.DataFrame) -> pl.DataFrame:
    """The line's own minimum over its clauses, and the verdict it makes."""
    least = clauses.group_by("r").agg(
        pl.col("low", "high").min(), worst=pl.col("rank").max(),
        dead=pl.col("rank").filter(pl.col("high") <= 0).max(),
    )  # fmt: skip
    rows = of.rows.select("r", "open").join(least, on="r", how="left", maintain_order="left")
    rows = rows.with_columns(pl.col("low", "high").fill_null(pl.col("open")))
    rank = (
        pl.when(pl.col("worst").is_null()).then(RANK["clear"])
        .when(pl.col("high") <= 0).then("dead")
        .when(pl.col("low") != pl.col("high")).then(RANK["needs_review"])
        .when(pl.col("low") < pl.col("open")).then(RANK["partial"])
        .otherwise("worst")
    )  # fmt: skip
    return rows.with_columns(rank=rank.cast(pl.Int8))


def _explained(
    rows: pl.DataFrame, clauses: pl.DataFrame, ways: pl.DataFrame, of: Frames, held: pl.DataFrame, law: Law
) -> pl.DataFrame:
    """The rows with the deciding clause, its nearest route, and what is missing."""
    names = pl.DataFrame(
        [(n, b.rule, b.clause, b.published) for n, b in enumerate(law.bindings)],
        {"binding": pl.UInt32, "rule": pl.String, "clause": pl.String, "rule_published": INSTANT},
        orient="row",
    )
    deciding = _deciding(rows, clauses.join(names, on="binding"))
    nearest = _nearest(deciding, ways)
    missing = _missing(deciding, nearest, of, held, ways)
    cited = _cited(clauses.join(names, on="binding"), of, held)
    empty = pl.lit([], dtype=pl.List(pl.String))
    joined = (
        rows.join(deciding.select("r", "rule", "clause", "rule_published"), on="r", how="left")
        .join(nearest.select("r", "route"), on="r", how="left")
        .join(missing, on="r", how="left")
        .join(cited, on="r", how="left")
    )
    return joined.select(
        "r", "rule", "clause", "route", "low", "high", "rule_published", verdict=_named("rank"),
        missing=pl.col("missing").fill_null(empty), cited=pl.col("cited").fill_null(empty),
    )  # fmt: skip


def _deciding(rows: pl.DataFrame, clauses: pl.DataFrame) -> pl.DataFrame:
    """The clause that decides each row: the one with the row's verdict, the lowest low first, then rule and clause."""
    line = clauses.join(rows.select("r", line_rank="rank"), on="r")
    review = (pl.col("line_rank") == RANK["needs_review"]) & (pl.col("low") != pl.col("high"))
    partial = (pl.col("line_rank") == RANK["partial"]) & (pl.col("low") < pl.col("open"))
    mixed = pl.col("line_rank").is_in([RANK["needs_review"], RANK["partial"]])
    own = ~mixed & (pl.col("rank") == pl.col("line_rank"))
    fit = line.with_columns(
        order=pl.when(review | partial | own)
        .then(0)
        .when(pl.col("low") < pl.col("open"))
        .then(1)
        .otherwise(2),
        weight=pl.when(mixed).then("low").otherwise(_ZERO),
    )
    return fit.sort("r", "order", "weight", "rule", "clause").unique("r", keep="first", maintain_order=True)


def _nearest(deciding: pl.DataFrame, ways: pl.DataFrame) -> pl.DataFrame:
    """Of the deciding clause the nearest way: open, then not yet open, then closed; fewest unmet; pack order."""
    found = ways.join(deciding.select("r", "binding", "line_rank"), on=["r", "binding"])
    helps = (pl.col("line_rank") != RANK["needs_documents"]) | (pl.col("low") > 0)
    return (
        found.filter(helps)
        .sort("r", "far", "unmet", "position")
        .unique("r", keep="first", maintain_order=True)
    )


def _missing(
    deciding: pl.DataFrame, nearest: pl.DataFrame, of: Frames, held: pl.DataFrame, ways: pl.DataFrame
) -> pl.DataFrame:
    """What the nearest way lacks, by name; for ``needs_review`` only the facts that nobody gave."""
    sure = deciding.filter(pl.col("line_rank") != RANK["needs_review"]).filter(
        pl.col("line_rank") > RANK["grandfathered"]
    )
    lacks = nearest.join(sure.select("r"), on="r", how="semi").select("r", "way")
    lacks = (
        lacks.join(of.asked, on=["r", "way"])
        .join(held, on=["r", "need"])
        .join(of.rows.select("r", "open"), on="r")
    )
    lacks = lacks.filter(pl.col("file") < pl.col("open")).select("r", "name", "rank", order=pl.col("place"))
    review = deciding.filter(pl.col("line_rank") == RANK["needs_review"])
    unsure = ways.join(review.select("r", "binding"), on=["r", "binding"]).filter(
        pl.col("high") > pl.col("low")
    )
    unsure = (
        unsure.select("r", "way", "position").join(of.asked, on=["r", "way"]).join(held, on=["r", "need"])
    )
    unsure = unsure.filter(pl.col("unknown").is_not_null() & (pl.col("low") < pl.col("high"))).select(
        "r", "rank", name="unknown", order=pl.col("position") * 1000 + pl.col("place")
    )
    scope = (
        review.select("r", name="unknown")
        .explode("name")
        .drop_nulls()
        .select("r", "name", rank=pl.lit(-1, pl.Int8), order=pl.lit(0, pl.UInt32))
    )
    told = pl.concat(
        [lacks, unsure.select(lacks.columns), scope.select(lacks.columns)], how="vertical_relaxed"
    )
    told = told.sort("r", "rank", "order", maintain_order=True).unique(
        ["r", "name"], keep="first", maintain_order=True
    )
    return told.group_by("r", maintain_order=True).agg(missing=pl.col("name"))


def _cited(clauses: pl.DataFrame, of: Frames, held: pl.DataFrame) -> pl.DataFrame:
    """The clauses that bind each row and the evidence that speaks for it, by citation."""
    acts = clauses.select("r", cite=pl.concat_str(pl.lit("rule:"), "rule", pl.lit("/"), "clause"))
    facts = held.select("r", cite="cited").explode("cite").drop_nulls()
    drawn = of.stakes.filter(pl.col("fit").fill_null(True)).select(
        "r", cite=pl.concat_str(pl.lit("balance:"), pl.coalesce("q_balance", "v_balance"))
    )
    both = pl.concat([acts, facts, drawn]).unique().sort("r", "cite")
    return both.group_by("r").agg(cited=pl.col("cite").sort())
