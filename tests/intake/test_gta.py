"""The list of Global Trade Alert: each row a rule with its citation, or rejected by what it lacks."""

import csv
import io
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.contracts import ContractSigned
from events.envelope import Event, event, read
from events.rule_document import RuleDocument
from events.rules import RuleEnacted
from services.domain import verdicts
from services.domain.answers import answers
from services.domain.book import Book, frame_of
from services.domain.losses import estimate
from services.intake.formats.gta import gta
from services.intake.handlers import Telling, ingest
from services.intake.rows import Brought, Outcome, Rejected, Told, Unchanged
from services.runtime import packs
from services.runtime.yaml_text import FileError

BAN = {
    "Entry ID": "101", "Product: Any medical product": "True", "Product: Food": "False",
    "Documentation status": "GTA - published", "Jurisdiction": "Albania",
    "Initial assessment (change relative to 1 Jan 2020)": "restrictive", "GTA intervention type": "Export ban",
    "Announcement date": "2020-03-11", "Implementation date": "2020-03-13", "Removal date": "",
    "Source": "Gazette No. 1, see https://gazette.example/1. And http://customs.example/a?b=c;",
    "Is export policy": "True", "Is import policy": "False", "Product: medical consumables": "True",
    "Product: Medical equipment": "False", "Product: Medicines or drugs": "False", "USD value": "1.5",
}  # fmt: skip
ASSESSMENT = "Initial assessment (change relative to 1 Jan 2020)"


def written(folder: Path, *rows: dict[str, str], name: str = "list-2020-10-16.csv") -> Path:
    path = folder / name
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def outcomes(folder: Path, *changes: dict[str, str]) -> list[Outcome]:
    return list(gta(written(folder, *(BAN | one for one in changes)), Brought()))


def told(folder: Path, **changed: str) -> Sequence[Event]:
    (found,) = outcomes(folder, {name.replace("_", " "): value for name, value in changed.items()})
    assert isinstance(found, Told)
    return found.facts


def document(fact: Event) -> RuleDocument:
    assert isinstance(fact.data, RuleEnacted)
    return fact.data.document


def test_a_ban_is_a_rule_without_a_route_cited_and_known_since_its_announcement(tmp_path: Path) -> None:
    (fact,) = told(tmp_path)
    act = document(fact)
    assert act.rule == "gta-101"
    assert act.citation is not None
    assert act.citation.number == "Global Trade Alert entry 101"
    assert act.citation.url == ("https://gazette.example/1", "http://customs.example/a?b=c")
    assert act.exported_from is not None
    assert act.exported_from.only == ("AL",)
    assert act.published == fact.recordedat == datetime(2020, 3, 11, tzinfo=UTC)
    (clause,) = act.clauses
    assert [(one.since, one.through) for one in clause.in_force] == [(date(2020, 3, 13), None)]
    assert "face_mask" not in {one.goods_class for one in clause.goods}
    assert {"protective_equipment", "covid_test_kit"} < {one.goods_class for one in clause.goods}


@pytest.mark.parametrize(
    ("kind", "asks"),
    [("Export ban", "never"), ("Export licensing requirement", "licence"), ("Export quota", "quota")],
)
def test_each_kind_of_measure_asks_for_its_own(tmp_path: Path, kind: str, asks: str) -> None:
    (fact,) = told(tmp_path, GTA_intervention_type=kind)
    ((requirement,),) = [route.all_of for route in document(fact).clauses[0].routes]
    named = {"never": True, "licence": "gta-101-licence", "quota": "gta-101-quota"}
    assert getattr(requirement, asks) == named[asks]


