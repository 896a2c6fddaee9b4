"""UK licence messages: each line a licence of its own, each draw off its balance, and every mistake by its line."""

import json
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.envelope import Event
from services.intake.files import FORMATS
from services.intake.formats import chief_codes
from services.intake.formats.uk_chief import uk_chief
from services.intake.handlers import Telling, ingest
from services.intake.rows import Brought, Outcome, Rejected, Told, Unchanged
from services.runtime.yaml_text import FileError
from tests.cli.conftest import Run, run  # noqa: F401
from tests.intake.chief import EXPORT, IMPORT, draw, message, used, written

REFERENCE = "GBSIEL/2031/0000007/P"
PAYLOAD: dict[str, Any] = {
    "id": "aa-1", "reference": "GBSIEL/2031/0000009/P", "type": "siel", "action": "insert",
    "start_date": "2031-01-05", "end_date": "2032-01-04",
    "organisation": {"name": "Kiln Works", "eori_number": "GB111222333000"},
    "end_user": {"name": "Ceramics KK", "address": {"country": {"id": "JP"}}},
    "goods": [{"name": "Crucible", "unit": "NAR", "quantity": 10.0}, {"name": "Glaze", "unit": "TON", "quantity": 2}],
}  # fmt: skip


def _read(*paths: Path, day: datetime | None = None) -> list[Outcome]:
    return [one for _, found in uk_chief.each(paths, Brought(day=day)) for one in found]


def _facts(found: Sequence[Outcome]) -> list[Event]:
    return [fact for one in found if isinstance(one, Told) for fact in one.facts]


def _refused(found: Sequence[Outcome]) -> list[tuple[str, str]]:
    return [(one.place, one.reason) for one in found if isinstance(one, Rejected)]


def _of(facts: Sequence[Event], kind: str) -> list[dict[str, Any]]:
    return [fact.data.model_dump(mode="json", exclude_defaults=True) for fact in facts if fact.type == kind]


def test_every_line_of_an_export_licence_is_a_licence_with_its_own_goods_and_limit(tmp_path: Path) -> None:
    found = _read(written(tmp_path, "one", message(EXPORT)))
    facts = _facts(found)
    assert _refused(found) == []
    assert _of(facts, "licence.granted") == [
        {
            "scheme": "gb-siel", "licence": f"{REFERENCE}/1", "holder": "eori:GB111222333000",
            "goods": [{"hs": "6903109000"}], "destinations": ["JP"], "buyers": ["ceramics-kk"],
            "from": "2031-01-05T00:00:00Z", "until": "2032-01-05T00:00:00Z", "quantity": "10", "unit": "H87",
        },
        {
            "scheme": "gb-siel", "licence": f"{REFERENCE}/2", "holder": "eori:GB111222333000",
            "goods": [{"class": "described.kiln_furniture"}], "destinations": ["JP"], "buyers": ["ceramics-kk"],
            "from": "2031-01-05T00:00:00Z", "until": "2032-01-05T00:00:00Z",
        },
    ]  # fmt: skip
    assert {fact.recordedat for fact in facts} == {datetime(2031, 1, 4, 12, 0, tzinfo=UTC)}


def test_the_days_of_a_licence_are_days_in_the_united_kingdom(tmp_path: Path) -> None:
    summer = [line.replace("20310105", "20310705") for line in EXPORT]
    (one, _) = _facts(_read(written(tmp_path, "one", message(summer))))
    assert one.time == datetime(2031, 7, 4, 23, 0, tzinfo=UTC)


def test_an_import_licence_is_told_under_a_scheme_with_its_origin(tmp_path: Path) -> None:
    (one,) = _of(_facts(_read(written(tmp_path, "one", message(IMPORT)))), "licence.granted")
    assert (one["scheme"], one["destinations"]) == ("gb-import-san-from-tr", ["GB"])
    assert (one["quantity"], one["unit"]) == ("500", "KGM")


def test_a_line_limited_by_value_and_quantity_has_both(tmp_path: Path) -> None:
    both = [line.replace("\\Q\\\\030\\\\10\\", "\\B\\GBP\\030\\900\\10\\") for line in EXPORT]
    one = _of(_facts(_read(written(tmp_path, "one", message(both)))), "licence.granted")[0]
    assert (one["quantity"], one["unit"], one["value"], one["currency"]) == ("10", "H87", "900", "GBP")


