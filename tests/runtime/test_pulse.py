"""What a program says of its own health: who stands still is dead, who waits for a server is not."""

import pytest

from services.runtime.pulse import LONGER, TURN, Pulse

PATIENCE = 10.0


class Watch:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def pulse(watch: Watch) -> Pulse:
    made = Pulse(PATIENCE, watch)
    made.answers()
    return made


def test_a_program_that_turns_lives_and_is_ready(pulse: Pulse, watch: Watch) -> None:
    watch.now += PATIENCE
    assert pulse.dead() == []
    assert pulse.unready() == []


def test_an_event_loop_that_does_not_turn_is_dead_until_it_turns_again(pulse: Pulse, watch: Watch) -> None:
    watch.now += PATIENCE + 1
    assert pulse.dead() == ["the event loop has not turned for 11 s"]
    pulse.beat()
    assert pulse.dead() == []


async def test_a_turn_that_does_not_end_is_dead_and_one_that_ended_is_not(pulse: Pulse, watch: Watch) -> None:
    async def hand_on() -> int:
        watch.now += PATIENCE * TURN
        pulse.beat()
        assert pulse.dead() == []
        watch.now += 1
        pulse.beat()
        assert pulse.dead() == ["hand_on has not ended a turn for 51 s"]
        return 3

    assert await pulse.turning("hand_on", hand_on)() == 3
    assert pulse.dead() == []


async def test_a_turn_that_fails_is_over(pulse: Pulse, watch: Watch) -> None:
    async def fails() -> int:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await pulse.turning("hand_on", fails)()
    watch.now += PATIENCE * TURN + 1
    pulse.beat()
    assert pulse.dead() == []


def test_some_turns_may_take_longer(pulse: Pulse, watch: Watch) -> None:
    pulse.turns["reassess"] = watch.now
    watch.now += PATIENCE * LONGER["reassess"]
    pulse.beat()
    assert pulse.stuck() == []
    watch.now += 1
    assert pulse.stuck() == ["reassess has not ended a turn for 301 s"]


def test_whoever_waits_for_postgres_is_not_dead_but_not_ready(pulse: Pulse, watch: Watch) -> None:
    pulse.turns["hand_on"] = watch.now
    pulse.answers("does not answer (refused)")
    watch.now += PATIENCE * TURN + 1
    pulse.beat()
    assert pulse.dead() == []
    assert pulse.unready() == ["Postgres: does not answer (refused)"]


def test_the_time_that_postgres_was_away_is_not_counted(pulse: Pulse, watch: Watch) -> None:
    pulse.turns["hand_on"] = watch.now
    pulse.answers("does not answer")
    watch.now += PATIENCE * TURN * 3
    pulse.answers()
    watch.now += PATIENCE * TURN
    pulse.answers()
    assert pulse.stuck() == []
    watch.now += 1
    assert pulse.stuck() == ["hand_on has not ended a turn for 51 s"]


def test_records_that_wait_for_nobody_make_it_dead(pulse: Pulse) -> None:
    pulse.still = PATIENCE + 5
    assert pulse.dead() == ["records wait and none has been stored for 15 s"]
    assert pulse.unready() == pulse.dead()
