"""How a program is seen from outside: its figures at /metrics, and at /health/live and /health/ready how it is.

A thread of its own serves them, so that a program whose event loop hangs still answers, and says so. It needs no more
than the standard library and prometheus-client; each program has a registry of its own and passes it on.
"""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from socketserver import TCPServer, ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry, ProcessCollector, make_wsgi_app

from services.runtime.pulse import Pulse
from services.runtime.settings import NeedsAction

_PLAIN = (("Content-Type", "text/plain; charset=utf-8"), ("Cache-Control", "no-store"))


class AddressTaken(NeedsAction):
    """The address for metrics and health cannot be served; the message says which and what to do."""


def registry() -> CollectorRegistry:
    """A registry of one program, with what the system says of its process (memory, processor time, open files)."""
    made = CollectorRegistry()
    ProcessCollector(registry=made)
    return made


@contextlib.contextmanager
def served(address: str, figures: CollectorRegistry, pulse: Pulse) -> Iterator[str]:
    """Serves metrics and health at ``host:port`` for as long as the context lasts. Yields the address, its port known.

    Raises AddressTaken.
    """
    host, _, port = address.rpartition(":")
    try:
        server = _Server(host.strip("[]"), int(port))
    except OSError as error:
        raise AddressTaken(
            f"Metrics cannot be served at {address}: {error.strerror or error}. Set TRACKER_METRICS to a free address, "
            "or unset it for a free port on loopback."
        ) from error
    server.set_app(_site(make_wsgi_app(figures), pulse))
    serving = threading.Thread(target=server.serve_forever, args=(0.2,), name="metrics", daemon=True)
    serving.start()
    try:
        yield f"{host}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def _site(metrics: Callable[..., Iterable[bytes]], pulse: Pulse) -> Callable[..., Iterable[bytes]]:
    """The three pages."""

    def site(request: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        match request["PATH_INFO"]:
            case "/metrics":
                return metrics(request, start)
            case "/health/live":
                return _answer(start, pulse.dead())
            case "/health/ready":
                return _answer(start, pulse.unready())
            case _:
                start("404 Not Found", [*_PLAIN])
                return [b"There are /metrics, /health/live and /health/ready.\n"]

    return site


def _answer(start: Callable[..., Any], wrong: Sequence[str]) -> Iterable[bytes]:
    start("503 Service Unavailable" if wrong else "200 OK", [*_PLAIN])
    return ["".join(f"{line}\n" for line in wrong or ["ok"]).encode()]


class _Server(ThreadingMixIn, WSGIServer):
    """A thread for each question, so that one that is asked slowly holds up nobody."""

    daemon_threads = True

    def __init__(self, host: str, port: int) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Quiet)

    def server_bind(self) -> None:
        """As in the standard library, but without asking a name service, which may take long, who we are."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()


class _Quiet(WSGIRequestHandler):
    """Says nothing of each question, and waits only so long for one."""

    timeout = 5

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: whoever asks every few seconds is no news."""
