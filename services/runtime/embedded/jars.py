"""The jars of Apache Kafka: fetched once from a package index, kept in the local Maven cache, checked every time."""

import fcntl
import hashlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from services.runtime.embedded.children import EmbeddedError
from services.runtime.settings import SHIPPED

if TYPE_CHECKING:
    from jgo.env import LockedDependency
    from jgo.maven import Artifact, MavenContext

LOCK = SHIPPED / "deploy" / "kafka" / "jgo.lock.toml"


class JarsUnavailable(EmbeddedError):
    """The jars could not be fetched, or are not the ones that the lock file pins."""


def classpath(lock: Path = LOCK) -> list[Path]:
    """The jars that `lock` pins, each with the SHA-256 it states; fetches what is missing. Raises JarsUnavailable."""
    from jgo.config import GlobalSettings
    from jgo.constants import MAVEN_CENTRAL_URL
    from jgo.env import LockFile
    from jgo.maven import MavenContext

    settings = GlobalSettings.load()
    context = MavenContext(
        repo_cache=settings.repo_cache, remote_repos={"central": MAVEN_CENTRAL_URL, **settings.repositories}
    )
    context.repo_cache.mkdir(parents=True, exist_ok=True)
    pins = LockFile.load(lock).dependencies
    # Two programs may start for the first time together; one fetches, the other finds everything there.
    with (
        (context.repo_cache / "contract-impact-tracker.lock").open("w") as guard,
        ThreadPoolExecutor(8) as pool,
    ):
        fcntl.flock(guard, fcntl.LOCK_EX)
        return list(_all(pool.map(lambda pin: _checked(_artifact(context, pin), pin.sha256), pins)))


def _all(paths: Iterable[Path]) -> Iterable[Path]:
    try:
        yield from paths
    except (OSError, RuntimeError) as error:  # what the resolver and its HTTP client raise
        raise JarsUnavailable(
            f"The jars of Apache Kafka could not be fetched ({error}). There are two ways out: set KAFKA_BOOTSTRAP to "
            "an Apache Kafka that runs already, or point jgo at a mirror of Maven Central, as `central = ADDRESS` "
            "under [repositories] in ~/.config/jgo.conf."
        ) from error


def _artifact(context: "MavenContext", pin: "LockedDependency") -> "Artifact":
    component = context.project(pin.groupId, pin.artifactId).at_version(pin.version)
    return component.artifact(pin.classifier or "", pin.packaging)


def _checked(artifact: "Artifact", sha256: str | None) -> Path:
    path = Path(artifact.resolve())
    if _sha256(path) != sha256:
        # Most likely a download that was cut short: fetched once more, and refused if it still differs.
        path.unlink()
        path = Path(artifact.resolve())
    if _sha256(path) != sha256:
        found = _sha256(path)
        path.unlink()
        raise JarsUnavailable(
            f"{artifact.filename} has the SHA-256 {found}, but {LOCK.name} pins {sha256}. It was removed from the "
            "cache; find out what your package index serves before trusting it."
        )
    return path


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