def test_rows_are_counted_line_by_line(tmp_path: Path) -> None:
    text = message(EXPORT, IMPORT) + "\n"
    found = _read(written(tmp_path, "one", text))
    assert sum(one.rows for one in found) == len(text.splitlines())
    assert [type(one) for one in found] == [Told, Told, Unchanged, Unchanged, Unchanged]


def test_what_is_used_is_drawn_from_the_line_that_it_names(tmp_path: Path) -> None:
    licence = written(tmp_path, "a", message(EXPORT))
    use = used(draw(1, "3"), draw(2, "0.5"), total="3.5")
    usage = written(tmp_path, "b", message(use, kind="usageData", created="203102020130"))
    found = _read(usage, licence)
    assert _refused(found) == []
    drawn = _of(_facts(found), "licence.used")
    assert [(one["licence"], one["quantity"], one["unit"]) for one in drawn] == [
        (f"{REFERENCE}/1", "3", "H87"), (f"{REFERENCE}/1", "0.5", "H87"),
    ]  # fmt: skip
    assert {one["at"] for one in drawn} == {"2031-02-01T00:00:00Z"}


RULE = """
rule: gb-demo
title: Crucibles leave under a licence
citation: {issuers: [DEMO], number: "1", dated: 2031-01-01, url: "https://example.org"}
published: 2031-01-01T00:00+00:00
exported_from: GB
timezone: Europe/London
clauses:
  - clause: "1"
    in_force: [{from: 2031-01-02}]
    effect: block
    goods: [{hs: ["6903109000"], hs_year: 2022, class: crucible}]
    routes: [{route: licence, all: [{licence: gb-siel, of: exporter}]}]
"""


def _contract(quantity: str) -> str:
    line = {"line": "1", "class": "crucible", "hs": "6903109000", "hs_year": 2022, "quantity": quantity, "unit": "H87",
            "unit_price": "5", "export_at": "2031-03-01T09:00+00:00"}  # fmt: skip
    data = {"exporter": "eori:GB111222333000", "contract": "C1", "buyer": "ceramics-kk", "exported_from": "GB",
            "destination": "JP", "currency": "GBP", "signed": "2031-01-10T10:00+00:00", "lines": [line]}  # fmt: skip
    event = {"specversion": "1.0", "id": "C1", "source": "test", "type": "contract.signed", "data": data}
    return json.dumps(event)


@pytest.mark.parametrize(
    "use", [used(draw(1, "3"), total="3"), used(draw(1, "1"), total="3"), used(total="3")]
)
@pytest.mark.parametrize(
    ("ordered", "verdict", "covered", "blocked"),
    [("7", "satisfied", "7", "0"), ("8", "partial", "7", "1"), ("10", "partial", "7", "3")],
)
def test_a_licence_for_ten_of_which_three_are_used_covers_seven(
    run: Run,  # noqa: F811
    tmp_path: Path,
    use: Sequence[str],
    ordered: str,
    verdict: str,
    covered: str,
    blocked: str,
) -> None:
    licence = written(tmp_path, "licence", message(EXPORT))
    usage = written(tmp_path, "usage", message(use, kind="usageData"))
    facts = [json.dumps(fact.wire()) for fact in _facts(_read(licence, usage))]
    book = written(tmp_path, "book.jsonl", "\n".join([*facts, _contract(ordered)]))
    pack = written(tmp_path, "rule.yaml", RULE)
    (row,) = run(
        "assess", book, pack, "--format", "json", "--now", "2031-02-15T00:00+00:00"
    ).stdout.splitlines()
    answer = json.loads(row)
    assert (answer["verdict"], answer["covered_quantity"], answer["blocked_quantity"]) == (
        verdict,
        covered,
        blocked,
    )


def test_the_same_messages_twice_are_the_same_facts(tmp_path: Path) -> None:
    files = (
        written(tmp_path, "a", message(EXPORT)),
        written(tmp_path, "b", message(used(draw(1, "3"), total="3"), kind="usageData")),
    )
    once, again = _facts(_read(*files)), _facts(_read(*reversed(files)))
    assert [fact.wire() for fact in once] == [fact.wire() for fact in again]


