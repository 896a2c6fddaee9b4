"""Lines that nothing tells apart are judged once; the answers are those of judging each by itself."""

from random import Random
from typing import Any

import polars as pl
import pytest

from bench.books import NOW, law
from bench.large import large
from events.envelope import event
from services.domain import alike, timeline
from services.domain.book import Book, frame_of
from services.domain.court import Court
from services.domain.edges import boundaries
from services.domain.verdicts import assess
from tests.domain.generate import world


@pytest.mark.parametrize("seed", range(8))
def test_a_random_book_is_judged_as_line_by_line(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    of = world(Random(seed))
    asked: dict[str, Any] = {"now": of.now, "at": of.at, "known": of.known}
    book = Book.from_events(frame_of(of.events))
    one_by_one = assess(book, **asked)
    monkeypatch.setattr(timeline, "_FEW", -1)
    assert assess(book, **asked).equals(one_by_one)


def test_of_a_book_with_repetition_few_lines_are_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    answers = Court.answers

    def counted(self: Court, wanted: pl.DataFrame) -> pl.DataFrame:
        asked.append(wanted.height)
        return answers(self, wanted)

    monkeypatch.setattr(Court, "answers", counted)
    court = Court.of(Book.from_events(large(1_000)), NOW, None, None)
    wanted = court.planned().select("line_id", "moment")
    alike.answers(court, wanted, boundaries(court))
    assert sum(asked) < 0.7 * wanted.height


def test_answers_for_a_large_book_are_those_of_each_line_and_instant() -> None:
    court = Court.of(Book.from_events(large(1_000)), NOW, None, None)
    wanted = court.planned().select("line_id", "moment")
    by_line = court.answers(wanted).sort("line_id")
    assert alike.answers(court, wanted, boundaries(court)).sort("line_id").equals(by_line)


def test_a_paper_for_a_part_keeps_lines_apart_whoever_is_called_what(monkeypatch: pytest.MonkeyPatch) -> None:
    """Filed under another name of the exporter, for 700 pieces: of each line so much is on file."""
    on = "2020-03-20T10:00+08:00"
    firm = [one for one in law() if one.subject == "cn-2020-05" or one.type.endswith(".published")]
    lines = [
        {"line": str(n), "class": "ventilator", "quantity": str(1000 * n), "unit": "H87", "unit_price": "9",
         "export_at": "2020-04-20T10:00+08:00"} for n in (1, 2)
    ]  # fmt: skip
    told: list[tuple[str, dict[str, Any]]] = [
        ("contract.signed", {"exporter": "acme", "contract": "C1", "manufacturer": "acme", "buyer": "b", "signed": on,
                             "exported_from": "CN", "destination": "DE", "currency": "EUR", "lines": lines}),
        ("party.matched", {"party": "acme", "same_as": "acme-ltd", "at": on, "by": "clerk"}),
        ("licence.granted", {"scheme": "nmpa_registration", "licence": "L", "holder": "acme", "from": on}),
        ("document.filed", {"exporter": "acme-ltd", "document": "D", "form": "cn-2020-05-declaration",
                            "by": "exporter", "quantity": "700", "unit": "H87", "at": on}),
        ("document.filed", {"exporter": "acme", "document": "E", "form": "destination_conformity", "by": "exporter",
                            "at": on, "refused": False}),
    ]  # fmt: skip
    facts = [event(kind, data, source="t", id=str(n)) for n, (kind, data) in enumerate(told)]
    court = Court.of(Book.from_events(frame_of([*firm, *facts])), NOW, None, None)
    wanted = court.planned().select("line_id", "moment")
    by_line = court.answers(wanted).sort("line_id")
    assert alike.answers(court, wanted, boundaries(court)).sort("line_id").equals(by_line)
