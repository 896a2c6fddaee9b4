"""What somebody posts: the kind of content, its bytes within bounds, and the three forms of CloudEvents over HTTP."""

import asyncio
import contextlib
import json
from collections.abc import Iterable
from email.message import Message
from urllib.parse import unquote

from pydantic_core import from_json
from starlette.requests import ClientDisconnect, Request

from events.wire import BATCH, ONE
from services.intake import problems

_BINARY = "application/json"
_PREFIX = "ce-"
_TAKEN = f"{ONE}, {BATCH}, or {_BINARY} with the attributes in {_PREFIX}* headers"
_SECONDS = 30
_LINGER, _MOST_DRAINED = 5, 64 * 1024 * 1024


class Gone(Exception):
    """Whoever posted has hung up; there is nobody to answer."""


def form_of(request: Request) -> str:
    """The form of the content: ONE, BATCH, or JSON beside ``ce-`` headers. Raises Problem, before a byte is read."""
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding != "identity":
        raise problems.unsupported(
            "The content is compressed, which is not taken: a few bytes could become very many. Send it as it is."
        )
    told = Message()
    told["content-type"] = request.headers.get("content-type", "")
    form = told.get_content_type() if "content-type" in request.headers else ""
    if str(told.get_param("charset", "utf-8")).lower() not in ("utf-8", "us-ascii"):
        raise problems.unsupported("The characters are not UTF-8. Send them as UTF-8.")
    named = any(name.startswith(_PREFIX) for name in request.headers)
    if form in (ONE, BATCH) or (form == _BINARY and named):
        return form
    raise problems.unsupported(f"The content type is not one of events. Send {_TAKEN}.")


async def body_of(request: Request, most: int) -> bytes:
    """The body, never more than ``most`` bytes of it, whatever it says about its length. Raises Problem and Gone."""
    try:
        async with asyncio.timeout(_SECONDS):
            found = await _up_to(request, most)
        if found is None:
            await _drained(request)
            raise problems.too_large(
                f"The body is larger than {most} bytes. Nothing was sent: send it in smaller parts."
            )
    except TimeoutError:
        raise problems.late(_SECONDS) from None
    except ClientDisconnect:
        raise Gone from None
    return found


async def _up_to(request: Request, most: int) -> bytes | None:
    """The body; None as soon as it is known to be larger."""
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length[:20]) > most:
        return None
    found = bytearray()
    async for part in request.stream():
        found += part
        if len(found) > most:
            return None
    return bytes(found)


async def _drained(request: Request) -> None:
    """Let the rest of a body pass, for a while: many clients read no answer before they have sent all of it."""
    passed = 0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LINGER):
            async for part in request.stream():
                passed += len(part)
                if passed > _MOST_DRAINED:
                    return


def record_of(request: Request, form: str, body: bytes) -> tuple[bytes, str]:
    """The same as a record of the log: its bytes and content type. The one reader of ``events.wire`` judges them.

    Raises Problem where attributes in headers and a body beside them cannot be put together.
    """
    if form in (ONE, BATCH):
        return body, form
    try:
        from_json(body)  # by itself, so that it cannot reach out of its place in the event
    except ValueError as error:
        raise problems.unreadable([problems.Wrong(0, "data", f"not JSON: {error}")]) from None
    head = ", ".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in _attributes(request))
    return f'{{{head}, "data": '.encode() + body + b"}", ONE


def _attributes(request: Request) -> Iterable[tuple[str, str]]:
    """The attributes of an event in binary form; one that stands twice stays twice, and is refused for it."""
    for name, value in request.headers.items():
        if name.startswith(_PREFIX):
            yield name.removeprefix(_PREFIX), unquote(value, errors="replace")
    yield "datacontenttype", request.headers["content-type"]
