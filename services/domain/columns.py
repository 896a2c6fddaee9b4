"""The shape of the facts: one frame for all events, and the columns each type of event opens into.

Events are stored as they came, one row each, with the JSON text of their data; the columns below are read from that
text at once for all rows of a type. Instants and decimals stay text until the fold gives them their type.
"""

from collections.abc import Mapping
from typing import Any

import polars as pl

INSTANT = pl.Datetime("us", "UTC")
QUANTITY = pl.Decimal(38, 6)
MONEY = pl.Decimal(38, 4)
FINE = pl.Decimal(38, 10)

Schema = dict[str, Any]

EVENT_SCHEMA: Mapping[str, pl.DataType] = {
    "source": pl.String(), "id": pl.String(), "type": pl.String(), "time": INSTANT, "recorded_at": INSTANT,
    "data": pl.String(),
}  # fmt: skip
ORDER = ("time", "recorded_at", "source", "id")


def _text(*names: str) -> dict[str, pl.DataType]:
    return {name: pl.String() for name in names}


_GOODS = pl.List(pl.Struct(_text("class", "hs")))
_TERMS = pl.Struct(
    {
        **_text("advance", "guarantee"),
        "liquidated_damages": pl.Struct(_text("rate_per_day", "cap")),
        "force_majeure": pl.Struct({"notice_days": pl.Int64(), "terminates_after_days": pl.Int64()}),
    }
)
_CONTRACT = {
    **_text("exporter", "contract", "manufacturer", "buyer", "buyer_country", "end_user", "exported_from", "made_in",
            "destination", "currency", "incoterm"),
    "facts_complete": pl.Boolean(), "terms": _TERMS,
}  # fmt: skip
_BALANCE = _text("quantity", "unit", "value", "currency")
_PURCHASE = _text("exporter", "purchase", "contract", "line", "class", "component", "quantity", "unit", "unit_cost",
                  "currency", "per_unit", "salvage_unit_price", "salvage_unit_cost")  # fmt: skip
_DISPOSAL = _text("exporter", "purchase", "quantity", "proceeds", "currency")


def data_schema(attributes: frozenset[str]) -> dict[str, dict[str, pl.DataType]]:
    """The columns of each type's data; of attributes only those that some rule asks about are read."""
    read = pl.Struct({name: pl.String() for name in sorted(attributes)} or {"": pl.String()})
    line = pl.Struct(
        {
            **_text("line", "class", "hs", "quantity", "unit", "unit_price", "export_at", "deadline", "cost_to_go",
                    "manufacturer", "destination"),
            "hs_year": pl.Int64(), "attributes": read,
        }
    )  # fmt: skip
    lines: dict[str, pl.DataType] = {"lines": pl.List(line)}
    return {
        "exporter.registered": {
            **_text("exporter", "name", "country", "group", "reporting_currency"),
            "maker": pl.Boolean(), "attributes": read, "associations": pl.List(pl.String()),
        },
        "contract.signed": {**_CONTRACT, **_text("signed"), **lines},
        "contract.amended": {**_CONTRACT, **lines, "removed": pl.List(pl.String())},
        "contract.assigned": _text("exporter", "contract", "to"),
        "contract.cancelled": _text("exporter", "contract", "line"),
        "contract.dated": _text("exporter", "contract", "line", "lot", "fact", "at", "until") | _BALANCE,
        "goods.shipped": _text("exporter", "contract", "line", "quantity", "unit", "scheme", "licence"),
        "loss.stated": _text("exporter", "contract", "line", "term", "amount", "currency"),
        "licence.applied": {**_text("scheme", "licence", "holder", "expected"), "goods": _GOODS},
        "licence.granted": {
            **_text("scheme", "licence", "holder", "until"), **_BALANCE, "goods": _GOODS,
            "destinations": pl.List(pl.String()), "buyers": pl.List(pl.String()), "uses": pl.List(pl.String()),
        },
        "licence.used": _text("scheme", "licence") | _BALANCE,
        "licence.suspended": _text("scheme", "licence", "until"),
        "licence.reinstated": _text("scheme", "licence"),
        "licence.revoked": _text("scheme", "licence"),
        "quota.opened": {
            **_text("quota", "until"), **_BALANCE, "goods": _GOODS,
            "destinations": pl.List(pl.String()), "holders": pl.List(pl.String()),
        },
        "document.filed": {
            **_text("exporter", "document", "form", "by", "contract", "line", "quantity", "unit"),
            "refused": pl.Boolean(),
        },
        "list.entered": {**_text("list", "party"), "goods": _GOODS},
        "list.removed": {**_text("list", "party"), "goods": _GOODS},
        "party.matched": _text("party", "same_as"),
        "party.unmatched": _text("party", "same_as"),
        "component.ordered": _PURCHASE | _text("cancellation_fee", "prepaid"),
        "component.purchased": dict(_PURCHASE),
        "component.disposed": dict(_DISPOSAL),
        "component.order_cancelled": dict(_DISPOSAL),
        "leadtime.published": {
            **_text("scheme", "source"), "p10_days": pl.Int64(), "p50_days": pl.Int64(), "p90_days": pl.Int64(),
            "fast_track": pl.Boolean(),
        },
        "fact.withdrawn": _text("source", "id"),
    }  # fmt: skip
