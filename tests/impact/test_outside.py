"""The figures of a worker are those of its work; waiting is counted from the storing of the oldest fact."""

import asyncio
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import yaml
from prometheus_client import CollectorRegistry

from events.registry import FACT_TOPICS
from services.impact import handlers, reassess
from services.impact.judged import judge
from services.impact.metrics import Metrics
from services.impact.plan import Reached, oldest
from services.impact.store import SQL
from services.runtime.settings import SHIPPED
from tests.impact.asked import figure, joined, page
from tests.impact.stage import NOON, batch, contract, fact, present, raw
from tests.impact.test_reassess import law, registration
from tests.impact.workers import Pair, send, settled, until, worker

MONITORING = SHIPPED / "deploy" / "monitoring"


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def metrics(registry: CollectorRegistry) -> Metrics:
    return Metrics(registry)


def _names(registry: CollectorRegistry) -> set[str]:
    """The figures as they are asked for: a counter by its total, a histogram by its name alone."""
    return {f"{one.name}_total" if one.type == "counter" else one.name for one in registry.collect()}


@pytest.mark.usefixtures("metrics")
def test_the_list_in_the_runbook_names_each_figure_and_no_other(registry: CollectorRegistry) -> None:
    runbook = (SHIPPED / "deploy" / "README.md").read_text()
    assert set(re.findall(r"^\| `(tracker_\w+)", runbook, re.MULTILINE)) == _names(registry)


@pytest.mark.usefixtures("metrics")
def test_no_figure_has_a_label_that_grows_with_the_book(registry: CollectorRegistry) -> None:
    labels = {name for one in registry.collect() for sample in one.samples for name in sample.labels}
    assert labels <= {"topic", "partition", "kind", "step", "rank", "queue", "le"}


def _alerts() -> Iterator[dict[str, Any]]:
    for group in yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"]:
        yield from group["rules"]


@pytest.mark.usefixtures("metrics")
def test_each_alert_asks_for_figures_that_exist_and_stands_in_the_runbook(
    registry: CollectorRegistry,
) -> None:
    known = _names(registry)
    known |= {f"{name}_{part}" for name in known for part in ("bucket", "sum", "count")}
    runbook = (SHIPPED / "deploy" / "README.md").read_text()
    alerts = list(_alerts())
    assert len(alerts) == len({one["alert"] for one in alerts}) > 5
    for one in alerts:
        assert set(re.findall(r"tracker_\w+", one["expr"])) <= known, one["alert"]
        assert f"| {one['alert']} |" in runbook
        assert one["annotations"]["runbook"].endswith("deploy/README.md#alerts")
    named = set(re.findall(r"^\| (Tracker\w+) \|", runbook, re.MULTILINE))
    assert named == {one["alert"] for one in alerts}


def test_the_example_for_prometheus_loads_the_alerts_and_asks_where_compose_serves() -> None:
    config = yaml.safe_load((MONITORING / "prometheus.yml").read_text())
    assert config["rule_files"] == ["alerts.yml"]
    compose = yaml.safe_load((SHIPPED / "docker-compose.yml").read_text())
    for job, name, said in (
        ("tracker", "impact", "TRACKER_METRICS"),
        ("tracker-intake", "intake", "TRACKER_HTTP"),
    ):
        port = int(compose["services"][name]["environment"][said].rpartition(":")[2])
        (asked,) = [one for one in config["scrape_configs"] if one["job_name"] == job]
        (found,) = asked["dns_sd_configs"]
        assert (found["names"], found["port"]) == ([name], port)
        assert asked.get("metrics_path", "/metrics") == "/metrics"
    assert len(config["scrape_configs"]) == 2


@pytest.mark.servers
async def test_what_is_stored_is_counted_by_topic_and_repeats_of_a_record_are_not(
    pool: asyncpg.Pool, registry: CollectorRegistry, metrics: Metrics
) -> None:
    record = handlers.Recorder(pool, "cluster", "impact", asyncio.Event(), metrics=metrics)
    one = raw(b"not JSON", b"{")
    await record([one])
    await record([one])
    await record([batch([registration("acme"), fact("contract.signed", contract("acme", "C1"))])])

    def counted(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"tracker_{name}", labels)

    assert counted("records_stored_total", topic="contracts") == 3
    assert counted("events_stored_total", topic="contracts") == 2
    assert counted("dead_letters_total", topic="contracts", kind="unreadable") == 2
    assert counted("records_stored_total", topic="rules") == 0, "there from the start"
    assert counted("step_seconds_count", step="record") == 3
    assert (counted("told_to_stored_seconds_count") or 0) == 2


def test_an_exporter_reached_by_several_facts_waits_since_the_oldest_of_them() -> None:
    stored_at = {1: NOON + timedelta(seconds=5), 2: NOON, 3: NOON + timedelta(seconds=9)}
    reached = [Reached(1, "a", False, False), Reached(2, "a", True, False), Reached(3, "b", True, True)]
    assert oldest(stored_at, reached) == {"a": NOON, "b": NOON + timedelta(seconds=9)}


async def _handed_on(pool: asyncpg.Pool) -> None:
    while await handlers.hand_on(pool):
        pass