def test_two_draws_of_as_much_on_one_day_are_two_draws(tmp_path: Path) -> None:
    licence = written(tmp_path, "a", message(EXPORT))
    use = used(draw(1, "2"), draw(2, "2"), total="4")
    found = _read(licence, written(tmp_path, "b", message(use, kind="usageData")))
    drawn = [fact for fact in _facts(found) if fact.type == "licence.used"]
    assert len({(fact.source, fact.id) for fact in drawn}) == 2


def test_a_draw_reported_in_two_messages_is_one_draw(tmp_path: Path) -> None:
    licence = written(tmp_path, "a", message(EXPORT))
    first = message(used(draw(1, "2"), total="2"), kind="usageData")
    second = message(used(draw(1, "2"), draw(2, "1"), total="3"), kind="usageData", run=2)
    found = _read(licence, written(tmp_path, "b", first), written(tmp_path, "c", second))
    assert _refused(found) == []
    assert [one["quantity"] for one in _of(_facts(found), "licence.used")] == ["2", "1"]


def test_what_earlier_messages_drew_is_told_as_one_more_draw(tmp_path: Path) -> None:
    licence = written(tmp_path, "a", message(EXPORT))
    use = message(used(draw(1, "3"), draw(2, "1", kind="A"), total="5"), kind="usageData")
    found = _read(licence, written(tmp_path, "b", use))
    assert _refused(found) == []
    assert [one["quantity"] for one in _of(_facts(found), "licence.used")] == ["3", "2"]


def test_a_correction_by_customs_that_leaves_the_total_is_nothing_new(tmp_path: Path) -> None:
    licence = written(tmp_path, "a", message(EXPORT))
    use = message(
        used(draw(1, "3"), draw(2, "1", kind="C"), draw(3, "9", kind="M"), total="3"), kind="usageData"
    )
    found = _read(licence, written(tmp_path, "b", use))
    assert [one["quantity"] for one in _of(_facts(found), "licence.used")] == ["3"]


def test_a_replaced_licence_has_a_new_version_and_loses_the_lines_it_no_longer_has(tmp_path: Path) -> None:
    replaced = [EXPORT[0].replace("insert", "replace").replace("20310105", "20310301"), *EXPORT[1:6]]
    first = written(tmp_path, "b", message(EXPORT))
    second = written(tmp_path, "a", message(replaced, created="203102280900", run=2))
    facts = _facts(_read(second, first))
    assert [fact.type for fact in facts] == ["licence.granted"] * 3 + ["licence.revoked"]
    assert facts[2].time == datetime(2031, 3, 1, tzinfo=UTC)
    assert _of(facts, "licence.revoked") == [
        {"scheme": "gb-siel", "licence": f"{REFERENCE}/2", "at": "2031-03-01T00:00:00Z", "reason": "replaced"}
    ]


def test_a_cancelled_licence_ends_with_all_its_lines_when_the_message_was_made(tmp_path: Path) -> None:
    cancel = [f"licence\\T9\\cancel\\{REFERENCE}\\SIE\\E\\20310105\\20320104"]
    later = message(cancel, created="203106010900", run=2)
    facts = _facts(_read(written(tmp_path, "a", later), written(tmp_path, "b", message(EXPORT))))
    ended = _of(facts, "licence.revoked")
    assert [one["licence"] for one in ended] == [f"{REFERENCE}/1", f"{REFERENCE}/2"]
    assert {one["at"] for one in ended} == {"2031-06-01T08:00:00Z"}


def test_a_surrendered_licence_ends_on_the_day_it_was_completed(tmp_path: Path) -> None:
    use = message(used(draw(1, "3"), total="3", status="S\\20310401"), kind="usageData")
    facts = _facts(_read(written(tmp_path, "a", message(EXPORT)), written(tmp_path, "b", use)))
    assert {one["at"] for one in _of(facts, "licence.revoked")} == {"2031-03-31T23:00:00Z"}


def test_a_payload_is_read_like_its_message_and_its_use_is_drawn(tmp_path: Path) -> None:
    payload = written(tmp_path, "p", json.dumps({"licence": PAYLOAD}))
    use = message(used(draw(1, "4"), total="4", reference=PAYLOAD["reference"]), kind="usageData")
    facts = _facts(_read(written(tmp_path, "u", use), payload))
    granted = _of(facts, "licence.granted")
    assert [(one["licence"], one["quantity"], one["unit"]) for one in granted] == [
        ("GBSIEL/2031/0000009/P/1", "10", "H87"), ("GBSIEL/2031/0000009/P/2", "2", "TNE"),
    ]  # fmt: skip
    assert granted[0]["goods"] == [{"class": "described.crucible"}]
    assert _of(facts, "licence.used")[0]["licence"] == "GBSIEL/2031/0000009/P/1"


