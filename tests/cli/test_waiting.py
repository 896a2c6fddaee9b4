"""What a command that goes on from the store still waits for, partition by partition."""

from aiokafka import TopicPartition

from services.cli.held import waiting
from services.runtime.topics import Extent

ONE, OTHER = TopicPartition("rules", 0), TopicPartition("rules", 1)


def test_what_is_stored_to_its_end_is_not_waited_for() -> None:
    written = {ONE: Extent(0, 5), OTHER: Extent(0, 0)}
    assert waiting(written, {("rules", 0): 4, ("rules", 1): -1}) == {}
    assert waiting(written, {("rules", 0): 3}) == {ONE: 4}


def test_a_partition_of_which_nothing_is_stored_is_waited_for_from_its_first_record() -> None:
    assert waiting({ONE: Extent(2, 5)}, {}) == {ONE: 2}


def test_a_partition_that_is_stored_further_does_not_hide_another_that_is_behind() -> None:
    written = {ONE: Extent(0, 5), OTHER: Extent(0, 100)}
    assert waiting(written, {("rules", 0): 1_000, ("rules", 1): 98}) == {ONE: 0, OTHER: 99}


def test_a_partition_made_anew_that_holds_nothing_yet_is_not_waited_for() -> None:
    assert waiting({ONE: Extent(0, 0)}, {("rules", 0): 1_000}) == {}
