"""Refusals as RFC 9457 problems: what is wrong, what to do, and where in the request; never what happened inside."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"
MOST_LISTED = 1000
_MOST_TEXT = 300


@dataclass(frozen=True, slots=True)
class Wrong:
    """One field of one event of the request, and what was expected there."""

    index: int
    field: str
    expected: str


@dataclass(eq=False)
class Problem(Exception):
    """A refusal. ``kind`` names it for programs; ``detail`` says what is wrong and what to do."""

    status: int
    kind: str
    title: str
    detail: str
    wrong: Sequence[Wrong] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> Response:
        """The refusal as it is answered; of very many mistakes the first ones are listed and the rest counted."""
        body: dict[str, Any] = {
            "type": f"urn:contract-impact-tracker:problem:{self.kind}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        if self.wrong:
            body["errors"] = [_told(one) for one in self.wrong[:MOST_LISTED]]
            body["more"] = max(0, len(self.wrong) - MOST_LISTED)
        text = json.dumps(body, ensure_ascii=False)
        return Response(
            text.encode("utf-8", "replace"), self.status, headers=dict(self.headers), media_type=MEDIA_TYPE
        )


def unauthorized(told: bool) -> Problem:
    """Nobody is known by this key. ``told``: whether one was given at all."""
    challenge = 'Bearer realm="tracker"' + (', error="invalid_token"' if told else "")
    what = "The key is not known, or was revoked." if told else "The request names no key."
    return Problem(401, "no-key", "A key is needed",
                   f"{what} Send Authorization: Bearer KEY; a key is made by tracker keys add.",
                   headers={"WWW-Authenticate": challenge})  # fmt: skip


def forbidden(wrong: Sequence[Wrong]) -> Problem:
    return Problem(403, "not-yours", "The key may not tell these facts",
                   f"{_events(wrong)} outside of what the key is for, so nothing was sent. Use another key, or ask "
                   "whoever runs the tracker for a wider one.", wrong)  # fmt: skip


def unreadable(wrong: Sequence[Wrong]) -> Problem:
    return Problem(422, "unreadable", "Not all of it can be read",
                   f"{_events(wrong)} not what was expected, so nothing was sent. Correct the request and send it "
                   "again.", wrong)  # fmt: skip


def too_large(detail: str) -> Problem:
    """The rest of the body is not read, so the connection cannot be used again."""
    return Problem(413, "too-large", "The request is too large", detail, headers={"Connection": "close"})


def unsupported(detail: str) -> Problem:
    return Problem(415, "unsupported", "The content cannot be taken", detail)


def late(seconds: int) -> Problem:
    return Problem(408, "late", "The body came too slowly",
                   f"It was not there within {seconds} seconds, so nothing was sent. Send it again, in smaller parts.",
                   headers={"Connection": "close"})  # fmt: skip


def behind(topic: str, records: int, seconds: int) -> Problem:
    return Problem(429, "behind", "The tracker is behind",
                   f"{records} records of the topic {topic} are not stored yet, so nothing was sent. Wait, then send "
                   "it again.", headers={"Retry-After": str(seconds)})  # fmt: skip


def unavailable(what: str, seconds: int) -> Problem:
    """``what``: one sentence that says which part is away."""
    return Problem(503, "unavailable", "The facts cannot be taken now",
                   f"{what} Send the request again later: what was stored of it is not stored twice.",
                   headers={"Retry-After": str(seconds)})  # fmt: skip


def of_status(status: int, headers: Mapping[str, str] | None = None) -> Problem:
    """What the router refuses, and what nobody foresaw."""
    kind, title, detail = {
        404: ("no-such-path", "There is no such path", "Facts are posted to /events; see /openapi.json."),
        405: ("no-such-method", "The path takes another method", "See the header Allow, or /openapi.json."),
    }.get(
        status,
        ("failed", "The request failed", "Something unforeseen happened; the log of the program says what."),
    )
    return Problem(status, kind, title, detail, headers=headers or {})


def wrongs(index: int, fields: Iterable[tuple[str, str]]) -> list[Wrong]:
    return [Wrong(index, name, expected) for name, expected in fields]


def _events(wrong: Sequence[Wrong]) -> str:
    count = len({one.index for one in wrong})
    return "1 event is" if count == 1 else f"{count} events are"


def _told(one: Wrong) -> dict[str, Any]:
    what = one.expected if len(one.expected) <= _MOST_TEXT else f"{one.expected[:_MOST_TEXT]}…"
    return {"index": one.index, "field": one.field[:_MOST_TEXT], "expected": what}
