"""After the rule: papers filed, registrations granted, goods inspected, force majeure declared, contracts lost."""

from datetime import datetime, timedelta

from story_cast import LEARNT_LATE, Maker
from story_contracts import Deal
from story_pen import SOURCE, Pen, moment

IN_FORCE, INSPECTION = moment("04-01 00:00"), moment("04-10 12:00")


def file_papers(pen: Pen, deal: Deal) -> None:
    """Registered makers declare on the first morning or soon after; the others file what they can."""
    chance = pen.chance
    early = deal.signed < IN_FORCE
    conform = pen.later(deal.signed, 2, 9)
    if deal.maker.certified and chance.random() < 0.85:
        file(pen, deal, "destination_conformity", "DOC", conform)
        deal.conforms = conform
    if deal.maker.registered is None or not deal.medical:
        return
    prompt = chance.random() < 0.7
    first = pen.hours(IN_FORCE, 8.5, 11.5) if prompt else pen.later(IN_FORCE, 1, 8)
    at = first if early else pen.later(deal.signed, 1, 4)
    declare(pen, deal, at)


def grant(pen: Pen, maker: Maker, deals: list[Deal]) -> None:
    """The registration arrives; the maker declares its contracts within a day of learning it."""
    if maker.grant is None:
        return
    at = moment(maker.grant)
    learnt = LEARNT_LATE.get(maker.grant, at + timedelta(minutes=25))
    pen.write(
        "licence.granted",
        at,
        learnt,
        scheme="nmpa_registration",
        licence=f"NMPA-{maker.name}",
        holder=maker.name,
        goods=[{"class": maker.goods}],
    )
    for deal in (deal for deal in deals if deal.maker == maker and deal.open):
        declare(pen, deal, max(pen.later(learnt, 0, 1), pen.later(deal.signed, 1, 2)))


def name_maker(pen: Pen, deal: Deal) -> None:
    """A contract that left open who makes the goods: most say it once customs asks."""
    if deal.named is None and pen.chance.random() < 0.6:
        deal.named = pen.later(IN_FORCE, 2, 20)
        pen.write("contract.amended", deal.named, **deal.key, manufacturer=deal.maker.name)


def inspect(pen: Pen, deal: Deal) -> None:
    """Customs inspects all medical goods but kits since 10 April: some while they wait, the others once they may go."""
    gone = deal.free is not None and max(deal.free, deal.last_export) < INSPECTION - timedelta(days=2)
    if gone or not deal.open or not deal.medical or deal.maker.goods == "covid_test_kit":
        return
    early = pen.chance.random() < 0.6
    if early:
        deal.inspected = pen.later(max(INSPECTION, deal.signed + timedelta(days=3)), 0.1, 13)
    elif deal.free is not None:
        deal.inspected = pen.later(max(INSPECTION, deal.free), 0.1, 3)
    if deal.inspected is not None:
        file(pen, deal, "cn-export-inspection", "INS", deal.inspected, by="gac")


def suffer(pen: Pen, deal: Deal) -> None:
    """What a blocked contract does in April: notices, a postponed deadline, stated costs, or its end."""
    chance = pen.chance
    if deal.signed < IN_FORCE and chance.random() < 0.5:
        pen.write("contract.dated", pen.later(IN_FORCE, 0, 7), **deal.key, fact="force_majeure_notified")
    dice = chance.random()
    if dice < 0.11 and deal.maker.grant is None:
        _end(pen, deal, pen.later(moment("04-09 00:00"), 0, 15))
    elif dice < 0.18:
        postponed = [
            line | {"deadline": _days(line.get("deadline", line["export_at"]), 30)} for line in deal.lines
        ]
        pen.write("contract.amended", pen.later(moment("04-06 00:00"), 0, 15), **deal.key, lines=postponed)
    elif dice < 0.26:
        amount = 400 + int(chance.random() * 60) * 50
        pen.write(
            "loss.stated",
            pen.later(moment("04-07 00:00"), 0, 16),
            **deal.key,
            term=chance.choice(("storage", "demurrage")),
            amount=str(amount),
            currency=deal.currency,
        )


def _end(pen: Pen, deal: Deal, at: datetime) -> None:
    """The buyer walks away; some of the parts are sold for what they fetch and open orders are called off."""
    deal.open = False
    pen.write("contract.cancelled", at, **deal.key)
    for purchase, fetched in deal.bought if pen.chance.random() < 0.5 else []:
        proceeds = fetched * (0.5 + 0.5 * pen.chance.random())
        pen.write(
            "component.disposed",
            pen.later(at, 1, 5),
            exporter=deal.exporter,
            purchase=purchase,
            proceeds=f"{proceeds:.2f}",
            currency="CNY",
        )
    for purchase in deal.ordered if pen.chance.random() < 0.5 else []:
        pen.write("component.order_cancelled", pen.later(at, 0, 3), exporter=deal.exporter, purchase=purchase)


def accidents(pen: Pen, cast: list[Maker], deals: list[Deal]) -> None:
    """What goes wrong in every real register: a wrong holder put right, a suspension lifted."""
    registered = next(maker for maker in cast if maker.registered and maker.certified)
    licence = {"scheme": "nmpa_registration", "licence": f"NMPA-{registered.name}"}
    pen.write("licence.suspended", moment("04-14 09:00"), **licence, reason="Under inspection")
    pen.write("licence.reinstated", moment("04-17 15:00"), **licence)
    other = next(maker for maker in cast if maker.blocked and maker.grant is None)
    slip = pen.write(
        "licence.granted",
        moment("04-13 16:40"),
        moment("04-13 16:50"),
        scheme="nmpa_registration",
        licence=f"NMPA-{other.name}",
        holder=other.name,
        goods=[{"class": other.goods}],
    )
    pen.write(
        "fact.withdrawn",
        moment("04-14 09:20"),
        moment("04-14 09:20"),
        source=SOURCE,
        id=slip,
        reason="The register named another holder",
    )


def declare(pen: Pen, deal: Deal, at: datetime) -> None:
    """The declaration of No. 5, and the proof of the destination's standard if it is not on file yet."""
    file(pen, deal, "cn-2020-05-declaration", "DCL", at)
    if deal.conforms is None:
        deal.conforms = pen.later(at, 0, 4)
        file(pen, deal, "destination_conformity", "DOC", deal.conforms)
    deal.free = max(at, deal.conforms)


def file(pen: Pen, deal: Deal, form: str, short: str, at: datetime, by: str = "exporter") -> None:
    pen.write("document.filed", at, **deal.key, document=f"{short}-{deal.contract}", form=form, by=by)


def _days(instant: str, days: int) -> str:
    return (datetime.fromisoformat(instant) + timedelta(days=days)).isoformat()
