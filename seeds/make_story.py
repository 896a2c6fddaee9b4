"""Makes the seed story: China's medical exports from February to April 2020, as events anybody can read.

    python seeds/make_story.py           writes seeds/story/*.jsonl, prints its quantiles beside the source's
    python seeds/make_story.py --check   writes nothing; fails where the files differ from what it would write

The names are invented; ``story_figures.py`` says where each number comes from. Rules, goods and codes are not
in it: they come from the packs and the taxonomy.
"""

import sys
from datetime import datetime, timedelta
from pathlib import Path

import story_acts as acts
import story_relief as relief
from story_cast import Maker, introduce, makers
from story_contracts import CONTRACTS, Deal, Market
from story_figures import OCCRP, PRICED_AT, RATES, REGISTRATION_DAYS, SHARES, quantiles_of, shares_below
from story_parts import buy
from story_pen import Pen, moment

SEED = 20200331
FOLDER = Path(__file__).parent / "story"
TRADERS = [f"trader-{number:02}" for number in range(1, 11)]
NEAR = 0.08  # below a quantile of the source lies its share of the story, give or take this much


def story() -> Pen:
    """The whole story, the same each time."""
    pen = Pen(SEED)
    cast = makers(pen)
    introduce(pen, cast, TRADERS)
    publish(pen)
    deals = sign_all(pen, cast)
    for deal in deals:
        acts.name_maker(pen, deal)
        acts.file_papers(pen, deal)
        if deal.maker.blocked and deal.medical and deal.export_at >= acts.IN_FORCE:
            acts.suffer(pen, deal)
    for maker in cast:
        acts.grant(pen, maker, deals)
    relief.hand_over(pen, cast, deals)
    relief.open_list(pen, cast, deals)
    acts.accidents(pen, cast, deals)
    for deal in deals:
        acts.inspect(pen, deal)
        relief.declare_jointly(pen, deal)
        relief.ship(pen, deal)
    return pen


def sign_all(pen: Pen, cast: list[Maker]) -> list[Deal]:
    """Every contract, and the parts bought for it: all unregistered kit makers buy, of the others most."""
    market, deals = Market(pen), []
    for place, maker in enumerate(maker for maker in cast if maker.certified):
        turns = CONTRACTS[maker.goods]
        for _ in range(turns[place % len(turns)] + (maker.grant is not None)):
            deals.append(market.sign(maker, maker.name, day_of_signing(pen, maker.blocked)))
            if (maker.blocked and maker.goods == "covid_test_kit") or pen.chance.random() < 0.3:
                buy(pen, deals[-1])
    for trader in TRADERS * 2:
        maker = pen.chance.choice(
            [maker for maker in cast if maker.certified and maker.goods != "ventilator"]
        )
        deals.append(
            market.sign(maker, trader, day_of_signing(pen, False), says_maker=pen.chance.random() < 0.75)
        )
    return deals


def day_of_signing(pen: Pen, blocked: bool) -> datetime:
    """Mostly March; in April hardly anybody signs who may not export."""
    if pen.chance.random() < (0.03 if blocked else 0.2):
        return pen.later(moment("04-02 00:00"), 0, 21)
    return pen.later(moment("03-03 00:00"), 0, 27)


def publish(pen: Pen) -> None:
    """How long a registration takes, and the central bank's rates, each in the afternoon of its day."""
    p10, p50, p90 = REGISTRATION_DAYS
    pen.write(
        "leadtime.published",
        moment("02-03 09:00"),
        moment("02-03 09:10"),
        scheme="nmpa_registration",
        p10_days=p10,
        p50_days=p50,
        p90_days=p90,
        source="Press on Announcement No. 5 of 2020: one to three years",
    )
    for day, rates in RATES.items():
        at = datetime.fromisoformat(f"{day}T00:00+00:00")
        pen.write("fx.published", at, at + timedelta(hours=14), base="EUR", rates=rates)


def spread(pen: Pen) -> tuple[list[str], bool]:
    """The quantiles of prices (EUR) and quantities beside the source's, and whether each is near it."""
    told, near = [f"{'':34}{'rows':>6}" + "".join(f"{f'p{share * 100:.0f}':>12}" for share in SHARES)], True
    signed = [
        event.data.model_dump(mode="json") for event in pen.events.values() if event.type == "contract.signed"
    ]
    for goods, (_, prices, price, rows, pieces) in OCCRP.items():
        lines = [(c["currency"], line) for c in signed for line in c["lines"] if line["class"] == goods]
        paid = [float(line["unit_price"]) / PRICED_AT[currency] for currency, line in lines]
        sold = [float(line["quantity"]) for _, line in lines]
        for what, source, base, ours in (("price", price, prices, paid), ("pieces", pieces, rows, sold)):
            told.append(f"{goods} {what}".ljust(28) + "source" + _row(base, source))
            told.append(" " * 28 + "story " + _row(len(lines), quantiles_of(ours)))
            shares = zip(shares_below(source, ours), SHARES, strict=True)
            near = near and all(abs(mine - theirs) <= NEAR for mine, theirs in shares)
    return told, near


def _row(rows: int, values: tuple[float, ...]) -> str:
    return f"{rows:>6}" + "".join(
        f"{value:>12,.0f}" if value >= 1000 else f"{value:>12.3f}" for value in values
    )


def main(arguments: list[str]) -> int:
    """Writes or checks; 1 where something differs."""
    pen = story()
    told, near = spread(pen)
    print("\n".join(told))
    files = pen.files()
    different = [name for name, text in files.items() if not _same(FOLDER / name, text)]
    if arguments == ["--check"]:
        print("differs: " + ", ".join(different) if different else f"{len(pen.events)} events, as committed")
    else:
        FOLDER.mkdir(exist_ok=True)
        for name in different:
            (FOLDER / name).write_bytes(files[name])
        print(f"{len(pen.events)} events; wrote " + (", ".join(different) or "nothing new"))
        different = []
    if not near:
        print(f"the story's spread is more than {NEAR:.0%} off the source's")
    return 1 if different or not near else 0


def _same(path: Path, text: bytes) -> bool:
    return path.exists() and path.read_bytes() == text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
