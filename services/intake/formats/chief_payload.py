"""A licence as the UK licensing service hands it to the customs service: one JSON object, no message around it.

The service numbers its goods from 1 when it writes the message of the licence, so use is reported by these numbers.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from services.intake.formats import chief_codes, chief_fields
from services.intake.formats.chief_licence import Licence, Line, goods
from services.intake.names import party
from services.runtime.yaml_text import reading

MOST_BYTES = 4 * 1024 * 1024
_OPEN = ("oiel", "oicl", "ogel", "ogcl", "ogtl")
_OPEN_GOODS = "Open Licence goods - see actual licence for information"
_ACTIONS = ("insert", "replace", "cancel", "update")


@dataclass(frozen=True, slots=True)
class Payload:
    """What a payload asks for; ``name`` is the service's own id of the licence, ``replaces`` that of the old one."""

    action: str
    reference: str
    name: str
    replaces: str
    licence: Licence | None


def is_payload(path: Path) -> bool:
    """Whether the file begins as JSON does. Raises FileError where there is no such file."""
    with reading(path) as file:
        return file.read(64).removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[")


def payload(path: Path) -> Payload:
    """The payload of a file. Raises ValueError for what it cannot mean, FileError where there is no such file."""
    licence = _object(_json(path), "licence")
    action = _text(licence, "action")
    if action not in _ACTIONS:
        raise ValueError(f"action {action[:20]!r}: expected one of {', '.join(_ACTIONS)}")
    return Payload(
        action,
        _text(licence, "reference"),
        _text(licence, "id", ""),
        _text(licence, "old_id", ""),
        None if action == "cancel" else _licence(licence),
    )


def _json(path: Path) -> Mapping[str, Any]:
    with reading(path) as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ValueError(f"larger than {MOST_BYTES} bytes: expected one licence")
    try:
        found = json.loads(content.decode("utf-8-sig"), parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON: {' '.join(str(error).split())[:200]}") from error
    if not isinstance(found, dict):
        raise ValueError("expected an object with a licence")
    return found


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no number")


def _licence(told: Mapping[str, Any]) -> Licence:
    holder, kind, reference = _object(told, "organisation"), _text(told, "type"), _text(told, "reference")
    user = _object(told, "end_user", {})
    starts = chief_fields.day("start_date", _text(told, "start_date").replace("-", ""))
    ends = _text(told, "end_date", "").replace("-", "")
    until = chief_fields.day("end_date", ends, after=1) if ends else None
    if until is not None and until <= starts:
        raise ValueError("end_date: a licence ends after it begins")
    return Licence(
        reference,
        chief_codes.scheme(kind, reference),
        chief_fields.trader(_text(holder, "name"), "", _text(holder, "eori_number", "")),
        tuple(_places(told, user)),
        (party(_text(user, "name")),) if user else (),
        starts,
        until,
        tuple(_lines(told, kind)),
    )


def _places(told: Mapping[str, Any], user: Mapping[str, Any]) -> Iterator[str]:
    """The countries of the licence; without any, that of its end user."""
    countries = told.get("countries") or []
    if not isinstance(countries, list):
        raise ValueError("countries: expected a list")
    if not countries and not user:
        raise ValueError("expected countries, or an end user in one")
    if not countries:
        countries = [_object(_object(user, "address"), "country")]
    for country in countries:
        found = country.get("id") if isinstance(country, dict) else country
        yield chief_fields.country(found if isinstance(found, str) else "")


def _lines(told: Mapping[str, Any], kind: str) -> Iterator[Line]:
    listed = told.get("goods") or []
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise ValueError("goods: expected a list of objects")
    if kind.lower() in _OPEN:
        yield Line("1", goods("", _OPEN_GOODS))
        return
    if not listed:
        raise ValueError("goods: expected at least one")
    for number, one in enumerate(listed, 1):
        quantity = one.get("quantity")
        if isinstance(quantity, bool) or not isinstance(quantity, int | Decimal):
            raise ValueError(f"goods {number}: quantity: expected a number")
        name = _text(one, "name", "") or _text(one, "description")
        unit = chief_codes.named_unit(_text(one, "unit"))
        yield Line(str(number), goods("", name), Decimal(quantity), unit)


def _object(
    told: Mapping[str, Any], name: str, default: Mapping[str, Any] | None = None
) -> Mapping[str, Any]:
    found = told.get(name)
    if found is None and default is not None:
        return default
    if not isinstance(found, dict):
        raise ValueError(f"{name}: expected an object")
    return found


def _text(told: Mapping[str, Any], name: str, default: str | None = None) -> str:
    found = told.get(name)
    if found in (None, "") and default is not None:
        return default
    if not isinstance(found, str) or not found.strip():
        raise ValueError(f"{name}: expected text")
    return found.strip()
