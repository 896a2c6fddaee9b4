"""Judged by the rules of its days, the story tells what happened: blocked on 1 April, many released on the 27th."""

from collections import Counter
from datetime import datetime
from functools import cache
from pathlib import Path

import polars as pl
import pytest
import yaml

from events.envelope import Event, event
from events.wire import decode
from services.domain.book import Book, frame_of
from services.domain.verdicts import assess

SEEDS = Path(__file__).parents[2] / "seeds"
PACKS = ("cn-2020-05", "cn-gac-2020-53", "cn-2020-12", "eu-2020-402", "us-fema-2020")
KIT = pl.col("class") == "covid_test_kit"


@cache
def book() -> Book:
    """The story with the packs of that spring, each act learnt when it was published."""
    told = [
        found
        for path in sorted((SEEDS / "story").glob("*.jsonl"))
        for line in path.read_bytes().splitlines()
        for found in decode(line)
        if isinstance(found, Event)
    ]
    acts = [
        event(
            "rule.enacted",
            {"document": act, "pack": f"sha256:{'0' * 64}"},
            source="urn:packs",
            id=act["rule"],
        )
        for pack in PACKS
        for act in yaml.load_all(
            (SEEDS / "rules" / f"{pack}.yaml").read_text(encoding="utf-8"), yaml.BaseLoader
        )
    ]
    goods = yaml.load((SEEDS / "goods.yaml").read_text(encoding="utf-8"), yaml.BaseLoader)
    taxonomy = event("goods.published", goods, source="urn:packs", id="goods")
    return Book.from_events(frame_of([*told, *acts, taxonomy]))


@cache
def noon(day: str) -> pl.DataFrame:
    """What was known at noon in Shanghai that day."""
    now = datetime.fromisoformat(f"{day}T12:00+08:00")
    return assess(book(), now=now, known=now)


def verdicts(day: str, lines: pl.Expr | None = None) -> Counter[str]:
    rows = noon(day) if lines is None else noon(day).filter(lines)
    return Counter(rows["verdict"].to_list())


def test_before_the_rule_nothing_is_blocked() -> None:
    assert set(verdicts("2020-03-31")) == {"clear"}


def test_on_1_april_most_kit_lines_are_unlicensed_and_their_value_is_blocked() -> None:
    kits = verdicts("2020-04-01", KIT)
    assert kits["unlicensed"] > kits.total() / 2
    blocked = noon("2020-04-01").filter(pl.col("verdict") == "unlicensed")
    assert blocked["blocked_value"].min() > 0  # type: ignore[operator]
    assert {"satisfied", "needs_documents", "needs_review", "clear"} <= set(verdicts("2020-04-01"))


def test_by_25_april_grants_and_cancellations_have_left_fewer_blocked() -> None:
    assert verdicts("2020-04-25", KIT)["unlicensed"] < verdicts("2020-04-01", KIT)["unlicensed"]
    assert verdicts("2020-04-25")["satisfied"] > verdicts("2020-04-01")["satisfied"]


def test_in_the_two_days_of_doubt_the_readings_differ() -> None:
    doubtful = noon("2020-04-26").filter(pl.col("verdict") == "needs_review")
    readings = doubtful["readings"].explode().drop_nulls().unique().sort().to_list()
    assert readings == ["cn-2020-12/alternative", "cn-2020-12/cumulative"]


def test_on_27_april_the_second_route_releases_many() -> None:
    before, after = verdicts("2020-04-25"), verdicts("2020-04-27")
    assert after["unlicensed"] < before["unlicensed"] / 2
    released = noon("2020-04-27").filter(pl.col("route").str.contains("foreign certificate"))
    assert released.filter(pl.col("verdict") == "satisfied").height >= 50


@pytest.mark.parametrize("day", ["2020-04-01", "2020-04-25", "2020-04-27"])
def test_every_blocked_line_of_the_story_says_what_is_missing(day: str) -> None:
    blocked = noon(day).filter(pl.col("verdict").is_in(["unlicensed", "needs_documents"]))
    assert blocked.filter(pl.col("missing").list.len() == 0).is_empty()


def test_no_line_ships_while_the_rules_of_the_day_keep_it_back() -> None:
    shipped = [fact for fact in told_shipments() if fact.recordedat is not None]
    held = [fact.id for fact in shipped if not may_go(fact)]
    assert held == []


def told_shipments() -> list[Event]:
    lines = (SEEDS / "story" / "contracts.jsonl").read_bytes().splitlines()
    found = [fact for line in lines for fact in decode(line) if isinstance(fact, Event)]
    return [fact for fact in found if fact.type == "goods.shipped"][::20]


def may_go(fact: Event) -> bool:
    """Whether the line could be exported at the instant it left, on what was known then."""
    ref, own = fact.subject, book().only([fact.partitionkey])
    rows = assess(own, now=fact.time, at=fact.time, known=fact.time).filter(pl.col("ref") == ref)
    return rows["verdict"].to_list()[:1] in (["clear"], ["satisfied"], ["grandfathered"])
