"""The HTTP door: facts are posted to it, and it answers 202 once the broker has acknowledged all of them, never before.

A request is taken as a whole or not at all. Whatever is posted twice is stored once, since source and id name an event
for ever; so whoever got no answer, or a 503, posts the same again.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from events.envelope import Event
from events.registry import FACT_TOPICS, topic_of
from events.wire import Unreadable, decode, encode
from services.intake import keys, openapi, problems
from services.intake.asking import asked
from services.intake.keys import Key
from services.intake.load import Load
from services.intake.metrics import Metrics
from services.intake.outlet import Outlet
from services.intake.posted import Gone, body_of, form_of, record_of
from services.intake.problems import Problem, Wrong, wrongs
from services.runtime import clock, telemetry
from services.runtime.postgres import pool as open_pool
from services.runtime.settings import Endpoints

T = TypeVar("T")
_ASKED_OFTEN = ("/health/", "/metrics")


@dataclass(frozen=True)
class Bounds:
    """What the door takes at most.

    ``body``: bytes of a request. ``events``: in a request. ``event``: bytes of one event, as the log keeps it.
    ``behind``: records of a topic that are not stored yet. ``at_once``: bodies in memory; further requests wait.
    ``patience``: seconds for a server to answer, or for a turn.
    ``fresh``: seconds for which it is known how far behind the tracker is.
    """

    body: int = 8 * 1024 * 1024
    events: int = 10_000
    event: int = 7 * 1024 * 1024
    behind: int = 10_000
    at_once: int = 8
    patience: float = 10.0
    fresh: float = 1.0


@dataclass(frozen=True)
class Door:
    """What the requests share."""

    pool: Any
    outlet: Outlet
    load: Load
    turns: asyncio.Semaphore
    bounds: Bounds

    async def take(self, request: Request) -> Counter[str]:
        """Send the facts of a request; how many went into each topic. Raises Problem, and Gone."""
        key = await self._key(request)
        form = form_of(request)
        try:
            async with asyncio.timeout(self.bounds.patience):
                await self.turns.acquire()
        except TimeoutError:
            raise problems.unavailable("Too much is being posted at once.", 5) from None
        try:
            record, content_type = record_of(request, form, await body_of(request, self.bounds.body))
            facts = await asyncio.to_thread(read, record, content_type, self.bounds)
            count = Counter(topic_of(fact.type) for fact in facts)
            _permit(key, facts)
            await self._not_behind(count)
            now = clock.now()
            await self.outlet.send(
                [one if one.recordedat else one.model_copy(update={"recordedat": now}) for one in facts]
            )
            return count
        finally:
            self.turns.release()

    async def ready(self) -> None:
        """Raises Problem where one of the servers does not answer."""
        await self.load.behind()
        await self._asked(lambda connection: connection.fetchval(keys.SQL["any_key"]))

    async def _key(self, request: Request) -> Key:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        given = scheme.lower() == "bearer"
        key = await self._asked(lambda connection: keys.find(connection, token.strip())) if given else None
        if key is None:
            raise problems.unauthorized(given)
        return key

    async def _asked(self, question: Callable[[Any], Awaitable[T]]) -> T:
        return await asked(self.pool, question, self.bounds.patience)

    async def _not_behind(self, count: Counter[str]) -> None:
        waiting = await self.load.behind()
        for topic in count:
            if waiting[topic] > self.bounds.behind:
                raise problems.behind(topic, waiting[topic], 10)


def application(endpoints: Endpoints, bounds: Bounds | None = None) -> FastAPI:
    """The door to this pair of servers. They may be away: then it says so, and goes on when they are back."""
    chosen = bounds or Bounds()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_pool(endpoints.database_url) as pool:
            outlet = Outlet(endpoints.bootstrap, chosen.patience)
            load = Load(endpoints.bootstrap, pool, chosen.patience, chosen.fresh)
            app.state.door = Door(pool, outlet, load, asyncio.Semaphore(chosen.at_once), chosen)
            try:
                yield
            finally:
                await outlet.close()

    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.metrics = Metrics(telemetry.registry())
    app.add_api_route("/events", _events, methods=["POST"])
    app.add_api_route("/metrics", _metrics, methods=["GET"])
    app.add_api_route("/health/live", _live, methods=["GET"])
    app.add_api_route("/health/ready", _ready, methods=["GET"])
    app.add_api_route("/openapi.json", _openapi, methods=["GET"])
    app.add_exception_handler(Problem, _refused)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(Exception, _refused)
    return app


def read(record: bytes, content_type: str, bounds: Bounds) -> Sequence[Event]:
    """The facts of a record, all of them. Raises Problem, which lists every event that is none."""
    found = decode(record, content_type)
    if len(found) > bounds.events:
        raise problems.too_large(
            f"The request holds {len(found)} events, more than {bounds.events}. Nothing was sent: send them in parts."
        )
    facts = [one for one in found if isinstance(one, Event)]
    wrong = [one for number, item in enumerate(found) for one in _wrong(number, item)]
    if len(record) * 4 > bounds.event:
        wrong += [
            Wrong(number, "", f"expected an event of at most {bounds.event} bytes")
            for number, fact in enumerate(found)
            if isinstance(fact, Event) and len(encode([fact])[0]) > bounds.event
        ]
    if wrong:
        raise problems.unreadable(wrong)
    return facts


def _wrong(index: int, item: Event | Unreadable) -> list[Wrong]:
    match item:
        case Unreadable():
            return wrongs(item.index, item.fields or [("", item.reason)])
        case Event() if topic_of(item.type) not in FACT_TOPICS:
            return [Wrong(index, "type", f"expected a fact; {item.type} is an answer of the tracker")]
    return []


def _permit(key: Key, facts: Sequence[Event]) -> None:
    wrong = [one for index, fact in enumerate(facts) for one in wrongs(index, key.scope.refusals(fact))]
    if wrong:
        raise problems.forbidden(wrong)


async def _events(request: Request) -> Response:
    metrics: Metrics = request.app.state.metrics
    begun = time.perf_counter()
    try:
        count = await request.app.state.door.take(request)
    except Gone:
        metrics.refused(400, "gone")
        return Response(status_code=400)
    metrics.taken(count, time.perf_counter() - begun)
    return JSONResponse({"events": count.total(), "topics": dict(sorted(count.items()))}, 202)


async def _live() -> Response:
    return JSONResponse({"status": "live"})


async def _ready(request: Request) -> Response:
    await request.app.state.door.ready()
    return JSONResponse({"status": "ready"})


async def _metrics(request: Request) -> Response:
    return Response(request.app.state.metrics.page(), media_type=CONTENT_TYPE_LATEST)


async def _openapi() -> Response:
    return JSONResponse(openapi.document())


async def _refused(request: Request, error: Exception) -> Response:
    """Every refusal is a problem, also the router's; of anything unforeseen it is told only that it was."""
    match error:
        case Problem():
            problem = error
        case HTTPException():
            problem = problems.of_status(error.status_code, error.headers)
        case _:
            problem = problems.of_status(500)
    if not request.url.path.startswith(_ASKED_OFTEN):
        request.app.state.metrics.refused(problem.status, problem.kind)
    return problem.response()
