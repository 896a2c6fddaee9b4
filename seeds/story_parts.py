"""The parts bought and ordered to fulfil the contracts: what a blocked contract leaves in the warehouse."""

from math import ceil
from typing import Any

from story_contracts import Deal
from story_figures import (
    CANCELLATION_FEE_SHARE,
    COMPONENTS,
    ORDER_SHARE,
    ORDERED,
    PRICED_AT,
    STOCK_SHARE,
)
from story_pen import Pen


def buy(pen: Pen, deal: Deal) -> None:
    """Buys the parts for each line of a contract; the last of them are still on order. Paid in yuan."""
    for line in deal.lines:
        parts = COMPONENTS[line["class"]]
        yuan = float(line["unit_price"]) / PRICED_AT[deal.currency] * PRICED_AT["CNY"]
        for component, unit, each, weight, salvage in parts:
            late = component in ORDERED
            whole = sum(part[3] for part in parts if (part[0] in ORDERED) == late)
            cost = yuan * (ORDER_SHARE if late else STOCK_SHARE) * weight / whole / float(each)
            amount = ceil(float(line["quantity"]) * float(each) * pen.chance.choice((0.6, 0.8, 1.0, 1.0)))
            name = f"{deal.contract}-{line['line']}-{component}"
            fields: dict[str, Any] = {
                "exporter": deal.exporter,
                "purchase": name,
                "component": component,
                "quantity": str(amount),
                "unit": unit,
                "unit_cost": f"{cost:.4f}",
                "currency": "CNY",
                "per_unit": each,
                "salvage_unit_price": f"{cost * salvage:.4f}",
                "salvage_unit_cost": f"{cost * 0.05:.4f}",
                "goods_class": line["class"],
            }
            if pen.chance.random() >= 0.08:  # the others are bought for the class, not for one contract
                fields |= {"contract": deal.contract, "line": line["line"]}
            if late:
                fee = amount * cost * CANCELLATION_FEE_SHARE
                pen.write(
                    "component.ordered",
                    pen.later(deal.signed, 3, 14),
                    **fields,
                    cancellation_fee=f"{fee:.2f}",
                )
                deal.ordered.append(name)
            else:
                pen.write("component.purchased", pen.later(deal.signed, 2, 10), **fields)
                deal.bought.append((name, amount * cost * salvage))
