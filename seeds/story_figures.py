"""The figures the story is drawn from, each with its source. Names in the story are invented; these are not.

Prices and quantities follow what European buyers paid before April 2020; rates are the European Central
Bank's of the day; the counts of kit makers are those the press gave; what is marked *assumed* is ours.
"""

from math import exp, log

# OCCRP (Organized Crime and Corruption Reporting Project), European COVID-19 purchases, table of unit prices
# before April 2020 (1,809 rows of 14 countries). Quantiles (linear) over the rows of the categories
# named, without those that lack the number: EUR a piece, pieces a row. Thermometers: six prices, a thin base.
SHARES = (0.10, 0.25, 0.50, 0.75, 0.90)
OCCRP = {
    # class: categories, rows with a price, their quantiles, rows with a quantity, their quantiles
    "covid_test_kit": (
        ("COVID19 TEST",), 26, (4.914, 6.144, 10.11, 19.692, 22.346), 27, (134, 1200, 4800, 35032, 100000),
    ),
    "face_mask.surgical": (
        ("SURGICAL MASK", "MASK TYPE II"), 80, (0.077, 0.355, 0.555, 0.7, 1.674),
        82, (550, 60000, 500000, 3000000, 8550000),
    ),
    "face_mask": (
        ("FFP2", "KN95", "N95"), 474, (1.776, 2.8, 4.138, 6.49, 8.994), 476, (400, 1000, 2500, 20000, 600000),
    ),
    "protective_clothing": (
        ("DISPOSABLE COVERALL",), 108, (2.69, 6.464, 11.28, 17.888, 28.319),
        108, (57, 150, 1350, 23746, 112642),
    ),
    "ventilator": (
        ("VENTILATOR",), 58, (3002.423, 9720.0, 14456.5, 20922.395, 30246.6), 56, (2, 5, 10, 45, 170),
    ),
    "infrared_thermometer": (
        ("INFRARED THERMOMETER", "THERMOMETER"), 6, (108.033, 178.75, 220.0, 248.5, 256.245),
        7, (2, 4, 20, 210, 480),
    ),
}  # fmt: skip

# European Central Bank, euro foreign exchange reference rates (eurofxref-hist): a euro in USD, CNY, GBP, CZK.
ECB = """
2020-03-25 1.0827 7.6844 0.91503 27.446
2020-03-26 1.0981 7.7675 0.91348 27.55
2020-03-27 1.0977 7.7894 0.89743 27.299
2020-03-30 1.1034 7.8337 0.889 27.315
2020-03-31 1.0956 7.7784 0.88643 27.312
2020-04-01 1.0936 7.7653 0.8846 27.369
2020-04-02 1.0906 7.7387 0.87738 27.553
2020-04-03 1.0785 7.6476 0.8785 27.539
2020-04-06 1.0791 7.6519 0.878 27.603
2020-04-07 1.0885 7.6802 0.88093 27.215
2020-04-08 1.0871 7.6818 0.87948 27.183
2020-04-09 1.0867 7.6709 0.87565 26.909
2020-04-14 1.0963 7.7366 0.87253 26.864
2020-04-15 1.0903 7.6998 0.87385 26.991
2020-04-16 1.0888 7.6991 0.87163 27.053
2020-04-17 1.086 7.6821 0.86978 27.163
2020-04-20 1.086 7.6819 0.87343 27.328
2020-04-21 1.0837 7.6888 0.8812 27.447
2020-04-22 1.0867 7.6964 0.8792 27.534
2020-04-23 1.0772 7.6259 0.872 27.551
2020-04-24 1.08 7.6455 0.87498 27.31
2020-04-27 1.0852 7.686 0.87263 27.184
2020-04-28 1.0877 7.6977 0.87078 27.227
2020-04-29 1.0842 7.6723 0.87378 27.125
2020-04-30 1.0876 7.6665 0.86905 27.097
"""
CURRENCIES = ("USD", "CNY", "GBP", "CZK")
RATES = {
    day: dict(zip(CURRENCIES, rates, strict=True)) for day, *rates in map(str.split, ECB.strip().splitlines())
}
# Contracts are priced from euro at the rate of one day: a price does not also carry the currency's movement.
PRICED_AT = {"EUR": 1.0} | {currency: float(rate) for currency, rate in RATES["2020-03-31"].items()}

