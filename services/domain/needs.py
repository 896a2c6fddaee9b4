"""What a line has of each requirement: how much is on file, how much for sure (low), how much at most (high).

One small function per kind of requirement; each answers for all lines that ask, at the instant each is judged. What is
drawn from a finite balance, or told lot by lot, cannot be said line by line: it is handed on as stakes and lots for the
ordered scan.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from events.rule_document import (
    AllowanceNeeded,
    AttributeNeeded,
    DatedNeeded,
    DocumentNeeded,
    ExportedBefore,
    ExporterNeeded,
    LicenceNeeded,
    ListedNeeded,
    Never,
    QuantityNeeded,
    QuotaNeeded,
    UnitPriceNeeded,
    ValueNeeded,
)
from services.domain.columns import FINE, INSTANT, QUANTITY, Schema
from services.domain.contracts import quantity_by
from services.domain.evidence import Evidence, day_in
from services.domain.parties import named
from services.domain.rules import Need, day_after, start
from services.domain.scope import compared
from services.domain.units import PAIRS, PER, SIZE, converted
from services.domain.versions import LINE

OBTAINABLE, AMENDABLE, NEVER = 0, 1, 2
LICENCE, LIST, POOL, FACT, TERM, PAPER = range(6)
ROLE = {"manufacturer": "manufacturer", "exporter": "party", "buyer": "bought_by", "end_user": "end_user"}
"""The column that says who that is, by the one name each party is compared by."""
HELD: Schema = {"r": pl.UInt32, "file": QUANTITY, "low": QUANTITY, "high": QUANTITY, "unmet": pl.Int8,
                "name": pl.String, "rank": pl.Int8, "unknown": pl.String, "cited": pl.List(pl.String)}  # fmt: skip
STAKE: Schema = {"r": pl.UInt32, "last": INSTANT, "licence": pl.String, "fit": pl.Boolean,
         "q_balance": pl.String, "q_has": FINE, "q_per": SIZE, "v_balance": pl.String, "v_has": FINE, "v_per": SIZE,
         "unclear": pl.Boolean}  # fmt: skip
LOT: Schema = {"r": pl.UInt32, "lot": pl.String, "held": pl.Boolean, "amount": QUANTITY, "unclear": pl.Boolean,
       "cap": QUANTITY}  # fmt: skip
_LINE = ("r", "moment", "class", "hs", "destination", "attributes", "facts_complete", "bought_by", "party",
         "unit_price", pl.col("unit").alias("line_unit"), pl.col("currency").alias("line_currency"))  # fmt: skip
_ZERO = pl.lit(0, dtype=QUANTITY)
_NONE = pl.lit([], dtype=pl.List(pl.String))


@dataclass(frozen=True)
class Holding:
    """What the rows have of one need: ``held`` (``HELD``, one row each), ``stakes`` (``STAKE``), ``lots`` (``LOT``)."""

    held: pl.DataFrame
    stakes: pl.DataFrame
    lots: pl.DataFrame


def holding(rows: pl.DataFrame, need: Need, evidence: Evidence) -> Holding:
    """What each row (``r``, ``moment`` and the columns of its line) has of the need."""
    match need.asks:
        case LicenceNeeded():
            return _licence(rows, need, evidence)
        case QuotaNeeded():
            return _quota(rows, need, evidence)
        case AllowanceNeeded():
            return _allowance(rows, need, evidence)
        case ListedNeeded():
            return _plain(_listed(rows, need, evidence))
        case DocumentNeeded():
            return _plain(_document(rows, need, evidence))
        case DatedNeeded():
            return _dated(rows, need, evidence)
        case _:
            return _plain(_term(rows, need, evidence))


def _plain(held: pl.DataFrame) -> Holding:
    return Holding(held, pl.DataFrame(schema=STAKE), pl.DataFrame(schema=LOT))


def _held(rows: pl.DataFrame, met: pl.Expr, need: Need, name: str, rank: int, unmet: int | pl.Expr,
          unknown: str | pl.Expr, cited: pl.Expr = _NONE) -> pl.DataFrame:  # fmt: skip
    """Rows of which the need is met, not met, or unknown (null), in full."""
    if need.negated:
        met, name, unmet = ~met, f"not {name}", NEVER
    low = pl.when(met.fill_null(False)).then("open").otherwise(_ZERO)
    return rows.select(
        "r", low.alias("file"), low.alias("low"),
        pl.when(met.fill_null(True)).then("open").otherwise(_ZERO).alias("high"),
        unmet=_lit(unmet).cast(pl.Int8), name=pl.lit(name), rank=pl.lit(rank, pl.Int8),
        unknown=_lit(unknown), cited=cited,
    )  # fmt: skip


def _lit(value: Any) -> pl.Expr:
    return value if isinstance(value, pl.Expr) else pl.lit(value)


def _any(frame: pl.DataFrame, rows: pl.DataFrame, closed: bool = True) -> pl.DataFrame:
    """The rows with ``met``: whether any of the candidates (r, fit, cite) fits; none at all: no, or unknown."""
    found = frame.group_by("r").agg(
        met=pl.col("fit").any(ignore_nulls=False),
        cited=pl.col("cite").filter(pl.col("fit").fill_null(True)).drop_nulls().unique().sort(),
    )
    joined = rows.join(found, on="r", how="left").with_columns(pl.col("cited").fill_null(_NONE))
    if not closed:
        return joined
    missing = ~pl.col("r").is_in(found["r"].implode())
    return joined.with_columns(met=pl.when(missing).then(pl.lit(False)).otherwise("met"))


def _candidates(rows: pl.DataFrame, role: str) -> pl.DataFrame:
    """The rows with ``who`` must hold the evidence; ``guessed`` where nobody said who that is.

    An unknown manufacturer may be the exporter itself; an unknown end user stays unknown.
    """
    who = pl.col(ROLE[role])
    guessed = who.is_null()
    return rows.with_columns(
        who=pl.coalesce(who, "party") if role == "manufacturer" else who, guessed=guessed, role=pl.lit(role)
    )


def _fits_goods(frame: pl.DataFrame, evidence: Evidence) -> pl.DataFrame:
    """The frame with ``goods_fit``: whether the line's goods are among ``goods`` (none listed: all goods)."""
    frame = frame.with_row_index("pair")
    listed = frame.filter(pl.col("goods").list.len() > 0)
    if listed.is_empty():
        return frame.with_columns(goods_fit=pl.lit(True))
    entries = listed.select("pair", "class", "hs", entry="goods").explode("entry", empty_as_null=False)
    entries = entries.with_columns(
        e_class=pl.col("entry").struct.field("class"), e_hs=pl.col("entry").struct.field("hs")
    )
    fits = entries.with_columns(fit=goods_fit(entries, evidence, "e_class", "e_hs"))
    fits = fits.group_by("pair").agg(goods_fit=pl.col("fit").any(ignore_nulls=False))
    frame = frame.join(fits, on="pair", how="left")
    return frame.with_columns(
        goods_fit=pl.when(pl.col("goods").list.len().fill_null(0) == 0)
        .then(pl.lit(True))
        .otherwise("goods_fit")
    )


