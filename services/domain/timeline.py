"""When an answer changes by itself: the instants at which a clause, a licence, a paper or a term begins or ends.

Between two of these instants a row is constant, so judging each line once at each of them tells its whole future and
past: what is printed now, the windows in which it could go, and the next change.
"""

from dataclasses import dataclass, replace
from datetime import datetime

import polars as pl

from services.domain import alike
from services.domain.book import Book
from services.domain.columns import FINE, INSTANT, Schema
from services.domain.contracts import OWN, folded
from services.domain.court import Court
from services.domain.edges import boundaries
from services.domain.parties import every_name

_GOOD = ("clear", "satisfied", "grandfathered", "needs_documents")
_ANSWER = ("verdict", "rule", "clause", "route", "missing", "readings", "low", "high")
_LINE = ("open", "unit", "buyer", "currency")
_BLOCKED_VALUE = ((pl.col("open") - pl.col("high")).cast(FINE) * pl.col("unit_price").cast(FINE)).alias(
    "blocked_value"
)
_SAME = (*_ANSWER, *_LINE, "blocked_value", "export_windows")
"""What a printed row consists of."""
_SPAN = pl.List(pl.Struct({"from": INSTANT, "until": INSTANT}))
_KEY = ["line_id", "moment"]
_WINDOWS: Schema = {
    "line_id": pl.UInt32,
    "moment": INSTANT,
    "blocked_since": INSTANT,
    "export_windows": _SPAN,
}
_CHANGES: Schema = {"line_id": pl.UInt32, "next_change_at": INSTANT}
_BATCH = 50_000
_FEW = 2_000


def outlook(court: Court, ahead: bool = True) -> pl.DataFrame:
    """Every line as planned, with what lies around it.

    Returns the columns of ``court.planned`` and of ``court.answers``, and ``blocked_since`` (when a line that cannot
    go as planned became blocked), ``export_windows`` (the spans between then and its deadline in which it could; an
    open end is null; null: none) and ``next_change_at`` (null throughout without ``ahead``).
    """
    shared = pl.col("line_id").is_in(court.finite.implode())
    alone, drawing = court.lines.filter(~shared), court.lines.filter(shared)
    parts = [_outlook(replace(court, lines=drawing), ahead, True)] if not drawing.is_empty() else []
    firsts = range(0, alone.height if parts else max(1, alone.height), _BATCH)
    parts += [_outlook(replace(court, lines=alone.slice(first, _BATCH)), ahead, False) for first in firsts]
    return pl.concat(parts).sort("line_id")


def _outlook(court: Court, ahead: bool, drawing: bool) -> pl.DataFrame:
    planned = court.planned()
    future = _Future.of(court, planned) if ahead and not drawing else _Future.none(court)
    asked = pl.concat([planned.select(_KEY), future.steps.select(_KEY).drop_nulls()]).unique()
    seen = _Seen(future, asked)
    rows = planned.join(seen.at(planned.select(_KEY)), on=_KEY, how="left", maintain_order="left")
    windows = seen.windows(asked)
    rows = rows.join(windows, on=_KEY, how="left", maintain_order="left")
    if not ahead:
        changes = pl.DataFrame(schema=_CHANGES)
    elif drawing:
        changes = _by_redrawing(court, rows)
    else:
        changes = _first_difference(future.told(seen, windows), rows)
    return rows.join(changes, on="line_id", how="left", maintain_order="left")