def test_an_open_payload_permits_its_countries_and_no_goods_that_nobody_classed(tmp_path: Path) -> None:
    told = PAYLOAD | {"type": "oiel", "reference": "GBOIEL/2031/1", "goods": None, "end_user": None,
                      "countries": [{"id": "CA"}, {"id": "US"}]}  # fmt: skip
    (one,) = _of(_facts(_read(written(tmp_path, "p", json.dumps({"licence": told})))), "licence.granted")
    assert (one["scheme"], one["destinations"]) == ("gb-oiel", ["CA", "US"])
    assert one["goods"][0]["class"].startswith("described.open_licence_goods")


def test_an_updated_payload_ends_the_licence_it_replaces(tmp_path: Path) -> None:
    new = PAYLOAD | {
        "action": "update",
        "old_id": "aa-1",
        "id": "aa-2",
        "reference": "GBSIEL/2031/0000009/P/A",
    }
    files = [
        written(tmp_path, name, json.dumps({"licence": one})) for name, one in (("1", PAYLOAD), ("2", new))
    ]
    facts = _facts(_read(*files, day=datetime(2031, 2, 1, tzinfo=UTC)))
    assert [one["licence"] for one in _of(facts, "licence.revoked")] == [
        "GBSIEL/2031/0000009/P/1", "GBSIEL/2031/0000009/P/2",
    ]  # fmt: skip
    assert facts[-1].subject == "gb-siel/GBSIEL/2031/0000009/P/A/2"


LICENCE_FAULTS = [
    ("\\country\\JP\\\\D", "\\country\\\\G001\\D", "line 4", "country group G001"),
    ("\\country\\JP\\\\D", "\\country\\JP\\\\E", "line 4", "country use 'E': expected D"),
    ("\\country\\JP\\\\D", "\\country\\QQ\\\\D", "line 4", "country 'QQ': expected an ISO 3166-1 country"),
    ("\\Q\\\\030\\\\10", "\\Q\\\\094\\\\10", "line 7", "quantity unit '094'"),
    ("\\Q\\\\030\\\\10", "\\X\\\\030\\\\10", "line 7", "controlled by 'X': expected O, Q, V or B"),
    ("\\Q\\\\030\\\\10", "\\Q\\\\030\\\\ten", "line 7", "quantity: expected a number"),
    ("\\Q\\\\030\\\\10", "\\V\\DUCAT\\030\\9\\", "line 7", "currency 'DUCAT'"),
    ("\\030\\\\10\\", "\\030\\\\10\\30", "line 7", "a limit for each period"),
    ("6903109000\\\\\\\\", "6903109000\\4999\\\\\\", "line 7", "an additional code narrows"),
    ("\\line\\1\\6903109000\\\\\\\\", "\\line\\1\\\\\\\\GRP1\\", "line 7", "commodity group GRP1"),
    ("\\line\\1\\6903109000", "\\line\\one\\6903109000", "line 7", "line number 'one'"),
    ("\\line\\2\\", "\\line\\1\\", "line 8", "line 1 stands twice"),
    ("\\\\\\\\\\Kiln furniture", "\\\\\\\\\\", "line 8", "expected a commodity code or a description"),
    ("6903109000", "69", "line 7", "expected a tariff code"),
    ("\\restrictions\\", "\\comment\\", "line 6", "no such record is known in a licence"),
    (
        "\\trader\\\\GB111222333000\\20310105\\20320104\\Kiln Works",
        "\\trader\\\\\\\\\\ ",
        "line 3",
        "expected a party",
    ),
    ("\\restrictions\\See the licence", "\\trader\\\\GB9\\\\\\Other", "line 6", "a second trader"),
    ("\\trader\\", "\\restrictions\\", "line 2", "expected a trader"),
    ("\\foreignTrader\\Ceramics KK", "\\foreignTrader\\", "line 5", "expected a party"),
    ("\\E\\20310105\\20320104", "\\E\\20310105\\20301231", "line 2", "a licence ends after it begins"),
    ("\\E\\20310105\\20320104", "\\E\\20310231\\20320104", "line 2", "start: expected a day"),
    ("\\SIE\\E\\", "\\SIE\\Z\\", "line 2", "use 'Z': expected E (export) or I (import)"),
    ("\\SIE\\E\\", "\\CPI\\E\\", "line 2", "licence type 'CPI'"),
    ("\\SIE\\E\\", "\\OIE\\E\\", "line 2", "the number GBSIEL/2031/0000007/P is one of SIEL"),
    ("\\T1\\insert\\", "\\T1\\amend\\", "line 2", "action 'amend'"),
    (f"\\{REFERENCE}\\", "\\\\", "line 2", "expected the number of the licence"),
    ("\n7\\line", "\n9\\line", "line 7", "numbered 9 where 7 was expected"),
    ("\\end\\licence\\8", "\\end\\licence\\7", "line 9", "the end counts 7, but there are 8 lines"),
    ("\n6\\restrictions\\See the licence", "\ngarbage", "line 6", "expected a line such as"),
    ("See the licence", "x" * 20_000, "line 6", "a line of more than 16384 bytes"),
]


