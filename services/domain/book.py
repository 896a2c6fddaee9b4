"""The book: all facts as frames, and the fold that says what the contracts were at an instant.

Nothing is ever overwritten: the state of a contract is the fold of all its events in the order of when they were true,
when they were learnt, and their names; so the order in which they arrived cannot matter, nor how often.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

import polars as pl

from events.envelope import Event
from events.rule_document import RuleDocument
from events.rules import CodesPublished, FxPublished, GoodsPublished
from services.domain.codex import Codex, codified, models
from services.domain.columns import EVENT_SCHEMA, ORDER, data_schema
from services.domain.parties import Names, decided, with_compared

_PLAIN = {
    name: data_schema(frozenset())[name] for name in ("fact.withdrawn", "party.matched", "party.unmatched")
}
"""What these facts consist of does not depend on what the rules ask."""


def frame_of(events: Iterable[Event], learnt: datetime | None = None) -> pl.DataFrame:
    """The events as the one frame the fold takes (``EVENT_SCHEMA``), each (source, id) once.

    ``learnt`` stands in for a missing ``recordedat`` (default: the event's own time). Of two events of one name with
    other content the one with the smaller hash stays, whichever came first.
    """
    kept: dict[tuple[str, str], tuple[bytes, Event, datetime]] = {}
    for event in events:
        key, mark = (event.source, event.id), event.content_hash()
        recorded = event.recordedat or learnt or event.time
        there = kept.get(key)
        if there is not None and there[0] == mark:
            recorded = min(recorded, there[2])
        if there is None or mark <= there[0]:
            kept[key] = (mark, event, recorded)
    rows = [
        (e.source, e.id, e.type, e.time, recorded, e.canonical_data()) for _, e, recorded in kept.values()
    ]
    return pl.DataFrame(rows, schema=dict(EVENT_SCHEMA), orient="row")


@dataclass(frozen=True)
class Book:
    """All facts, as learnt by some instant.

    ``events``: one row per event (``EVENT_SCHEMA``), each (source, id) once.
    """

    events: pl.DataFrame

    @classmethod
    def from_events(cls, events: pl.DataFrame) -> "Book":
        """The book of these events. Raises ``polars.exceptions.SchemaError`` where a column is missing."""
        return cls(events.select(EVENT_SCHEMA.keys()).cast(dict(EVENT_SCHEMA)))  # type: ignore[arg-type]

    def known(self, instant: datetime | None) -> "Book":
        """What had been recorded by the instant (default: everything), less what was withdrawn by then."""
        if instant is not None:
            return Book(self.events.filter(pl.col("recorded_at") <= instant)).known(None)
        return self if self._standing is None else self._standing

    @cached_property
    def _standing(self) -> "Book | None":
        """The book less what was withdrawn; None where nothing was."""
        told = self.told("fact.withdrawn").select(source="data.source", id="data.id")
        if told.is_empty():
            return None
        gone = self.events.filter(pl.col("type") != "fact.withdrawn")
        gone = gone.join(told, on=["source", "id"], how="semi").select("source", "id")
        if gone.is_empty():
            return None
        return replace(self, events=self.events.join(gone, on=["source", "id"], how="anti"))

    def once(self, of: Hashable, make: Callable[[], pl.DataFrame]) -> pl.DataFrame:
        """What ``make`` works out of this book and ``of`` alone, worked out the first time it is asked for."""
        if of not in self._worked_out:
            self._worked_out[of] = make()
        return self._worked_out[of]

    @cached_property
    def _worked_out(self) -> dict[Hashable, pl.DataFrame]:
        return {}

    def only(self, exporters: Iterable[str]) -> "Book":
        """The same book with the contracts, papers and purchases of these exporters only."""
        own = pl.col("data").str.json_path_match("$.exporter")
        return replace(self, events=self.events.filter(own.is_null() | own.is_in(list(exporters))))

    @cached_property
    def rules(self) -> tuple[RuleDocument, ...]:
        """The enacted rule documents, the latest version of each, in order of publication."""
        return self.codex.rules

    @cached_property
    def codex(self) -> Codex:
        """The enacted rules and what goods are; books told of the same share it."""
        return codified(
            *(self._texts(name) for name in ("rule.enacted", "goods.published", "codes.published"))
        )

    @cached_property
    def goods(self) -> tuple[GoodsPublished, ...]:
        return models("goods.published", self._texts("goods.published"))

    @cached_property
    def codes(self) -> tuple[CodesPublished, ...]:
        return models("codes.published", self._texts("codes.published"))

    @cached_property
    def fx(self) -> tuple[FxPublished, ...]:
        return models("fx.published", self._texts("fx.published"))

    @cached_property
    def names(self) -> Names:
        """The names of parties that count as one with another name, each with the name they are compared by."""
        return decided(self.told("party.matched"), self.told("party.unmatched"))

    def of(self, event_type: str) -> pl.DataFrame:
        """The events of a type in their order: source, id, time, recorded_at and the columns of its data.

        Parties named only to be compared (``parties.COMPARED``) stand there by the one name they are compared by.
        """
        return self.once(
            ("of", event_type), lambda: with_compared(self.told(event_type), event_type, self.names)
        )

    @cached_property
    def _schema(self) -> Mapping[str, dict[str, pl.DataType]]:
        return data_schema(self.codex.attributes)

    def told(self, event_type: str) -> pl.DataFrame:
        """The events of a type as ``of`` gives them, every party by the name it was told by."""
        schema = (_PLAIN if event_type in _PLAIN else self._schema)[event_type]
        rows = self._in_order(event_type)
        head = rows.select("source", "id", "time", "recorded_at")
        data = rows["data"].str.json_decode(pl.Struct(schema)).struct.unnest()
        clash = {name: f"data.{name}" for name in data.columns if name in head.columns}
        return pl.concat([head, data.rename(clash)], how="horizontal")

    def _texts(self, event_type: str) -> tuple[str, ...]:
        return tuple(self._in_order(event_type)["data"])

    def _in_order(self, event_type: str) -> pl.DataFrame:
        rows = self._by_type.get(event_type)
        return self.events.clear() if rows is None else rows.sort(ORDER)

    @cached_property
    def _by_type(self) -> Mapping[str, pl.DataFrame]:
        parts = self.events.partition_by("type", as_dict=True, maintain_order=False)
        return {str(event_type): rows for (event_type,), rows in parts.items()}
