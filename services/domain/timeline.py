"""When an answer changes by itself: the instants at which a clause, a licence, a paper or a term begins or ends.

Between two of these instants a row is constant, so judging at each of them tells the whole future and past of a line.
"""

from dataclasses import replace
from datetime import date, datetime, timedelta

import polars as pl

from events.rule_document import DatedNeeded, ExportedBefore
from services.domain.columns import FINE, INSTANT, Schema
from services.domain.contracts import OWN, folded
from services.domain.court import Bench, Court
from services.domain.evidence import day_in
from services.domain.needs import ROLE
from services.domain.rules import BEGINNING, END, day_after, start

_GOOD = ("clear", "satisfied", "grandfathered", "needs_documents")
_SAME = (
    "verdict", "rule", "clause", "route", "missing", "readings", "low", "high", "open", "unit", "buyer", "currency",
    ((pl.col("open") - pl.col("high")).cast(FINE) * pl.col("unit_price").cast(FINE)).alias("blocked_value"),
    "export_windows",
)  # fmt: skip
"""What a printed row consists of (``export_windows``: of ``_with_windows``)."""
_SPAN = pl.List(pl.Struct({"from": INSTANT, "until": INSTANT}))


def spells(court: Court, rows: pl.DataFrame) -> pl.DataFrame:
    """For lines that cannot go as planned: when they became blocked, and the spans in which they could go.

    Returns ``line_id``, ``blocked_since`` instant and ``export_windows`` List(Struct(from, until)); spans lie between
    ``blocked_since`` and the deadline, an open end is null.
    """
    shape: Schema = {"line_id": pl.UInt32, "blocked_since": INSTANT, "export_windows": _SPAN}
    blocked = rows.filter(~pl.col("verdict").is_in(_GOOD)).select(
        "line_id", "moment", "signed_at", "deadline"
    )
    if blocked.is_empty():
        return pl.DataFrame(schema=shape)
    edges = boundaries(court, blocked["line_id"]).join(blocked.select("line_id", "signed_at"), on="line_id")
    edges = edges.filter(pl.col("moment") > pl.col("signed_at")).select("line_id", "moment")
    first = pl.min_horizontal("signed_at", "moment").alias("moment")
    own = pl.concat([blocked.select("line_id", "moment"), blocked.select("line_id", first), edges]).unique()
    steps = court.at_moments(court.lines.join(own, on="line_id")).select("line_id", "moment", "verdict")
    steps = steps.with_columns(good=pl.col("verdict").is_in(_GOOD)).sort("line_id", "moment")
    turn = pl.col("good") != pl.col("good").shift().over("line_id")
    runs = steps.filter(turn.fill_null(True)).with_columns(until=pl.col("moment").shift(-1).over("line_id"))
    runs = runs.join(blocked.rename({"moment": "judged"}), on="line_id")
    holds = (pl.col("moment") <= pl.col("judged")) & (
        pl.col("until").is_null() | (pl.col("judged") < pl.col("until"))
    )
    since = runs.filter(holds & ~pl.col("good")).select("line_id", blocked_since="moment")
    windows = runs.join(since, on="line_id").filter(
        pl.col("good") & (pl.col("moment") >= pl.col("blocked_since"))
    )
    windows = windows.with_columns(until=pl.min_horizontal("until", "deadline")).filter(
        pl.col("until").is_null() | (pl.col("until") > pl.col("moment"))
    )
    spans = windows.group_by("line_id", maintain_order=True).agg(
        export_windows=pl.struct(pl.col("moment").alias("from"), "until")
    )
    return since.join(spans, on="line_id", how="left").cast(shape)  # type: ignore[arg-type]


