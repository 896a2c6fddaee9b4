"""What the door took and refused is counted, by topic, status and reason, and nobody is named."""

import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.intake.door import ACME, BATCH, Client, signed

pytestmark = [pytest.mark.servers, pytest.mark.asyncio(loop_scope="session")]
Figures = dict[tuple[str, tuple[str, ...]], float]


async def _figures(door: Client) -> Figures:
    answer = await door.http.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    return {
        (sample.name.removeprefix("tracker_intake_"), tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def test_what_was_taken_and_refused_is_counted(door: Client) -> None:
    before = await _figures(door)
    await door.post([signed("M1"), signed("M2")], BATCH)
    await door.post({"specversion": "1.0"})
    await door.post(signed("M3", "bolt"), token=await door.key(ACME))
    await door.post(signed("M4"), "text/plain")
    await door.http.get("/nowhere")
    after = await _figures(door)
    grown = {name: value - before.get(name, 0) for name, value in after.items()}
    assert {name: n for name, n in grown.items() if name[0] in ("requests_total", "refused_total", "events_total")} == {
        ("requests_total", ("202",)): 1, ("requests_total", ("422",)): 1, ("requests_total", ("403",)): 1,
        ("requests_total", ("415",)): 1, ("requests_total", ("404",)): 1,
        ("refused_total", ("unreadable",)): 1, ("refused_total", ("not-yours",)): 1,
        ("refused_total", ("unsupported",)): 1, ("refused_total", ("no-such-path",)): 1,
        ("events_total", ("contracts",)): 2, ("events_total", ("licences",)): 0,
        ("events_total", ("purchases",)): 0, ("events_total", ("rules",)): 0,
    }  # fmt: skip
    assert grown["acknowledged_seconds_count", ()] == 1
    assert 0 < grown["acknowledged_seconds_sum", ()] < 60


async def test_whoever_asks_for_figures_and_health_is_not_counted_and_nobody_is_named(door: Client) -> None:
    await door.post(signed("M5"))
    before = await _figures(door)
    await door.http.get("/health/ready")
    after = await _figures(door)
    assert {n: v for n, v in before.items() if n[0] == "requests_total"} == {
        n: v for n, v in after.items() if n[0] == "requests_total"
    }
    assert not re.search("acme|erp", str(after))
