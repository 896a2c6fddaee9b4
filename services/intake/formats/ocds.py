"""Contracts from procurement portals, in the Open Contracting Data Standard (OCDS 1.0, 1.1 and later 1.x).

One row is one contract in one release. Only what crosses a border is told; a contract within one country is unchanged,
and what cannot be told without guessing is rejected with the field it lacks.
"""

import re
from collections import Counter, OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from events.envelope import Event, explain
from events.values import instant_of, instant_text, text_of
from services.intake.formats.ocds_changes import SAME, Before, changed_at, changes
from services.intake.formats.ocds_files import Found, Wrong, releases
from services.intake.formats.ocds_merge import Shelf, merged
from services.intake.formats.ocds_parties import Organisation
from services.intake.formats.ocds_terms import Nothing, Terms, terms
from services.intake.formats.ocds_values import Json, moment, parts, shown, text
from services.intake.rows import Brought, Outcome, Rejected, Together, Told, Unchanged, fact
from services.runtime.yaml_text import FileError

NO_CONTRACT = "no contract in this release"
_PREFIX = re.compile(r"ocds-[a-z0-9]{6}(?=-)")
_MOST_KNOWN = 100_000


def _each(paths: Sequence[Path], brought: Brought) -> Iterator[tuple[Path, Iterator[Outcome]]]:
    if brought.mapping or brought.previous or brought.day:
        raise FileError(
            f"{paths[0]}: OCDS says itself what its fields mean and when. Leave out --mapping, --day, --previous."
        )
    with Shelf() as shelf:
        teller = _Teller(shelf)
        for path in paths:
            yield path, _outcomes(path, shelf, teller)


ocds = Together(_each)
"""The contracts of files, process by process and each by date: a later release that differs is an amendment.

Files go on where those before them ended, so they are given oldest first. A contract keeps the name OCID:ID; its facts
were learnt when the release was published.
"""


def _outcomes(path: Path, shelf: Shelf, teller: "_Teller") -> Iterator[Outcome]:
    for found in releases(path):
        wrong = _kept(shelf, found)
        if wrong is not None:
            yield Rejected(path, wrong.place, wrong.reason, wrong.rows)
    for ocid, content in shelf.ordered():
        yield from teller.release(path, ocid, content)
    teller.turn("")


@dataclass(frozen=True, slots=True)
class _Refused:
    place: str
    reason: str
    rows: int = 1


def _kept(shelf: Shelf, found: Found | Wrong) -> _Refused | None:
    """Puts the release on the shelf, or says why not."""
    if isinstance(found, Wrong):
        return _Refused(found.place or "file", found.reason)
    rows = max(1, sum(1 for _ in parts(found.release.get("contracts"))))
    try:
        ocid = text_of("ocid", text(found.release.get("ocid")))
        published = moment(found.release.get("date"))
    except ValueError as error:
        reason = str(error) if str(error).startswith("ocid") else f"date: {error}"
        return _Refused(found.place or "release", reason, rows)
    if published is None:
        return _Refused(
            found.place or "release", "date: expected the instant at which the release was published", rows
        )
    content = {"place": found.place, "publisher": found.publisher, "release": found.release}
    shelf.put(
        ocid, published.strftime("%Y-%m-%dT%H:%M:%S.%f"), content | {"published": instant_text(published)}
    )
    return None


@dataclass(frozen=True, slots=True)
class _Row:
    """A contract as this release writes it: its id, on how many entries it stands, where, and when and by whom told."""

    given: Json
    name: str
    rows: int
    place: str
    published: datetime
    source: str