@pytest.mark.servers
async def test_a_verdict_is_timed_from_the_storing_of_its_oldest_fact(
    pool: asyncpg.Pool, registry: CollectorRegistry, metrics: Metrics
) -> None:
    await present(pool, NOON)
    record = handlers.Recorder(pool, "cluster", "impact", asyncio.Event())
    await record([batch([fact("contract.signed", contract("acme", "C1"))])])
    await asyncio.sleep(0.6)
    await _handed_on(pool)
    await record([batch([registration("acme")])])
    await _handed_on(pool)
    assert await handlers.reassess(pool, 10, metrics) == 1
    value = registry.get_sample_value
    assert value("tracker_stored_to_verdict_seconds_count", {"rank": "prompt"}) == 1
    assert 0.6 <= (value("tracker_stored_to_verdict_seconds_sum", {"rank": "prompt"}) or 0) < 5
    assert value("tracker_reassessed_exporters_total") == 1
    assert value("tracker_reassessed_lines_total") == 1


@pytest.mark.servers
async def test_a_reason_that_comes_while_judging_waits_since_that_judgement_began(
    pool: asyncpg.Pool, registry: CollectorRegistry, metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    await present(pool, NOON)
    record = handlers.Recorder(pool, "cluster", "impact", asyncio.Event())
    await record([batch([fact("contract.signed", contract("acme", "C1"))])])
    await _handed_on(pool)
    await asyncio.sleep(1)
    loop = asyncio.get_running_loop()

    def meanwhile(*arguments: Any) -> Any:
        async def another() -> None:
            await record([batch([registration("acme")])])
            await _handed_on(pool)

        asyncio.run_coroutine_threadsafe(another(), loop).result(10)
        return judge(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(reassess, "judge", meanwhile)
        await handlers.reassess(pool, 10, metrics)
    waited = "SELECT extract(epoch FROM now() - since)::float8 FROM due"
    assert await pool.fetchval(waited) < 0.9, "not since the first fact, which is answered"
    await handlers.reassess(pool, 10, metrics)
    assert not await pool.fetchval("SELECT count(*) FROM due")
    assert registry.get_sample_value("tracker_stored_to_verdict_seconds_count", {"rank": "prompt"}) == 2


@pytest.mark.servers
async def test_what_waits_is_told_with_the_age_of_the_oldest(
    pool: asyncpg.Pool, registry: CollectorRegistry, metrics: Metrics
) -> None:
    await pool.execute(
        "INSERT INTO pending (exporter, stored_at) VALUES ('a', now() - interval '1 hour'), ('b', now())"
    )
    await pool.execute("INSERT INTO due (exporter, bulk, since) VALUES ('a', false, now() - interval '2 hours'), "
                       "('b', true, now() - interval '3 hours')")  # fmt: skip
    await pool.execute("INSERT INTO outbox (shard, topic, key, body) VALUES (1, 'impacts', 'a', '')")
    await pool.execute("INSERT INTO exporter (exporter, stale) VALUES ('a', 'TypeError: no'), ('b', NULL)")
    metrics.waits(await pool.fetchrow(SQL["waiting"]))
    value = registry.get_sample_value
    assert [value("tracker_pending"), value("tracker_outbox"), value("tracker_set_aside_exporters")] == [
        2,
        1,
        1,
    ]
    ages = [
        value("tracker_oldest_seconds", {"queue": queue}) for queue in ("pending", "prompt", "bulk", "outbox")
    ]
    assert ages == pytest.approx([3600, 7200, 10800, 0], abs=60)


@pytest.mark.servers
async def test_a_running_worker_tells_what_it_has_done_and_says_goodbye(
    pair: Pair, pool: asyncpg.Pool, tmp_path: Path
) -> None:
    await present(pool, NOON)
    facts = [*law(), *(fact("contract.signed", contract(f"maker-{n}", "C1")) for n in range(5))]
    async with worker(pair, tmp_path / "log") as process:
        await until(lambda: joined(pool), "the worker is ready")
        await send(pair.bootstrap, [[one] for one in facts])
        await until(lambda: settled(pair, pool), "all is settled")
        assert await figure(pool, "tracker_records_stored_total{") == len(facts)
        assert await figure(pool, "tracker_reassessed_exporters_total") >= 5
        assert await figure(pool, 'tracker_stored_to_verdict_seconds_count{rank="prompt"}') >= 5
        assert await figure(pool, "tracker_published_total") >= 5
        assert await figure(pool, "tracker_rebalances_total") >= 1
        await until(lambda: _told(pool), "the lag of each partition is told")
        text = (await page(pool, "/metrics"))[1]
        assert "maker-" not in text
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 30) == 0
    assert [tuple(row) for row in await pool.fetch("SELECT ended_at IS NOT NULL, watchdog FROM worker")] == [
        (True, None)
    ]


async def _told(pool: asyncpg.Pool) -> bool:
    text = (await page(pool, "/metrics"))[1]
    return len(re.findall(r"^tracker_lag_records\{.* 0\.0$", text, re.MULTILINE)) == 8 * len(FACT_TOPICS)