def goods_fit(frame: pl.DataFrame, evidence: Evidence, entry_class: str, entry_hs: str) -> pl.Series:
    """Whether the line's class and code are those of an entry: a class covers its subclasses, a code longer codes."""
    pairs = frame.select("class", entry_class).unique().rows()
    answers = [(a, b, True if b is None else evidence.taxonomy.is_a(a, b)) for a, b in pairs]
    told = pl.DataFrame(
        answers, schema={"class": pl.String, entry_class: pl.String, "of_class": pl.Boolean}, orient="row"
    )
    joined = frame.select("class", "hs", entry_class, entry_hs).join(
        told, on=["class", entry_class], how="left", nulls_equal=True, maintain_order="left"
    )
    hs, wanted = pl.col("hs"), pl.col(entry_hs)
    coded = (
        pl.when(wanted.is_null()).then(pl.lit(True))
        .when(hs.str.starts_with(wanted)).then(pl.lit(True))
        .when(hs.is_null() | wanted.str.starts_with(hs)).then(pl.lit(None, dtype=pl.Boolean))
        .otherwise(pl.lit(False))
    )  # fmt: skip
    return joined.select(fit=pl.col("of_class") & coded)["fit"]


def _fit(found: pl.DataFrame, evidence: Evidence) -> pl.DataFrame:
    """Licences beside lines, with ``fit``: whether the licence is good for the line's goods, place, buyer and use."""

    def among(column: str, value: pl.Expr) -> pl.Expr:
        listed = pl.col(column)
        return (listed.list.len().fill_null(0) == 0) | value

    place, use = pl.col("destination"), pl.col("attributes").struct.field("use")
    listed = pl.col("destinations").list
    here = listed.contains(place) | listed.contains(place.str.head(2))
    used = (
        pl.when(use.is_null() & pl.col("facts_complete"))
        .then(pl.lit(False))
        .otherwise(pl.when(use.is_not_null()).then(pl.col("uses").list.contains(use)))
    )
    fit = pl.col("goods_fit") & among("destinations", here) & among("uses", used)
    if "buyers" in found.columns:
        fit = fit & among("buyers", pl.col("buyers").list.contains(pl.col("bought_by")))
    return _fits_goods(found, evidence).with_columns(fit=fit).filter(pl.col("fit").fill_null(True))


