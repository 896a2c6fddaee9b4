"""What a book is asked for again is what it worked out before, and never what another book or instant gave."""

import json
from datetime import timedelta

from services.domain.contracts import folded
from services.domain.purchases import parcels
from services.domain.remains import remains
from services.domain.verdicts import assess
from tests.domain.blocked import NOW, book, bought, fact, signed


def test_what_stands_is_one_book_however_often_it_is_asked_for() -> None:
    stock = bought("stock")
    error = fact(
        "fact.withdrawn", source=stock.source, id=stock.id, reason="error", at="2020-04-01T00:00+00:00"
    )
    whole, corrected = book(signed()), book(signed(), stock, error)
    assert whole.known(None) is whole
    standing = corrected.known(None)
    assert standing is corrected.known(None) is standing.known(None)
    assert (corrected.of("component.purchased").height, standing.of("component.purchased").height) == (1, 0)


def test_contracts_are_folded_once_for_each_instant_open_or_ended() -> None:
    ends = fact("contract.cancelled", exporter="acme", contract="C1", at="2020-04-10T00:00+00:00")
    of, later = book(signed(), ends), NOW + timedelta(days=30)
    assert folded(of, NOW) is folded(of, NOW)
    heights = [folded(of, now, ended=ended).height for now in (NOW, later) for ended in (False, True)]
    assert heights == [1, 1, 0, 1]


def test_parcels_of_purchases_that_name_a_line_are_told_apart_from_all() -> None:
    of = book(signed(), bought("own"), bought("pool", contract=None, line=None))
    assert set(parcels(of, NOW)["purchase"]) == {"own", "pool"}
    assert set(parcels(of, NOW, named=True)["purchase"]) == {"own"}
    assert parcels(of, NOW - timedelta(days=60)).is_empty()


def test_a_delivery_that_names_no_line_is_no_part_of_what_a_cancelled_line_leaves() -> None:
    """The order names the line; what came of it does not, and may serve lines that are still open."""
    ends = fact("contract.cancelled", exporter="acme", contract="C1", at="2020-04-02T00:00+00:00")
    came = bought("order", contract=None, line=None, quantity="400", at="2020-03-20T00:00+00:00")
    of = book(signed(), bought("order", ordered=True, cancellation_fee="50"), came, ends)
    loss = json.loads(remains(of, assess(of, now=NOW), now=NOW)["loss"][0])
    assert (loss["commitment_loss"]["base"], loss["stock_write_down"]["base"]) == ("50", "0")
