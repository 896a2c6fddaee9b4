"""Lines that nothing tells apart are judged once: same goods, same parties, and nothing that only one of them has.

A verdict then depends on nothing but the instant, and not on how many pieces the line has: all of them may go, or none.
Whatever looks at amounts or at a contract's own facts keeps a line apart.
"""

from dataclasses import replace

import polars as pl

from events.rule_document import (
    AllowanceNeeded,
    DatedNeeded,
    LicenceNeeded,
    QuantityNeeded,
    QuotaNeeded,
    UnitPriceNeeded,
    ValueNeeded,
)
from services.domain.columns import QUANTITY
from services.domain.court import Court
from services.domain.judge import Law

_KEY = ["line_id", "moment"]
_ASIDE = DatedNeeded | QuantityNeeded | ValueNeeded | UnitPriceNeeded | QuotaNeeded | AllowanceNeeded
_SAME = ("goods", "party", "manufacturer", "changed_at", "apart")


def answers(court: Court, wanted: pl.DataFrame, edges: pl.DataFrame) -> pl.DataFrame:
    """What ``Court.answers`` says of lines at instants. ``edges``: the ``boundaries`` of the court's lines."""
    asked, questions = _questions(court, wanted, edges)
    found = _standing(court, questions).answers(questions.select(_KEY))
    told = _told(asked, questions, found).join(court.lines.select("line_id", "open"), on="line_id")
    amounts = (
        pl.when("shared")
        .then(pl.when(pl.col(name) > 0).then("open").otherwise(pl.lit(0, QUANTITY)))
        .otherwise(name)
        .alias(name)
        for name in ("low", "high")
    )
    return told.with_columns(amounts).select(found.columns)


def verdicts(court: Court, wanted: pl.DataFrame, edges: pl.DataFrame) -> pl.DataFrame:
    """What ``Court.verdicts`` says of the same."""
    asked, questions = _questions(court, wanted, edges)
    found = _standing(court, questions).verdicts(questions.select(_KEY))
    return _told(asked, questions, found).select(found.columns)