@pytest.mark.parametrize(("there", "instead", "place", "reason"), LICENCE_FAULTS)
def test_a_licence_with_a_damaged_line_is_rejected_whole_and_the_next_is_told(
    tmp_path: Path, there: str, instead: str, place: str, reason: str
) -> None:
    text = message(EXPORT, IMPORT)
    assert there in text
    broken = text.replace(there, instead, 1)
    found = _read(written(tmp_path, "one", broken))
    refused = dict(_refused(found))
    assert reason in refused[place]
    assert [fact.subject for fact in _facts(found)] == ["gb-import-san-from-tr/GBSAN7000001A/1"]
    assert sum(one.rows for one in found) == len(broken.splitlines())


def test_text_that_is_not_utf8_damages_its_licence_only(tmp_path: Path) -> None:
    path = tmp_path / "one"
    path.write_bytes(message(EXPORT, IMPORT).encode().replace(b"Kiln Works", b"Kiln \xff"))
    found = _read(path)
    assert ("line 3", "expected text in UTF-8") in _refused(found)
    assert len(_facts(found)) == 1


@pytest.mark.parametrize(
    ("there", "instead", "reason"),
    [
        ("\\country\\TR\\\\O\n", "\\country\\TR\\\\P\n", "not with country use 'P'"),
        ("\\country\\TR\\\\O\n", "\\restrictions\\\n", "it names 0"),
        ("\\SAN\\I\\", "\\DFL\\I\\", "licence type 'DFL'"),
    ],
)
def test_an_import_licence_that_cannot_be_told_is_rejected_by_name(
    tmp_path: Path, there: str, instead: str, reason: str
) -> None:
    found = _read(written(tmp_path, "one", message(IMPORT).replace(there, instead)))
    assert _facts(found) == []
    assert any(reason in told for _, told in _refused(found))


def test_an_export_licence_needs_a_country(tmp_path: Path) -> None:
    found = _read(written(tmp_path, "one", message([EXPORT[0], EXPORT[1], *EXPORT[4:]])))
    assert ("line 2", "expected a country the goods may go to") in _refused(found)


def test_without_a_country_a_licence_is_for_that_of_the_foreign_trader(tmp_path: Path) -> None:
    found = _read(written(tmp_path, "one", message([*EXPORT[:2], *EXPORT[3:]])))
    assert {tuple(one["destinations"]) for one in _of(_facts(found), "licence.granted")} == {("JP",)}


def test_a_licence_told_again_after_its_end_begins_there(tmp_path: Path) -> None:
    cancel = [f"licence\\T9\\cancel\\{REFERENCE}\\SIE\\E\\20310105\\20320104"]
    texts = [
        message(EXPORT),
        message(cancel, created="203106010900", run=2),
        message(EXPORT, created="203107010900", run=3),
    ]
    facts = _facts(_read(*(written(tmp_path, str(n), text) for n, text in enumerate(texts))))
    assert facts[-1].time == datetime(2031, 6, 1, 8, 0, tzinfo=UTC)


def test_a_licence_without_goods_is_rejected(tmp_path: Path) -> None:
    found = _read(written(tmp_path, "one", message(EXPORT[:5])))
    assert ("line 2", "expected at least one line of goods") in _refused(found)