def _licence(rows: pl.DataFrame, need: Need, evidence: Evidence) -> Holding:
    asks: LicenceNeeded = need.asks
    of_scheme = evidence.licences.filter(pl.col("scheme") == asks.licence)
    if asks.issued is not None:
        issued, zone = pl.col("issued"), need.timezone
        if asks.issued.before is not None:
            of_scheme = of_scheme.filter(issued < start(asks.issued.before, zone))
        elif asks.issued.by is not None:
            of_scheme = of_scheme.filter(_by(issued, asks.issued.by, zone))
    who = _candidates(rows, asks.of)
    found = who.select("who", *_LINE).join(of_scheme.rename({"holder": "who"}), on="who").filter(_holds())
    found = _fit(found, evidence).with_columns(
        cite=pl.concat_str(pl.lit("licence:"), "scheme", pl.lit("/"), "licence")
    )
    return _balanced(who, found, need, asks.licence, LICENCE)


def _by(moment: pl.Expr, bound: Any, zone: str) -> pl.Expr:
    last = day_after(bound, zone)
    return moment <= last if isinstance(bound, datetime) else moment < last


def _holds() -> pl.Expr:
    return (pl.col("first") <= pl.col("moment")) & (pl.col("moment") < pl.col("last"))


def _balanced(who: pl.DataFrame, found: pl.DataFrame, need: Need, name: str, rank: int) -> Holding:
    """What unlimited licences cover in full, and the finite ones as stakes."""
    finite = pl.col("quantity").is_not_null() | pl.col("value").is_not_null()
    counted = found if need.negated else found.filter(~finite)
    answered = _any(counted, who)
    # Who holds the evidence, be it for a finite amount, is the manufacturer that nobody named.
    holds = pl.col("r").is_in(found.filter(finite & pl.col("fit"))["r"].implode())
    guessed = pl.col("guessed") & ~pl.col("met").fill_null(False) & ~holds
    answered = answered.with_columns(met=pl.when(guessed).then(pl.lit(None)).otherwise("met"))
    unknown = pl.when(pl.col("guessed") & ~holds).then("role").otherwise(pl.lit(name))
    held = _held(answered, pl.col("met"), need, name, rank, OBTAINABLE, unknown, pl.col("cited"))
    if need.negated:
        return _plain(held)
    same = pl.col("line_currency") == pl.col("currency")
    balance = pl.concat_str("scheme", "licence", separator="/")
    stakes = found.filter(finite).select(
        "r", "last", "licence", "fit",
        q_balance=pl.when(pl.col("quantity").is_not_null()).then(balance + " quantity"),
        q_has="quantity", q_per=_per(pl.col("line_unit"), pl.col("unit")),
        v_balance=pl.when(pl.col("value").is_not_null()).then(balance + " value"),
        v_has="value", v_per=pl.when(same).then(pl.col("unit_price").cast(FINE)),
    )  # fmt: skip
    stakes = stakes.with_columns(unclear=_unclear()).select(STAKE.keys()).cast(STAKE)  # type: ignore[arg-type]
    return Holding(held, stakes, pl.DataFrame(schema=LOT))