@pytest.mark.parametrize(
    ("flags", "classes"),
    [
        ({"Product: Food": "True", "Product: medical consumables": "False"}, {"food"}),
        ({"Product: Medicines or drugs": "True", "Product: medical consumables": "0"}, {"medicine"}),
        ({"Product: medical consumables": ""}, {"medical_goods", "protective_equipment"}),
    ],
)
def test_flags_say_which_classes_may_be_meant(
    tmp_path: Path, flags: dict[str, str], classes: set[str]
) -> None:
    other = {"Product: Any medical product": "False"} if "food" in classes else {}
    (found,) = outcomes(tmp_path, flags | other)
    assert isinstance(found, Told)
    assert {one.goods_class for one in document(found.facts[0]).clauses[0].goods} == classes


def test_a_customs_union_is_its_members_of_that_day_and_exports_nothing_within(tmp_path: Path) -> None:
    (fact,) = told(tmp_path, Jurisdiction="European Union")
    (later,) = told(tmp_path, Jurisdiction="European Union", Implementation_date="2021-02-01")
    for one, britain in ((fact, True), (later, False)):
        act = document(one)
        assert act.exported_from is not None
        members = act.exported_from.only
        assert members is not None
        assert ("GB" in members, len(members)) == (britain, 28 if britain else 27)
        (clause,) = act.clauses
        assert not isinstance(clause.destinations, tuple)
        assert clause.destinations is not None
        assert clause.destinations.excluded == members


@pytest.mark.parametrize(
    ("name", "code"),
    [("Taiwan, China", "TW"), ("Chinese Taipei", "TW"), ("Iran, Islamic Rep", "IR"), ("Egypt, Arab Rep.", "EG"),
     ("Republic of Korea", "KR"), ("Côte d’Ivoire", "CI"), ("DR Congo", "CD"), ("Republic of the Sudan", "SD")],
)  # fmt: skip
def test_a_country_is_known_by_the_names_of_the_list(tmp_path: Path, name: str, code: str) -> None:
    origin = document(told(tmp_path, Jurisdiction=name)[0]).exported_from
    assert origin is not None
    assert origin.only == (code,)


def test_an_end_is_not_known_before_it_came_and_its_day_is_the_last_in_force(tmp_path: Path) -> None:
    first, second = told(tmp_path, Removal_date="2020-06-30")
    assert [one.through for one in document(first).clauses[0].in_force] == [None]
    assert [one.through for one in document(second).clauses[0].in_force] == [date(2020, 6, 30)]
    assert (first.recordedat, second.recordedat) == (
        datetime(2020, 3, 11, tzinfo=UTC), datetime(2020, 7, 1, tzinfo=UTC),
    )  # fmt: skip
    book = Book.from_events(frame_of([second, first]))
    ends = [
        book.known(None if known is None else datetime(2020, 6, known, tzinfo=UTC)).rules
        for known in (1, None)
    ]
    assert [one.clauses[0].in_force[0].through for (one,) in ends] == [None, date(2020, 6, 30)]


def test_an_end_that_lies_ahead_was_foretold_by_the_list(tmp_path: Path) -> None:
    row = BAN | {"Removal date": "2021-03-31"}
    for path, brought, learnt in (
        (written(tmp_path, row), Brought(), datetime(2020, 10, 16, tzinfo=UTC)),
        (
            written(tmp_path, row),
            Brought(day=datetime(2020, 9, 1, tzinfo=UTC)),
            datetime(2020, 9, 1, tzinfo=UTC),
        ),
        (written(tmp_path, row, name="list.csv"), Brought(), datetime(2021, 4, 1, tzinfo=UTC)),
    ):
        (found,) = gta(path, brought)
        assert isinstance(found, Told)
        assert [one.recordedat for one in found.facts] == [datetime(2020, 3, 11, tzinfo=UTC), learnt]


def test_a_measure_announced_when_it_was_over_is_told_once(tmp_path: Path) -> None:
    (fact,) = told(tmp_path, Announcement_date="2020-05-01", Removal_date="2020-04-01")
    assert document(fact).clauses[0].in_force[0].through == date(2020, 4, 1)
    assert fact.recordedat == datetime(2020, 5, 1, tzinfo=UTC)