class _Seen:
    """Lines at instants, each judged once."""

    def __init__(self, of: "_Future", asked: pl.DataFrame) -> None:
        self._of, self._life = of, _since_signed(of)
        # Of a few lines everything is asked at once, since each judgement has its price however small it is; of many
        # only of those that turn out to be blocked, and then only whether they may go.
        if of.court.lines.height <= _FEW:
            self._found = of.court.answers(pl.concat([asked, self._life]).unique())
        else:
            self._found = alike.answers(of.court, asked, of.edges)

    def at(self, wanted: pl.DataFrame) -> pl.DataFrame:
        """The answers for lines at instants (line_id, moment) that were asked."""
        return wanted.join(self._found, on=_KEY, maintain_order="left")

    def windows(self, wanted: pl.DataFrame) -> pl.DataFrame:
        """For those of the lines at instants that are blocked: since when, and the spans in which they could go."""
        judged = self.at(wanted).select(*_KEY, "verdict")
        blocked = judged.filter(~pl.col("verdict").is_in(_GOOD)).select("line_id", judged="moment")
        if blocked.is_empty():
            return pl.DataFrame(schema=_WINDOWS)
        points = self._life.join(blocked.select("line_id").unique(), on="line_id", how="semi")
        runs = _runs(self._verdicts(points)).join(
            self._of.court.lines.select("line_id", "deadline"), on="line_id"
        )
        holds = (pl.col("moment") <= pl.col("judged")) & (
            pl.col("until").is_null() | (pl.col("judged") < pl.col("until"))
        )
        beside = blocked.join(runs, on="line_id")
        since = beside.filter(holds & ~pl.col("good")).select("line_id", "judged", blocked_since="moment")
        until = pl.min_horizontal("until", "deadline")
        spans = beside.filter("good").with_columns(until=until).join(since, on=["line_id", "judged"])
        spans = spans.filter(
            (pl.col("moment") >= pl.col("blocked_since"))
            & (pl.col("until").is_null() | (pl.col("until") > pl.col("moment")))
        ).sort("line_id", "judged", "moment")
        told = spans.group_by("line_id", "judged", maintain_order=True).agg(
            export_windows=pl.struct(pl.col("moment").alias("from"), "until")
        )
        found = since.join(told, on=["line_id", "judged"], how="left").rename({"judged": "moment"})
        return found.cast(_WINDOWS)  # type: ignore[arg-type]

    def _verdicts(self, points: pl.DataFrame) -> pl.DataFrame:
        found = self._found.select(*_KEY, "verdict")
        new = points.join(found, on=_KEY, how="anti")
        if not new.is_empty():
            found = pl.concat([found, alike.verdicts(self._of.court, new, self._of.edges)])
        return points.join(found, on=_KEY)


def _runs(steps: pl.DataFrame) -> pl.DataFrame:
    """The stretches of instants in which a line may, or may not, go: line_id, moment, until, good."""
    steps = steps.select(*_KEY, good=pl.col("verdict").is_in(_GOOD)).sort(_KEY)
    other = pl.col("line_id").ne_missing(pl.col("line_id").shift())
    runs = steps.filter(other | (pl.col("good") != pl.col("good").shift()))
    same = pl.col("line_id") == pl.col("line_id").shift(-1)
    return runs.with_columns(until=pl.when(same).then(pl.col("moment").shift(-1)))


def _since_signed(of: "_Future") -> pl.DataFrame:
    """The instants of each line's life: its signing, and every boundary after it."""
    lines = of.court.lines.select("line_id", "signed_at")
    edges = of.edges.join(lines, on="line_id").filter(pl.col("moment") > pl.col("signed_at"))
    return pl.concat([lines.select("line_id", moment="signed_at"), edges.select(_KEY)]).unique()


