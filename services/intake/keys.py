"""Keys of the HTTP door: who may tell which facts.

A key is 256 random bits, so nobody can guess it and a plain SHA-256 of it is enough to keep: slow hashes are for
passwords, which can be guessed. It is looked up by its hash, whose neighbours tell nothing about a token, at every
request: a revoked key stops at once.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from events.envelope import Event
from events.registry import DATA, FACT_TOPICS, topic_of
from events.rules import FactWithdrawn
from services.runtime.postgres import statements

SQL = statements(Path(__file__).with_name("queries.sql"))
KINDS = (*FACT_TOPICS, *(name for name in DATA if topic_of(name) in FACT_TOPICS))
"""What a key may be for: whole topics, and single types."""
OF_AN_EXPORTER = ("contracts", "purchases", "document.filed")
_TOKEN = re.compile(r"cit_[A-Za-z0-9_-]{43}")
_OWNER = ("exporter", "holder", "party")


@dataclass(frozen=True, slots=True)
class Scope:
    """Which facts a key may tell.

    ``exporters``: whose (None: an operator's key, for everybody's). ``kinds``: topics and types. ``sources``: what
    events may be from, these names and all below them (None: any). Since source and id name an event for ever, an
    exporter that could use another's source could take its names away.
    """

    exporters: tuple[str, ...] | None
    kinds: tuple[str, ...] = FACT_TOPICS
    sources: tuple[str, ...] | None = None

    def refusals(self, fact: Event) -> list[tuple[str, str]]:
        """The fields of a fact that this key may not tell, each with what was expected there; none: it may."""
        found = []
        if fact.type not in self.kinds and topic_of(fact.type) not in self.kinds:
            found.append(("type", f"expected one of what this key is for: {', '.join(self.kinds)}"))
        if not self._names(fact.source):
            found.append(("source", f"expected {_or_below(self.sources or ())}"))
        if self.exporters is not None and (wrong := self._not_its_own(fact, self.exporters)) is not None:
            found.append(wrong)
        return found

    def _not_its_own(self, fact: Event, exporters: Sequence[str]) -> tuple[str, str] | None:
        """What shows that the fact is about somebody else; a withdrawal is of a fact from its own sources."""
        if isinstance(fact.data, FactWithdrawn):
            return (
                None
                if self._names(fact.data.source)
                else ("data.source", f"expected {_or_below(self.sources or ())}")
            )
        name = next((name for name in _OWNER if name in type(fact.data).model_fields), None)
        if name is None:
            return "type", f"{fact.type} is about nobody's own; expected a key of an operator"
        if getattr(fact.data, name) in exporters:
            return None
        return f"data.{name}", f"expected {' or '.join(exporters)}, whose key this is"

    def _names(self, source: str) -> bool:
        return self.sources is None or any(
            source == one or source.startswith((f"{one}/", f"{one}:")) for one in self.sources
        )


def of_exporters(exporters: Sequence[str], kinds: Sequence[str] = (), sources: Sequence[str] = ()) -> Scope:
    """The scope of exporters; by default their contracts, purchases and papers, from ``/EXPORTER`` and all below it."""
    made = tuple(sources) or tuple(f"/{quote(one, safe='')}" for one in exporters)
    return Scope(tuple(exporters), tuple(kinds) or OF_AN_EXPORTER, made)


@dataclass(frozen=True, slots=True)
class Key:
    """A key that was found, by its name, with what it may tell."""

    name: str
    scope: Scope


def new_token() -> str:
    """A token nobody can guess; its first letters let a scanner for leaked secrets know it."""
    return f"cit_{secrets.token_urlsafe(32)}"


def hash_of(token: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).digest()


async def find(connection: Any, token: str) -> Key | None:
    """The key with this token; None where there is none, or it was revoked."""
    if not _TOKEN.fullmatch(token):
        return None
    told = hash_of(token)
    row = await connection.fetchrow(SQL["key"], told)
    if row is None or not hmac.compare_digest(row["hash"], told):
        return None
    return Key(row["name"], Scope(_tuple(row["exporters"]), tuple(row["kinds"]), _tuple(row["sources"])))


async def add(connection: Any, name: str, scope: Scope, now: datetime) -> str | None:
    """Make a key and return its token, which is kept nowhere; None where the name is taken."""
    token = new_token()
    made = await connection.execute(
        SQL["add_key"], name, hash_of(token), scope.exporters, scope.kinds, scope.sources, now
    )
    return token if made == "INSERT 0 1" else None


async def revoke(connection: Any, name: str, now: datetime) -> datetime | None:
    """From now on the key opens nothing. Returns since when; None where there is no such key."""
    found: datetime | None = await connection.fetchval(SQL["revoke_key"], name, now)
    return found


def _tuple(column: Sequence[str] | None) -> tuple[str, ...] | None:
    return None if column is None else tuple(column)


def _or_below(sources: Sequence[str]) -> str:
    return f"{' or '.join(sources)}, or a name below it such as {sources[0]}/erp"
