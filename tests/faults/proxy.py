"""A way to Postgres that now and then loses an answer: the commit arrives and is done, the word of it never comes back."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

COMMIT = b"COMMIT;"
DONE = b"COMMIT\x00"


@dataclass
class Proxy:
    """Between workers and Postgres. ``lose`` says of each commit whether its answer is lost, and the line with it."""

    host: str
    port: int
    lose: Callable[[], bool]
    lost: int = 0
    commits: int = 0
    _open: set[asyncio.Task[None]] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            to_server, from_server = await self._connect(writer)
        except OSError:
            return
        line = _Line()
        ways = [
            asyncio.ensure_future(self._questions(reader, from_server, line)),
            asyncio.ensure_future(self._answers(to_server, writer, line)),
        ]
        self._open.update(ways)
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
            self._open.discard(way)
        await asyncio.gather(*ways, return_exceptions=True)
        for one in (writer, from_server):
            one.close()

    async def _connect(
        self, writer: asyncio.StreamWriter
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        try:
            return await asyncio.open_connection(self.host, self.port)
        except OSError:
            writer.close()
            raise

    async def _questions(
        self, reader: asyncio.StreamReader, server: asyncio.StreamWriter, line: "_Line"
    ) -> None:
        while data := await reader.read(65536):
            if COMMIT in data:
                self.commits += 1
                line.losing = self.lose()
            server.write(data)
            await server.drain()

    async def _answers(
        self, server: asyncio.StreamReader, client: asyncio.StreamWriter, line: "_Line"
    ) -> None:
        while data := await server.read(65536):
            if line.losing and DONE in data:
                self.lost += 1
                return
            client.write(data)
            await client.drain()

    def end(self) -> None:
        for one in self._open:
            one.cancel()


@dataclass
class _Line:
    losing: bool = False


@contextlib.asynccontextmanager
async def lossy(database: str, lose: Callable[[], bool]) -> AsyncIterator[tuple[Proxy, str]]:
    """The proxy, and the address of the same database behind it."""
    parts = urlsplit(database)
    assert parts.hostname
    proxy = Proxy(parts.hostname, parts.port or 5432, lose)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    who, _, _ = parts.netloc.rpartition("@")
    try:
        yield proxy, urlunsplit(parts._replace(netloc=f"{who}@127.0.0.1:{port}"))
    finally:
        proxy.end()
        server.close()
