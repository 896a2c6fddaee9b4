"""Facts posted over HTTP: taken as a whole once the broker has them, or refused as a whole with every place named."""

import contextlib
import gzip
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import psutil
import pytest
from aiokafka import TopicPartition

from events.envelope import Event
from events.wire import decode
from services.intake import keys
from services.intake.app import Bounds
from services.runtime import clock
from services.runtime.postgres import pool
from services.runtime.settings import Endpoints
from tests.impact.stage import contract, fact
from tests.intake.door import ACME, BATCH, ONE, OPEN, OPERATOR, Client, key, opened, places, problem, signed
from tests.intake.test_ingest import _ends, _since

pytestmark = [pytest.mark.servers, pytest.mark.asyncio(loop_scope="session")]


async def _told(door: Client, start: dict[TopicPartition, int]) -> list[Event]:
    """The events that came into the log since."""
    records = await _since(door.bootstrap, start)
    found = [one for record in records for one in decode(record.value)]
    assert all(isinstance(one, Event) for one in found)
    return [one for one in found if isinstance(one, Event)]


async def test_one_event_is_in_the_log_when_it_is_taken(door: Client) -> None:
    start = await _ends(door.bootstrap)
    answer = await door.post(signed("C1", id="one"))
    assert (answer.status_code, answer.json()) == (202, {"events": 1, "topics": {"contracts": 1}})
    (one,) = await _told(door, start)
    assert (one.source, one.id, one.partitionkey) == ("/acme/erp", "one", "acme")


async def test_a_batch_goes_to_the_topics_of_its_types_in_its_order(door: Client) -> None:
    start = await _ends(door.bootstrap)
    licence = {"scheme": "ce_marking", "licence": "L1", "holder": "acme", "from": "2020-01-10T00:00:00Z"}
    batch = [signed(f"C{n}", id=f"batch-{n}") for n in range(1200)]
    answer = await door.post([*batch, fact("licence.granted", licence, id="batch-l").wire()], BATCH)
    assert (answer.status_code, answer.json()) == (
        202,
        {"events": 1201, "topics": {"contracts": 1200, "licences": 1}},
    )
    found = await _told(door, start)
    assert [one.id for one in found if one.type == "contract.signed"] == [one["id"] for one in batch]


async def test_an_empty_batch_is_taken_and_nothing_is_sent(door: Client) -> None:
    start = await door.records()
    answer = await door.post([], BATCH)
    assert (answer.status_code, answer.json()) == (202, {"events": 0, "topics": {}})
    assert await door.records() == start


async def test_an_event_in_binary_form_is_the_same_event(door: Client) -> None:
    start = await _ends(door.bootstrap)
    event = signed("C1", id="binary é", recordedat="2020-04-10T12:00:00Z")
    head = {
        f"ce_{name}": str(event[name]) for name in ("specversion", "type", "source", "time", "recordedat")
    }
    answer = await door.post(json.dumps(event["data"]), "application/json", ce_id="binary%20%C3%A9", **head)
    assert answer.status_code == 202, answer.text
    assert [one.wire() for one in await _told(door, start)] == [event]


_CANCELLED = '{"exporter": "acme", "contract": "C1", "at": "2020-04-01T00:00:00Z"}'


@pytest.mark.parametrize(
    ("body", "head", "place"),
    [
        (_CANCELLED, {"ce_id": ""}, "id"),
        ('{}, "id": "other"', {}, "data"),
        ('{"a": 1', {}, "data"),
        ("{}", {"ce_data": "{}"}, ""),
        ("{}", {"ce_datacontenttype": "application/json"}, ""),
        ("{}", {"ce_type": "contract.sung"}, "type"),
    ],
)  # fmt: skip
async def test_an_event_in_binary_form_is_held_to_the_same_rules(
    door: Client, body: str, head: dict[str, str], place: str
) -> None:
    start = await door.records()
    usual = {"ce_specversion": "1.0", "ce_type": "contract.cancelled", "ce_id": "1", "ce_source": "/acme"}
    told = problem(await door.post(body, "application/json", **(usual | head)), 422)
    assert places(told)[0] == (0, place)
    assert await door.records() == start


async def test_what_does_not_say_when_it_was_learnt_is_learnt_at_the_request(door: Client) -> None:
    start, before = await _ends(door.bootstrap), clock.now()
    events = [signed(f"C{n}", id=f"learnt-{n}", recordedat=None) for n in range(3)]
    stated = signed("C9", id="learnt-9", recordedat="2020-04-10T12:00:00Z")
    assert (await door.post([*events, stated], BATCH)).status_code == 202
    learnt = [one.recordedat for one in sorted(await _told(door, start), key=lambda one: one.id)]
    assert learnt[0] is not None
    assert before <= learnt[0] <= clock.now()
    assert learnt[:3] == [learnt[0]] * 3
    assert learnt[3] is not None
    assert clock.now() - learnt[3] > timedelta(days=365)