USAGE_FAULTS = [
    (used(draw(1, "3"), total="2"), "line 3", "customs took one back"),
    (used(draw(1, "3", kind="Z"), total="3"), "line 4", "usage type 'Z'"),
    (used(draw(1, "3", day="20311301"), total="3"), "line 4", "control date: expected a day"),
    (used(draw(1, "-3"), total="3"), "line 4", "quantity used: expected a number"),
    (
        used(draw(1, "3"), total="3", reference="GBSIEL/2031/1"),
        "line 2",
        "the lines of GBSIEL/2031/1 stand in none",
    ),
    (used(draw(1, "3"), total="lots"), "line 3", "quantity used: expected a number"),
    (
        (*used(draw(1, "3"), total="3")[:2], "line\\2\\0\\0\\", "end\\line\\2"),
        "line 4",
        "does not stand in its order",
    ),
    (
        (*used(draw(1, "3"), total="3")[:3], "end\\line\\9"),
        "line 5",
        "the end counts 9, but there are 3 lines",
    ),
    (used(draw(1, "3"), total="3")[:3], "line 3", "expected end\\line"),
]


@pytest.mark.parametrize(("use", "place", "reason"), USAGE_FAULTS)
def test_a_draw_that_cannot_be_told_is_rejected_by_its_line(
    tmp_path: Path, use: Sequence[str], place: str, reason: str
) -> None:
    licence = written(tmp_path, "a", message(EXPORT))
    text = message(use, kind="usageData")
    found = list(uk_chief.each([licence, written(tmp_path, "b", text)], Brought()))
    outcomes = [list(one) for _, one in found]
    assert any(at == place and reason in told for at, told in _refused(outcomes[1])), _refused(outcomes[1])
    assert sum(one.rows for one in outcomes[1]) == len(text.splitlines())


@pytest.mark.parametrize(
    ("there", "instead", "reason", "drawn"),
    [
        ("\\line\\1\\3\\0\\", "\\line\\7\\3\\0\\", "has no line '7'", 0),
        ("\\line\\1\\3\\0\\", "\\line\\2\\3\\0\\", "line 2 is not limited by quantity", 0),
        ("\\1\\3\\0\\", "\\1\\3\\9\\", "line 1 is not limited by value", 1),
        ("\\insert\\", "\\replace\\", "action 'replace': expected insert", 0),
        ("\\O\\\n", "\\C\\20311301\n", "completion date: expected a day", 0),
    ],
)
def test_use_that_does_not_fit_its_licence_is_rejected(
    tmp_path: Path, there: str, instead: str, reason: str, drawn: int
) -> None:
    licence = written(tmp_path, "a", message(EXPORT))
    text = message(used(draw(1, "3"), total="3"), kind="usageData")
    assert there in text
    found = _read(licence, written(tmp_path, "b", text.replace(there, instead)))
    assert any(reason in told for _, told in _refused(found)), _refused(found)
    assert len(_of(_facts(found), "licence.used")) == drawn


def test_use_in_another_currency_than_the_licence_is_rejected(tmp_path: Path) -> None:
    worth = [line.replace("\\Q\\\\030\\\\10\\", "\\V\\GBP\\\\900\\\\") for line in EXPORT]
    licence = written(tmp_path, "a", message(worth))
    by_value = message(used("usage\\O\\9GB1\\A\\20310201\\0\\50\\{}\\1", total="0\\50"), kind="usageData")
    own, other = (
        _read(licence, written(tmp_path, "b", by_value.format(currency).replace("\\50\\0\\", "\\50\\")))
        for currency in ("GBP", "USD")
    )
    assert _of(_facts(own), "licence.used")[0]["value"] == "50"
    assert any("currency 'USD': the line is limited in GBP" in told for _, told in _refused(other))


def test_the_use_of_an_open_licence_draws_nothing_and_needs_no_licence(tmp_path: Path) -> None:
    use = message(used(draw(1, "0"), total="0", reference="GBOGE2031/1"), kind="usageData")
    found = _read(written(tmp_path, "b", use))
    assert (_refused(found), _facts(found)) == ([], [])


REPLY = (
    ("accepted\\T1",),
    ("rejected\\T2", "error\\1234\\Invalid licence type", "error\\77\\Invalid commodity on line 4"),
    ("fileError\\18\\Record type not recognised\\9",),
)