def _per(unit: pl.Expr, to: pl.Expr) -> pl.Expr:
    """How many of the balance's units one unit of the line draws; null where the table does not say."""
    known = pl.concat_str(unit, to, separator=">").replace_strict(PAIRS, PER, default=None)
    return pl.when(unit == to).then(pl.lit(1, dtype=SIZE)).otherwise(known)


def _quota(rows: pl.DataFrame, need: Need, evidence: Evidence) -> Holding:
    pools = evidence.pools.filter(pl.col("scheme") == need.asks.quota)
    who = rows.with_columns(guessed=pl.lit(False), role=pl.lit(""))
    found = (
        who.select(_LINE)
        .with_columns(uses=pl.lit([], dtype=pl.List(pl.String)))
        .join(pools, how="cross")
        .filter(_holds())
    )
    anyone = pl.col("holders").list.len().fill_null(0) == 0
    found = found.filter(anyone | pl.col("holders").list.contains(pl.col("party")))
    found = _fit(found, evidence).with_columns(cite=pl.concat_str(pl.lit("quota:"), "scheme"))
    return _balanced(who, found, need, need.asks.quota, POOL)


def _allowance(rows: pl.DataFrame, need: Need, evidence: Evidence) -> Holding:
    asks: AllowanceNeeded = need.asks
    papers = evidence.papers.filter(
        (pl.col("form") == asks.per) & pl.col("quantity").is_not_null() & ~pl.col("refused")
    )
    lines = rows.select("r", "moment", "party", line_unit="unit")
    found = lines.join(papers.select("filed", "quantity", "unit", party="filer"), on="party")
    found = found.filter(pl.col("filed") <= pl.col("moment"))
    amount = converted(pl.col("quantity"), pl.col("unit"), pl.col("base"))
    found = found.with_columns(base=pl.col("unit").first().over("party"))
    totals = (
        found.with_columns(amount=amount)
        .group_by("r", "party", "line_unit", "base")
        .agg(pl.col("amount").sum())
    )
    stakes = totals.select(
        "r", last=pl.lit(None, dtype=INSTANT), licence=pl.lit(asks.allowance), fit=pl.lit(True),
        q_balance=pl.concat_str(pl.lit(f"allowance {asks.allowance} "), "party"),
        q_has=pl.col("amount").cast(FINE) * pl.lit(asks.factor, dtype=FINE),
        q_per=_per(pl.col("line_unit"), pl.col("base")),
        v_balance=pl.lit(None, dtype=pl.String), v_has=pl.lit(None, dtype=FINE), v_per=pl.lit(None, dtype=FINE),
    ).with_columns(unclear=pl.col("q_per").is_null())  # fmt: skip
    held = _held(rows, pl.lit(False), need, asks.allowance, POOL, OBTAINABLE, asks.allowance)
    return Holding(held, stakes.select(STAKE.keys()).cast(STAKE), pl.DataFrame(schema=LOT))  # type: ignore[arg-type]


