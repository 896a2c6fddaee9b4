"""Who holds what, when, for how much: licences, lists, quotas, papers and dated facts as spans of instants.

Whoever holds or signs stands here by the one name its party is compared by.
Nothing here depends on ``now``: evidence counts at the instant that is judged. Licences and lists are a closed world
(what is not recorded is not there); dated facts are an open one.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import polars as pl

from services.domain.book import Book
from services.domain.columns import FINE, INSTANT, QUANTITY
from services.domain.goods import Taxonomy
from services.domain.parties import compared, named
from services.domain.rules import END, minus, span
from services.domain.versions import instant

_GOODS = pl.List(pl.Struct({"class": pl.String, "hs": pl.String}))


@dataclass(frozen=True)
class Evidence:
    """All evidence of a book. Each frame is made once, when it is first asked for."""

    book: Book
    taxonomy: Taxonomy

    @cached_property
    def licences(self) -> pl.DataFrame:
        """Spans in which a licence counts.

        Columns: scheme, licence, holder String · issued, first, last instants · goods List(Struct(class, hs)) ·
        destinations, buyers, uses List(String) · quantity, value Decimal(38,10) · unit, currency String.
        """
        granted = self.book.of("licence.granted").with_columns(issued=pl.col("time"))
        key = ["scheme", "licence"]
        versions = granted.unique([*key, "issued"], keep="last", maintain_order=True).sort(*key, "issued")
        versions = versions.with_columns(
            first=pl.col("issued"),
            last=pl.min_horizontal(
                instant(pl.col("until")).fill_null(END), pl.col("issued").shift(-1).over(key).fill_null(END)
            ),
            quantity=pl.col("quantity").cast(FINE),
            value=pl.col("value").cast(FINE),
        )
        revoked = self.book.of("licence.revoked").select(*key, ended="time")
        ends = (
            versions.select(*key, "issued").join(revoked, on=key).filter(pl.col("ended") >= pl.col("issued"))
        )
        versions = versions.join(
            ends.group_by(*key, "issued").agg(pl.col("ended").min()), on=[*key, "issued"], how="left"
        )
        versions = versions.with_columns(last=pl.min_horizontal("last", pl.col("ended").fill_null(END)))
        return self._unsuspended(versions).filter(pl.col("first") < pl.col("last")).select(
            *key, "holder", "issued", "first", "last", "goods", "destinations", "buyers", "uses", "quantity", "value",
            "unit", "currency",
        )  # fmt: skip

    def _unsuspended(self, versions: pl.DataFrame) -> pl.DataFrame:
        """The spans without the suspensions; only licences that were ever suspended are taken apart."""
        key = ["scheme", "licence"]
        suspended = self.book.of("licence.suspended")
        if suspended.is_empty():
            return versions
        back = self.book.of("licence.reinstated").select(*key, back="time")
        pauses = (
            suspended.join(back, on=key, how="left")
            .group_by(*key, "time", "until")
            .agg(back=pl.col("back").filter(pl.col("back") > pl.col("time")).min())
        )
        pauses = pauses.with_columns(
            end=pl.min_horizontal(instant(pl.col("until")).fill_null(END), pl.col("back").fill_null(END))
        )
        cuts: dict[tuple[str, str], list[tuple[datetime, datetime]]] = {}
        for scheme, licence, begin, end in pauses.select(*key, "time", "end").iter_rows():
            cuts.setdefault((scheme, licence), []).append((begin, end))
        rows = []
        for row in versions.join(pauses.select(key).unique(), on=key, how="semi").iter_rows(named=True):
            spans: tuple[tuple[datetime, datetime], ...] = ((row["first"], row["last"]),)
            for begin, end in cuts[row["scheme"], row["licence"]]:
                spans = minus(spans, begin, end)
            rows += [{**row, "first": a, "last": b} for a, b in spans]
        rest = versions.join(pauses.select(key).unique(), on=key, how="anti")
        return pl.concat([rest, pl.DataFrame(rows, schema=versions.schema, orient="row")])

    @cached_property
    def lists(self) -> pl.DataFrame:
        """Spans in which a party stands on a list: list, party String · first, last instants · class, hs String."""
        empty = pl.lit([{"class": None, "hs": None}], dtype=_GOODS)
        steps = pl.concat(
            self.book.of(name).select("time", "recorded_at", "source", "id", "list", "party", "goods",
                                      entered=pl.lit(name == "list.entered"))
            for name in ("list.entered", "list.removed")
        )  # fmt: skip
        steps = steps.sort("time", "recorded_at", "source", "id").with_row_index("step")
        steps = steps.with_columns(all_goods=pl.col("goods").list.len().fill_null(0) == 0)
        steps = steps.with_columns(goods=pl.when("all_goods").then(empty).otherwise("goods"))
        steps = steps.explode("goods").unnest("goods")
        entered = steps.filter("entered").select("step", "list", "party", "class", "hs", first="time")
        removed = steps.filter(~pl.col("entered")).select(
            "list", "party", "all_goods", out="step", r_class="class", r_hs="hs", last="time"
        )
        same = pl.col("all_goods") | (
            pl.col("class").eq_missing(pl.col("r_class")) & pl.col("hs").eq_missing(pl.col("r_hs"))
        )
        ends = entered.join(removed, on=["list", "party"]).filter((pl.col("out") > pl.col("step")) & same)
        key = ["step", "class", "hs"]
        ends = ends.group_by(key).agg(pl.col("last").min())
        spans = entered.join(ends, on=key, how="left", nulls_equal=True)
        return (
            spans.with_columns(pl.col("last").fill_null(END))
            .filter(pl.col("first") < pl.col("last"))
            .select("list", "party", "first", "last", "class", "hs")
        )

    @cached_property
    def pools(self) -> pl.DataFrame:
        """Quota pools, shaped like licences: ``scheme`` is the quota, ``licence`` its opening, with ``holders``."""
        opened = self.book.of("quota.opened").select(
            scheme="quota", licence=pl.concat_str("source", "id", separator=" "), first="time",
            last=instant(pl.col("until")).fill_null(END), goods="goods", destinations="destinations",
            holders="holders", quantity=pl.col("quantity").cast(FINE), value=pl.col("value").cast(FINE),
            unit="unit", currency="currency",
        )  # fmt: skip
        rows: list[tuple[Any, ...]] = []
        for act in self.book.rules:
            for pool in act.quotas:
                first, last = span(pool.since, pool.until, pool.through, act.timezone)
                rows.append((pool.quota, f"rule {act.rule} {first}", first, last, [], list(pool.destinations),
                             named(pool.holders, self.book.names), pool.quantity, None, pool.unit, None))  # fmt: skip
        return pl.concat([opened, pl.DataFrame(rows, schema=opened.schema, orient="row")])

    @cached_property
    def papers(self) -> pl.DataFrame:
        """Filed documents in their order: exporter (as told), filer (as compared), contract, line, form, by, unit
        String · filed instant · quantity Decimal(38,6) · refused Boolean · filing UInt32."""
        return self.book.of("document.filed").select(
            "exporter", "contract", "line", "form", "by", "unit", filed="time",
            filer=compared("exporter", self.book.names),
            quantity=pl.col("quantity").cast(QUANTITY), refused=pl.col("refused").fill_null(False),
        ).with_row_index("filing")  # fmt: skip

    @cached_property
    def dated(self) -> pl.DataFrame:
        """Dated facts: exporter, contract, line, lot, fact String · happened, until instants or day, until_day ·
        quantity, value Decimal(38,10) · unit, currency String · told (its event). Signing a contract is one."""
        told = self.book.of("contract.dated").select(
            "exporter", "contract", "line", "lot", "fact", "unit", "currency",
            moment="at", until="until", told=pl.concat_str("source", "id", separator=" "),
            quantity=pl.col("quantity").cast(FINE), value=pl.col("value").cast(FINE),
        )  # fmt: skip
        signed = self.book.of("contract.signed").select(
            "exporter", "contract", fact=pl.lit("contract_signed"), moment="signed"
        )
        both = pl.concat([told, signed], how="diagonal")
        day, until_day = (pl.col(name).str.to_date("%Y-%m-%d", strict=False) for name in ("moment", "until"))
        return both.with_columns(
            happened=instant(pl.col("moment")), day=day, until=instant(pl.col("until")), until_day=until_day
        ).drop("moment")

    @cached_property
    def exporters(self) -> pl.DataFrame:
        """The attributes of exporters: party String, attributes Struct; the last registration holds."""
        registered = self.book.of("exporter.registered")
        return registered.unique("exporter", keep="last", maintain_order=True).select(
            party="exporter", exporter_attributes="attributes"
        )


def day_in(day: pl.Expr, timezone: str, after: int = 0) -> pl.Expr:
    """The first instant of a day (or of the day ``after`` days later) in a time zone."""
    moved = (
        day.cast(pl.Datetime("us")) if after == 0 else (day + pl.duration(days=after)).cast(pl.Datetime("us"))
    )
    local = moved.dt.replace_time_zone(timezone, ambiguous="earliest", non_existent="null")
    return local.dt.convert_time_zone("UTC").cast(INSTANT)
