"""A line that was cancelled while it was blocked keeps its loss until its components are disposed of."""

import json
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from events.envelope import Event
from services.domain.remains import remains
from services.domain.verdicts import assess
from tests.domain.blocked import NOW, book, bought, fact, granted, line, losses, signed, stated

CALLED_OFF = fact("contract.cancelled", exporter="acme", contract="C1", at="2020-04-02T00:00+00:00")


def found(*facts: Event, now: datetime = NOW) -> pl.DataFrame:
    of = book(*facts)
    return remains(of, assess(of, now=now), now=now)


def left(*facts: Event, now: datetime = NOW) -> dict[str, dict[str, Any]]:
    """The losses that remain, by ref."""
    return {ref: json.loads(loss) for ref, loss in found(*facts, now=now).select("ref", "loss").iter_rows()}


def written_down(*facts: Event, now: datetime = NOW) -> dict[str, str]:
    return {ref: loss["out_of_pocket"]["base"] for ref, loss in left(*facts, now=now).items()}


def test_a_line_cancelled_while_blocked_keeps_the_loss_of_its_parts() -> None:
    assert written_down(signed(), bought("stock", salvage_unit_price="0.4"), CALLED_OFF) == {
        "acme/C1/1": "600"
    }


def test_it_is_as_it_was_judged_just_before() -> None:
    row = found(signed(), bought("stock"), CALLED_OFF).row(0, named=True)
    assert (row["verdict"], row["rule"], row["missing"]) == ("unlicensed", "kits", ["registration"])
    assert row["ended_at"] == datetime.fromisoformat("2020-04-02T00:00+00:00")
    assert str(row["blocked_quantity"]) == "1000.000000"


def test_it_keeps_its_advance_to_refund() -> None:
    of = left(signed(terms={"advance": "500"}), bought("stock"), CALLED_OFF)
    assert of["acme/C1/1"]["cash_call"]["base"] == "500"


def test_an_advance_is_refunded_once_whatever_of_its_contract_goes_on() -> None:
    alone = fact("contract.cancelled", exporter="acme", contract="C1", line="1", at="2020-04-02T00:00+00:00")
    both = signed(line(1), line(2), terms={"advance": "500"})
    facts = (both, bought("one"), bought("two", line="2"), stated("storage", "80", line=None))
    parts = [left(*facts, alone)["acme/C1/1"], losses(book(*facts, alone))["acme/C1/2"]]
    assert [of["cash_call"]["base"] for of in parts] == ["0", "500"]
    assert [of["other"]["base"] for of in parts] == ["0", "80"]
    assert [of["cash_call"]["base"] for of in left(*facts, CALLED_OFF).values()] == ["250", "250"]


def test_damages_for_delay_end_with_the_contract() -> None:
    late = line(deadline="2020-03-28T00:00+00:00")
    terms = {"liquidated_damages": {"rate_per_day": "0.001", "cap": "0.1"}}
    of = left(signed(late, terms=terms), bought("stock"), CALLED_OFF, now=NOW + timedelta(days=90))
    assert of["acme/C1/1"]["penalty"]["base"] == "5000"
    in_time = left(signed(terms=terms), bought("stock"), CALLED_OFF)["acme/C1/1"]
    assert (in_time["penalty"]["base"], in_time["penalty"]["high"]) == ("0", "0")
    assert (in_time["probability"], in_time["expected"]["base"]) == ("0", "1000")


def test_the_clock_alone_changes_nothing() -> None:
    facts = (signed(terms={"advance": "500"}), bought("stock"), CALLED_OFF)
    texts = [
        found(*facts, now=NOW + timedelta(days=days)).select("loss", "loss_steps").row(0)
        for days in (0, 9, 400)
    ]
    assert len(set(texts)) == 1


def test_what_was_granted_after_it_was_called_off_did_not_free_it() -> None:
    grant = granted("2020-04-10T00:00+00:00")
    assert written_down(signed(), bought("stock"), CALLED_OFF, grant) == {"acme/C1/1": "1000"}
    promised = granted("2020-04-10T00:00+00:00").model_copy(
        update={"recordedat": datetime.fromisoformat("2020-04-01T12:00+00:00")}
    )
    assert written_down(signed(), bought("stock"), CALLED_OFF, promised) == {}


def test_a_cancellation_that_lies_ahead_or_was_withdrawn_leaves_nothing() -> None:
    ahead = fact("contract.cancelled", exporter="acme", contract="C1", at="2020-04-20T00:00+00:00")
    assert left(signed(), bought("stock"), ahead) == {}
    error = fact("fact.withdrawn", source=CALLED_OFF.source, id=CALLED_OFF.id, reason="error",
                 at="2020-04-02T01:00+00:00")  # fmt: skip
    assert left(signed(), bought("stock"), CALLED_OFF, error) == {}


def test_it_is_gone_once_its_parts_are_disposed_of() -> None:
    sale = fact("component.disposed", exporter="acme", purchase="stock", at="2020-04-02T06:00+00:00")
    assert left(signed(), bought("stock"), CALLED_OFF, sale) == {}


def test_a_line_cancelled_while_it_could_go_leaves_nothing() -> None:
    assert left(signed(), bought("stock"), granted("2020-01-01T00:00+00:00"), CALLED_OFF) == {}


def test_a_line_that_is_open_is_not_among_the_remains() -> None:
    assert left(signed(), bought("stock")) == {}


def test_one_line_may_be_called_off_alone() -> None:
    alone = fact("contract.cancelled", exporter="acme", contract="C1", line="1", at="2020-04-02T00:00+00:00")
    assert written_down(signed(), bought("stock"), alone) == {"acme/C1/1": "1000"}


def test_parts_that_name_no_line_stay_with_the_lines_that_may_need_them() -> None:
    pooled = bought("pool", contract=None, line=None)
    assert left(signed(), pooled, CALLED_OFF) == {}


def test_what_others_draw_from_a_shared_balance_still_counts() -> None:
    first = signed(line(export_at="2020-04-15T00:00+00:00"), contract="C0")
    licence = granted("2020-01-01T00:00+00:00", quantity="1000", unit="H87")
    assert written_down(first, signed(), bought("stock"), licence, CALLED_OFF) == {"acme/C1/1": "1000"}
    other = signed(line(export_at="2020-04-15T00:00+00:00"), exporter="bolt", contract="C0")
    assert written_down(other, signed(), bought("stock"), licence, CALLED_OFF) == {"acme/C1/1": "1000"}
    assert written_down(signed(), bought("stock"), licence, CALLED_OFF) == {}
