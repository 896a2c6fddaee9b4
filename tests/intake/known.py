"""Facts as the store gives them back to files that go on from what it holds."""

from collections.abc import Sequence
from datetime import UTC

from events.envelope import Event
from services.intake.rows import Known, fact


def as_known(facts: Sequence[Event], withdrawn_by: str | None = None) -> tuple[Known, ...]:
    """The facts, or their withdrawals by somebody, once they are stored."""
    if withdrawn_by is not None:
        gone = [
            fact(
                "fact.withdrawn",
                {"source": one.source, "id": one.id, "at": one.time, "reason": "a mistake"},
                source=withdrawn_by,
            )
            for one in facts
        ]
        return as_known(gone)
    return tuple(
        Known(
            one.source,
            one.id,
            one.type,
            one.time.astimezone(UTC),
            (one.recordedat or one.time).astimezone(UTC),
            one.wire()["data"],
        )
        for one in facts
    )
