"""What changed from one snapshot of a list to the next, as facts of the day of the later one.

A party is on a list while any of its entries is; as licences, each entry stands for itself. Facts that a later snapshot
shows to be wrong are withdrawn by it, so what was believed on any day can still be seen.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from events.envelope import Event
from services.intake.list_mapping import ListMapping
from services.intake.rows import Known, fact

Entries = Mapping[str, str]
"""The entries that count: key → party."""

Standing = Mapping[str, str]
"""Who or what stands on the list: a party, or a licence with its holder."""


ROWLESS = "\x00"
"""Begins the key of a party that stayed on the list although nobody knows which row is its own."""
_RECENT = 3


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The entries of one day."""

    day: datetime
    entries: Entries


@dataclass(slots=True)
class Series:
    """The snapshots read so far in the order of their days, and the facts that stand for each party or licence.

    ``compared``: the first one is there to be compared with, and not told itself. ``by_row``: the entries of the last
    one are known by their keys; else only the parties are. ``gone``: how often each fact was withdrawn before.
    """

    mapping: ListMapping
    last: Snapshot | None = None
    compared: bool = False
    by_row: bool = True
    gone: Counter[str] = field(default_factory=Counter)
    _days: list[datetime] = field(default_factory=list)
    _base: Standing = field(default_factory=dict)
    _standings: list[Standing] = field(default_factory=list)
    _live: dict[str, dict[int, tuple[str | None, Event | Known]]] = field(default_factory=dict)

    def begin(self, snapshot: Snapshot, by_row: bool = True) -> None:
        """Take a snapshot to compare the next one with."""
        self.compared = True
        self._take(snapshot)
        self._base = self._standings[-1]
        self.by_row = by_row or self.mapping.scheme is not None

    def go_on(self, snapshot: Snapshot, told: Mapping[str, tuple[str | None, Known]]) -> None:
        """Take a snapshot of which facts are stored, by party or licence: one of the same day replaces it."""
        self._take(snapshot)
        self.by_row = self.mapping.scheme is not None
        for name, one in told.items():
            self._live[name] = {len(self._days) - 1: one}

    def removes_too_many(self, entries: Entries) -> str | None:
        """Why the entries cannot be those of a whole list; None where they can."""
        before = self.last.entries if self.last is not None else {}
        there = entries if self.by_row else set(entries.values())
        parties = {party for key, party in before.items() if key.startswith(ROWLESS)} & set(entries.values())
        gone = sum(
            1
            for key, party in before.items()
            if key not in there and not (key.startswith(ROWLESS) and party in parties)
        )
        if self.mapping.accept_removals or gone * 100 <= self.mapping.most_removed * len(before):
            return None
        return (
            f"{gone} of {len(before)} entries are gone at once, more than {self.mapping.most_removed} %: "
            "a broken file? If it is right, say accept_removals: true in the mapping"
        )

    def tell(self, snapshot: Snapshot) -> dict[str, list[Event]]:
        """The facts of a snapshot, by party or licence. One of the same day as the last replaces it."""
        before = self._standings[-1] if self._standings else {}
        self._take(snapshot)
        self.by_row = True
        now = self._standings[-1]
        changed = [name for name in sorted({*before, *now}) if before.get(name) != now.get(name)]
        return {name: facts for name in changed if (facts := list(self._revised(name)))}

    def _take(self, snapshot: Snapshot) -> None:
        if self._days and self._days[-1] == snapshot.day:
            self._days.pop()
            self._standings.pop()
        self.last = snapshot
        self._days.append(snapshot.day)
        entries = snapshot.entries
        self._standings.append(
            entries if self.mapping.scheme is not None else dict.fromkeys(entries.values(), "")
        )
        del self._standings[:-_RECENT]

    def _revised(self, name: str) -> Iterator[Event]:
        """Withdrawals of the facts about a party or licence that hold no longer, then those that are new."""
        day, live = self._days[-1], self._live.setdefault(name, {})
        wanted = self._changes(name)
        for number in [one for one in live if one not in wanted or wanted[one] != live[one][0]]:
            yield self._withdrawn(live.pop(number)[1], day)
        for number, state in wanted.items():
            if number not in live:
                made = self._change(name, state, self._days[number], day)
                live[number] = state, made
                yield made

    def _changes(self, name: str) -> dict[int, str | None]:
        """By the number of the snapshot: how the party or licence stands from there on, as is believed now."""
        states = self._believed(name)
        before = states[0] if self.compared else None
        found = {}
        for number, state in enumerate(states):
            if state != before:
                found[number] = state
            before = state
        return found

    def _believed(self, name: str) -> list[str | None]:
        """How it stood in each snapshot. A correction: what one says against both its neighbours was a mistake.

        A snapshot may show that the one before it was a mistake, or (an old list published once more) that the one
        before that was none after all; what is older stays believed.
        """
        states = self._told(name)
        recent = [standing.get(name) for standing in self._standings]
        states[-len(recent) :] = recent
        if self.mapping.rollback == "correction":
            for number in range(len(states) - 2, max(0, len(states) - 4), -1):
                if states[number - 1] == states[number + 1]:
                    states[number] = states[number + 1]
        return states

    def _told(self, name: str) -> list[str | None]:
        """How it stood in each snapshot by the facts told so far."""
        state, live, states = self._base.get(name), self._live.get(name, {}), []
        for number in range(len(self._days)):
            state = live[number][0] if number in live else state
            states.append(state)
        return states

    def _change(self, name: str, state: str | None, at: datetime, recorded: datetime) -> Event:
        goods = [one.model_dump(mode="json", by_alias=True, exclude_none=True) for one in self.mapping.goods]
        data: dict[str, Any]
        if self.mapping.scheme is None:
            kind = "list.removed" if state is None else "list.entered"
            data = {"list": self.mapping.list_name, "party": name, "goods": goods, "at": at}
        elif state is None:
            kind = "licence.revoked"
            data = {
                "scheme": self.mapping.scheme,
                "licence": name,
                "at": at,
                "reason": "no longer on the list",
            }
        else:
            kind = "licence.granted"
            data = {"scheme": self.mapping.scheme, "licence": name, "holder": state, "goods": goods,
                    "destinations": list(self.mapping.destinations), "from": at}  # fmt: skip
        made = fact(kind, data, source=self.mapping.origin, recordedat=recorded)
        if times := self.gone[made.id]:
            # What was withdrawn stays so: the same said again is a fact of its own.
            made = fact(kind, data, source=f"{self.mapping.origin}/again-{times}", recordedat=recorded)
        return made

    def _withdrawn(self, one: Event | Known, day: datetime) -> Event:
        self.gone[one.id] += 1
        reason = f"the list of {day:%Y-%m-%d} shows that of {one.time.astimezone(day.tzinfo):%Y-%m-%d} to be wrong here"
        data = {"source": one.source, "id": one.id, "at": day, "reason": reason}
        return fact("fact.withdrawn", data, source=self.mapping.origin, recordedat=day)
