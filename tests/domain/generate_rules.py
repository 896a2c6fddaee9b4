"""Random rule sets in every word of the grammar: acts, amendments, readings, confirmations, defaults, quotas."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, TypeVar

T = TypeVar("T")
Json = dict[str, Any]

START = datetime(2021, 3, 1, tzinfo=UTC)
EXPORTERS, BUYERS, MAKERS = ("e1", "e2", "e3"), ("b1", "b2"), ("m1", "m2")
PLACES, ORIGINS = ("ES", "ES-CE", "US", "DE"), ("CN", "IN")
CLASSES = ("mask", "mask.surgical", "mask.surgical.n95", "kit", "gas")
CODES = ("6307", "630790", "63079010", "63079020", "3822", "28112100")
YEARS = (2017, 2022)
ATTRIBUTES = {"medical": ("true", "false"), "purity": ("99", "99.95", "pure"), "use": ("army", "civil")}
SCHEMES, LISTS, FORMS, QUOTAS = ("s1", "s2"), ("l1", "l2"), ("f1", "f2"), ("q1", "q1", "q2")
FACTS = ("lc_issued", "loading_commenced", "contract_signed", "stamped")
ZONES = ("UTC", "Asia/Shanghai", "America/New_York", "Europe/Madrid")
ROLES = ("manufacturer", "exporter", "buyer", "end_user")


class Pick:
    """Choices of a small world, drawn from one source of chance."""

    def __init__(self, chance: Random) -> None:
        self.random = chance

    def chance(self, percent: int) -> bool:
        return self.random.randint(1, 100) <= percent

    def of(self, choices: Sequence[T]) -> T:
        return choices[self.random.randint(0, len(choices) - 1)]

    def weighted(self, choices: dict[T, int]) -> T:
        left = self.random.randint(1, sum(choices.values()))
        for choice, weight in choices.items():
            left -= weight
            if left <= 0:
                return choice
        raise AssertionError("the weights add up")

    def some(self, choices: Sequence[T], most: int = 2, least: int = 0) -> list[T]:
        picked = [self.of(choices) for _ in range(self.random.randint(least, most))]
        return list(dict.fromkeys(picked))

    def instant(self, first: int, last: int) -> str:
        """An instant between two days of the story, at midnight, in the morning or at an odd second."""
        day = START + timedelta(days=self.random.randint(first, last))
        hour = self.of(("00:00:00", "00:00:00", "09:00:00", "16:00:00", "09:00:01"))
        return f"{day.date()}T{hour}{self.of(('Z', 'Z', '+08:00', '-05:00'))}"

    def moment(self, first: int, last: int) -> str:
        """An instant, or only its day."""
        return self.instant(first, last)[: 10 if self.chance(35) else None]

    def span(self, first: int, last: int, begins: bool = True) -> Json:
        found: Json = {"from": self.moment(first, last)} if begins or self.chance(50) else {}
        if self.chance(35):
            return found | {"until": self.moment(last + 18, last + 38)}
        return found | ({"through": self.moment(last + 18, last + 38)[:10]} if self.chance(25) else {})

    def places(self) -> Json:
        return {self.of(("only", "except")): self.some(PLACES, 2, self.random.randint(0, 1))}


def acts(pick: Pick) -> list[Json]:
    """One to three acts; later ones may amend, confirm or take over the routes of earlier ones."""
    found = [_act(pick, number) for number in range(1, pick.weighted({1: 60, 2: 34, 3: 6}) + 1)]
    for act in list(found):
        if pick.chance(35):
            found.append(_amending(pick, f"{act['rule']}-a", act))
        if "readings" in act and pick.chance(40):
            found.append(_plain_act(pick, f"{act['rule']}-c") | {"confirms": {"rule": act["rule"],
                         "reading": pick.of(act["readings"])["reading"]}})  # fmt: skip
    if len(found) > 1 and found[0]["clauses"] and found[1].get("clauses"):
        _related(pick, found[0], found[1])
    return found


def _plain_act(pick: Pick, name: str) -> Json:
    return {"rule": name, "published": pick.instant(4, 12), "timezone": pick.of(ZONES), "clauses": []}


def _act(pick: Pick, number: int) -> Json:
    clauses = [_clause(pick, str(n)) for n in range(1, pick.weighted({1: 80, 2: 20}) + 1)]
    act = _plain_act(pick, f"r{number}") | {"exported_from": _origin(pick), "clauses": clauses}
    if pick.chance(10):
        act["made_in"] = _origin(pick)
    if pick.chance(10):
        act["facts"] = ["stamped"]
    if pick.chance(30):
        act["quotas"] = [_pool(pick) for _ in range(pick.random.randint(1, 2))]
    if pick.chance(12):
        changed: Json = {"clauses": [{"clause": "1", "routes": [_route(pick, 9)]}]}
        if pick.chance(30):
            changed = {"clauses": [{"clause": "1", "goods": [_goods(pick)]}]}
        act["readings"] = [{"reading": "plain"}, {"reading": "other", "replaces": changed}]
    return act


def _origin(pick: Pick) -> Any:
    kind = pick.weighted({"CN": 65, "any": 20, "only": 10, "except": 5})
    return {"only": {"only": ["CN", "IN"]}, "except": {"except": ["IN"]}}.get(kind, kind)


def _pool(pick: Pick) -> Json:
    found: Json = {"quota": pick.of(QUOTAS), "quantity": pick.of(("9", "50", "120")), "unit": pick.of(("H87", "DZN", "KGM")),
                   **pick.span(0, 12)}  # fmt: skip
    if pick.chance(25):
        found["destinations"] = pick.some(PLACES, 3, 1)
    if pick.chance(25):
        found["holders"] = pick.some(EXPORTERS, 2, 1)
    return found


def _related(pick: Pick, first: Json, second: Json) -> None:
    """The second act overrides a clause of the first, or takes its routes over by default."""
    name = f"{first['rule']}/{first['clauses'][0]['clause']}"
    clause = second["clauses"][0]
    if pick.chance(25):
        clause["overrides"] = [name]
    if pick.chance(25):
        second["defaults"] = [name]
        if pick.chance(30):
            pick.of((second, clause))["without"] = [name]
    elif pick.chance(10):
        clause["defaults"] = [name]


def _clause(pick: Pick, number: str) -> Json:
    routes = [_route(pick, n) for n in range(pick.weighted({0: 4, 1: 64, 2: 24, 3: 8}))]
    found: Json = {"clause": number, "in_force": [pick.span(1, 9) if pick.chance(88) else pick.span(3, 30)], "goods": [_goods(pick) for _ in range(pick.weighted({1: 75, 2: 25}))],
                   "routes": routes}  # fmt: skip
    if pick.chance(20):
        found["in_force"].append(pick.span(40, 50))
    if pick.chance(5):
        found["effect"] = {"duty": {"rate": "0.1"}}
    if pick.chance(8):
        found["destinations"] = pick.places()
    elif pick.chance(5):
        found["destinations"] = [pick.places() | pick.span(0, 12, False), pick.places() | pick.span(13, 20)]
    if pick.chance(8):
        found["exporters"] = {pick.of(("only", "except")): pick.some(EXPORTERS, 2, 1)}
    if pick.chance(10):
        found["whole_line"] = "true"
    return found


def _goods(pick: Pick) -> Json:
    kind = pick.weighted({"class": 88, "code": 6, "any": 6})
    if kind == "any":
        return {"any_class": "true", "where": _where(pick)}
    of_class = pick.weighted({"mask": 72, "mask.surgical": 22, "mask.surgical.n95": 3, "kit": 2, "gas": 1})
    found: Json = {"class": of_class} if kind == "class" or pick.chance(30) else {}
    if kind == "code" or pick.chance(20):
        found |= {"hs": pick.some(CODES, 2, 1), "hs_year": pick.of(YEARS)}
    if kind == "code":
        found["hs_defines"] = "true"
    if pick.chance(10):
        found["where"] = _where(pick)
    return found


def _where(pick: Pick) -> Json:
    if pick.chance(60):
        return {"medical": pick.of(("true", "false"))}
    return {"purity": {pick.of(("more_than", "at_least", "less_than", "at_most")): pick.of(("99", "99.5"))}}


def _route(pick: Pick, number: int) -> Json:
    found: Json = {"route": f"way {number}", pick.of(("all", "all", "all", "any")): _needs(pick)}
    if pick.chance(12):
        found["within"] = pick.span(5, 20, False)
    if pick.chance(10):
        found["destinations"] = pick.places()
    return found


def _needs(pick: Pick) -> list[Json]:
    """Anything at all, or one of the shapes that acts often have."""
    kind = pick.weighted(
        {"anything": 11, "floor": 18, "transition": 15, "balance": 43, "paper": 12, "never": 1}
    )
    match kind:
        case "floor":
            return [{"unit_price": {"at_least": pick.of(("8", "120")), "currency": "EUR", "per": "H87"}}]
        case "transition":
            return [
                {
                    "dated": pick.of(("contract_signed", "lc_issued")),
                    pick.of(("before", "by")): pick.moment(4, 12),
                }
            ]
        case "balance":
            return [
                pick.of(
                    (
                        {"licence": "s1", "of": "exporter"},
                        {"licence": "s2", "of": "exporter"},
                        {"quota": "q1"},
                    )
                )
            ]
        case "paper":
            return [{"document": pick.of(FORMS), "by": pick.of(("exporter", "both"))}]
        case "never":
            return [{"never": "true"}]
        case _:
            return [_need(pick) for _ in range(pick.weighted({1: 60, 2: 32, 3: 8}))]


def _need(pick: Pick, depth: int = 0) -> Json:
    kind = pick.weighted({
        "licence": 26, "document": 16, "dated": 14, "unit_price": 9, "quantity": 3, "value": 3, "listed": 6, "quota": 8, "allowance": 4,
        "attribute": 6, "exporter": 2, "exported_before": 5, "never": 3, "not": 5 - 2 * depth, "any": 6 - 3 * depth, "all": 3 - depth,
    })  # fmt: skip
    match kind:
        case "not":
            return {"not": _need(pick, depth + 1)}
        case "any" | "all":
            return {kind: [_need(pick, depth + 1) for _ in range(2)]}
        case "unit_price" | "quantity" | "value" | "attribute":
            return _term(pick, kind)
        case _:
            return _evidence(pick, kind)


def _evidence(pick: Pick, kind: str) -> Json:
    match kind:
        case "licence":
            found: Json = {
                "licence": pick.of(SCHEMES),
                "of": pick.weighted({"manufacturer": 35, "exporter": 45, "buyer": 10, "end_user": 10}),
            }
            return found | (
                {"issued": {pick.of(("before", "by")): pick.moment(2, 10)}} if pick.chance(12) else {}
            )
        case "listed":
            return {"listed": pick.of(LISTS), "of": pick.of(ROLES)}
        case "document":
            return {
                "document": pick.of(FORMS),
                "by": pick.of(("exporter", "exporter", "buyer", "both", "chamber")),
            }
        case "dated":
            when = pick.weighted({"before": 45, "by": 30, "": 20, "published": 5})
            fact = {"dated": pick.of(FACTS)}
            if when == "published":
                return fact | {pick.of(("before", "by")): "published"}
            return fact | ({when: pick.moment(4, 18)} if when else {})
        case "exported_before":
            return {"exported_before": pick.moment(12, 45)}
        case "quota":
            return {"quota": pick.of(QUOTAS)}
        case "allowance":
            return {"allowance": "a1", "factor": pick.of(("2", "0.5")), "per": pick.of(FORMS)}
        case "exporter":
            return {"exporter": pick.of(EXPORTERS)}
        case _:
            return {"never": "true"}


def _term(pick: Pick, kind: str) -> Json:
    bound = pick.of(("at_least", "more_than", "at_most", "less_than"))
    each = {"per": "consignment"} if pick.chance(20) else {}
    match kind:
        case "attribute":
            if pick.chance(50):
                return {
                    "attribute": "medical",
                    "of": pick.of(("line", "exporter")),
                    "is": pick.of(("true", "false")),
                }
            return {"attribute": "purity", "of": "line", bound: pick.of(("99", "99.5"))}
        case "quantity":
            return {"quantity": {bound: pick.of(("30", "60")), "unit": pick.of(("H87", "KGM")), **each}}
        case "value":
            return {
                "value": {bound: pick.of(("100", "400")), "currency": pick.of(("EUR", "EUR", "USD")), **each}
            }
        case _:
            basis = {"basis": "FOB"} if pick.chance(15) else {}
            return {"unit_price": {pick.of(("at_least", "at_least", "less_than")): pick.of(("8", "120")), "currency": pick.of(("EUR", "EUR", "EUR", "USD")),
                                   "per": pick.of(("H87", "H87", "DZN", "KGM")), **basis}}  # fmt: skip


def _amending(pick: Pick, name: str, act: Json) -> Json:
    amendments: list[Json] = []
    for _ in range(pick.weighted({1: 70, 2: 30})):
        amendment: Json = {"rule": act["rule"], "clause": "1"}
        if pick.chance(60):
            amendment["from"] = pick.moment(6, 22)
        ways = ["way 0", *(r["route"] for r in act["clauses"][0]["routes"])]
        match pick.weighted(
            {"add": 35, "end_routes": 12, "extend": 12, "replace": 21, "end": 8, "suspend": 12}
        ):
            case "add":
                amendment["add_routes"] = [_route(pick, 7)]
            case "end_routes":
                amendment["end_routes"] = [pick.of(ways)]
            case "extend":
                amendment["extend"] = {"routes": [pick.of(ways)], "until": pick.moment(23, 35)}
            case "replace":
                amendment["replace"] = pick.of(({"routes": [_route(pick, 8)]}, {"goods": [_goods(pick)]}, {"destinations": pick.places()},
                                                {"in_force": [pick.span(3, 12)]}, {"whole_line": "true"}))  # fmt: skip
            case "end":
                amendment["end"] = pick.moment(10, 30)
            case _:
                amendment["suspend"] = [pick.span(8, 20)]
        amendments.append(amendment)
    return _plain_act(pick, name) | {"amends": amendments}
