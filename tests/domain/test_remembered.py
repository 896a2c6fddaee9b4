"""Remembered frames are found by the content they were worked out from, and by nothing else."""

import polars as pl

from services.domain.remembered import Remembered


def test_the_same_content_is_worked_out_once_whoever_brings_it() -> None:
    made: list[int] = []
    remembered = Remembered(2)

    def make() -> pl.DataFrame:
        made.append(1)
        return pl.DataFrame({"n": [len(made)]})

    first = remembered.found(pl.DataFrame({"a": ["x", "y"]}), "then", make=make)
    again = remembered.found(
        pl.concat([pl.DataFrame({"a": ["x"]}), pl.DataFrame({"a": ["y"]})]), "then", make=make
    )
    assert first.equals(again)
    assert len(made) == 1


def test_another_content_or_another_text_is_worked_out_anew() -> None:
    remembered = Remembered(9)
    for n, of in enumerate([("a", "bc"), ("ab", "c"), ("ab", "d")]):
        answer = remembered.found(*of, make=lambda n=n: pl.DataFrame({"n": [n]}))  # type: ignore[misc]
        assert answer["n"].to_list() == [n]


def test_what_was_not_asked_for_longest_is_forgotten_first() -> None:
    remembered, made = Remembered(2), list[str]()

    def ask(name: str) -> None:
        def make() -> pl.DataFrame:
            made.append(name)
            return pl.DataFrame()

        remembered.found(name, make=make)

    for name in ("a", "b", "a", "c", "a", "b"):
        ask(name)
    assert made == ["a", "b", "c", "b"]
    assert len(remembered) == 2