@dataclass(frozen=True)
class _Future:
    """What lies ahead of lines that draw on nothing shared.

    ``court``: the lines, and what they become by facts of their own that are dated ahead; ``edges``: their boundaries.
    ``steps``: ``own_id`` at the instant ``step`` is ``line_id`` (null: no longer in the book), judged at ``moment``.
    """

    court: Court
    edges: pl.DataFrame
    steps: pl.DataFrame

    @classmethod
    def none(cls, court: Court) -> "_Future":
        """Nothing that anybody asks about."""
        shape: Schema = {"line_id": pl.UInt32, "own_id": pl.UInt32, "step": INSTANT, "moment": INSTANT}
        return cls(court, boundaries(court), pl.DataFrame(schema=shape))

    @classmethod
    def of(cls, court: Court, planned: pl.DataFrame) -> "_Future":
        """The steps of these lines, each judged where it is planned: the first where it stands now."""
        ahead = _ahead_of_themselves(court)
        own = ahead.select("line_id").unique()
        later, folds = (court, ahead.clear()) if own.is_empty() else _folds_ahead(court, ahead)
        edges = boundaries(later)
        after = planned.select("line_id", late=pl.max_horizontal("moment", pl.lit(court.now)))
        quick = edges.join(after.join(own, on="line_id", how="anti"), on="line_id")
        quick = quick.filter(pl.col("moment") > pl.col("late"))
        first = quick.select("line_id", moment="late").unique()
        steps = pl.concat([first, quick.select(_KEY)]).select(
            "line_id", own_id="line_id", step="moment", moment="moment"
        )
        if not own.is_empty():
            more = _own_steps(court, later, edges, ahead, folds)
            steps = pl.concat([steps, more.select(steps.columns)])
        return cls(later, edges, steps)

    def told(self, seen: _Seen, windows: pl.DataFrame) -> pl.DataFrame:
        """The steps as rows that are printed."""
        there = self.steps.drop_nulls("line_id")
        answers = seen.at(there.select(_KEY).unique()).select(*_KEY, *_ANSWER)
        lines = self.court.lines.select("line_id", *_LINE, "unit_price")
        rows = self.steps.join(lines, on="line_id", how="left").join(answers, on=_KEY, how="left")
        return rows.join(windows, on=_KEY, how="left").with_columns(_BLOCKED_VALUE)


