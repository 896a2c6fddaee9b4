"""Ways out: contracts handed over, the second route that No. 12 opens on 26 April, and what ships."""

from datetime import datetime, timedelta
from typing import Any

from story_acts import IN_FORCE, INSPECTION, declare, file
from story_cast import Maker
from story_contracts import Deal
from story_pen import Pen, moment

SECOND_ACT, SETTLED, END = moment("04-26 00:00"), moment("04-27 12:00"), moment("04-30 20:00")
RECORDED = timedelta(hours=2)  # a paper is on record two hours after it was filed, at the latest


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


def declare_jointly(pen: Pen, deal: Deal) -> None:
    """Masks that are not medical: from 26 April, exporter and importer say so together; most do within days."""
    waits = deal.open and deal.last_export > SECOND_ACT - timedelta(days=2)
    if waits and any(_not_medical(line) for line in deal.lines) and pen.chance.random() < 0.7:
        deal.joint = pen.later(SECOND_ACT, 0, 3)
        file(pen, deal, "cn-2020-12-joint-declaration", "JNT", deal.joint, by="both")


def ship(pen: Pen, deal: Deal) -> None:
    """What may go goes at its day, or as soon as it is free; one in six leaves in two halves."""
    for line in deal.lines if deal.open else []:
        at = _leaves(pen, deal, line, pen.later(datetime.fromisoformat(line["export_at"]), 0, 1.5))
        if at is None or at > END:
            continue
        half = int(line["quantity"]) // 2 if pen.chance.random() < 1 / 6 else 0
        what = {**deal.key, "line": line["line"], "unit": line["unit"]}
        pen.write("goods.shipped", at, **what, quantity=str(half or line["quantity"]))
        rest = _leaves(pen, deal, line, pen.later(at, 3, 9)) if half else None
        if rest is not None and rest <= END:
            pen.write("goods.shipped", rest, **what, quantity=str(int(line["quantity"]) - half))


def _leaves(pen: Pen, deal: Deal, line: dict[str, Any], at: datetime) -> datetime | None:
    """When goods due ``at`` leave: later where a paper asked for by then came later, never without it."""
    gates = [(IN_FORCE, deal.named), (IN_FORCE, deal.free), (SECOND_ACT, SETTLED)]
    if _not_medical(line):
        gates = [(SECOND_ACT, deal.joint)]
    elif line["class"] != "covid_test_kit":
        gates.insert(2, (INSPECTION, deal.inspected))
    if line["class"] == "face_mask" and "medical_use" not in line["attributes"]:
        gates.append((SECOND_ACT, deal.joint))  # nobody said what it is for: customs asks for all papers
    for since, there in gates:
        if at >= since and there is None:
            return None
        if at >= since and there is not None and at < there + RECORDED:
            at = pen.later(there + RECORDED, 0, 1.5)
    return at


def _not_medical(line: dict[str, Any]) -> bool:
    return bool(line["attributes"].get("medical_use") == "false")


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
