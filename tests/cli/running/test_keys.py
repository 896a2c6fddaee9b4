"""`tracker keys` and the door of `tracker up`: a key is shown once, opens it, and once revoked opens nothing."""

import json
import signal
from collections.abc import Iterator

import httpx
import pytest

from tests.cli.conftest import refused, told
from tests.cli.running.conftest import Tracker, ended

pytestmark = pytest.mark.servers
_CANCELLED = {"exporter": "acme", "contract": "C9", "at": "2020-04-01T00:00:00Z"}
_EVENT = told("contract.cancelled", _CANCELLED, source="/acme/erp", id="keys")


@pytest.fixture
def url(tracker: Tracker) -> Iterator[str]:
    """A second `tracker up` on the same servers, asked to take facts on a free port."""
    process = tracker.start(
        "up", "--bare", "--http", "127.0.0.1:0", **tracker.endpoints, TRACKER_CLOCK="story"
    )
    assert process.stdout is not None
    try:
        said = next(line for line in process.stdout if "Facts are taken at" in line)
        assert "tracker keys add" in said
        yield said.split(" at ")[1].split("/events")[0]
    finally:
        code, _, errors = ended(process, signal.SIGTERM)
    assert (code, errors) == (0, "")


def _post(url: str, key: str) -> int:
    head = {"content-type": "application/cloudevents+json", "authorization": f"Bearer {key}"}
    return httpx.post(f"{url}/events", content=json.dumps(_EVENT), headers=head, timeout=30).status_code


def test_a_key_opens_the_door_until_it_is_revoked(tracker: Tracker, url: str) -> None:
    (made,) = tracker.rows("keys", "add", "acme erp", "--exporter", "acme")
    assert (made["exporters"], made["sources"]) == (["acme"], ["/acme"])
    assert _post(url, made["key"]) == 202
    listed = tracker("keys", "list").stdout
    assert "acme erp" in listed
    assert made["key"] not in listed
    done = tracker("keys", "revoke", "acme erp")
    assert done.stdout.startswith("The key acme erp opens nothing since ")
    assert _post(url, made["key"]) == 401


def test_a_key_is_shown_to_people_with_what_it_is_for(tracker: Tracker) -> None:
    done = tracker(
        "keys", "add", "paper", "--exporter", "acme", "--kind", "document.filed", "--source", "urn:acme"
    )
    said = done.stdout.splitlines()
    assert said[0] == "The key paper may tell facts (document.filed), those of acme."
    assert said[1] == "Their source is urn:acme, or lies below it."
    assert said[2].startswith("cit_")


def test_an_operators_key_is_for_everybodys_facts(tracker: Tracker) -> None:
    (made,) = tracker.rows("keys", "add", "boss", "--operator")
    assert (made["exporters"], made["sources"]) == (None, None)
    assert made["kinds"] == ["contracts", "licences", "purchases", "rules"]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["add", "nobody"], "say whose facts the key may tell: --exporter EXPORTER, or --operator."),
        (["add", "both", "--operator", "--exporter", "acme"], "say whose facts the key may tell"),
        (["add", "odd", "--operator", "--kind", "impacts"], "'impacts': expected a topic or type of facts"),
        (["add", "\x07", "--operator"], "expected 1 to 200 characters"),
        (["revoke", "nowhere"], "There is no key nowhere. See tracker keys list."),
    ],
)
def test_what_cannot_be_a_key_is_refused_in_one_line(
    tracker: Tracker, arguments: list[str], why: str
) -> None:
    assert why in refused(tracker("keys", *arguments))


def test_a_name_is_used_once(tracker: Tracker) -> None:
    tracker.rows("keys", "add", "twice", "--operator")
    assert "There is a key twice already." in refused(tracker("keys", "add", "twice", "--operator"))


@pytest.mark.parametrize("place", ["nonsense", "127.0.0.1:99999", "127.0.0.1"])
def test_a_place_to_listen_at_that_is_none_is_refused_before_anything_starts(
    tracker: Tracker, place: str
) -> None:
    assert "is not ADDRESS:PORT" in refused(tracker("up", "--http", place))
