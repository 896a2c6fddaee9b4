"""How many exporters a worker judges at once: as many as their locks may be held for, but not too few."""

import pytest

from services.impact.loops import next_size


@pytest.mark.parametrize("bulk", [False, True])
@pytest.mark.parametrize(
    ("done", "took", "then"),
    [(200, 0.1, 400), (200, 0.7, 200), (150, 0.1, 200), (200, 1.5, 100)],
    ids=["all at once and soon", "in good time", "fewer than it would have taken", "too long"],
)
def test_the_next_set_is_larger_after_a_short_judgement_and_smaller_after_a_long_one(
    done: int, took: float, then: int, bulk: bool
) -> None:
    assert next_size(200, done, took, bulk=bulk) == then


def test_it_grows_to_a_thousand_and_no_further() -> None:
    assert next_size(800, 800, 0.1, bulk=True) == next_size(1000, 1000, 0.1, bulk=True) == 1000


def test_in_bulk_it_falls_further_so_that_a_fact_of_somebody_soon_finds_his_locks_free() -> None:
    assert next_size(60, 60, 3.0, bulk=True) == 50
    assert next_size(150, 150, 3.0, bulk=False) == 100