def _with_windows(court: Court, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with ``export_windows`` (null: none); each ``line_id`` stands there once."""
    return rows.join(spells(court, rows).select("line_id", "export_windows"), on="line_id", how="left")


def _each_with_windows(court: Court, steps: pl.DataFrame) -> pl.DataFrame:
    """The same for lines that draw on nothing shared and stand there many times: each step is a line of its own."""
    own = steps.with_columns(line_id=pl.int_range(pl.len(), dtype=pl.UInt32))
    benches = tuple(replace(bench, pages={}) for bench in court.benches)
    apart = replace(court, lines=own.select(court.lines.columns), benches=benches)
    return _with_windows(apart, own).with_columns(steps["line_id"])


def next_changes(court: Court, rows: pl.DataFrame, windows: pl.DataFrame) -> pl.DataFrame:
    """The first instant after now (and after ``at``) at which each row differs without any new event.

    ``windows``: what ``spells`` says of these rows.

    Returns ``line_id``, ``next_change_at``; lines that never change by themselves are left out.
    """
    rows = rows.join(windows.select("line_id", "export_windows"), on="line_id", how="left")
    ahead = _ahead_of_themselves(court)
    own = ahead["line_id"].unique()
    own = own.filter(~own.is_in(court.finite.implode()))
    quick = rows.filter(~pl.col("line_id").is_in(pl.concat([court.finite, own]).implode()))
    refolded = rows.filter(pl.col("line_id").is_in(own.implode()))
    return pl.concat(
        [
            _by_edges(court, quick),
            _by_own_facts(court, refolded, ahead),
            _by_redrawing(court, rows, court.finite),
        ]
    )


def _by_edges(court: Court, rows: pl.DataFrame) -> pl.DataFrame:
    """Lines that draw on nothing shared and have no fact of their own ahead: judged at each edge that lies ahead."""
    after = rows.select("line_id", late=pl.max_horizontal("moment", pl.lit(court.now)))
    edges = boundaries(court, rows["line_id"]).join(after, on="line_id")
    edges = edges.filter(pl.col("moment") > pl.col("late")).select("line_id", "moment")
    first = after.join(edges.select("line_id").unique(), on="line_id").rename({"late": "moment"})
    steps = court.at_moments(court.lines.join(pl.concat([first, edges]).unique(), on="line_id"))
    steps = _each_with_windows(court, steps)
    return _first_difference(steps.select("line_id", "moment", was=pl.struct(*_SAME)), rows)


def _first_difference(steps: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """The first step at which a line's row becomes another than it was, and another than the one printed.

    ``steps``: line_id, moment and the row there (``was``; null: not in the book), the first where the line stands now.
    """
    beside = steps.join(rows.select("line_id", row=pl.struct(*_SAME)), on="line_id").sort("line_id", "moment")
    turned = pl.col("was").ne_missing(pl.col("was").shift().over("line_id"))
    later = pl.int_range(pl.len()).over("line_id") > 0
    changed = beside.filter(later & turned & pl.col("was").ne_missing(pl.col("row")))
    return changed.group_by("line_id").agg(next_change_at=pl.col("moment").min())


def _ahead_of_themselves(court: Court) -> pl.DataFrame:
    """Lines whose own contract or exporter has facts dated ahead: line_id, exporter, contract, fold_at."""
    parts = [
        court.book.of(name).filter(pl.col("time") > court.fold).select("exporter", "contract", fold_at="time")
        for name in OWN
        if name != "exporter.registered"
    ]
    said = court.book.of("exporter.registered").filter(pl.col("time") > court.fold)
    lines = court.lines.select("line_id", "exporter", "contract", "party")
    named = said.select(party="exporter", fold_at="time").join(lines, on="party").drop("party")
    own = pl.concat(parts).unique().join(lines.drop("party"), on=["exporter", "contract"])
    return pl.concat([own.select(named.columns), named]).unique()


def _by_own_facts(court: Court, rows: pl.DataFrame, ahead: pl.DataFrame) -> pl.DataFrame:
    """Lines with facts of their own ahead: folded anew to each such instant and to each edge of what they become."""
    if rows.is_empty():
        return pl.DataFrame(schema={"line_id": pl.UInt32, "next_change_at": INSTANT})
    ahead = ahead.join(rows.select("line_id"), on="line_id", how="semi")
    key = court.lines.select("line_id", "ref", "exporter", "contract")
    names = key.select("ref", own_id="line_id")
    future = court.over(folded(court.book, ahead.select("exporter", "contract", "fold_at").unique()))
    later = boundaries(future, future.lines["line_id"]).join(
        future.lines.select("line_id", "ref"), on="line_id"
    )
    later = later.join(names, on="ref").select(line_id="own_id", moment="moment")
    edges = pl.concat(
        [boundaries(court, rows["line_id"]), later, ahead.select("line_id", moment="fold_at")]
    ).unique()
    edges = edges.filter(pl.col("moment") > court.after).join(
        rows.select("line_id"), on="line_id", how="semi"
    )
    start = rows.select("line_id", moment=pl.lit(court.after, dtype=INSTANT))
    asked = pl.concat([edges, start]).join(key, on="line_id").rename({"moment": "fold_at"})
    then = court.over(folded(court.book, asked.select("exporter", "contract", "fold_at").unique()))
    planned = pl.col("fold_at") if court.at is not None else pl.max_horizontal("export_at", "fold_at")
    steps = _with_windows(then, then.at_moments(then.lines.with_columns(moment=planned)))
    told = asked.join(
        steps.select("ref", "fold_at", was=pl.struct(*_SAME)), on=["ref", "fold_at"], how="left"
    )
    return _first_difference(told.select("line_id", "was", moment="fold_at"), rows)


def _by_redrawing(court: Court, rows: pl.DataFrame, slow: pl.Series) -> pl.DataFrame:
    """Lines that share balances: the book drawn anew at every instant ahead, until each of them has changed."""
    left = rows.filter(pl.col("line_id").is_in(slow.implode()))
    changes = [pl.DataFrame(schema={"line_id": pl.UInt32, "next_change_at": INSTANT})]
    if left.is_empty():
        return changes[0]
    shipped = court.book.of("goods.shipped")["exporter"].to_list()
    book = court.book.only({*left["exporter"].to_list(), *shipped})
    before: pl.DataFrame | None = None
    for moment in [court.after, *_ahead(court, slow)]:
        redrawn = Court.of(book, moment, None if court.at is None else moment, court.reading)
        later = _with_windows(redrawn, redrawn.judged().join(left.select("ref"), on="ref", how="semi"))
        step = left.select("line_id", "ref").join(
            later.select("ref", was=pl.struct(*_SAME)), on="ref", how="left"
        )
        step = step.select("line_id", "was", moment=pl.lit(moment, dtype=INSTANT))
        if before is not None:
            changes.append(_first_difference(pl.concat([before, step]), left))
            left = left.join(changes[-1], on="line_id", how="anti")
        if left.is_empty():
            break
        before = step.join(left, on="line_id", how="semi")
    return pl.concat(changes)


def _ahead(court: Court, slow: pl.Series) -> list[datetime]:
    edges = boundaries(court, slow)["moment"]
    drawing = (*OWN, "licence.used", "document.filed")
    facts = court.book.events.filter((pl.col("time") > court.fold) & pl.col("type").is_in(drawing))["time"]
    planned = court.lines.filter(pl.col("line_id").is_in(slow.implode()))["export_at"]
    late = pl.concat([edges, facts, planned]).unique().sort()
    return late.filter(late > court.after).to_list()


def boundaries(court: Court, lines: pl.Series) -> pl.DataFrame:
    """All instants at which anything begins or ends that the rows of these lines can depend on: line_id, moment."""
    chosen = court.lines.filter(pl.col("line_id").is_in(lines.implode()))
    parts = [part for bench in court.benches for part in _of_law(bench, chosen)]
    reached = pl.concat([bench.law.scope["kind"] for bench in court.benches]).unique()
    chosen = chosen.filter(pl.col("kind").is_in(reached.implode()))
    parts += _of_evidence(court, chosen)
    edges = pl.concat([part.select("line_id", "moment") for part in parts]).drop_nulls().unique()
    return edges.filter((pl.col("moment") > pl.lit(BEGINNING)) & (pl.col("moment") < pl.lit(END)))


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
    filers = pl.concat(
        [lines.select("line_id", "exporter"), lines.select("line_id", exporter="party")]
    ).unique()
    filed = filers.join(evidence.papers.select("exporter", "filed"), on="exporter")
    facts = lines.select("line_id", "exporter", "contract").join(evidence.dated, on=["exporter", "contract"])
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
