"""Who buys and who supplies: organisations among the parties of a release, or written out where named."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from events.values import COUNTRIES
from services.intake.formats.ocds_merge import merged
from services.intake.formats.ocds_values import Json, part, parts, shown, text
from services.intake.names import party
from services.intake.places import country

_REGISTER = re.compile(r"([A-Z]{2})-\w+")


@dataclass(frozen=True, slots=True)
class Organisation:
    """A party by the id it has here, its name, and its country where the release says it."""

    id: str
    name: str
    country: str | None


def buyer(release: Json) -> Organisation | None:
    """The buyer, else the procuring entity; None where neither is named. Raises ValueError."""
    for field, given in (
        ("buyer", release.get("buyer")),
        ("procuringEntity", part(release, "tender", "procuringEntity")),
    ):
        for one in parts(given):
            if _is_named(one):
                return _organisation(release, one, field)
    return None


def suppliers(release: Json, contract: Json) -> list[Organisation]:
    """The suppliers of a contract, each once: its own, else those of its award. Raises ValueError."""
    own = [one for one in parts(contract.get("suppliers")) if _is_named(one)]
    given = own or [
        one for award in awards(release, contract) for one in parts(award.get("suppliers")) if _is_named(one)
    ]
    found = {one.id: one for one in (_organisation(release, supplier, "suppliers") for supplier in given)}
    return list(found.values())


def awards(release: Json, contract: Json) -> list[Json]:
    """The award of a contract, if there is one."""
    name = text(contract.get("awardID"))
    return [one for one in parts(release.get("awards")) if name and text(one.get("id")) == name]


def place(address: Any, field: str) -> str | None:
    """The country of an address; None where it names none. Raises ValueError where nobody knows its name."""
    for name in ("countryCode", "country", "countryName"):
        if given := text(part(address, name)):
            if found := country(given):
                return found
            raise ValueError(f"{field}.{name}: {shown(given)!r} is no country known by that name")
    return None


def _is_named(one: Json) -> bool:
    return any(text(given) for given in (one.get("id"), one.get("name"), part(one, "identifier", "id")))


def _organisation(release: Json, named: Json, field: str) -> Organisation:
    """The organisation with all that the release says of it, among its parties and where its awards name it.

    Its country is that of its address; without one, that of the register it has its identifier from (GB-COH).
    """
    whole: Json = {}
    for one in [*_elsewhere(release, named), named]:
        whole = merged(whole, one)
    identifier = part(whole, "identifier")
    scheme, code = text(part(identifier, "scheme")), text(part(identifier, "id"))
    name = text(whole.get("name")) or text(part(identifier, "legalName"))
    try:
        made = party(name or text(whole.get("id")), code or None, scheme or None)
    except ValueError as error:
        raise ValueError(f"{field}: {error}") from error
    return Organisation(
        made, name or made, place(whole.get("address"), f"{field}.address") or _register(scheme)
    )


def _elsewhere(release: Json, named: Json) -> Iterator[Json]:
    """The same organisation, by its id or its identifier, where awards name it, then among the parties."""
    awarded = (one for award in parts(release.get("awards")) for one in parts(award.get("suppliers")))
    return (one for one in [*awarded, *parts(release.get("parties"))] if _marks(one) & _marks(named))


def _marks(one: Json) -> set[tuple[str, str]]:
    identifier = part(one, "identifier")
    marks = {("", text(one.get("id"))), (text(part(identifier, "scheme")), text(part(identifier, "id")))}
    return {mark for mark in marks if mark[1]}


def _register(scheme: str) -> str | None:
    found = _REGISTER.fullmatch(scheme)
    return found[1] if found and found[1] in COUNTRIES else None