def test_a_retroactive_measure_binds_from_its_day_and_was_not_known_on_it(tmp_path: Path) -> None:
    (fact,) = told(tmp_path, Announcement_date="2020-03-20")
    assert document(fact).clauses[0].in_force[0].since == date(2020, 3, 13)
    assert document(fact).published == datetime(2020, 3, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"Is export policy": "False"}, "an import measure: it governs no export"),
        ({"Is export policy": "perhaps"}, "is export: expected True or False"),
        ({ASSESSMENT: "liberalising"}, "liberalising: it eases a measure that the row does not name"),
        ({ASSESSMENT: ""}, "assessment: expected restrictive or liberalising"),
        ({"GTA intervention type": ""}, "GTA intervention type: missing"),
        ({"GTA intervention type": "Export tax"}, "does not give its rate"),
        (
            {"GTA intervention type": "Export-related non-tariff measure, nes"},
            "of this type asks for is not said",
        ),
        ({"Announcement date": ""}, "Announcement date: missing"),
        ({"Implementation date": ""}, "Implementation date: missing"),
        ({"Removal date": "2020-03-12"}, "Removal date: before the implementation date"),
        ({"Announcement date": "11/03/2020"}, "Announcement date: expected a day"),
        ({"Removal date": "2020-02-30"}, "Removal date: expected a day"),
        (
            {"Product: medical consumables": "", "Product: Any medical product": ""},
            "product flags: none is set",
        ),
        ({"Product: Food": "some"}, "food: expected True or False"),
        ({"Jurisdiction": "Ruritania"}, "Jurisdiction: no country and no customs union"),
        ({"Jurisdiction": ""}, "Jurisdiction: no country and no customs union"),
        ({"Entry ID": "1/2"}, "Entry ID: expected a number"),
        ({"Announcement date": "1020-03-11"}, "Announcement date: expected a day"),
    ],
)
def test_a_row_that_does_not_say_enough_is_rejected_by_what_it_lacks(
    tmp_path: Path, changed: dict[str, str], reason: str
) -> None:
    (found,) = outcomes(tmp_path, changed)
    assert isinstance(found, Rejected)
    assert reason in found.reason


def test_an_entry_that_stands_twice_is_told_once_and_never_with_two_contents(tmp_path: Path) -> None:
    found = outcomes(tmp_path, {}, {}, {"Removal date": "2020-06-30"})
    assert isinstance(found[0], Told)
    assert found[1] == Unchanged("line 3, entry 101", "stands on line 2 as well")
    assert isinstance(found[2], Rejected)
    assert found[2].reason == "Entry ID: stands on line 2 with other content"


def test_headings_that_drift_are_known_and_those_that_are_missing_are_named(tmp_path: Path) -> None:
    renamed = {"Entry ID": "Intervention ID", ASSESSMENT: "GTA Evaluation", "Jurisdiction": "Implementing Jurisdictions",
               "Implementation date": "Inception Date", "Announcement date": "announcement_date"}  # fmt: skip
    drifted = {renamed.get(name, name): value for name, value in reversed(BAN.items())}
    (found,) = gta(written(tmp_path, drifted), Brought())
    assert isinstance(found, Told)
    assert found.facts == told(tmp_path)
    fewer = {name: value for name, value in BAN.items() if name not in ("Removal date", "Is export policy")}
    with pytest.raises(FileError, match="no column removal date, is export policy"):
        list(gta(written(tmp_path, fewer), Brought()))
    with pytest.raises(FileError, match="any medical product"):
        list(gta(written(tmp_path, {k: v for k, v in BAN.items() if not k.startswith("Product")}), Brought()))


def test_a_file_that_is_no_list_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    for content, expected in ((b"", "no column"), (b"\xff\xfeE", "UTF-8"), (b'a,"b\nc', "no column")):
        path.write_bytes(content)
        with pytest.raises(FileError, match=expected):
            list(gta(path, Brought()))
    with pytest.raises(FileError, match="Leave them out"):
        list(gta(path, Brought(previous=path)))