def _questions(court: Court, wanted: pl.DataFrame, edges: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Who asks (with the number of its question), and what is asked: one line at one instant for all with that number.

    Between two boundaries an answer is constant, so what counts of the instant is the last boundary, and which papers
    of the contract's own are there.
    """
    same = [*_SAME, *_parties_asked(court)]
    lines = (
        court.lines.join(_goods(court), on="kind")
        .select(
            "line_id",
            *(n for n in same if n != "apart"),
            "exporter",
            "contract",
            "line",
            shared=~_apart(court),
        )
        .with_columns(apart=pl.when(~pl.col("shared")).then("line_id"))
    )
    since = edges.filter(~pl.col("own")).select(*_KEY, edge="moment").sort("moment")
    asked = (
        wanted.select(_KEY).sort("moment").join_asof(since, on="moment", by="line_id", check_sortedness=False)
    )
    asked = asked.join(lines, on="line_id").join(_own_papers(court, asked, lines), on=_KEY, how="left")
    first = pl.struct(_KEY).first().over([*same, "edge", "papers"])
    asked = asked.select(*_KEY, "shared", first.alias("question"))
    questions = asked.select("question", "shared").unique("question").unnest("question")
    return asked, questions


def _own_papers(court: Court, asked: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """Which papers for its own contract a line has at an instant: line_id, moment, papers."""
    of = court.evidence.papers.filter(pl.col("contract").is_not_null())
    of = of.select("exporter", "contract", "filed", "form", "by", of_line="line")
    found = asked.select(_KEY).join(lines, on="line_id").join(of, on=["exporter", "contract"])
    found = found.filter(
        (pl.col("filed") <= pl.col("moment"))
        & (pl.col("of_line").is_null() | (pl.col("of_line") == pl.col("line")))
        & (pl.col("changed_at").is_null() | (pl.col("filed") >= pl.col("changed_at")))
    )
    paper = pl.concat_str("form", "by", separator="\n")
    return found.group_by(_KEY).agg(papers=paper.unique().sort().str.join("\n\n"))


def _standing(court: Court, questions: pl.DataFrame) -> Court:
    """The court over the lines that are asked about; one that stands for several has one piece."""
    shared = questions.select("line_id", "shared").unique()
    one = pl.when("shared").then(pl.lit(1, QUANTITY)).otherwise("open")
    lines = court.lines.join(shared, on="line_id", maintain_order="left").with_columns(open=one)
    return replace(court, lines=lines.drop("shared"))


def _told(asked: pl.DataFrame, questions: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    answered = found.select(question=pl.struct(_KEY), **{n: n for n in found.columns if n not in _KEY})
    return asked.join(answered, on="question")


def _apart(court: Court) -> pl.Expr:
    """Whether a line has to be asked about for itself alone."""
    kinds = pl.concat([_kinds_apart(bench.law, court) for bench in court.benches]).unique()
    papers = court.evidence.papers
    odd = papers.filter(pl.col("quantity").is_not_null() | pl.col("refused"))
    own = odd.filter(pl.col("contract").is_not_null()).select(_named("exporter", "contract")).to_series()
    general = odd.filter(pl.col("contract").is_null())["filer"]
    return (
        pl.col("kind").is_in(kinds.implode())
        | _named("exporter", "contract").is_in(own.unique().implode())
        | pl.col("party").is_in(general.unique().implode())
    )


def _goods(court: Court) -> pl.DataFrame:
    """The kinds of goods, numbered alike where the same clauses reach them and evidence cannot tell them apart."""
    read: list[str | pl.Expr] = ["class", "hs", "facts_complete", pl.col("attributes").struct.json_encode()]
    kinds = court.lines.unique("kind").select(
        "kind", *read, place=pl.when(_placed(court)).then("destination")
    )
    for number, bench in enumerate(court.benches):
        told = pl.format("{} {} {}", "binding", pl.col("in_scope").cast(pl.Int8).fill_null(2),
                         pl.col("unknown").list.join(" "))  # fmt: skip
        scope = bench.law.scope.group_by("kind").agg(told.sort().str.join("\n").alias(f"scope {number}"))
        kinds = kinds.join(scope, on="kind", how="left")
    return kinds.select("kind", goods=pl.col("kind").first().over([n for n in kinds.columns if n != "kind"]))


def _placed(court: Court) -> pl.Expr:
    """Whether anything but the scope of clauses depends on where goods of the kind go."""
    limited = court.evidence.licences.filter(pl.col("destinations").list.len() > 0)
    if not limited.is_empty():
        return pl.lit(True)
    kinds = [
        bench.law.scope.filter(pl.col("binding") == number)["kind"]
        for bench in court.benches
        for number, binding in enumerate(bench.law.bindings)
        if any(way.destinations is not None for way in binding.ways)
    ]
    return pl.col("kind").is_in(pl.concat(kinds).unique().implode()) if kinds else pl.lit(False)


def _parties_asked(court: Court) -> list[str]:
    """Buyer and end user, where anything asks who they are."""
    roles = {getattr(need.asks, "of", None) for bench in court.benches for need in bench.law.needs}
    if not court.evidence.licences.filter(pl.col("buyers").list.len() > 0).is_empty():
        roles.add("buyer")
    return [role for role in ("buyer", "end_user") if role in roles]


def _named(*names: str) -> pl.Expr:
    return pl.concat_str(*names, separator="\n")


def _kinds_apart(law: Law, court: Court) -> pl.Series:
    """The kinds of goods of which some clause asks for amounts, or for what happened to a contract."""
    finite = pl.col("quantity").is_not_null() | pl.col("value").is_not_null()
    schemes = set(court.evidence.licences.filter(finite)["scheme"])
    needs = [
        number
        for number, need in enumerate(law.needs)
        if isinstance(need.asks, _ASIDE)
        or (isinstance(need.asks, LicenceNeeded) and need.asks.licence in schemes)
    ]
    ways = law.asked.filter(pl.col("need").is_in(needs))["way"]
    bindings = law.ways.filter(pl.col("way").is_in(ways.implode()))["binding"]
    return law.scope.filter(pl.col("binding").is_in(bindings.implode()))["kind"]