async def test_with_one_event_at_fault_nothing_is_sent_and_each_place_is_named(door: Client) -> None:
    start = await door.records()
    bad, worse = signed("C2", id="2"), signed("C3", id="3")
    bad["data"] |= {"currency": "GOLD", "colour": "red"}
    worse["data"]["lines"][0]["unit"] = "pieces"
    told = problem(await door.post([signed("C1"), bad, worse, {}], BATCH), 422)
    named = places(told)
    assert {(1, "data.currency"), (1, "data.colour"), (2, "data.lines.0.unit"), (3, "specversion")} <= {
        *named
    }
    assert {index for index, _ in named} == {1, 2, 3}
    assert told["errors"][0]["expected"] == "expected an ISO 4217 currency, such as EUR"
    assert told["detail"].startswith("3 events are not what was expected, so nothing was sent.")
    assert await door.records() == start


async def test_of_very_many_mistakes_the_first_are_listed_and_the_rest_counted(door: Client) -> None:
    told = problem(await door.post([{}] * 1200, BATCH), 422)
    assert (len(told["errors"]), told["more"]) == (1000, 200)


async def test_an_answer_of_the_tracker_is_no_fact(door: Client) -> None:
    data = {"exporter": "acme", "ref": "acme/C1/1", "revision": 1, "at": "2020-04-01T00:00:00Z", "loss": None}
    told = problem(await door.post(fact("loss.estimated", data).wire()), 422)
    assert places(told) == [(0, "type")]


# What reaches any door sooner or later: each is refused with its place, nothing is sent, and the next request is served.
_NAMED = '{"specversion": "1.0", "id": "1", "source": "/acme", "type": "contract.cancelled", "data": '
_LINES = _NAMED + '{"exporter": "acme", "contract": "C1", "at": "2020-04-01T00:00:00Z", "more": %s}}'
POISON = {
    "bad JSON": b'{"specversion": ',
    "bad bytes": b"\xff\xfe\x00",
    "a wrong type": b'"event"',
    "a number": b"1",
    "nothing": b"",
    "null": b"null",
    "a NUL character": (_LINES % '"x"').replace("C1", "C\\u0000").encode(),
    "a lone surrogate": (_LINES % '"x"').replace("C1", "C\\ud800").encode(),
    "deep nesting": b"[" * 100_000,
    "deep nesting that ends": (_LINES % ("[" * 5000 + "]" * 5000)).encode(),
    "100,000 keys": (_LINES % json.dumps({str(n): n for n in range(100_000)})).encode(),
    "a key twice": (_NAMED + '{"exporter": "acme", "exporter": "evil"}}').encode(),
    "an unknown type": _NAMED.replace("cancelled", "sung").encode() + b"{}}",
    "a number without end": (_LINES % "1E+1000000").encode(),
    "a number of a million digits": (_LINES % ("9" * 1_000_000)).encode(),
    "NaN": (_LINES % "NaN").encode(),
    "a naive instant": (_NAMED + '{"exporter": "acme", "contract": "C1", "at": "2020-04-01T00:00:00"}}').encode(),
    "an array for an event": b"[]",
}  # fmt: skip


@pytest.mark.parametrize("name", POISON)
async def test_poison_is_refused_and_the_next_request_is_served(door: Client, name: str) -> None:
    start = await door.records()
    told = problem(await door.post(POISON[name]), 422)
    assert all(one["index"] == 0 and one["expected"] for one in told["errors"])
    assert await door.records() == start
    assert (await door.post(signed("C1"))).status_code == 202


@pytest.mark.parametrize("name", sorted(set(POISON) - {"an array for an event"}))
async def test_poison_in_a_batch_keeps_the_others_from_the_log(door: Client, name: str) -> None:
    start = await door.records()
    body = b"[" + json.dumps(signed("C1")).encode() + b"," + POISON[name] + b"]"
    problem(await door.post(body, BATCH), 422)
    assert await door.records() == start


async def test_an_exponent_in_a_quantity_is_refused_at_once(door: Client) -> None:
    event = signed("C1")
    event["data"]["lines"][0]["quantity"] = "1E+1000000"
    told = problem(await door.post(event), 422)
    assert places(told)[0] == (0, "data.lines.0.quantity")