@dataclass(slots=True)
class _Teller:
    """Tells releases in their order. It knows one process at a time, and the exporters it told last."""

    shelf: Shelf
    ocid: str = ""
    state: Json = field(default_factory=dict)
    told: dict[str, Before] = field(default_factory=dict)
    last: str = ""
    exporters: OrderedDict[Organisation, None] = field(default_factory=OrderedDict)

    def release(self, path: Path, ocid: str, content: Json) -> Iterator[Outcome]:
        """What becomes of each contract in the release, read with all that earlier ones said of the process."""
        if ocid != self.ocid:
            self.turn(ocid)
        where = ", ".join(one for one in (content["place"], shown(ocid)) if one)
        published = instant_of(content["published"])
        rows = list(_rows(content["release"], where, published, _source(ocid, content["publisher"])))
        if self.last and published < instant_of(self.last):
            count = max(1, sum(row.rows for row in rows))
            reason = f"date: a file before told the process up to {self.last}; give the files oldest first"
            yield Rejected(path, where, reason, count)
            return
        self.state, self.last = merged(self.state, content["release"]), content["published"]
        if not rows:
            yield Unchanged(where, NO_CONTRACT)
        for row in rows:
            try:
                yield self._told(row)
            except ValueError as error:
                yield Rejected(path, row.place, _printable(explain(error)), row.rows)

    def turn(self, ocid: str) -> None:
        """Lay aside what is known of one process, and take up what earlier files said of another."""
        if self.ocid:
            told = {name: one.kept() for name, one in self.told.items()}
            self.shelf.remember(self.ocid, {"state": self.state, "told": told, "last": self.last})
        known = self.shelf.remembered(ocid) if ocid else {}
        self.ocid, self.state, self.last = ocid, known.get("state", {}), known.get("last", "")
        self.told = {name: Before.of(one) for name, one in known.get("told", {}).items()}

    def _told(self, row: _Row) -> Told | Unchanged:
        if not row.name:
            raise ValueError("contracts.id: expected the contract's id")
        contract = next(one for one in parts(self.state["contracts"]) if text(one.get("id")) == row.name)
        key = f"{self.ocid}:{row.name}"
        now = terms(self.state, contract, key)
        if isinstance(now, Nothing) and row.name not in self.told:
            return Unchanged(row.place, now.reason, row.rows)
        if isinstance(now, Nothing):
            raise ValueError(f"{now.reason}; but a release before told it as an export")
        at = changed_at(row.given, text(self.state.get("id")), row.published)
        new, after = changes(self.told.get(row.name), now, at, key)
        facts = [fact(kind, data, source=row.source, recordedat=row.published) for kind, data in new]
        if isinstance(now, Terms) and facts and now.exporter not in self.exporters:
            facts.insert(0, _registered(now, row))
            self._remember(now.exporter)
        self.told[row.name] = after
        return Told(row.place, tuple(facts), row.rows) if facts else Unchanged(row.place, SAME, row.rows)

    def _remember(self, exporter: Organisation) -> None:
        self.exporters[exporter] = None
        if len(self.exporters) > _MOST_KNOWN:
            self.exporters.popitem(last=False)


def _rows(release: Json, where: str, published: datetime, source: str) -> Iterator[_Row]:
    """The contracts of a release; one that stands in it several times is one, on so many rows."""
    named = list(parts(release.get("contracts")))
    given = {text(one.get("id")): one for one in named}
    for name, rows in Counter(text(one.get("id")) for one in named).items():
        yield _Row(given[name], name, rows, f"{where}, contract {shown(name)}", published, source)


def _registered(now: Terms, row: _Row) -> Event:
    exporter = now.exporter
    data = {
        "exporter": exporter.id,
        "at": now.data["signed"],
        "name": exporter.name,
        "country": exporter.country,
    }
    return fact("exporter.registered", data, source=row.source, recordedat=row.published)


def _source(ocid: str, publisher: str) -> str:
    """Who tells: the publisher as its registered prefix of process ids names it, else as the package does."""
    found = _PREFIX.match(ocid)
    return f"urn:ocds:{found[0]}" if found else publisher[:2000] or "urn:ocds:unregistered"


def _printable(reason: str) -> str:
    """The reason as it may stand in a report."""
    return "".join(letter if letter.isprintable() else "?" for letter in reason)[:500]