def _listed(rows: pl.DataFrame, need: Need, evidence: Evidence) -> pl.DataFrame:
    asks: ListedNeeded = need.asks
    who = _candidates(rows, asks.of)
    on = evidence.lists.filter(pl.col("list") == asks.listed).rename({"class": "e_class", "hs": "e_hs"})
    found = who.join(on, left_on="who", right_on="party").filter(_holds())
    found = found.with_columns(fit=goods_fit(found, evidence, "e_class", "e_hs"),
                               cite=pl.lit(f"list:{asks.listed}"))  # fmt: skip
    answered = _any(found.filter(pl.col("fit").fill_null(True)), who)
    guessed = pl.col("guessed") & ~pl.col("met").fill_null(False)
    answered = answered.with_columns(met=pl.when(guessed).then(pl.lit(None)).otherwise("met"))
    unknown = pl.when("guessed").then("role").otherwise(pl.lit(asks.listed))
    return _held(answered, pl.col("met"), need, asks.listed, LIST, OBTAINABLE, unknown, pl.col("cited"))


def _document(rows: pl.DataFrame, need: Need, evidence: Evidence) -> pl.DataFrame:
    """Filed, refused, or pending; a pending paper covers in quantity, but is not on file."""
    asks: DocumentNeeded = need.asks
    sides = ("exporter", "buyer") if asks.by == "both" else (asks.by,)
    per_side = [_side(rows, asks.document, side, evidence) for side in sides]
    both = (
        pl.concat(per_side)
        .group_by("r", maintain_order=True)
        .agg(
            pl.col("file", "low").min(),
            cited=pl.col("cited").list.explode(keep_nulls=False, empty_as_null=False).unique().sort(),
        )
    )
    rows = rows.select("r", "open").join(both, on="r", how="left", maintain_order="left")
    if need.negated:
        return _held(rows, pl.col("file") > 0, need, asks.document, PAPER, NEVER, asks.document)
    return rows.select(
        "r", "file", "low", high="low", unmet=pl.lit(OBTAINABLE, pl.Int8), name=pl.lit(asks.document),
        rank=pl.lit(PAPER, pl.Int8), unknown=pl.lit(None, dtype=pl.String), cited="cited",
    )  # fmt: skip


def _side(rows: pl.DataFrame, form: str, side: str, evidence: Evidence) -> pl.DataFrame:
    # Both sides are exporter and buyer: what they signed together, nobody else signed.
    signers = [side, "both"] if side in ("exporter", "buyer") else named([side], evidence.book.names)
    papers = evidence.papers.filter((pl.col("form") == form) & pl.col("by").is_in(signers)).rename(
        {"contract": "of_contract", "line": "of_line", "unit": "paper_unit", "quantity": "paper_quantity"}
    )
    lines = rows.select("r", "exporter", "party", "contract", "line", "moment", "changed_at", "unit", "open")
    # A paper for a contract is filed under the contract's own name; a paper for all goods by whoever exports now.
    own, general = pl.col("of_contract").is_not_null(), pl.col("of_contract").is_null()
    by_contract = lines.join(papers.filter(own).drop("filer"), on="exporter")
    found = pl.concat(
        [
            by_contract,
            lines.join(papers.filter(general), left_on="party", right_on="filer").select(by_contract.columns),
        ]
    ).filter(
        (pl.col("of_contract").is_null() | (pl.col("of_contract") == pl.col("contract")))
        & (pl.col("of_line").is_null() | (pl.col("of_line") == pl.col("line")))
        & (pl.col("filed") <= pl.col("moment"))
        & (pl.col("changed_at").is_null() | (pl.col("filed") >= pl.col("changed_at")))
    )
    good, amount = (
        ~pl.col("refused"),
        converted(pl.col("paper_quantity"), pl.col("paper_unit"), pl.col("unit")),
    )
    state = (
        found.with_columns(amount=amount)
        .sort("filing")
        .group_by("r")
        .agg(
            refused=pl.col("refused").last(),
            full=(good & pl.col("paper_quantity").is_null()).any(),
            filed=pl.col("amount").filter(good).sum(),
            cited=pl.lit(f"document:{form}"),
        )
    )
    joined = lines.join(state, on="r", how="left", maintain_order="left")
    refused, full = pl.col("refused").fill_null(False), pl.col("full").fill_null(False)
    on_file = (
        pl.when(full).then("open").otherwise(pl.min_horizontal("open", pl.col("filed").fill_null(_ZERO)))
    )
    return joined.select(
        "r", file=pl.when(refused).then(_ZERO).otherwise(on_file), low=pl.when(refused).then(_ZERO).otherwise("open"),
        cited=pl.concat_list(pl.col("cited")).list.drop_nulls(),
    )  # fmt: skip


