"""Ways out: contracts handed over, the second route that No. 12 opens on 26 April, and what ships."""

from datetime import datetime

from story_acts import IN_FORCE, declare, file
from story_cast import Maker
from story_contracts import Deal
from story_pen import Pen, moment

SECOND_ACT, SETTLED, END = moment("04-26 00:00"), moment("04-27 12:00"), moment("04-30 20:00")


def open_list(pen: Pen, cast: list[Maker], deals: list[Deal]) -> None:
    """Makers with a foreign certificate enter the official list; their exporters file the statement."""
    for maker in cast:
        dice = pen.chance.random()
        if not maker.certified or dice > (0.88 if maker.blocked else 0.4):
            continue
        day = (
            SECOND_ACT
            if dice < 0.62
            else moment("04-27 00:00")
            if dice < 0.74
            else pen.later(moment("04-28 00:00"), 0, 2)
        )
        at = pen.hours(day, 8.5, 10.5 if dice >= 0.62 else 19.0)
        pen.write(
            "list.entered",
            at,
            list_name="cn-cccmhpie-medical",
            party=maker.name,
            goods=[{"class": maker.goods}],
        )
        waiting = (
            deal for deal in deals if deal.maker == maker and deal.open and deal.free is None and deal.medical
        )
        for deal in waiting:
            prompt = at < SETTLED and pen.chance.random() < 0.88
            filed = (
                at + (moment("04-27 11:40") - at) * pen.chance.random()
                if prompt
                else pen.later(max(at, SETTLED), 0.2, 2)
            )
            file(pen, deal, "cn-2020-12-medical-statement", "STM", filed.replace(second=0, microsecond=0))
            deal.free = max(filed, SETTLED)


def ship(pen: Pen, deal: Deal) -> None:
    """What may go goes at its day, or as soon as it is free; one in six leaves in two halves."""
    if not deal.open:
        return
    for line in deal.lines:
        planned = datetime.fromisoformat(line["export_at"])
        barred = SECOND_ACT if line["attributes"].get("medical_use") == "false" else IN_FORCE
        at = pen.later(planned, 0, 1.5)
        if at >= barred and deal.free is not None:
            at = pen.later(max(planned, deal.free), 0, 1.5)
        if at > END or (at >= barred and deal.free is None):
            continue
        half = int(line["quantity"]) // 2 if pen.chance.random() < 1 / 6 else 0
        what = {**deal.key, "line": line["line"], "unit": line["unit"]}
        pen.write("goods.shipped", at, **what, quantity=str(half or line["quantity"]))
        if half and (rest := pen.later(at, 3, 9)) <= END:
            pen.write("goods.shipped", rest, **what, quantity=str(int(line["quantity"]) - half))


def hand_over(pen: Pen, cast: list[Maker], deals: list[Deal]) -> None:
    """Two blocked contracts pass to registered makers, who make the goods and export them instead."""
    takers = [
        maker for maker in cast if maker.registered and maker.certified and maker.goods == "covid_test_kit"
    ]
    stuck = [
        deal for deal in deals if deal.open and deal.free is None and deal.maker.goods == "covid_test_kit"
    ]
    for deal, taker in zip(stuck[10::40], takers[5:7], strict=False):
        at = pen.later(moment("04-14 00:00"), 0, 6)
        pen.write("contract.assigned", at, **deal.key, to=taker.name)
        pen.write("contract.amended", at, **deal.key, manufacturer=taker.name)
        deal.maker = taker
        declare(pen, deal, pen.later(at, 1, 2))
