"""The naive interpreter by itself: the golden cases of all packs hold in it as well."""

from datetime import UTC, datetime

import pytest

from tests import naive
from tests.domain import golden

SCENARIOS = golden.scenarios(golden.PACKS, golden.CASES)
DOCUMENTS = golden.documents(golden.PACKS, golden.CASES)
TAXONOMY = golden.taxonomy()


@pytest.mark.slow
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.name)
def test_golden_case_holds_in_the_naive_interpreter(scenario: golden.Scenario) -> None:
    events = golden._events(scenario, DOCUMENTS, TAXONOMY)
    planned = golden._planned(scenario)
    asked: dict[tuple[object, ...], dict[str, naive.Row]] = {}
    found: list[str] = []
    for wanted in scenario.then:
        at, now, known = (_instant(wanted.get(name)) for name in ("at", "now", "known"))
        at = at or (None if "now" in wanted else planned[wanted["line"]])
        now, reading = now or at or planned[wanted["line"]], wanted.get("reading")
        key = (at, now, known, reading)
        if key not in asked:
            rows = naive.assess(events, now=now, at=at, known=known, reading=reading)
            asked[key] = {row["ref"]: row for row in rows}
        found += golden._compared(wanted, asked[key].get(wanted["line"]))
    assert found == []


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC)