@pytest.mark.parametrize(
    "kind",
    ["", "text/plain", "application/json", "application/cloudevents+xml", "application/cloudevents+json; charset=latin1",
     "nonsense"],
)  # fmt: skip
async def test_another_content_type_is_refused(door: Client, kind: str) -> None:
    problem(await door.post(json.dumps(signed("C1")), kind), 415)


async def test_a_content_type_with_its_charset_is_taken(door: Client) -> None:
    assert (await door.post(signed("C1"), f"{ONE}; charset=UTF-8")).status_code == 202


async def test_a_content_type_that_does_not_fit_the_content_is_refused(door: Client) -> None:
    problem(await door.post([signed("C1")], ONE), 422)
    problem(await door.post(signed("C1"), BATCH), 422)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "identity, gzip"])
async def test_compressed_content_is_refused_before_it_is_read(door: Client, encoding: str) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    problem(await door.post(bomb, content_encoding=encoding), 415)
    assert (await door.post(signed("C1"), content_encoding="identity")).status_code == 202


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_beyond_the_bound_is_refused_however_it_comes(
    endpoints: Endpoints, chunked: bool
) -> None:
    token = await key(endpoints.database_url, OPERATOR)

    async def parts() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield b" " * 4096

    async with opened(endpoints, token, replace(OPEN, body=65_536)) as door:
        problem(await door.post(parts() if chunked else b" " * 65_537), 413)
        assert (await door.post(signed("C1"))).status_code == 202


async def test_a_body_without_end_is_cut_off_and_never_kept(door: Client) -> None:
    sent, before = 0, psutil.Process().memory_info().rss

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 1024**3:
            sent += 65_536
            yield b" " * 65_536

    with contextlib.suppress(httpx.TransportError):
        problem(await door.post(endless()), 413)
    assert sent < 200 * 1024**2
    assert psutil.Process().memory_info().rss - before < 64 * 1024**2
    assert (await door.post(signed("C1"))).status_code == 202


async def test_more_events_than_a_request_may_hold_are_refused(endpoints: Endpoints) -> None:
    token = await key(endpoints.database_url, OPERATOR)
    async with opened(endpoints, token, replace(OPEN, events=2)) as door:
        start = await door.records()
        problem(await door.post([signed(f"C{n}") for n in range(3)], BATCH), 413)
        assert await door.records() == start
        assert (await door.post([signed(f"C{n}") for n in range(2)], BATCH)).status_code == 202


async def test_four_million_items_that_are_no_events_are_refused_at_once(door: Client) -> None:
    started = clock.now()
    problem(await door.post(b"[" + b"1," * 4_000_000 + b"1]", BATCH), 422)
    assert clock.now() - started < timedelta(seconds=10)


async def test_an_event_larger_than_the_log_takes_is_named_and_nothing_is_sent(door: Client) -> None:
    start = await door.records()
    large = fact(
        "contract.signed", contract("acme", "C1") | {"lines": _lines(38_000, 200)}, source="/acme"
    ).wire()
    del large["datacontenttype"], large["subject"], large["partitionkey"]
    body = json.dumps([signed("C2"), large], separators=(",", ":")).encode()
    assert len(body) < Bounds().body
    told = problem(await door.post(body, BATCH), 422)
    assert places(told) == [(1, "")]
    assert await door.records() == start