def _first_difference(steps: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """The first step at which a line's row becomes another than it was, and another than the one printed.

    ``steps``: own_id, step and the row there (``line_id`` null: not in the book), the first where the line stands now.
    """
    printed = rows.select("line_id", *(pl.col(n).alias(f"{n}_printed") for n in (*_ANSWER, *_LINE, "export_windows")),
                          blocked_value_printed=_BLOCKED_VALUE)  # fmt: skip
    beside = steps.join(printed, left_on="own_id", right_on="line_id").sort("own_id", "step")
    later = pl.col("own_id") == pl.col("own_id").shift()
    there = pl.col("line_id").is_not_null()
    turned = there.ne_missing(there.shift()) | pl.any_horizontal(
        pl.col(name).ne_missing(pl.col(name).shift()) for name in _SAME
    )
    other = ~there | pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_printed")) for name in _SAME)
    changed = beside.filter(later & turned & other)
    return changed.group_by(line_id="own_id").agg(next_change_at=pl.col("step").min())


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


def _folds_ahead(court: Court, ahead: pl.DataFrame) -> tuple[Court, pl.DataFrame]:
    """The court with the lines also as they will be after each fact of their own, and the instants of these folds.

    The second: exporter, contract, fold_at; ``edged``: whether the boundaries of that fold are looked for.
    """
    contracts = ahead.select("exporter", "contract").unique()
    told = ahead.select("exporter", "contract", "fold_at").unique().with_columns(edged=pl.lit(True))
    # Whoever exports from an assignment on may be registered later still: then the goods become its own make.
    taken = court.book.of("contract.assigned").join(contracts, on=["exporter", "contract"], how="semi")
    said = court.book.of("exporter.registered").filter(pl.col("time") > court.fold)
    said = taken.select("exporter", "contract", party="to").join(
        said.select(party="exporter", fold_at="time"), on="party"
    )
    more = said.select("exporter", "contract", "fold_at", edged=pl.lit(False))
    folds = pl.concat([told, more]).group_by("exporter", "contract", "fold_at").agg(pl.col("edged").any())
    lines = folded(court.book, folds.drop("edged"))
    lines = lines.join(court.lines.select("ref"), on="ref", how="semi", maintain_order="left")
    first = int(court.lines["line_id"].max() or 0) + 1  # type: ignore[arg-type]
    lines = lines.with_columns(line_id=pl.int_range(first, first + pl.len(), dtype=pl.UInt32))
    return court.also(lines), folds


def _own_steps(
    court: Court, later: Court, edges: pl.DataFrame, ahead: pl.DataFrame, folds: pl.DataFrame
) -> pl.DataFrame:
    """The instants at which lines with facts of their own ahead are looked at, and what each line is there."""
    own = court.lines.join(ahead.select("line_id").unique(), on="line_id", how="semi").select(
        "ref", "exporter", "contract", own_id="line_id"
    )
    every = later.lines.select("line_id", "ref", "exporter", "contract", "fold_at", "export_at")
    edged = every.join(folds.filter("edged"), on=["exporter", "contract", "fold_at"], how="semi")
    edged = pl.concat([edged, every.filter(pl.col("line_id").is_in(court.lines["line_id"].implode()))])
    edges = edges.join(edged.select("line_id", "ref"), on="line_id").join(own, on="ref")
    steps = pl.concat(
        [edges.select("own_id", step="moment"), ahead.select(own_id="line_id", step="fold_at")]
    ).filter(pl.col("step") > court.after)
    start = own.select("own_id", step=pl.lit(court.after, dtype=INSTANT))
    steps = pl.concat([steps, start]).unique().join(own, on="own_id").sort("step")
    instants = folds.select("exporter", "contract", "fold_at", step="fold_at").sort("step")
    told = steps.join_asof(
        instants, on="step", by=["exporter", "contract"], check_sortedness=False
    ).with_columns(pl.col("fold_at").fill_null(court.fold))
    told = told.join(
        every.select("line_id", "ref", "fold_at", "export_at"), on=["ref", "fold_at"], how="left"
    )
    planned = pl.col("step") if court.at is not None else pl.max_horizontal("export_at", "step")
    return told.with_columns(moment=planned)


def _by_redrawing(court: Court, rows: pl.DataFrame) -> pl.DataFrame:
    """Lines that share balances: the book drawn anew at every instant ahead, until each of them has changed."""
    left = rows
    changes = [pl.DataFrame(schema=_CHANGES)]
    shipped = court.book.of("goods.shipped")["exporter"].to_list()
    own = {*left["exporter"].to_list(), *left["party"].to_list(), *shipped}
    book = court.book.only(every_name(own, court.book.names))
    before: pl.DataFrame | None = None
    for moment in [court.after, *_ahead(court)]:
        step = _redrawn(court, book, left, moment)
        if before is not None:
            changes.append(_first_difference(pl.concat([before, step]), left))
            left = left.join(changes[-1], on="line_id", how="anti")
        if left.is_empty():
            break
        before = step.join(left.select(own_id="line_id"), on="own_id", how="semi")
    return pl.concat(changes)


def _redrawn(court: Court, book: Book, left: pl.DataFrame, moment: datetime) -> pl.DataFrame:
    """The lines as one step, everything drawn anew at its instant."""
    redrawn = Court.of(book, moment, None if court.at is None else moment, court.reading)
    lines = redrawn.lines.join(left.select("ref"), on="ref", how="semi", maintain_order="left")
    later = _outlook(replace(redrawn, lines=lines), False, True).with_columns(_BLOCKED_VALUE)
    names = left.select("ref", own_id="line_id", step=pl.lit(moment, dtype=INSTANT))
    return names.join(later.select("ref", "line_id", *_SAME), on="ref", how="left")


def _ahead(court: Court) -> list[datetime]:
    edges = boundaries(court)["moment"]
    drawing = (*OWN, "licence.used", "document.filed")
    facts = court.book.events.filter((pl.col("time") > court.fold) & pl.col("type").is_in(drawing))["time"]
    late = pl.concat([edges, facts, court.lines["export_at"]]).unique().sort()
    return late.filter(late > court.after).to_list()
