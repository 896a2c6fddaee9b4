"""Where the tracker finds its servers and keeps its data: read from the environment once, then passed on."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SHIPPED = Path(__file__).resolve().parents[2]
"""The folder that holds `services/`, and beside it what ships with them: `deploy/` and `seeds/`."""

_SHORTEST = 6  # whoever waits for a server that is back looks every 5 s
_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})")


class NeedsAction(Exception):
    """Nothing is broken, but somebody has to do something first; the message says what."""


class SettingsError(NeedsAction):
    """A setting cannot be used; the message names it, what it holds and what was expected."""


@dataclass(frozen=True)
class Endpoints:
    """The two servers everything runs on."""

    bootstrap: str
    """Apache Kafka, as `host:port` or several of them with commas between."""
    database_url: str
    """Postgres, as `postgresql://user:password@host:port/database`."""


@dataclass(frozen=True)
class Seen:
    """How a program is looked at from outside, and how long it may stand still."""

    metrics: str = "127.0.0.1:0"
    """Where it answers for metrics and health, as `host:port`; port 0: any that is free."""
    patience: float = 60.0
    """After so many seconds of standing still its watchdog ends it."""


@dataclass(frozen=True)
class Settings:
    """The environment, checked. An address that is not set is served by an embedded server."""

    kafka_bootstrap: str | None
    database_url: str | None
    data: Path
    seen: Seen = Seen()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Reads KAFKA_BOOTSTRAP, DATABASE_URL and TRACKER_DATA, _METRICS and _WATCHDOG; raises SettingsError."""
        return cls(
            kafka_bootstrap=_bootstrap(environment.get("KAFKA_BOOTSTRAP", "").strip()),
            database_url=_database_url(environment.get("DATABASE_URL", "").strip()),
            data=_data(environment),
            seen=Seen(
                metrics=_metrics(environment.get("TRACKER_METRICS", "").strip()),
                patience=_patience(environment.get("TRACKER_WATCHDOG", "").strip()),
            ),
        )


def _bootstrap(text: str) -> str | None:
    for address in text.split(",") if text else ():
        match = _ADDRESS.fullmatch(address.strip())
        if not match or not 0 < int(match[2]) < 65536:
            raise SettingsError(
                f"KAFKA_BOOTSTRAP holds {address.strip()!r}, which is not host:port. Set it to the brokers, such as "
                "127.0.0.1:9092, or unset it to use the embedded one."
            )
    return text or None


def _database_url(text: str) -> str | None:
    if text and not re.match(r"postgres(ql)?://.", text):
        # The value may hold a password, so the message does not repeat it.
        raise SettingsError(
            "DATABASE_URL does not start with postgresql://. Set it to the database, such as "
            "postgresql://user:password@127.0.0.1:5432/tracker, or unset it to use the embedded one."
        )
    return text or None


def _metrics(text: str) -> str:
    match = _ADDRESS.fullmatch(text)
    if text and (not match or int(match[2]) > 65535):
        raise SettingsError(
            f"TRACKER_METRICS holds {text!r}, which is not host:port. Set it to where metrics and health are to be "
            "asked, such as 127.0.0.1:9464, or unset it for a free port on loopback."
        )
    return text or Seen.metrics


def _patience(text: str) -> float:
    if text and not (re.fullmatch(r"[0-9]{1,5}", text) and int(text) >= _SHORTEST):
        raise SettingsError(
            f"TRACKER_WATCHDOG holds {text!r}, which is not a number of seconds from {_SHORTEST} to 99999. Set it to "
            f"how long a worker may stand still, or unset it for {Seen.patience:.0f}."
        )
    return float(text or Seen.patience)


def _data(environment: Mapping[str, str]) -> Path:
    given = environment.get("TRACKER_DATA", "").strip()
    try:
        folder = Path(given or _default_data(environment)).expanduser().absolute()
    except RuntimeError as error:
        raise SettingsError("No home folder is known: set TRACKER_DATA to a folder for the data.") from error
    if folder.exists() and not folder.is_dir():
        raise SettingsError(
            f"TRACKER_DATA is {folder}, which is not a folder. Set it to one; it is made if missing."
        )
    return folder


def _default_data(environment: Mapping[str, str]) -> Path:
    return Path(environment.get("XDG_DATA_HOME") or "~/.local/share") / "contract-impact-tracker"
