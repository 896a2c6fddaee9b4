"""What a release of a contract adds to what was told of it: a signature, an amendment, an end, or nothing new."""

from dataclasses import asdict, dataclass
from datetime import datetime

from events.values import instant_of, instant_text
from services.intake.formats.ocds_parties import Organisation
from services.intake.formats.ocds_terms import Terms, Withdrawn
from services.intake.formats.ocds_values import Json, moment, parts, text

_FIELDS = ("buyer", "buyer_country", "exported_from", "destination", "currency")
SAME = "says nothing new: the same as in a release before"
Fact = tuple[str, Json]


@dataclass(frozen=True, slots=True)
class Before:
    """What was told of a contract so far: its terms, and whether it has ended."""

    terms: Terms | None
    ended: bool

    def kept(self) -> Json:
        """The same as JSON."""
        return asdict(self)

    @classmethod
    def of(cls, kept: Json) -> "Before":
        told = kept["terms"]
        terms = Terms(Organisation(**told["exporter"]), told["data"], told["closed"]) if told else None
        return cls(terms, kept["ended"])


def changes(
    before: Before | None, now: Terms | Withdrawn, at: datetime, contract: str
) -> tuple[list[Fact], Before]:
    """The facts (type and data) that tell what is new at the instant, and what has been told then.

    Raises ValueError for what no fact can say: another supplier, another day of signature, a life after the end.
    """
    told = before.terms if before else None
    if told is not None and told.exporter.id != now.exporter.id:
        raise ValueError(
            f"suppliers: told with {told.exporter.id} before, now with {now.exporter.id}; whether the contract was "
            "assigned or the name corrected is not said"
        )
    if isinstance(now, Withdrawn):
        ended = before is not None and before.ended
        return ([] if ended else [_end(now.exporter.id, contract, told, at)]), Before(told, True)
    if before is not None and before.ended:
        if now.closed and told is not None and now.data == told.data:
            return [], before
        raise ValueError(
            "status: the contract had ended in a release before; what comes after an end is not told"
        )
    facts = [("contract.signed", now.data)] if told is None else _amended(told, now, at)
    if now.closed:
        facts.append(_end(now.exporter.id, contract, now, at))
    return facts, Before(now, now.closed)


def _end(exporter: str, contract: str, told: Terms | None, at: datetime) -> Fact:
    return "contract.cancelled", {"exporter": exporter, "contract": contract, "at": _not_before(told, at)}


def _amended(told: Terms, now: Terms, at: datetime) -> list[Fact]:
    """What differs, field by field; a line that differs is told whole."""
    if told.data["signed"] != now.data["signed"]:
        raise ValueError(f"dateSigned: told as {told.data['signed']} before; a contract is signed once")
    new: Json = {
        name: now.data[name] for name in _FIELDS if name in now.data and now.data[name] != told.data.get(name)
    }
    there = {one["line"]: one for one in told.data["lines"]}
    lines = [one for one in now.data["lines"] if one != there.get(one["line"])]
    removed = sorted(there.keys() - {one["line"] for one in now.data["lines"]})
    new |= ({"lines": lines} if lines else {}) | ({"removed": removed} if removed else {})
    if not new:
        return []
    head = {"exporter": now.exporter.id, "contract": now.data["contract"], "at": _not_before(told, at)}
    return [("contract.amended", head | new)]


def _not_before(told: Terms | None, at: datetime) -> str:
    """The instant, or that of the signature where a release is older than it says."""
    return instant_text(at if told is None else max(at, instant_of(told.data["signed"])))


def changed_at(contract: Json, release: str, published: datetime) -> datetime:
    """When what a release (of this id) says of the contract came to be: the date of its amendment, else the release's.

    An amendment belongs to a release that it names (1.1); the one amendment of 1.0 belongs to the release it stands in.
    Raises ValueError.
    """
    named = [one for one in parts(contract.get("amendments")) if text(one.get("releaseID")) == release != ""]
    for one in [*named, *parts(contract.get("amendment"))]:
        try:
            date = moment(one.get("date"))
        except ValueError as error:
            raise ValueError(f"amendments.date: {error}") from error
        if date is not None and date <= published:
            return date
    return published
