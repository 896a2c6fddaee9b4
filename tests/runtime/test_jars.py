"""The broker's jars: pinned one by one, and refused when they are others."""

import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from jgo.env import LockedDependency, LockFile

from services.runtime.embedded.children import EmbeddedError, require
from services.runtime.embedded.jars import LOCK, JarsUnavailable, classpath

JAR = b"a jar"
PATH = "/org/example/thing/1.0/thing-1.0.jar"


class Index(http.server.BaseHTTPRequestHandler):
    """A package index on loopback, with the jars it is given."""

    jars: dict[str, bytes]

    def do_GET(self) -> None:
        body = self.jars.get(self.path)
        self.send_response(404 if body is None else 200)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, bytes]]:
    """What a mirror serves; jgo is pointed at it by its own settings file, with an empty cache."""
    jars = dict[str, bytes]()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Mirror", (Index,), {"jars": jars}))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    (tmp_path / ".config").mkdir()
    (tmp_path / ".config" / "jgo.conf").write_text(
        f"[repositories]\ncentral = http://127.0.0.1:{server.server_port}\n"
    )
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("M2_REPO", str(tmp_path / "cache"))
    yield jars
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    pin = LockedDependency("org.example", "thing", "1.0", sha256=hashlib.sha256(JAR).hexdigest())
    LockFile([pin]).save(tmp_path / "lock.toml")
    return tmp_path / "lock.toml"


def test_an_installation_without_the_servers_says_how_to_do_without_or_with_them() -> None:
    require()
    with pytest.raises(
        EmbeddedError, match=r"no_such_package missing\). Set KAFKA_BOOTSTRAP .* DATABASE_URL "
    ):
        require(["pathlib", "no_such_package"])


def test_every_jar_of_the_broker_is_pinned_by_its_hash() -> None:
    pins = LockFile.load(LOCK).dependencies
    assert ("kafka_2.13", "4.3.1") in {(pin.artifactId, pin.version) for pin in pins}
    assert all(len(pin.sha256 or "") == 64 for pin in pins)


def test_a_jar_is_fetched_from_the_mirror_once_and_then_kept(index: dict[str, bytes], lock: Path) -> None:
    index[PATH] = JAR
    (path,) = classpath(lock)
    index.clear()
    assert classpath(lock) == [path]
    assert path.read_bytes() == JAR


def test_a_download_that_was_cut_short_is_fetched_again(index: dict[str, bytes], lock: Path) -> None:
    index[PATH] = JAR
    (path,) = classpath(lock)
    path.write_bytes(JAR[:2])
    assert classpath(lock)[0].read_bytes() == JAR


def test_a_jar_with_another_hash_is_refused_and_not_kept(
    index: dict[str, bytes], lock: Path, tmp_path: Path
) -> None:
    index[PATH] = b"another jar"
    with pytest.raises(JarsUnavailable, match=r"thing-1\.0\.jar has the SHA-256"):
        classpath(lock)
    assert not list((tmp_path / "cache").rglob("*.jar"))


@pytest.mark.usefixtures("index")
def test_where_no_index_serves_the_jars_the_message_names_two_ways_out(lock: Path) -> None:
    with pytest.raises(JarsUnavailable, match=r"set KAFKA_BOOTSTRAP (.|\n)*mirror of Maven Central"):
        classpath(lock)
