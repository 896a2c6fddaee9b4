"""The instants at which anything begins or ends that a line's answer can depend on."""

from datetime import date, datetime, timedelta

import polars as pl

from events.rule_document import DatedNeeded, ExportedBefore
from services.domain.court import Bench, Court
from services.domain.evidence import day_in
from services.domain.needs import ROLE
from services.domain.rules import BEGINNING, END, day_after, start


def boundaries(court: Court) -> pl.DataFrame:
    """All instants at which anything begins or ends that the rows of its lines can depend on: line_id, moment.

    ``own``: nothing but a paper filed for the line's contract begins there.
    """
    chosen = court.lines
    parts = [part for bench in court.benches for part in _of_law(bench, chosen)]
    reached = pl.concat([bench.law.scope["kind"] for bench in court.benches]).unique()
    chosen = chosen.filter(pl.col("kind").is_in(reached.implode()))
    parts += _of_evidence(court, chosen)
    edges = pl.concat([part.select("line_id", "moment", own=pl.lit(False)) for part in parts])
    own = chosen.select("line_id", "exporter", "contract").join(
        court.evidence.papers.select("exporter", "contract", moment="filed"), on=["exporter", "contract"]
    )
    edges = pl.concat([edges, own.select("line_id", "moment", own=pl.lit(True))]).drop_nulls("moment")
    edges = edges.filter((pl.col("moment") > pl.lit(BEGINNING)) & (pl.col("moment") < pl.lit(END)))
    return edges.group_by("line_id", "moment").agg(pl.col("own").all())


def _of_law(bench: Bench, lines: pl.DataFrame) -> list[pl.DataFrame]:
    law = bench.law
    spans = pl.concat(
        [law.spans, law.ways.select("binding", "way").join(law.way_spans, on="way").drop("way")]
    )
    edges = pl.concat([spans.select("binding", moment=name) for name in ("first", "last")])
    cut_offs = [
        (number, moment)
        for number, binding in enumerate(law.bindings)
        for way in binding.ways
        for need in way.needs
        for moment in _cut_offs(need.asks, need.timezone)
    ]
    edges = pl.concat([edges, pl.DataFrame(cut_offs, edges.schema, orient="row")]).unique()
    reached = lines.select("line_id", "kind").join(law.scope.select("kind", "binding"), on="kind")
    return [reached.join(edges, on="binding")]


def _cut_offs(asks: object, timezone: str) -> list[datetime]:
    """A term that ends at its instant, and a cut-off that has passed from the instant after it."""
    match asks:
        case ExportedBefore(exported_before=end):
            return [start(end, timezone)]
        case DatedNeeded(before=date() as before):
            return [start(before, timezone) + timedelta(microseconds=1)]
        case DatedNeeded(by=date() as by):
            return [day_after(by, timezone) + timedelta(microseconds=1)]
        case _:
            return []


def _of_evidence(court: Court, lines: pl.DataFrame) -> list[pl.DataFrame]:
    evidence = court.evidence
    who = pl.concat([lines.select("line_id", who=name) for name in ROLE.values()]).drop_nulls().unique()
    held = who.join(evidence.licences.select("first", "last", who="holder"), on="who")
    listed = who.join(evidence.lists.select("first", "last", who="party"), on="who")
    pools = lines.select("line_id").join(evidence.pools.select("first", "last"), how="cross")
    # A paper for a contract counts for that contract alone, unless what was filed adds up to an allowance.
    papers = evidence.papers.filter(pl.col("contract").is_null() | pl.col("quantity").is_not_null())
    filed = pl.concat(
        lines.select("line_id", who=own).join(papers.select("filed", who=by), on="who")
        for own, by in (("exporter", "exporter"), ("party", "filer"))
    )
    facts = lines.join(_facts_asked(court), on="kind").select("line_id", "exporter", "contract", "fact")
    facts = facts.join(evidence.dated, on=["exporter", "contract", "fact"])
    zones = sorted({need.timezone for bench in court.benches for need in bench.law.needs} | {"UTC"})
    days = [
        facts.select("line_id", moment=day_in(pl.col(column), zone, after))
        for zone in zones
        for column, after in (("day", 0), ("day", 1), ("until_day", 0))
    ]
    return [
        *(
            frame.select("line_id", moment=name)
            for frame in (held, listed, pools)
            for name in ("first", "last")
        ),
        filed.select("line_id", moment="filed"),
        facts.select("line_id", moment="happened"),
        facts.select("line_id", moment="until"),
        *days,
    ]


def _facts_asked(court: Court) -> pl.DataFrame:
    """The dated facts that some clause asks of goods of a kind: kind, fact."""
    asked = []
    for law in (bench.law for bench in court.benches):
        facts = [
            (number, need.asks.dated)
            for number, need in enumerate(law.needs)
            if isinstance(need.asks, DatedNeeded)
        ]
        named = pl.DataFrame(facts, {"need": pl.UInt32, "fact": pl.String}, orient="row")
        ways = law.asked.join(named, on="need").join(law.ways.select("way", "binding"), on="way")
        asked.append(law.scope.select("kind", "binding").join(ways, on="binding").select("kind", "fact"))
    return pl.concat(asked).unique()