# 102 firms with a CE certificate for test kits, 21 of them registered at home (press, quoting the South China
# Morning Post); 23 kits on the register on 31 March (Annex 2 of No. 5).
KIT_MAKERS, KIT_MAKERS_REGISTERED, KITS_ON_REGISTER = 102, 21, 23
# "One to three years" for a registration (the same press): days.
REGISTRATION_DAYS = (365, 730, 1095)
# Of the other makers: how many, registered on 31 March, granted in April (assumed).
OTHER_MAKERS = {
    "face_mask": (26, 15, 5),
    "protective_clothing": (14, 8, 3),
    "ventilator": (8, 4, 1),
    "infrared_thermometer": (9, 5, 2),
}

# What is bought for a unit, as fractions of its price: stock 0.35, open orders 0.12, cost to go 0.15, as in
# the worked example that opens the reckoning of losses. How they fall on components is assumed, but for
# ventilators: shares of material cost by category in the bill of materials of PVP1 (People's Ventilator
# Project, Princeton, October 2020). A component: its unit, how much one unit of the goods needs, its weight,
# what it still fetches of its cost (assumed); those in ORDERED are on order when the rule comes.
STOCK_SHARE, ORDER_SHARE, COST_TO_GO_SHARE = 0.35, 0.12, 0.15
CANCELLATION_FEE_SHARE, ADVANCE_SHARE = 1 / 3, 0.30
ORDERED = frozenset(
    {"extraction_tube", "ear_loop", "nose_clip", "seam_tape", "sensors", "electronics", "housing"}
)
COMPONENTS: dict[str, tuple[tuple[str, str, str, float, float], ...]] = {
    "covid_test_kit": (
        ("enzyme_mix", "H87", "0.02", 0.55, 0.30), ("swab", "H87", "1", 0.20, 0.80),
        ("extraction_tube", "H87", "1", 0.25, 0.45),
    ),
    "face_mask.surgical": (("meltblown_fabric", "KGM", "0.001", 0.70, 0.70),
                           ("ear_loop", "H87", "2", 0.30, 0.50)),
    "face_mask": (("meltblown_fabric", "KGM", "0.004", 0.65, 0.70), ("nose_clip", "H87", "1", 0.35, 0.50)),
    "protective_clothing": (("laminated_fabric", "MTK", "3.5", 0.80, 0.55),
                            ("seam_tape", "MTR", "12", 0.20, 0.40)),
    "ventilator": (
        ("compute", "H87", "1", 0.289, 0.60), ("flow_control", "H87", "1", 0.192, 0.35),
        ("fixing_and_framing", "H87", "1", 0.189, 0.20), ("tubing_and_adapters", "H87", "1", 0.145, 0.30),
        ("sensors", "H87", "2", 0.102, 0.50), ("electronics", "H87", "1", 0.083, 0.45),
    ),
    "infrared_thermometer": (("infrared_sensor", "H87", "1", 0.60, 0.65),
                             ("housing", "H87", "1", 0.40, 0.10)),
}  # fmt: skip

# Tariff codes of the nomenclature of 2017 (GAC 2020 No. 53; test kits: the codes used before it named any).
HS_YEAR = 2017
HS = {
    "covid_test_kit": ("38220090", "30021500"),
    "face_mask.surgical": ("6307900010",),
    "face_mask": ("6307900010",),
    "protective_clothing": ("6210103010",),
    "ventilator": ("9019200010", "9019200090"),
    "infrared_thermometer": ("9025199010",),
}


def draw(quantiles: tuple[float, ...], share: float) -> float:
    """The value below which ``share`` lies, log-linear between the quantiles and just beyond."""
    share = min(max(share, 0.02), 0.95)
    at = next((upper for upper in range(1, len(SHARES)) if share <= SHARES[upper]), len(SHARES) - 1)
    weight = (share - SHARES[at - 1]) / (SHARES[at] - SHARES[at - 1])
    return exp(log(quantiles[at - 1]) * (1 - weight) + log(quantiles[at]) * weight)


def shares_below(quantiles: tuple[float, ...], values: list[float]) -> tuple[float, ...]:
    """Which share of a sample lies at or below each of the source's quantiles: SHARES, if alike."""
    return tuple(sum(value <= quantile for value in values) / len(values) for quantile in quantiles)


def quantiles_of(values: list[float]) -> tuple[float, ...]:
    """The quantiles at ``SHARES`` of a sample, linear as the source's."""
    ordered = sorted(values)
    spots = [share * (len(ordered) - 1) for share in SHARES]
    return tuple(
        ordered[int(spot)]
        + (ordered[min(int(spot) + 1, len(ordered) - 1)] - ordered[int(spot)]) * (spot - int(spot))
        for spot in spots
    )
