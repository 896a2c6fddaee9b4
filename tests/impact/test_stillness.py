"""When a worker stands still: nothing is stored although records wait, and nothing else explains it."""

from aiokafka import TopicPartition

from services.impact.stillness import ALONE, Stillness

A, B = TopicPartition("contracts", 0), TopicPartition("licences", 3)
PATIENCE = 60.0


def test_nothing_waits_so_nothing_stands_still() -> None:
    found = Stillness().later({A: 9}, {A: 10, B: 0}, 5).later({A: 9}, {A: 10, B: 0}, 500)
    assert found.seconds == 0
    assert not found.over(PATIENCE)


def test_what_waits_and_is_not_stored_stands_still_from_the_second_look_on() -> None:
    found = Stillness().later({}, {A: 10}, 5)
    assert found.seconds == 0
    found = found.later({}, {A: 12}, 5)
    assert found.seconds == 5
    assert found.later({}, {A: 12}, 55).over(PATIENCE) == {A}


def test_one_stored_record_of_any_partition_begins_the_count_anew() -> None:
    found = Stillness().later({A: 1, B: 1}, {A: 10, B: 10}, 5).later({A: 1, B: 1}, {A: 10, B: 10}, 50)
    assert found.later({A: 1, B: 2}, {A: 10, B: 10}, 50).seconds == 0
    assert found.later({A: 1, B: 9}, {A: 10, B: 10}, 50).seconds == 0, "the last one stored as well"


def test_what_comes_while_others_stand_still_explains_nothing() -> None:
    found = Stillness().later({A: 1}, {A: 10, B: 0}, 5).later({A: 1}, {A: 10, B: 0}, 50)
    assert found.later({A: 1}, {A: 10, B: 5}, 10).over(PATIENCE) == {A, B}


def test_one_partition_alone_is_given_longer() -> None:
    found = Stillness().later({A: 1, B: 0}, {A: 10, B: 1000}, 5)
    for stored in range(1, 13):
        assert not found.over(PATIENCE)
        found = found.later({A: 1, B: stored}, {A: 10, B: 1000}, PATIENCE * ALONE / 12)
    assert found.seconds == 0
    assert found.over(PATIENCE) == {A}
