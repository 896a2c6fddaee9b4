"""What becomes of each row of a file: facts, nothing new, or a named rejection; none is passed over in silence."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from events.envelope import Event, event


@dataclass(frozen=True, slots=True)
class Told:
    """Rows that became facts. ``rows`` counts them: a contract may stand on several."""

    place: str
    facts: tuple[Event, ...]
    rows: int = 1


@dataclass(frozen=True, slots=True)
class Unchanged:
    """Rows that say nothing new, and why: an entry that stood on the list before, a heading, a blank line."""

    place: str
    reason: str
    rows: int = 1


@dataclass(frozen=True, slots=True)
class Rejected:
    """Rows that cannot be told: where they stand, and what was expected there."""

    file: Path
    place: str
    reason: str
    rows: int = 1


Outcome = Told | Unchanged | Rejected


@dataclass(frozen=True, slots=True)
class Known:
    """A fact that the running services hold: what it says as on the wire, when it was true and when it was learnt."""

    source: str
    id: str
    type: str
    time: datetime
    recorded: datetime
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Brought:
    """What is given beside a file. Each format says which of it it needs, and refuses what it cannot use.

    ``mapping``: the YAML file that says what the columns mean. ``day``: when a list was published (else its file name
    or content says so). ``previous``: the snapshot to compare the first file with. ``known``: what the services hold of
    the sources the format asked for; nothing where the files are only checked or written.
    """

    mapping: Path | None = None
    day: datetime | None = None
    previous: Path | None = None
    known: tuple[Known, ...] = ()


Reader = Callable[[Path, Brought], Iterator[Outcome]]
"""The rows of a file, in their order, streamed. Raises FileError where the file as a whole cannot be used."""


@dataclass(frozen=True, slots=True)
class Together:
    """A format whose files say more beside one another: snapshots of a list, messages about the same licences.

    ``each`` puts the files of one command in their own order, and is read to the end of one before the next. Called
    with a single path it is a Reader. ``sources``: those whose facts, where services hold some, the files go on from
    (with all that stand below them, ``SOURCE/…``).
    """

    each: Callable[[Sequence[Path], Brought], Iterator[tuple[Path, Iterator[Outcome]]]]
    sources: Callable[[Brought], Sequence[str]] = lambda brought: ()

    def __call__(self, path: Path, brought: Brought) -> Iterator[Outcome]:
        for _, found in self.each([path], brought):
            yield from found


def fact(
    event_type: str, data: Mapping[str, Any], *, source: str, time: Any = None, recordedat: Any = None
) -> Event:
    """The fact with an id made from its content: the same row told twice, from any file, is one event of its source.

    Raises ValueError as ``events.envelope.event``.
    """
    made = json.dumps([event_type, time, data], sort_keys=True, default=str, ensure_ascii=False)
    name = hashlib.sha256(made.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return event(event_type, dict(data), source=source, id=name, time=time, recordedat=recordedat)