def test_a_reply_tells_what_was_rejected_in_the_words_of_the_authority(tmp_path: Path) -> None:
    text = message(*REPLY, kind="licenceReply")
    found = _read(written(tmp_path, "one", text))
    assert _refused(found) == [
        ("line 3", "CHIEF rejected T2: 1234 Invalid licence type; 77 Invalid commodity on line 4"),
        ("line 7", "CHIEF found the file in error: 18 Record type not recognised"),
    ]
    assert sum(one.rows for one in found) == len(text.splitlines())


MESSAGE_FAULTS = [
    ("\\fileTrailer\\1", "\\fileTrailer\\3", "the trailer counts 3 of licence, but the message has 1"),
    ("\n10\\fileTrailer\\1\n", "\n", "the message has no trailer"),
    ("\n10\\fileTrailer\\1\n", "\n11\\fileTrailer\\1\n", "numbered 11 where 10 was expected"),
    ("\\fileTrailer\\1\n", "\\fileTrailer\\1\n11\\accepted\\T1\n", "stands behind the trailer"),
    ("\n10\\file", "\n10\\accepted\\T1\n11\\file", "'accepted' does not stand in its order here"),
    ("\n10\\file", "\nrubbish\n11\\file", "expected a line such as"),
    ("\n9\\end\\licence\\8\n10\\", "\n9\\", "expected end\\licence behind this line"),
]


@pytest.mark.parametrize(("there", "instead", "reason"), MESSAGE_FAULTS)
def test_a_message_that_does_not_add_up_is_told_so(
    tmp_path: Path, there: str, instead: str, reason: str
) -> None:
    text = message(EXPORT)
    assert there in text
    broken = text.replace(there, instead)
    found = _read(written(tmp_path, "one", broken))
    assert any(reason in told for _, told in _refused(found)), _refused(found)
    assert sum(one.rows for one in found) == len(broken.splitlines())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("name;price\na;1\n", "expected 1\\fileHeader"),
        ("1\\fileHeader\\A\\B\\taxData\\203101010000\\1\\N\n", "message of 'taxData'"),
        ("1\\fileHeader\\A\\B\\licenceData\\yesterday\\1\\N\n", "creation time: expected a minute"),
    ],
)
def test_a_file_that_is_no_message_is_rejected_with_all_its_lines(
    tmp_path: Path, text: str, reason: str
) -> None:
    (one,) = _read(written(tmp_path, "one", text))
    assert isinstance(one, Rejected)
    assert reason in one.reason
    assert one.rows == len(text.splitlines())


PAYLOAD_FAULTS: list[tuple[Any, str]] = [
    ("{'licence': 1}", "not JSON"),
    ('{"licence": {"quantity": NaN}}', "NaN is no number"),
    ("[]", "expected an object with a licence"),
    ({"licence": []}, "licence: expected an object"),
    (PAYLOAD | {"action": "sell"}, "action 'sell'"),
    (PAYLOAD | {"action": "cancel"}, "cancel: the payload does not say when"),
    (PAYLOAD | {"action": "update"}, "update: the payload does not say when"),
    (PAYLOAD | {"type": "visa"}, "licence type 'visa'"),
    (PAYLOAD | {"start_date": "soon"}, "start_date: expected a day"),
    (PAYLOAD | {"end_date": "2030-01-01"}, "end_date: a licence ends after it begins"),
    (PAYLOAD | {"organisation": None}, "organisation: expected an object"),
    (PAYLOAD | {"reference": ""}, "reference: expected text"),
    (PAYLOAD | {"goods": []}, "goods: expected at least one"),
    (PAYLOAD | {"goods": ["a"]}, "goods: expected a list of objects"),
    (
        PAYLOAD | {"goods": [{"name": "A", "unit": "NAR", "quantity": "10"}]},
        "goods 1: quantity: expected a number",
    ),
    (PAYLOAD | {"goods": [{"name": "A", "unit": "BOX", "quantity": 10}]}, "unit 'BOX'"),
    (
        PAYLOAD | {"goods": [{"name": "?", "unit": "NAR", "quantity": 10}]},
        "expected a commodity code or a description",
    ),
    (PAYLOAD | {"end_user": None}, "expected countries, or an end user"),
    (PAYLOAD | {"countries": "JP"}, "countries: expected a list"),
    (PAYLOAD | {"countries": [7]}, "country '': expected an ISO 3166-1 country"),
]


