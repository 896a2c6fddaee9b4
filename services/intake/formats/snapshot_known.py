"""A list as the running services hold it, so that the next snapshot alone says what changed.

Of the facts told before, the days and the parties (or licences) are known, not the rows they stood on. A snapshot that
changed nothing left nothing behind: that it was told cannot be seen.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime

from events.envelope import Event
from services.intake.formats.snapshot_changes import Series, Snapshot
from services.intake.list_mapping import ListMapping
from services.intake.rows import Known

_ON = ("list.entered", "licence.granted")


@dataclass(frozen=True)
class History:
    """The facts of the list that are stored, withdrawals among them."""

    mapping: ListMapping
    known: Sequence[Known]

    def begin(self, series: Series, first: datetime) -> None:
        """Compare the first snapshot given with what is stored of the days before; one of its own day is replaced."""
        live = list(self._live())
        earlier, same = (
            [one for one in live if one.time < first],
            [one for one in live if one.time == first],
        )
        if earlier:
            series.begin(Snapshot(max(one.time for one in earlier), self._stood(earlier)), by_row=False)
        if same:
            told = {self._name(one): (self._state(one), one) for one in same}
            series.go_on(Snapshot(first, self._stood([*earlier, *same])), told)
        of_day = {(one.source, one.id) for one in self.known if one.time == first}
        series.gone |= Counter(
            str(one.data["id"])
            for one in self._withdrawals()
            if one.time < first or (one.time == first and self._replaced(one, of_day))
        )

    def against(self, facts: Mapping[str, Sequence[Event]], last: datetime) -> str | None:
        """Why the facts of a snapshot cannot be told behind those of a later day; None where they can.

        Later snapshots that changed nothing are not seen: after one that is told late, tell them again.
        """
        later = max((one.time for one in self._live() if one.time > last), default=None)
        stored = {(one.source, one.id) for one in self.known}
        if later is None or all((fact.source, fact.id) in stored for made in facts.values() for fact in made):
            return None
        day = later.astimezone(last.tzinfo)
        return (
            f"the snapshot of {day:%Y-%m-%d} is told already, and it was compared with another one than this: "
            "give this one and all later ones in one command"
        )

    def _live(self) -> Iterator[Known]:
        """What holds, in the order of the days."""
        gone = {(one.data["source"], one.data["id"]) for one in self._withdrawals()}
        told = [one for one in self.known if one.type != "fact.withdrawn"]
        for one in sorted(told, key=lambda one: (one.time, one.recorded, one.source, one.id)):
            if (one.source, one.id) not in gone and self._named(one):
                yield one

    def _withdrawals(self) -> Iterator[Known]:
        return (one for one in self.known if one.type == "fact.withdrawn")

    def _replaced(self, withdrawal: Known, of_day: Set[tuple[str, str]]) -> bool:
        """Whether a file has withdrawn here what another one of its day told, not somebody what was a mistake."""
        name = (str(withdrawal.data["source"]), str(withdrawal.data["id"]))
        return withdrawal.source == self.mapping.origin and name in of_day

    def _named(self, one: Known) -> bool:
        """Whether it is a fact of this list: a source may have told others."""
        wanted = self.mapping.list_name or self.mapping.scheme
        return one.data.get("list" if self.mapping.list_name else "scheme") == wanted

    def _stood(self, facts: Sequence[Known]) -> dict[str, str]:
        """The entries that the facts leave: a party is its own key, for its rows are not stored."""
        standing: dict[str, str] = {}
        for one in facts:
            standing.pop(self._name(one), None)
            if one.type in _ON:
                standing[self._name(one)] = str(one.data.get("holder", self._name(one)))
        return standing

    def _name(self, one: Known) -> str:
        return str(one.data["party" if self.mapping.list_name else "licence"])

    def _state(self, one: Known) -> str | None:
        """How the party (or licence, by its holder) stands from there on, as ``Series`` says it."""
        return str(one.data.get("holder", "")) if one.type in _ON else None
