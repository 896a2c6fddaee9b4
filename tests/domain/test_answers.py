"""Answers as text: written column by column, each line is the JSON of its row."""

from random import Random

import polars as pl
import pytest

from services.domain.answers import CLOCKED, answers, lines, text, unclocked
from services.domain.book import Book, frame_of
from services.domain.losses import estimate
from services.domain.verdicts import assess
from tests.domain.generate import world


@pytest.fixture(scope="module")
def rows() -> pl.DataFrame:
    """Answers to generated books, blocked and other lines among them, losses estimated."""
    parts = []
    for seed in (3, 8, 21):
        of = world(Random(seed))
        book = Book.from_events(frame_of(of.events))
        parts.append(estimate(book, assess(book, now=of.now), now=of.now))
    told = pl.concat(parts)
    assert told["loss"].null_count() < told.height > 10
    assert told["verdict"].n_unique() > 3
    return told


@pytest.mark.parametrize("estimated", [True, False])
def test_lines_are_the_json_of_each_answer(rows: pl.DataFrame, estimated: bool) -> None:
    told = rows if estimated else rows.drop("loss")
    assert lines(told) == [text(answer) for answer in answers(told)]


def test_without_its_clock_an_answer_lacks_the_instants_it_was_asked_at_and_the_loss(
    rows: pl.DataFrame,
) -> None:
    gone = (*CLOCKED, "loss")
    whole = [{name: value for name, value in one.items() if name not in gone} for one in answers(rows)]
    assert unclocked(rows) == [text(one) for one in whole]
