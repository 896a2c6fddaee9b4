"""What is known already of a measure on the list: the acts that ship as rule packs, and what earlier lists said of it.

The latest version of an act is the one that counts. So where a list says again what an older version said (a removal
date is gone, or back), that content is told once more as a version of its own, learnt on the day of the list. The id of
a version bears the day of the list that told it, so lists told again, or late, undo nothing. A list that only repeated
the one before it left nothing behind: give a list older than such a one together with all later ones.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from services.intake.rows import Known

# Entry ID → the rule that is this act, read from the act itself and told by its pack; found by hand, by jurisdiction,
# days and the documents a row cites, among the 701 rows of the list of 16 October 2020. Acts of 2022 and later (India,
# gallium, graphite, antimony), and China's inspection of 10 April 2020, have no row there.
SHIPPED: Mapping[str, str] = {
    # China, licensing, 2020-03-31 from 2020-04-01 to 2020-04-25: cites MOFCOM's 2020 No. 5, and No. 12 as its end.
    "78980": "cn-2020-05",
    # European Union, licensing, from 2020-03-15 to 2020-05-25: cites (EU) 2020/402, and 2020/568, which follows it.
    "78830": "eu-2020-402",
    # European Union, liberalising, 2020-03-20 from 2020-03-21: cites (EU) 2020/426, an act of the same pack.
    "78855": "eu-2020-426",
    # United States, ban, 2020-04-03: cites the order 2020-07659 (85 FR 20195) and its exemptions 2020-08542.
    "78995": "us-fema-2020",
}
_NAMED = re.compile(r"(?P<version>[0-9]{1,8})-(?P<digest>[0-9a-f]{16})")


@dataclass(frozen=True, slots=True)
class Version:
    """What was told of an act last: its id, its content by its digest, and the day of the list where that had one."""

    id: str
    digest: str
    listed: date | None


@dataclass(slots=True)
class Lists:
    """The versions told by earlier lists and the rows read so far: the latest of each act, its ids, those withdrawn."""

    latest: dict[str, Version] = field(default_factory=dict)
    ids: dict[str, set[str]] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, known: Iterable[Known]) -> "Lists":
        """Those that are stored. One that was withdrawn is no latest version, and its id stays used."""
        told = list(known)
        gone = {(one.data["source"], one.data["id"]) for one in told if one.type == "fact.withdrawn"}
        acts = [one for one in told if one.type == "rule.enacted"]
        found = cls()
        for one in sorted(acts, key=lambda one: (one.time, one.recorded, one.source, one.id)):
            found.take(one.id, live=(one.source, one.id) not in gone)
        return found

    def take(self, name: str, live: bool = True) -> None:
        """A version of an act was told under this id; ``live``: it was not withdrawn."""
        rule, _, told = name.rpartition("/")
        if (found := _NAMED.fullmatch(told)) is not None:
            self.ids.setdefault(rule, set()).add(name)
            if not live:
                self.gone.add(name)
            else:
                self.latest[rule] = Version(name, found["digest"], _day(found["version"]))

    def only(self, rule: str, digest: str) -> bool:
        """Whether nothing but this content was ever told of the act."""
        return all(name.endswith(f"-{digest}") for name in self.ids.get(rule, ()))


def version(listed: datetime) -> int:
    """The number of a version that a list tells: its day."""
    return int(f"{listed.astimezone(UTC):%Y%m%d}")


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if len(text) == 8 else None
    except ValueError:
        return None