@pytest.mark.parametrize(("told", "reason"), PAYLOAD_FAULTS)
def test_a_payload_that_cannot_be_told_is_rejected_by_name(tmp_path: Path, told: Any, reason: str) -> None:
    whole = told if isinstance(told, str) else json.dumps(told if "licence" in told else {"licence": told})
    (one,) = _read(written(tmp_path, "one", whole))
    assert isinstance(one, Rejected)
    assert reason in one.reason


def test_an_update_of_a_payload_that_was_not_given_is_rejected(tmp_path: Path) -> None:
    told = {"licence": PAYLOAD | {"action": "update", "old_id": "zz"}}
    (one,) = _read(written(tmp_path, "one", json.dumps(told)), day=datetime(2031, 2, 1, tzinfo=UTC))
    assert isinstance(one, Rejected)
    assert "give the payload of the licence it replaces" in one.reason


def test_a_payload_larger_than_a_licence_is_rejected(tmp_path: Path) -> None:
    (one,) = _read(written(tmp_path, "one", "{" + " " * (4 * 1024 * 1024)))
    assert isinstance(one, Rejected)
    assert "expected one licence" in one.reason


@pytest.mark.parametrize("brought", [Brought(mapping=Path("m.yaml")), Brought(previous=Path("old"))])
def test_an_option_that_says_nothing_here_is_refused(brought: Brought) -> None:
    with pytest.raises(FileError, match="no --mapping and no --previous"):
        list(uk_chief.each([], brought))


@pytest.mark.parametrize(
    ("kind", "reference", "expected"),
    [
        ("SIE", "GBSIE2031/1A", "gb-siel"), ("SIE", "GBSICL/2031/1/P", "gb-sicl"), ("siel", "GBSIEL/2031/1/P", "gb-siel"),
        ("OIE", "GBOIE2031/1", "gb-oiel"), ("OGE", "GBOGE2031/1", "gb-ogel"), ("ogtl", "X1", "gb-ogtl"),
    ],
)  # fmt: skip
def test_type_and_number_give_the_scheme(kind: str, reference: str, expected: str) -> None:
    assert chief_codes.scheme(kind, reference) == expected


def test_every_unit_is_one_of_the_recommendation() -> None:
    assert chief_codes.unit("030") == "H87"
    assert chief_codes.unit("023") == "KGM"
    assert all(len(code) == 3 and code.isdigit() for code in chief_codes.UNITS)


async def test_the_command_reads_the_files_in_their_own_order(tmp_path: Path) -> None:
    usage = written(tmp_path, "a", message(used(draw(1, "3"), total="3"), kind="usageData"))
    licence = written(tmp_path, "b", message(EXPORT))
    report = await ingest([usage, licence], FORMATS["uk-chief"], Telling())
    assert (report.rows, report.told, report.unchanged, report.rejected, report.facts) == (17, 9, 8, 0, 3)


TEXT = (
    message(EXPORT, IMPORT),
    message(used(draw(1, "3"), total="3"), kind="usageData"),
    message(*REPLY, kind="usageReply"),
)


@settings(max_examples=150, deadline=None)
@given(data=st.data(), text=st.sampled_from(TEXT))
def test_hostile_messages_find_no_traceback(data: st.DataObject, text: str) -> None:
    raw = bytearray(text.encode())
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(raw)))
        raw[at : at + data.draw(st.integers(0, 20))] = data.draw(
            st.one_of(
                st.binary(max_size=12),
                st.sampled_from([b"\\", b"\n", b"\x00", b"9" * 30, b"\\end\\licence\\1\n", b"{"]),
            )
        )
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / name for name in ("a", "b")]
        files[0].write_bytes(bytes(raw))
        files[1].write_text(message(EXPORT))
        found = _read(*files)
    assert all(one.rows > 0 for one in found)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(name=st.sampled_from(sorted(PAYLOAD)), value=JSON)
def test_hostile_payloads_find_no_traceback(name: str, value: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "p"
        path.write_text(json.dumps({"licence": PAYLOAD | {name: value}}))
        (one,) = _read(path, day=datetime(2031, 2, 1, tzinfo=UTC))
    assert isinstance(one, Told | Rejected)
