"""`tracker up`: the servers and the processors on your own data; and the two steps that prepare servers of your own."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
from collections.abc import AsyncIterator
from typing import Annotated

import asyncpg
import typer
from aiokafka.errors import KafkaError

from services.cli import stored
from services.cli.ingest import sending
from services.cli.stored import SQL
from services.impact.app import run
from services.impact.store import ENGINE
from services.impact.watchdog import StandsStill
from services.intake.app import application
from services.intake.handlers import send
from services.intake.serving import DEFAULT, address_of, is_open, listening, serving, url_of
from services.runtime import clock, journal, packs
from services.runtime import postgres as schema
from services.runtime.embedded import running
from services.runtime.heart import EXIT, leaves_within
from services.runtime.settings import Endpoints, Seen, SettingsError
from services.runtime.topics import create_topics

_EVERY = 10.0
_TO_END = 5.0
"""Seconds from when the servers are stopped, or left alone, until this program has ended."""
Bare = Annotated[bool, typer.Option("--bare", help="Do not tell the rule packs that the program ships.")]


def _place(text: str | None) -> str | None:
    """Refused before any server is started for nothing."""
    if text not in (None, "off"):
        address_of(text)
    return text


Http = Annotated[
    str | None,
    typer.Option("--http", callback=_place, metavar="ADDRESS:PORT|off",
                 help=f"Where facts are taken over HTTP (default: {DEFAULT[0]}:{DEFAULT[1]}, or any free port)."),
]  # fmt: skip


def up(bare: Bare = False, http: Http = None) -> None:
    """Runs the servers (or uses those set) and judges all facts that are told, until Ctrl-C."""
    journal.keep("up", logging.ERROR)
    try:
        asyncio.run(_until_asked(bare, http))
    except asyncio.CancelledError:
        _say("Stopped; everything told so far is kept")
    except StandsStill as still:
        _say(f"Ended by the watchdog: {still}. Everything told so far is kept. Run tracker up again")
        raise typer.Exit(EXIT) from None


async def _until_asked(bare: bool, http: str | None) -> None:
    loop, me = asyncio.get_running_loop(), asyncio.current_task()
    assert me is not None
    for sign in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(sign, me.cancel)
    settings = stored.settings()
    if settings.kafka_bootstrap is None or settings.database_url is None:
        _say(f"Starting servers in {settings.data} (the first time their packages are fetched)")
    try:
        async with running(settings) as endpoints:
            await _runs(endpoints, settings.seen, bare, http)
    except asyncio.CancelledError:
        leaves_within(_TO_END)
        raise


async def _runs(endpoints: Endpoints, seen: Seen, bare: bool, http: str | None) -> None:
    _say(f"Apache Kafka at {endpoints.bootstrap}")
    await _prepared(endpoints)
    if not bare:
        await _tell_shipped(endpoints)
    _say("The processors run. Tell them facts from another terminal: tracker ingest events FILE")
    reporting = asyncio.create_task(_report(endpoints))
    try:
        wall_clock = os.environ.get("TRACKER_CLOCK") != "story"
        async with _door(endpoints, http):
            await run(endpoints, wall_clock=wall_clock, seen=seen)
    finally:
        reporting.cancel()


@contextlib.asynccontextmanager
async def _door(endpoints: Endpoints, told: str | None) -> AsyncIterator[None]:
    """Facts are taken over HTTP for as long as the context lasts."""
    if told == "off":
        yield
        return
    with _listening(told) as listener:
        async with serving(application(endpoints), listener):
            _say(
                f"Facts are taken at {url_of(listener)}/events. Make a key: tracker keys add NAME --operator"
            )
            if is_open(listener):
                _say("Other machines can reach it, and keys travel in plain text: put TLS before it")
            yield


def _listening(told: str | None) -> socket.socket:
    """What was asked for; where nothing was, the usual port, or any free one if somebody has that."""
    if told is not None:
        return listening(*address_of(told))
    try:
        return listening(*DEFAULT)
    except SettingsError:
        return listening(DEFAULT[0], 0)


async def _prepared(endpoints: Endpoints) -> None:
    for name in await migrated(endpoints.database_url):
        _say(f"Applied the migration {name}")
    if made := await topics_made(endpoints.bootstrap):
        _say(f"Created the topics {', '.join(made)}")


async def _tell_shipped(endpoints: Endpoints) -> None:
    """Tell the acts and the shared facts that come with the program and are not stored yet."""
    shipped = [*packs.shared_facts(), *(act.event() for act in packs.acts().values())]
    async with stored.connected(endpoints.database_url) as connection:
        known = await stored.known(connection, shipped)
    new = [one for one, there in zip(shipped, known, strict=True) if not there]
    if new:
        async with sending(endpoints.bootstrap) as producer:
            await send(producer, new)
        _say(f"Told {len(new)} acts and shared facts that come with the program")


async def _report(endpoints: Endpoints) -> None:
    """A line whenever the numbers have changed; what goes wrong is for the processors to say."""
    told = ""
    while True:
        try:
            async with stored.connected(endpoints.database_url) as connection:
                counts = await connection.fetchrow(SQL["counts"], ENGINE)
                said = (
                    f"{counts['events']} facts, {counts['lines']} open lines, "
                    f"{counts['pending'] + counts['due']} waiting, {counts['letters']} dead letters"
                )
                if said != told:
                    _say(said)
                told = said
        except stored.ServerTrouble as trouble:
            _say(str(trouble))
        await asyncio.sleep(_EVERY)


async def migrated(address: str) -> list[str]:
    """Brings the schema up to date. Returns what was applied; raises ServerTrouble."""
    try:
        return await schema.migrate(address)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, ValueError) as error:
        raise stored.postgres_trouble(address)(error) from error


async def topics_made(bootstrap: str) -> list[str]:
    """Creates missing topics. Returns their names; raises ServerTrouble."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        return await create_topics(bootstrap)
    except (KafkaError, OSError) as error:
        raise stored.kafka_trouble(bootstrap, error) from error


def migrate() -> None:
    """Brings the schema of the database up to date; safe to repeat."""
    applied = asyncio.run(migrated(stored.endpoints().database_url))
    print("\n".join(f"applied {name}" for name in applied) or "The schema is up to date.")


def topics() -> None:
    """Creates the topics that are missing on the broker; safe to repeat."""
    made = asyncio.run(topics_made(stored.endpoints().bootstrap))
    print("\n".join(f"created {name}" for name in made) or "All topics are there.")


def _say(text: str) -> None:
    print(f"{clock.now():%Y-%m-%d %H:%M:%S}Z  {text}", flush=True)