def _lines(size: int, count: int) -> list[dict[str, Any]]:
    """Lines of so many bytes each."""
    (line,) = contract("acme", "C1")["lines"]
    attributes = {f"note_{n}": "x" * 180 for n in range(size // 200)}
    return [line | {"line": str(n), "attributes": attributes} for n in range(count)]


async def test_without_a_key_nothing_is_taken_and_the_way_to_one_is_told(door: Client) -> None:
    answer = await door.http.post("/events", json=signed("C1"), headers={"content-type": ONE})
    problem(answer, 401)
    assert answer.headers["www-authenticate"] == 'Bearer realm="tracker"'


@pytest.mark.parametrize(
    "told", ["Bearer", "Bearer cit_x", "Bearer " + "cit_" + "A" * 43, "Bearer \xe9", "Basic YTpi"]
)
async def test_a_key_nobody_made_opens_nothing(door: Client, told: str) -> None:
    head: list[tuple[bytes, bytes]] = [
        (b"content-type", ONE.encode()),
        (b"authorization", told.encode("latin-1")),
    ]
    answer = await door.http.post("/events", content=json.dumps(signed("C1")), headers=head)
    problem(answer, 401)
    assert answer.headers["www-authenticate"].startswith('Bearer realm="tracker"')


async def test_a_revoked_key_stops_at_once(door: Client) -> None:
    token = await door.key(ACME, "leaver")
    assert (await door.post(signed("C1"), token=token)).status_code == 202
    async with pool(door.database) as connections:
        assert await keys.revoke(connections, "leaver", clock.now()) is not None
    problem(await door.post(signed("C2"), token=token), 401)


async def test_of_a_key_only_its_hash_is_kept(door: Client) -> None:
    token = await door.key(ACME)
    async with pool(door.database) as connections:
        rows = await connections.fetch("SELECT api_key::text AS kept FROM api_key")
    assert len(rows) >= 2
    assert not any(token in row["kept"] or token[4:] in row["kept"] for row in rows)


_OF_ACME = {"scheme": "ce_marking", "licence": "L1", "holder": "acme", "from": "2020-01-10T00:00:00Z"}
_PAPER = {
    "exporter": "acme",
    "document": "D1",
    "form": "statement",
    "by": "exporter",
    "at": "2020-04-01T00:00:00Z",
}
_WITHDRAWN = {"source": "/acme/erp", "id": "1", "at": "2020-04-01T00:00:00Z", "reason": "typed wrongly"}


@pytest.mark.parametrize(
    ("event", "place"),
    [
        (signed("C1", "other", source="/acme"), "data.exporter"),
        (signed("C1", source="/other/erp"), "source"),
        (signed("C1", source="/acmeco"), "source"),
        (fact("licence.granted", _OF_ACME, source="/acme").wire(), "type"),
        (fact("fact.withdrawn", _WITHDRAWN, source="/acme").wire(), "type"),
        (fact("document.filed", _PAPER | {"exporter": "other"}, source="/acme").wire(), "data.exporter"),
    ],
)
async def test_an_exporters_key_tells_nothing_of_others(
    door: Client, event: dict[str, Any], place: str
) -> None:
    start, token = await door.records(), await door.key(ACME)
    told = problem(await door.post([signed("C0"), event], BATCH, token), 403)
    assert places(told) == [(1, place)]
    assert await door.records() == start


async def test_an_exporters_key_tells_its_contracts_purchases_and_papers(door: Client) -> None:
    token = await door.key(ACME)
    disposed = {"exporter": "acme", "purchase": "P1", "at": "2020-04-01T00:00:00Z"}
    batch = [signed("C1"), fact("component.disposed", disposed, source="/acme").wire(),
             fact("document.filed", _PAPER, source="/acme/papers").wire()]  # fmt: skip
    answer = await door.post(batch, BATCH, token)
    assert answer.json() == {"events": 3, "topics": {"contracts": 1, "licences": 1, "purchases": 1}}


async def test_a_key_for_a_further_type_reaches_only_what_is_its_own(door: Client) -> None:
    wider = replace(ACME, kinds=("licences", "fact.withdrawn"))
    token = await door.key(wider)
    revoked = {"scheme": "ce_marking", "licence": "acme", "at": "2020-04-01T00:00:00Z"}
    batch = [
        fact("licence.granted", _OF_ACME, source="/acme").wire(),
        fact("licence.granted", _OF_ACME | {"holder": "other"}, source="/acme").wire(),
        fact("licence.revoked", revoked, source="/acme").wire(),
        fact("fact.withdrawn", _WITHDRAWN, source="/acme").wire(),
        fact("fact.withdrawn", _WITHDRAWN | {"source": "/other"}, source="/acme").wire(),
    ]
    told = problem(await door.post(batch, BATCH, token), 403)
    assert places(told) == [(1, "data.holder"), (2, "type"), (4, "data.source")]
    answer = await door.post([batch[0], batch[3]], BATCH, token)
    assert answer.json() == {"events": 2, "topics": {"licences": 1, "rules": 1}}


async def test_where_the_tracker_is_behind_it_asks_to_wait(endpoints: Endpoints) -> None:
    token = await key(endpoints.database_url, OPERATOR)
    async with opened(endpoints, token) as door:
        assert (await door.post(signed("C1"))).status_code == 202
    async with opened(endpoints, token, replace(OPEN, behind=0, fresh=0)) as door:
        start = await door.records()
        answer = await door.post(signed("C2"))
        assert problem(answer, 429)["type"].endswith(":behind")
        assert int(answer.headers["retry-after"]) > 0
        assert await door.records() == start


async def test_paths_and_methods_nobody_knows_are_problems_too(door: Client) -> None:
    problem(await door.http.get("/nowhere"), 404)
    answer = await door.http.get("/events")
    problem(answer, 405)
    assert answer.headers["allow"] == "POST"


async def test_it_says_that_it_lives_and_that_its_servers_answer(door: Client) -> None:
    for path, status in (("/health/live", "live"), ("/health/ready", "ready")):
        answer = await door.http.get(path)
        assert (answer.status_code, answer.json()) == (200, {"status": status})
