"""A line that was cancelled while it was blocked keeps its loss until its components are disposed of."""

import json

import polars as pl

from events.envelope import Event
from services.domain.remains import remains
from services.domain.verdicts import assess
from tests.domain.blocked import NOW, book, bought, fact, granted, signed

CALLED_OFF = fact("contract.cancelled", exporter="acme", contract="C1", at="2020-04-02T00:00+00:00")


def left(*facts: Event) -> dict[str, str]:
    of = book(*facts)
    found = remains(of, assess(of, now=NOW), now=NOW).select("ref", pl.col("loss"))
    return {ref: json.loads(loss)["out_of_pocket"]["base"] for ref, loss in found.iter_rows()}


def test_a_line_cancelled_while_blocked_keeps_the_loss_of_its_parts() -> None:
    assert left(signed(), bought("stock", salvage_unit_price="0.4"), CALLED_OFF) == {"acme/C1/1": "600"}


def test_it_keeps_its_advance_to_refund() -> None:
    of = book(signed(terms={"advance": "500"}), bought("stock"), CALLED_OFF)
    found = remains(of, assess(of, now=NOW), now=NOW)
    assert json.loads(found["loss"].item())["cash_call"]["base"] == "500"


def test_it_is_gone_once_its_parts_are_disposed_of() -> None:
    sale = fact("component.disposed", exporter="acme", purchase="stock", at="2020-04-02T06:00+00:00")
    assert left(signed(), bought("stock"), CALLED_OFF, sale) == {}


def test_a_line_cancelled_while_it_could_go_leaves_nothing() -> None:
    assert left(signed(), bought("stock"), granted("2020-01-01T00:00+00:00"), CALLED_OFF) == {}


def test_a_line_that_is_open_is_not_among_the_remains() -> None:
    assert left(signed(), bought("stock")) == {}


def test_one_line_may_be_called_off_alone() -> None:
    alone = fact("contract.cancelled", exporter="acme", contract="C1", line="1", at="2020-04-02T00:00+00:00")
    assert left(signed(), bought("stock"), alone) == {"acme/C1/1": "1000"}
