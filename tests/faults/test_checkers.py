"""Each checker on evidence made by hand: silent where all is well, and loud at the one thing that is not."""

import copy
import json
import random
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.faults import oracle
from tests.faults.book import ACT, NOON, book, facts_of, key, record
from tests.faults.checkers import Seen, broken
from tests.faults.ledger import Ledger, acked


def _seen() -> Seen:
    """What a true run leaves behind: each line judged once, each answer told once, two records sent twice."""
    facts = [ACT, *facts_of(book(random.Random(1), 3, 12))]
    verdicts, history, told = [], [], []
    for ref, answer in oracle.expected(facts, NOON).items():
        exporter, contract, line = ref.split("/")
        loss = json.dumps({"stock_write_down": {"base": str(answer.write_down)}})
        row = {
            "exporter": exporter,
            "contract": contract,
            "line": line,
            "revision": 1,
            "answer": '{"a": 1}',
            "loss": loss,
        }
        history.append(row)
        verdicts.append(row | {"ref": ref, "verdict": answer.verdict, "open_quantity": answer.open,
                               "blocked_value": answer.blocked_value})  # fmt: skip
        data = {"ref": ref, "revision": 1, "after": {"a": 1}}
        told.append({"id": f"id-{ref}", "type": "verdict.changed", "data": data})
    names = Counter(key(one) for one in facts)
    logged = names + Counter(list(names)[:2])
    return Seen(facts, logged, 1, names, Counter(unreadable=1), {"pending": 0, "due": 0, "outbox": 0, "set aside": 0},
                {("rules", 0): 6}, {("rules", 0): 7, ("rules", 1): 0}, verdicts, history, told, Counter({"?": 1}))  # fmt: skip


def test_all_is_well_where_all_is_well() -> None:
    assert broken(_seen(), NOON) == []


def _lose_an_event(seen: Seen) -> None:
    del seen.events[key(seen.acked[3])]


def _double_an_event(seen: Seen) -> None:
    seen.events[key(seen.acked[3])] += 1


def _throw_a_letter_away(seen: Seen) -> None:
    seen.letters.clear()


def _a_cent(seen: Seen) -> None:
    seen.verdicts[0]["blocked_value"] += Decimal("0.01")


def _a_cent_of_loss(seen: Seen) -> None:
    loss = json.loads(seen.verdicts[0]["loss"])["stock_write_down"]["base"]
    seen.verdicts[0]["loss"] = json.dumps(
        {"stock_write_down": {"base": str(Decimal(loss) + Decimal("0.01"))}}
    )
    seen.history[0]["loss"] = seen.verdicts[0]["loss"]


def _skip_a_revision(seen: Seen) -> None:
    seen.history[0]["revision"] = seen.verdicts[0]["revision"] = seen.told[0]["data"]["revision"] = 2


def _another_verdict_than_the_last(seen: Seen) -> None:
    seen.history[0]["answer"] = '{"a": 2}'


def _never_tell(seen: Seen) -> None:
    del seen.told[0]


def _tell_under_a_second_id(seen: Seen) -> None:
    seen.told.append(seen.told[0] | {"id": "another"})


def _say_two_things(seen: Seen) -> None:
    again = copy.deepcopy(seen.told[0])
    again["data"]["after"] = None
    seen.told.insert(0, again)


def _tell_out_of_order(seen: Seen) -> None:
    for revision in (3, 2):
        seen.told.insert(1, {"id": f"r{revision}", "type": "loss.estimated",
                             "data": {"ref": seen.told[0]["data"]["ref"], "revision": revision}})  # fmt: skip
    seen.told[1], seen.told[2] = seen.told[2], seen.told[1]


def _leave_something_due(seen: Seen) -> None:
    seen.waiting["due"] = 1


def _stop_before_the_end(seen: Seen) -> None:
    seen.positions["rules", 0] = 5


ACCOUNT = "in = stored + duplicate + dead-lettered"
WRONG: list[tuple[Callable[[Seen], None], set[str]]] = [
    (_lose_an_event, {"lost or doubled", ACCOUNT}),
    (_double_an_event, {"lost or doubled", ACCOUNT}),
    (_throw_a_letter_away, {ACCOUNT}),
    (_a_cent, {"oracle"}),
    (_a_cent_of_loss, {"oracle"}),
    (_skip_a_revision, {"revisions", "order"}),
    (_another_verdict_than_the_last, {"revisions"}),
    (_never_tell, {"published"}),
    (_tell_under_a_second_id, {"published"}),
    (_say_two_things, {"published"}),
    (_tell_out_of_order, {"published", "order"}),
    (_leave_something_due, {"left undone"}),
    (_stop_before_the_end, {"left undone"}),
]


@pytest.mark.parametrize(("hurt", "red"), WRONG, ids=[one.__name__.strip("_") for one, _ in WRONG])
def test_each_checker_is_loud_at_what_it_looks_for(hurt: Callable[[Any], None], red: set[str]) -> None:
    seen = _seen()
    hurt(seen)
    found = {one.checker for one in broken(seen, NOON)}
    assert red <= found


def test_a_ledger_tells_what_was_acked_and_nothing_that_was_not(tmp_path: Path) -> None:
    ledger, facts = Ledger(tmp_path / "ledger"), facts_of(book(random.Random(2), 1, 12))
    for fact, outcome in zip(facts, ("acked", "unknown", "failed", "acked"), strict=False):
        ledger.became(ledger.intend(record(fact)), outcome)
    ledger.intend(record(facts[5]))
    ledger.close()
    assert list(acked(tmp_path / "ledger")) == [facts[0], facts[3]]