def _dated(rows: pl.DataFrame, need: Need, evidence: Evidence) -> Holding:
    asks: DatedNeeded = need.asks
    bound = asks.before if asks.before is not None else asks.by
    facts = evidence.dated.filter(pl.col("fact") == asks.dated).rename(
        {"line": "of_line", "unit": "fact_unit", "currency": "fact_currency", "quantity": "fact_quantity"}
    )
    lines = rows.select(
        "r", "exporter", "contract", "line", "moment", "open", "unit", "currency", "unit_price"
    )
    found = lines.join(facts, on=["exporter", "contract"]).filter(
        pl.col("of_line").is_null() | (pl.col("of_line") == pl.col("line"))
    )
    found = found.with_columns(
        fit=_in_time(need, asks, bound) & _still(need), cite=pl.lit(f"fact:{asks.dated}")
    )
    rows = _capped(rows, evidence, need, bound)
    amount = pl.col("fact_quantity").is_not_null() | pl.col("value").is_not_null()
    whole = pl.col("of_line").is_null() & pl.col("lot").is_null()
    apart = rows.filter(pl.col("cap") < pl.col("open"))["r"]
    lotted = found.filter(pl.col("lot").is_not_null() | (amount & ~whole))["r"]
    by_lot = pl.col("r").is_in(pl.concat([lotted, apart]).implode())
    shared = found.filter(amount & whole & ~by_lot)
    special = pl.concat([found.filter(by_lot & (amount | ~whole))["r"], lotted, apart]).unique()
    answered = _any(found if need.negated else found.filter(~(amount & whole) | by_lot), rows, closed=False)
    told, drawing = (pl.col("r").is_in(frame["r"].implode()) for frame in (found, shared))
    answered = answered.with_columns(
        met=pl.when(
            (~told & pl.col("facts_complete")) | (drawing & pl.col("met").is_null() & ~_unsure(found, shared))
        )
        .then(pl.lit(False))
        .otherwise("met")
    )
    past = (
        pl.lit(False)
        if bound is None or isinstance(bound, str)
        else pl.col("moment") > pl.lit(_cut_off(bound, asks, need))
    )
    unmet = pl.when(past).then(NEVER).otherwise(OBTAINABLE)
    held = _held(answered, pl.col("met"), need, asks.dated, FACT, unmet, asks.dated, pl.col("cited"))
    if need.negated:
        return _plain(held)
    return Holding(held, _credit(shared), _lots(rows, found, answered, special))


def _unsure(found: pl.DataFrame, shared: pl.DataFrame) -> pl.Expr:
    """Whether a fact beside the shared ones may hold: then the answer stays unknown."""
    beside = found.join(shared.select("r", "told"), on=["r", "told"], how="anti", nulls_equal=True)
    return pl.col("r").is_in(beside.filter(pl.col("fit").is_null())["r"].implode())


