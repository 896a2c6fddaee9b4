"""Which column of a table may hold which field of a fact: by what it is called, and by what its cells look like."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from events.registry import DATA
from services.intake import fields
from services.intake.formats.profile import MOST, Profile
from services.intake.formats.words import WORDS
from services.intake.said import plainly

LISTS = {"contract.signed": "lines", "codes.published": "successions"}
_NUMBERED = frozenset({"contract", "line", "purchase", "licence", "component", "document", "lot"})


@dataclass(frozen=True)
class Chosen:
    """A column for a field, how well it fits, and why it was taken."""

    field: str
    column: Profile
    score: float
    why: str


def choose(event: str, columns: Sequence[Profile]) -> list[Chosen]:
    """The best column for each field of the fact, each column once, the surest first."""
    offers = sorted(
        (offer for path in paths(event) for column in columns if (offer := _offer(event, path, column))),
        key=lambda one: -one.score,
    )
    taken, found = set[str](), dict[str, Chosen]()
    for one in offers:
        # Where the buyer is at home is where the goods go, unless another column says where.
        again = one.field == "destination" and one.column == getattr(
            found.get("buyer_country"), "column", None
        )
        if one.field not in found and (one.column.name not in taken or again):
            found[one.field] = one
            taken.add(one.column.name)
    return list(found.values())


def paths(event: str) -> list[str]:
    """The single values a fact may have: its own, and those of the list it is made of."""
    own = [name for name in fields.names(DATA[event]) if _single(event, name)]
    part = LISTS.get(event)
    inside = fields.names(fields.items(event, f"{part}")) if part else []
    return own + [f"{part}.0.{name}" for name in inside if _single(event, f"{part}.0.{name}")]


def _single(event: str, path: str) -> bool:
    try:
        fields.field(event, path)
    except ValueError:
        return False
    return True


def _offer(event: str, path: str, column: Profile) -> Chosen | None:
    """How well a column would do: it is called like the field, and its cells read as what the field takes."""
    kind, name = fields.field(event, path).kind, path.rpartition(".")[2]
    called = _called(column.name, name)
    if not called or (kind != "text" and column.shares.get(kind, 0.0) < 1 - MOST):
        return None
    if kind == "text" and name not in _NUMBERED and column.fits("number"):
        return None
    share = 1.0 if kind == "text" else column.shares[kind]
    why = f"by its name; {share:.0%} of {column.filled} cells seen read as {kind_name(kind)}"
    full = column.filled / max(column.seen, 1)
    return Chosen(path, column, called + share + full / 2, why if kind != "text" else "by its name")


def _called(header: str, name: str) -> float:
    """How nearly a header names a field: 3 for the word alone, less for one word among others, 0 for none."""
    said = re.findall(r"[^\W_]+", plainly(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", header)))
    joined = " ".join(said)
    best = 0.0
    for rank, word in enumerate((name.replace("_", " "), *WORDS.get(name, ()))):
        if joined == word:
            best = max(best, 3.0 - rank / 100)
        elif f" {word} " in f" {joined} ":
            best = max(best, 1.0 + word.count(" ") + 1 / len(said) - rank / 100)
    return best


def worth(event: str, chosen: Sequence[Chosen]) -> float:
    """How much speaks for this fact: the share of its needed fields that were found counts most."""
    found = {one.field for one in chosen}
    needed = needed_by(event)
    return len(found & set(needed)) / len(needed) * 10 + sum(one.score for one in chosen) / 10


def needed_by(event: str) -> list[str]:
    """The fields that the fact and the items of its list cannot do without."""
    part = LISTS.get(event)
    inside = fields.required(fields.items(event, part)) if part else ()
    own = [name for name in fields.required(DATA[event]) if name != part]
    return own + [f"{part}.0.{name}" for name in inside]


def found_of(event: str, chosen: Sequence[Chosen]) -> str:
    """How many of the fields that the fact needs have a column, in words."""
    needed = needed_by(event)
    return f"{len({one.field for one in chosen} & set(needed))} of {len(needed)}"


def kind_name(kind: fields.Kind) -> str:
    """A kind of value, in words."""
    names = {"number": "a number", "whole": "a whole number", "flag": "yes or no", "instant": "an instant",
             "when": "a day or an instant", "day": "a day", "country": "a country", "currency": "a currency",
             "unit": "a unit",
             "code": "a tariff code", "text": "text"}  # fmt: skip
    return names[kind]