def test_a_row_with_a_cell_too_many_is_rejected(tmp_path: Path) -> None:
    path = written(tmp_path, BAN)
    path.write_text(path.read_text().rstrip("\n").rstrip("\r") + ",more\n\n,,\n")
    (found,) = gta(path, Brought())
    assert isinstance(found, Rejected)
    assert found.reason == "the row has more or fewer cells than the heading"


async def test_every_row_is_counted_and_told_again_makes_the_same_facts(tmp_path: Path) -> None:
    rows = [
        BAN,
        BAN | {"Entry ID": "102", "Is export policy": "False"},
        BAN | {"Entry ID": "103", "Removal date": "2020-05-01"},
    ]
    path = written(tmp_path, *rows)
    report = await ingest([path], gta, Telling())
    assert (report.rows, report.told, report.unchanged, report.rejected, report.facts) == (3, 2, 0, 1, 3)
    facts = [one for found in gta(path, Brought()) if isinstance(found, Told) for one in found.facts]
    assert facts == [one for found in gta(path, Brought()) if isinstance(found, Told) for one in found.facts]
    assert [read(one.wire()) for one in facts] == facts


def contract(day: str, **attributes: str) -> Event:
    line = {"line": "1", "class": "face_mask", "quantity": "10", "unit": "H87", "unit_price": "1",
            "export_at": f"{day}T09:00:00Z", "attributes": attributes}  # fmt: skip
    data = {"exporter": "acme", "contract": "C1", "buyer": "b", "exported_from": "AL", "destination": "US",
            "currency": "EUR", "signed": "2020-01-01T00:00:00Z", "lines": [line]}  # fmt: skip
    made = event("contract.signed", data, source="urn:test", id="c1")
    assert isinstance(made.data, ContractSigned)
    return made


@pytest.mark.parametrize(
    ("day", "attributes", "verdict"),
    [
        ("2020-03-12", {}, "clear"),
        ("2020-03-13", {}, "needs_review"),
        ("2020-03-13", {"covered-by-gta-101": "true"}, "prohibited"),
        ("2020-03-13", {"covered-by-gta-101": "false"}, "clear"),
        ("2020-06-30", {"covered-by-gta-101": "true"}, "prohibited"),
        ("2020-07-01", {"covered-by-gta-101": "true"}, "clear"),
    ],
)
def test_the_engine_judges_by_the_rule_and_asks_where_the_list_does_not_say(
    tmp_path: Path, day: str, attributes: dict[str, str], verdict: str
) -> None:
    facts = [*packs.shared_facts(), *told(tmp_path, Removal_date="2020-06-30"), contract(day, **attributes)]
    book, now = Book.from_events(frame_of(facts)), datetime(2020, 3, 1, tzinfo=UTC)
    (row,) = answers(estimate(book, verdicts.assess(book, now=now), now=now))
    assert row["verdict"] == verdict
    if verdict == "needs_review":
        assert (row["rule"], row["missing"]) == ("gta-101", ["covered-by-gta-101"])


CELL = st.sampled_from(
    ["True", "", "Export ban", "2020-03-11", "restrictive", "European Union", "=1+1", "\x07", "7"]
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(list(BAN)), CELL | TEXT), max_size=5), TEXT)
def test_whatever_stands_in_a_cell_there_is_an_outcome_and_never_a_traceback(
    odd: list[tuple[str, str]], behind: str
) -> None:
    sheet = io.StringIO()
    writer = csv.DictWriter(sheet, list(BAN))
    writer.writeheader()
    writer.writerow(BAN | dict(odd))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "list.csv"
        path.write_text(sheet.getvalue() + behind, encoding="utf-8", newline="")
        try:
            found = list(gta(path, Brought()))
        except FileError:
            return
    assert all(one.rows == 1 and one.place.isprintable() for one in found)
    assert len(found) <= 2 + behind.count("\n") + behind.count("\r")
