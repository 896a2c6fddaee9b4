"""The door on an address: it listens before anybody is told so, and its last requests end before it closes."""

import asyncio
import contextlib
import logging
import re
import socket
from collections.abc import AsyncIterator, Iterator
from ipaddress import ip_address
from typing import Any

import uvicorn

from services.runtime.settings import SettingsError

DEFAULT = ("127.0.0.1", 8620)
_GRACE = 20
_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})")


def address_of(text: str) -> tuple[str, int]:
    """The host and port of ``ADDRESS:PORT``; port 0 is any free one. Raises SettingsError."""
    match = _ADDRESS.fullmatch(text.strip())
    if match is None or int(match[2]) > 65535:
        raise SettingsError(
            f"{text!r} is not ADDRESS:PORT. Give the place to listen at, such as 127.0.0.1:8620."
        )
    return match[1].strip("[]"), int(match[2])


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises SettingsError where it cannot."""
    try:
        family, *_, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[
            0
        ]
        return socket.create_server(place[:2], family=family, backlog=512)
    except OSError as error:
        raise SettingsError(
            f"Nothing can listen at {host}:{port} ({error.strerror}). Choose another address or port."
        ) from error


def url_of(listener: socket.socket) -> str:
    """The address as a client uses it."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def is_open(listener: socket.socket) -> bool:
    """Whether other machines can reach it: then keys must not travel as they are."""
    return not ip_address(listener.getsockname()[0].partition("%")[0]).is_loopback


@contextlib.asynccontextmanager
async def serving(app: Any, listener: socket.socket) -> AsyncIterator[None]:
    """Serves for as long as the context lasts; then takes no more, and waits until the requests under way have ended.

    Nothing is logged of a request: not its headers, in which keys travel, nor its path, nor that it was none.
    """
    config = uvicorn.Config(
        app, http="h11", ws="none", lifespan="on", log_config=None, access_log=False, server_header=False,
        proxy_headers=False, timeout_graceful_shutdown=_GRACE, timeout_keep_alive=30,
    )  # fmt: skip
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    server = _Server(config)
    work = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield  # it listens already: whoever comes before the server is ready waits a moment
    finally:
        server.should_exit = True
        await work


class _Server(uvicorn.Server):
    """Signals are for whoever runs the program, not for the server in it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
