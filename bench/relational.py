"""The relational part of the question in DuckDB, over the very frames the program judges.

Lines ⋈ scope ⋈ routes ⋈ requirements ⟕ evidence, then the minimum over requirements, the best route, the minimum over
clauses. It leaves out quantities, windows, next changes and reasons, and the destinations and uses a licence is limited
to, and takes requirements of other sorts (dated facts, prices, negations) for unmet: what it takes is the price of the
joins alone.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from events.rule_document import DocumentNeeded, LicenceNeeded, ListedNeeded
from services.domain.court import Court

_KINDS: dict[type, tuple[str, str]] = {LicenceNeeded: ("licence", "licence"), DocumentNeeded: ("document", "document"),
          ListedNeeded: ("listed", "listed")}  # fmt: skip

QUERY = """
WITH bound AS (
    SELECT r, binding FROM rows JOIN scope USING (kind) JOIN spans USING (binding)
    WHERE first <= moment AND moment < last
), open_ways AS (
    SELECT r, bound.binding, way, moment, who, party, contract, line, class
    FROM bound JOIN rows USING (r) JOIN ways USING (binding) JOIN way_spans USING (way)
    WHERE first <= moment AND moment < last
), wanted AS (
    SELECT DISTINCT r, moment, who, party, contract, line, class, need, sort, name
    FROM open_ways JOIN asked USING (way) JOIN needs USING (need)
), met AS (
    SELECT r, need FROM wanted JOIN licences l ON sort = 'licence' AND l.scheme = name AND l.holder = who
    WHERE l.first <= moment AND moment < l.last AND coalesce(l.class = wanted.class, true)
    UNION
    SELECT r, need FROM wanted JOIN lists l ON sort = 'listed' AND l.list = name AND l.party = who
    WHERE l.first <= moment AND moment < l.last
    UNION
    SELECT r, need FROM wanted JOIN papers p ON sort = 'document' AND p.form = name AND p.exporter = wanted.party
    WHERE p.filed <= moment AND NOT p.refused AND coalesce(p.contract = wanted.contract, true)
      AND coalesce(p.line = wanted.line, true)
), of_way AS (
    SELECT o.r, o.binding, o.way, count(*) FILTER (WHERE met.need IS NULL AND sort <> 'document') AS hard,
           count(*) FILTER (WHERE met.need IS NULL AND sort = 'document') AS papers
    FROM open_ways o JOIN asked USING (way) JOIN needs USING (need)
    LEFT JOIN met ON met.r = o.r AND met.need = asked.need
    GROUP BY ALL
), of_clause AS (
    SELECT r, binding, min(CASE WHEN hard > 0 THEN 2 WHEN papers > 0 THEN 1 ELSE 0 END) AS best
    FROM bound LEFT JOIN of_way USING (r, binding) GROUP BY ALL
)
SELECT r, coalesce(max(coalesce(best, 3)), -1) AS worst FROM rows LEFT JOIN of_clause USING (r) GROUP BY r
"""


def prepared(court: Court) -> Any:
    """A connection that holds the frames of the court as tables of its own. Raises ImportError without DuckDB."""
    import duckdb  # only the bench compares with it

    connection = duckdb.connect()
    connection.execute("SET threads = 2")
    law = court.benches[0].law
    rows = court.planned().with_row_index("r").select(
        "r", "kind", "moment", "party", "contract", "line", "class", who=pl.coalesce("manufacturer", "party")
    )  # fmt: skip
    needs = [(number, *_sort(need.asks)) for number, need in enumerate(law.needs)]
    tables = {
        "rows": rows, "scope": law.scope.select("kind", "binding"), "spans": law.spans, "way_spans": law.way_spans,
        "ways": law.ways.select("binding", "way"), "asked": law.asked.select("way", "need"),
        "needs": pl.DataFrame(needs, ["need", "sort", "name"], orient="row"),
        "licences": _by_goods(court.evidence.licences),
        "lists": court.evidence.lists.select("list", "party", "first", "last"),
        "papers": court.evidence.papers.select("exporter", "contract", "line", "form", "filed", "refused"),
    }  # fmt: skip
    with TemporaryDirectory() as folder:
        for name, frame in tables.items():
            path = Path(folder, f"{name}.parquet")
            frame.write_parquet(path)
            connection.execute(f"CREATE TABLE {name} AS SELECT * FROM read_parquet('{path}')")
    return connection


def _by_goods(licences: pl.DataFrame) -> pl.DataFrame:
    goods = licences.select("scheme", "holder", "first", "last", "goods").explode("goods")
    return goods.with_columns(pl.col("goods").struct.field("class")).drop("goods")


def _sort(asks: object) -> tuple[str, str]:
    for kind, (sort, field) in _KINDS.items():
        if isinstance(asks, kind):
            return sort, str(getattr(asks, field))
    return "other", ""