def _credit(shared: pl.DataFrame) -> pl.DataFrame:
    """A fact with an amount for a whole contract, such as a letter of credit: its lines draw on it in their order."""
    balance, same = pl.concat_str(pl.lit("fact "), "told"), pl.col("fact_currency") == pl.col("currency")
    stakes = shared.filter(pl.col("fit").fill_null(True)).select(
        "r", last="until", licence="told", fit="fit",
        q_balance=pl.when(pl.col("fact_quantity").is_not_null()).then(balance + " quantity"),
        q_has="fact_quantity", q_per=_per(pl.col("unit"), pl.col("fact_unit")),
        v_balance=pl.when(pl.col("value").is_not_null()).then(balance + " value"),
        v_has="value", v_per=pl.when(same).then(pl.col("unit_price").cast(SIZE)),
    )  # fmt: skip
    return stakes.with_columns(unclear=_unclear()).select(STAKE.keys()).cast(STAKE)  # type: ignore[arg-type]


def _unclear() -> pl.Expr:
    """Whether a balance is in a unit or a currency that cannot be compared with the line's."""
    return (pl.col("q_balance").is_not_null() & pl.col("q_per").is_null()) | (
        pl.col("v_balance").is_not_null() & pl.col("v_per").is_null()
    )


def _cut_off(bound: Any, asks: DatedNeeded, need: Need) -> datetime:
    return start(bound, need.timezone) if asks.before is not None else day_after(bound, need.timezone)


def _in_time(need: Need, asks: DatedNeeded, bound: Any) -> pl.Expr:
    """Whether the fact had happened by the judged instant, and before the cut-off; a day that straddles is unknown."""
    zone, moment = need.timezone, pl.col("moment")
    first, after = day_in(pl.col("day"), zone), day_in(pl.col("day"), zone, after=1)
    by_day = pl.when(after <= moment).then(True).when(first > moment).then(False).otherwise(None)
    happened = pl.when(pl.col("day").is_null()).then(pl.col("happened") <= moment).otherwise(by_day)
    if bound is None:
        return happened
    cut_off = pl.lit(_cut_off(bound, asks, need))
    exact = pl.col("happened") < cut_off
    late = first >= cut_off
    if asks.by is not None and isinstance(bound, datetime):
        exact, late = pl.col("happened") <= cut_off, first > cut_off
    day_in_time = pl.when(after <= cut_off).then(True).when(late).then(False).otherwise(None)
    return happened & pl.when(pl.col("day").is_null()).then(exact).otherwise(day_in_time)


def _still(need: Need) -> pl.Expr:
    """Whether what the fact gave still runs (a letter of credit until its end)."""
    end = pl.coalesce("until", day_in(pl.col("until_day"), need.timezone))
    return end.is_null() | (pl.col("moment") < end)


def _capped(rows: pl.DataFrame, evidence: Evidence, need: Need, bound: Any) -> pl.DataFrame:
    """The rows with ``cap``: what the line had at the cut-off, less what was shipped (no cut-off: all of it)."""
    if bound is None:
        return rows.with_columns(cap=pl.col("open"))
    had = quantity_by(evidence.book, rows, _cut_off(bound, need.asks, need))
    joined = rows.join(had, on=LINE, how="left", maintain_order="left")
    left = pl.max_horizontal(pl.col("had").fill_null(_ZERO) - pl.col("shipped"), _ZERO)
    return joined.with_columns(cap=pl.min_horizontal("open", left)).drop("had")


def _lots(
    rows: pl.DataFrame, found: pl.DataFrame, answered: pl.DataFrame, special: pl.Series
) -> pl.DataFrame:
    """The facts of lines that must be told lot by lot; a fact without an amount holds in full (null)."""
    amount = (
        pl.when(pl.col("fact_quantity").is_not_null())
        .then(converted(pl.col("fact_quantity").cast(QUANTITY), pl.col("fact_unit"), pl.col("unit")))
        .when(
            pl.col("value").is_not_null()
            & (pl.col("fact_currency") == pl.col("currency"))
            & (pl.col("unit_price") > 0)
        )
        .then((pl.col("value") / pl.col("unit_price").cast(FINE)).cast(QUANTITY))
    )
    given = pl.col("fact_quantity").is_not_null() | pl.col("value").is_not_null()
    chosen = found.filter(pl.col("r").is_in(special.implode())).with_columns(amount=amount, given=given)
    chosen = chosen.join(rows.select("r", "cap"), on="r").select(
        "r",
        "lot",
        held="fit",
        amount="amount",
        unclear=pl.col("given") & pl.col("amount").is_null(),
        cap="cap",
    )
    silent = answered.filter(pl.col("r").is_in(special.implode()) & ~pl.col("r").is_in(found["r"].implode()))
    rest = silent.select("r", lot=pl.lit(None, dtype=pl.String), held="met", amount=pl.lit(None, dtype=QUANTITY),
                         unclear=pl.lit(False), cap="cap")  # fmt: skip
    return pl.concat([chosen, rest]).cast(LOT)  # type: ignore[arg-type]


