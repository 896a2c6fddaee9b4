"""A small world for the tests of losses: a rule that asks for a licence nobody holds, and contracts that it blocks."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import polars as pl

from events.envelope import Event, event
from services.domain.book import Book, frame_of
from services.domain.losses import estimate
from services.domain.verdicts import assess

NOW = datetime.fromisoformat("2020-04-02T12:00+00:00")
BLOCKED = "2020-04-01T00:00+00:00"
PUBLISHED = "2020-03-31T12:00+00:00"
_COUNT = iter(range(10_000_000))


def fact(event_type: str, **data: Any) -> Event:
    """One fact, learnt when it came true, with a name of its own."""
    return event(event_type, data, source="test", id=f"{event_type}/{next(_COUNT)}")


def rule(**clause: Any) -> Event:
    """From 1 April kits that leave China, but for Portugal, need a registration of their maker."""
    document = {
        "rule": "kits", "title": "Kits need a registration", "published": PUBLISHED, "exported_from": "CN",
        "citation": {"issuers": ["TEST"], "number": "1", "dated": "2020-03-31", "url": "https://example.org/kits"},
        "timezone": "UTC",
        "clauses": [
            {"clause": "1", "in_force": [{"from": BLOCKED}], "effect": "block",
             "goods": [{"class": "kit"}], "destinations": {"except": ["PT"]},
             "routes": [{"route": "registration", "all": [{"licence": "registration", "of": "manufacturer"}]}],
             **clause}
        ],
    }  # fmt: skip
    return fact("rule.enacted", document=document, pack="sha256:" + "0" * 64)


def line(number: int = 1, /, **fields: Any) -> dict[str, Any]:
    """1,000 kits at 1,000 each, to leave on 20 April and to be there by 30 April."""
    return {"line": str(number), "class": "kit", "quantity": "1000", "unit": "H87", "unit_price": "1000",
            "export_at": "2020-04-20T00:00+00:00", "deadline": "2020-04-30T00:00+00:00", **fields}  # fmt: skip


def signed(*lines: dict[str, Any], **fields: Any) -> Event:
    """A contract of acme with a hospital in Spain, signed before the rule, in euro."""
    return fact("contract.signed", **{
        "exporter": "acme", "contract": "C1", "manufacturer": "acme", "buyer": "hospital", "exported_from": "CN",
        "destination": "ES", "currency": "EUR", "signed": "2020-03-01T00:00+00:00", "lines": list(lines or [line()]),
        **fields})  # fmt: skip


def bought(purchase: str, *, ordered: bool = False, **fields: Any) -> Event:
    """Parts for line 1 of C1: 1,000 of them, one a kit, at 1 euro each."""
    return fact("component.ordered" if ordered else "component.purchased", **{
        "exporter": "acme", "purchase": purchase, "contract": "C1", "line": "1", "component": "swab",
        "quantity": "1000", "unit": "H87", "unit_cost": "1", "currency": "EUR", "at": "2020-03-05T00:00+00:00",
        "per_unit": "1", **fields})  # fmt: skip


def stated(term: str, amount: str, currency: str = "EUR", line: str | None = "1", **more: Any) -> Event:
    """The user's own figure, for a line or (without one) for the whole contract C1."""
    of_line = {} if line is None else {"line": line}
    return fact("loss.stated", exporter="acme", contract="C1", term=term, amount=amount, currency=currency, **of_line,
                **{"at": "2020-04-01T10:00+00:00", **more})  # fmt: skip


def notified(at: str, **more: Any) -> Event:
    """Notice of force majeure for C1."""
    return fact(
        "contract.dated", exporter="acme", contract="C1", fact="force_majeure_notified", at=at, **more
    )


def granted(since: str, **more: Any) -> Event:
    """The registration of acme."""
    return fact(
        "licence.granted",
        **{"scheme": "registration", "licence": "L1", "holder": "acme", "from": since, **more},
    )


def lead_time(p10: int = 10, p50: int = 40, p90: int = 100, **more: Any) -> Event:
    """How many days a registration takes."""
    return fact("leadtime.published", **{"scheme": "registration", "p10_days": p10, "p50_days": p50, "p90_days": p90,
                "source": "test", "from": "2020-01-01T00:00+00:00", **more})  # fmt: skip


def rates(day: str, **per_euro: str) -> Event:
    """Reference rates of a day: what a euro buys."""
    return fact("fx.published", date=day, base="EUR", rates=per_euro)


def book(*facts: Event, under: Event | None = None) -> Book:
    return Book.from_events(frame_of([*facts, rule() if under is None else under]))


def rows(of: Book, now: datetime = NOW, known: datetime | None = None) -> pl.DataFrame:
    return estimate(of, assess(of, now=now, known=known), now=now, known=known)


def losses(of: Book, now: datetime = NOW) -> dict[str, dict[str, Any]]:
    """The losses by ref; lines that lose nothing are left out."""
    told = rows(of, now).select("ref", "loss").drop_nulls()
    return {ref: json.loads(loss) for ref, loss in told.iter_rows()}


def loss(facts: Iterable[Event], ref: str = "acme/C1/1", now: datetime = NOW) -> dict[str, Any]:
    """The loss of one line in the book of these facts."""
    return losses(book(*facts), now)[ref]


def base(of: dict[str, Any], *names: str) -> list[str | None]:
    """The base figures of these terms."""
    return [of[name]["base"] for name in names]


def three(of: dict[str, Any], name: str) -> list[str | None]:
    """Low, base and high of a term."""
    return [of[name][case] for case in ("low", "base", "high")]


def steps(of: Book, ref: str = "acme/C1/1") -> dict[str, Any]:
    """Tags and steps of one line."""
    told = rows(of).filter(pl.col("ref") == ref)["loss_steps"].item()
    parsed: dict[str, Any] = json.loads(told)
    return parsed
