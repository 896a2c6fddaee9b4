"""Who acts in the story: makers, traders and buyers, and what they hold. All names are invented."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from story_figures import KIT_MAKERS, KIT_MAKERS_REGISTERED, KITS_ON_REGISTER, OTHER_MAKERS
from story_pen import Pen, moment

OPENING = moment("02-03 09:00")
SHORT = {
    "covid_test_kit": "kit", "face_mask": "mask", "protective_clothing": "clothing",
    "ventilator": "ventilator", "infrared_thermometer": "thermometer",
}  # fmt: skip
# Granted in April: two kits in the first week, eight more until the 25th (assumed); one was learnt late.
KIT_GRANTS = (
    "04-03 15:00",
    "04-06 10:00",
    "04-08 11:20",
    "04-10 00:00",
    "04-13 16:40",
    "04-15 09:30",
    "04-17 14:10",
    "04-20 10:45",
    "04-22 15:30",
    "04-24 11:00",
)
LEARNT_LATE = {"04-10 00:00": moment("04-15 12:00")}
BUYERS = {
    "ES": ("hospital-group", 9), "NL": ("care-network", 7), "CZ": ("state-reserves", 6),
    "IT": ("civil-protection", 9), "DE": ("clinic-union", 5), "FR": ("health-agency", 4),
    "AT": ("red-aid", 3),
    "PT": ("health-region", 4), "GB": ("health-trust", 4), "PL": ("reserve-agency", 2),
    "LT": ("public-health", 2), "US": ("hospital-alliance", 3), "CL": ("supply-centre", 1),
    "PH": ("medical-depot", 1),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Maker:
    """A maker and its registration at home: since when, or by which April grant, or never."""

    name: str
    title: str
    goods: str
    registered: datetime | None
    grant: str | None = None
    certified: bool = True

    @property
    def blocked(self) -> bool:
        """Not registered on 31 March."""
        return self.registered is None


def makers(pen: Pen) -> list[Maker]:
    """102 kit makers with CE, 21 of them registered; two registered only; the makers of other goods."""
    cast = _makers(pen, "covid_test_kit", KIT_MAKERS, KIT_MAKERS_REGISTERED, KIT_GRANTS)
    for number in range(KIT_MAKERS + 1, KIT_MAKERS + 1 + KITS_ON_REGISTER - KIT_MAKERS_REGISTERED):
        since = pen.later(moment("02-20 09:00"), 0, 30)
        cast.append(
            Maker(
                f"kit-maker-{number:03}",
                f"Example Kit Maker {number:03}",
                "covid_test_kit",
                since,
                certified=False,
            )
        )
    for goods, (count, registered, granted) in OTHER_MAKERS.items():
        days = tuple(f"04-{2 + step * 23 // granted:02} 10:{step}0" for step in range(granted))
        cast += _makers(pen, goods, count, registered, days)
    return cast


def _makers(pen: Pen, goods: str, count: int, registered: int, grants: tuple[str, ...]) -> list[Maker]:
    order = list(range(1, count + 1))
    pen.chance.shuffle(order)
    day_of = dict(zip(order[registered:], grants, strict=False))
    first = (
        moment("01-28 09:00") if goods == "covid_test_kit" else moment("01-06 09:00") - timedelta(days=400)
    )
    since = {number: pen.later(first, 0, 60) for number in order[:registered]}
    short = SHORT[goods]
    return [
        Maker(
            f"{short}-maker-{n:03}",
            f"Example {short.title()} Maker {n:03}",
            goods,
            since.get(n),
            day_of.get(n),
        )
        for n in range(1, count + 1)
    ]


def introduce(pen: Pen, cast: list[Maker], traders: list[str]) -> None:
    """Registers everybody, and what each holds: certificates, registrations, applications."""
    chambers = ("example-chamber-coast", "example-chamber-delta", "example-chamber-inland")
    for place, maker in enumerate(cast):
        pen.write(
            "exporter.registered",
            OPENING,
            exporter=maker.name,
            name=maker.title,
            country="CN",
            maker=True,
            associations=[chambers[place % 3]],
            reporting_currency="CNY",
            group=f"example-group-{place % 9}" if place % 11 == 0 else None,
        )
        _hold(pen, maker)
    for number, trader in enumerate(traders, 1):
        pen.write(
            "exporter.registered",
            OPENING,
            exporter=trader,
            name=f"Example Trading House {number:02}",
            country="CN",
            associations=[chambers[number % 3]],
            reporting_currency="CNY",
        )


def _hold(pen: Pen, maker: Maker) -> None:
    goods = [{"class": maker.goods}]
    if maker.certified:
        start = (
            moment("02-06 09:00")
            if maker.goods == "covid_test_kit"
            else moment("01-06 09:00") - timedelta(days=300)
        )
        since = pen.later(start, 0, 24)
        pen.write(
            "licence.granted",
            since,
            max(since, OPENING) + timedelta(minutes=20),
            scheme="ce_marking",
            licence=f"CE-{maker.name}",
            holder=maker.name,
            goods=goods,
        )
    if maker.goods in ("face_mask", "ventilator") and pen.chance.random() < 0.2:
        pen.write(
            "licence.granted",
            pen.later(moment("04-06 09:00"), 0, 12),
            scheme="fda_eua",
            licence=f"EUA-{maker.name}",
            holder=maker.name,
            goods=goods,
        )
    if maker.registered:
        pen.write(
            "licence.granted",
            maker.registered,
            max(maker.registered, OPENING) + timedelta(minutes=20),
            scheme="nmpa_registration",
            licence=f"NMPA-{maker.name}",
            holder=maker.name,
            goods=goods,
        )
    elif maker.grant or pen.chance.random() < 0.45:
        asked = pen.later(moment("02-10 09:00"), 0, 40 if maker.grant else 62)
        pen.write(
            "licence.applied",
            asked,
            scheme="nmpa_registration",
            licence=f"NMPA-{maker.name}",
            holder=maker.name,
            goods=goods,
        )


def buyer(pen: Pen, country: str) -> str:
    """One of the invented buyers of a country."""
    word, count = BUYERS[country]
    return f"example-{word}-{country.lower()}-{1 + int(count * pen.chance.random())}"