def _term(rows: pl.DataFrame, need: Need, evidence: Evidence) -> pl.DataFrame:
    """Requirements that the line itself answers."""
    match need.asks:
        case ExportedBefore(exported_before=cut_off):
            met = pl.col("moment") < pl.lit(start(cut_off, need.timezone))
            return _held(rows, met, need, "exported_before", FACT, NEVER, "exported_before")
        case AttributeNeeded() as asks:
            return _attribute(rows, need, asks, evidence)
        case QuantityNeeded(quantity=bound):
            ordered = converted(_consigned(bound), pl.col("unit"), pl.lit(bound.unit))
            return _held(rows, _within(ordered, bound), need, "quantity", TERM, AMENDABLE, "quantity")
        case ValueNeeded(value=bound):
            worth = _consigned(bound).cast(FINE) * pl.col("unit_price").cast(FINE)
            worth = pl.when(pl.col("currency") == bound.currency).then(worth)
            return _held(rows, _within(worth, bound), need, "value", TERM, AMENDABLE, "value")
        case UnitPriceNeeded(unit_price=bound):
            price = pl.col("unit_price").cast(FINE) * _per(pl.lit(bound.per), pl.col("unit")).cast(FINE)
            known = pl.col("currency") == bound.currency
            if bound.basis is not None:
                known = known & (pl.col("incoterm").str.head(3) == bound.basis)
            return _held(rows, _within(pl.when(known).then(price), bound), need, "unit_price", TERM, AMENDABLE,
                         "unit_price")  # fmt: skip
        case ExporterNeeded(exporter=name):
            met = pl.col("party") == evidence.book.names.get(name, name)
            return _held(rows, met, need, "exporter", TERM, NEVER, "exporter")
        case Never():
            return _held(rows, pl.lit(False), need, "never", TERM, NEVER, "never")
    raise TypeError(f"no such requirement: {need.asks!r}")


def _consigned(bound: Any) -> pl.Expr:
    """What the bound looks at: the ordered line, or the consignment that still has to go."""
    return pl.col("open") if bound.per == "consignment" else pl.col("quantity")


def _attribute(rows: pl.DataFrame, need: Need, asks: AttributeNeeded, evidence: Evidence) -> pl.DataFrame:
    if asks.of == "line":
        value, complete = pl.col("attributes").struct.field(asks.attribute), pl.col("facts_complete")
    else:
        rows = rows.join(evidence.exporters, on="party", how="left", maintain_order="left")
        value, complete = pl.col("exporter_attributes").struct.field(asks.attribute), pl.lit(False)
    met = pl.when(value.is_null() & complete).then(pl.lit(False)).otherwise(compared(value, asks))
    return _held(rows, met, need, asks.attribute, TERM, NEVER, asks.attribute)


def _within(number: pl.Expr, bound: Any) -> pl.Expr:
    number, met = number.cast(FINE), pl.lit(True)
    for name, test in (("at_least", "ge"), ("more_than", "gt"), ("at_most", "le"), ("less_than", "lt")):
        limit = getattr(bound, name)
        if limit is not None:
            met = met & getattr(number, test)(pl.lit(limit, dtype=FINE))
    return met
