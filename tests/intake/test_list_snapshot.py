"""Official lists by their snapshots: who entered and who left, and no snapshot is believed that cannot be whole."""

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
from services.domain.book import Book, frame_of
from services.domain.evidence import Evidence
from services.domain.goods import Taxonomy
from services.intake import list_mapping
from services.intake.files import FORMATS
from services.intake.formats.list_snapshot import list_snapshot
from services.intake.handlers import Telling, ingest
from services.intake.rows import Brought, Outcome, Rejected, Told, Unchanged
from services.runtime.packs import SEEDS
from services.runtime.yaml_text import FileError

CSV = """
list: demo-list
source: an invented list
format: csv
encoding: cp1252
delimiter: ";"
decimal: ","
timezone: Europe/Berlin
columns: {Maker: [Maker, Maker name]}
key: No
party: {name: Maker}
where: {Checked: "yes"}
goods: [{class: valve}]
"""
LICENCES = CSV.replace("list: demo-list", "scheme: demo-approval").replace(
    "where:", "destinations: [FR]\nwhere:"
)
JSON = """
list: demo-set
source: an invented value set
format: json
timezone: Europe/Brussels
day: {field: setDate}
entries: set.values
key: "@key"
party: {name: shown, before_last: ", "}
where: {active: "true"}
"""
HEADING = "No;Maker;Checked;Rate %"
ACME, BOLT, CORE, DUNE = (
    f"{n};{name};yes;9{n},5" for n, name in enumerate(("Acme", "Bolt", "Core", "Dune"), 1)
)


def _list(folder: Path, name: str, *rows: str, heading: str = HEADING) -> Path:
    path = folder / name
    path.write_bytes("".join(f"{row}\n" for row in (heading, *rows)).encode("cp1252"))
    return path


def _mapping(folder: Path, text: str = CSV, **more: str) -> Path:
    path = folder / "mapping.yaml"
    path.write_text(text + "".join(f"{name}: {value}\n" for name, value in more.items()))
    return path


def _read(mapping: Path, *paths: Path, **more: Any) -> dict[str, list[Outcome]]:
    return {path.name: list(found) for path, found in list_snapshot.each(paths, Brought(mapping, **more))}


def _facts(read: dict[str, list[Outcome]]) -> list[Event]:
    return [fact for found in read.values() for one in found if isinstance(one, Told) for fact in one.facts]


def _said(read: dict[str, list[Outcome]]) -> list[tuple[str, str, str]]:
    return [(fact.type, fact.subject, f"{fact.time:%m-%d}") for fact in _facts(read)]


def _reasons(read: dict[str, list[Outcome]]) -> list[str]:
    return [one.reason for found in read.values() for one in found if isinstance(one, Rejected)]


def _spans(facts: Sequence[Event], known: datetime | None = None) -> list[tuple[str, str, str]]:
    """Who stood on the list, from and until which day, as known by then."""
    lists = Evidence(Book.from_events(frame_of(facts)).known(known), Taxonomy()).lists.sort("party", "first")
    return [
        (party, f"{first:%m-%d}", f"{last:%m-%d}")
        for party, first, last in lists.select("party", "first", "last").rows()
    ]


ON, OFF = "list.entered", "list.removed"


def test_without_a_previous_snapshot_everybody_who_counts_enters(tmp_path: Path) -> None:
    path = _list(tmp_path, "list_2021-05-04.csv", ACME, "2;Bolt;no;91,0")
    read = _read(_mapping(tmp_path), path)
    (fact,) = _facts(read)
    assert fact.data.model_dump(mode="json", exclude_defaults=True) == {
        "list": "demo-list", "party": "acme", "goods": [{"class": "valve"}], "at": "2021-05-03T22:00:00Z",
    }  # fmt: skip
    assert fact.recordedat == fact.time
    assert [type(one) for one in read[path.name]] == [Told, Unchanged, Unchanged]


def test_the_next_snapshot_tells_only_what_changed(tmp_path: Path) -> None:
    first = _list(tmp_path, "2021-05-04.csv", ACME, BOLT)
    second = _list(tmp_path, "2021-06-04.csv", BOLT, CORE)
    read = _read(_mapping(tmp_path), second, first)
    assert list(read) == ["2021-05-04.csv", "2021-06-04.csv"]
    assert _said(read)[2:] == [(ON, "demo-list/core", "06-03"), (OFF, "demo-list/acme", "06-03")]
    assert sum(one.rows for one in read["2021-06-04.csv"]) == 3
    assert isinstance(read["2021-06-04.csv"][-1], Told)


def test_a_previous_snapshot_is_compared_with_and_not_told(tmp_path: Path) -> None:
    first = _list(tmp_path, "2021-05-04.csv", ACME, BOLT)
    second = _list(tmp_path, "2021-06-04.csv", BOLT, CORE)
    read = _read(_mapping(tmp_path), second, previous=first)
    assert _said(read) == [(ON, "demo-list/core", "06-03"), (OFF, "demo-list/acme", "06-03")]


def test_a_row_that_counts_no_more_removes_its_party(tmp_path: Path) -> None:
    first = _list(tmp_path, "2021-05-04.csv", ACME, BOLT)
    second = _list(tmp_path, "2021-06-04.csv", ACME.replace("yes", "no"), BOLT)
    read = _read(_mapping(tmp_path), first, second)
    assert _said(read)[2:] == [(OFF, "demo-list/acme", "06-03")]
    assert isinstance(read["2021-06-04.csv"][0], Told)


def test_a_party_stays_on_the_list_while_one_of_its_entries_does(tmp_path: Path) -> None:
    first = _list(tmp_path, "2021-05-04.csv", ACME, "5;ACME;yes;1,0", BOLT)
    second = _list(tmp_path, "2021-06-04.csv", "5;Acme;yes;1,0", BOLT)
    assert _said(_read(_mapping(tmp_path), first, second)) == [
        (ON, "demo-list/acme", "05-03"), (ON, "demo-list/bolt", "05-03"),
    ]  # fmt: skip


def test_as_licences_every_entry_stands_for_itself(tmp_path: Path) -> None:
    first = _list(tmp_path, "2021-05-04.csv", ACME, BOLT, CORE)
    second = _list(tmp_path, "2021-06-04.csv", "1;Acme Two;yes;1,0", BOLT)
    facts = _facts(_read(_mapping(tmp_path, LICENCES), first, second))
    assert [(fact.type, fact.subject) for fact in facts[3:]] == [
        ("licence.granted", "demo-approval/1"), ("licence.revoked", "demo-approval/3"),
    ]  # fmt: skip
    assert facts[3].data.model_dump(mode="json", exclude_defaults=True) == {
        "scheme": "demo-approval", "licence": "1", "holder": "acme-two", "goods": [{"class": "valve"}],
        "destinations": ["FR"], "from": "2021-06-03T22:00:00Z",
    }  # fmt: skip


def test_the_same_snapshots_twice_are_the_same_facts(tmp_path: Path) -> None:
    files = [_list(tmp_path, "2021-05-04.csv", ACME, BOLT), _list(tmp_path, "2021-06-04.csv", BOLT, CORE)]
    mapping = _mapping(tmp_path)
    once, again = _facts(_read(mapping, *files)), _facts(_read(mapping, *reversed(files)))
    assert [fact.wire() for fact in once] == [fact.wire() for fact in again]


def test_columns_are_found_by_name_wherever_they_stand_and_whatever_they_were_called(tmp_path: Path) -> None:
    first = _list(tmp_path, "2021-05-04.csv", ACME, BOLT)
    second = _list(
        tmp_path, "2021-06-04.csv", "yes;1;x;Acme", "yes;2;y;Bolt", heading="CHECKED; No ;Note;Maker  name"
    )
    read = _read(_mapping(tmp_path), first, second)
    assert len(_facts(read)) == 2
    assert all(isinstance(one, Unchanged) for one in read["2021-06-04.csv"])


def test_a_quoted_cell_may_hold_line_ends(tmp_path: Path) -> None:
    path = _list(tmp_path, "2021-05-04.csv", '1;"Acme\nWorks";yes;1,0', BOLT)
    read = _read(_mapping(tmp_path), path)
    assert [one.place for one in read[path.name]] == ["line 2", "line 4", "heading"]
    assert _facts(read)[0].partitionkey == "acme-works"


def test_a_number_is_read_with_the_comma_of_its_country(tmp_path: Path) -> None:
    limit = CSV.replace(
        'where: {Checked: "yes"}', 'where: {Checked: ["yes", ja], "Rate %": {at_least: "92,0"}}'
    )
    path = _list(tmp_path, "2021-05-04.csv", ACME, BOLT, "3;Core;ja;95", "4;Dune;ja;", "5;Elm;ja;9.5")
    read = _read(_mapping(tmp_path, limit.replace('"92,0"', '"92.0"')), path)
    assert [fact.partitionkey for fact in _facts(read)] == ["bolt", "core"]
    assert _reasons(read) == ["Rate %: expected a number with ',' before its decimals, not '9.5'"]


def test_an_entry_of_a_json_object_is_named_by_its_key(tmp_path: Path) -> None:
    values = {
        "77": {"shown": "Acme, Inc, Test A", "active": True},
        "78": {"shown": "Bolt, B", "active": False},
    }
    path = tmp_path / "set.json"
    path.write_text(json.dumps({"setDate": "2021-05-04", "set": {"values": values}}))
    read = _read(_mapping(tmp_path, JSON), path)
    assert [(fact.partitionkey, fact.time) for fact in _facts(read)] == [
        ("acme-inc", datetime(2021, 5, 3, 22, 0, tzinfo=UTC))
    ]
    assert sum(one.rows for one in read["set.json"]) == 3


def test_an_identifier_names_the_party_where_the_list_has_one(tmp_path: Path) -> None:
    text = JSON.replace('before_last: ", "', "identifier: id.code, scheme: LEI").replace("set.values", "set")
    path = tmp_path / "set.json"
    path.write_text(
        json.dumps({"setDate": "2021-05-04", "set": [{"shown": "A", "active": True, "id": {"code": 7}}]})
    )
    assert [fact.partitionkey for fact in _facts(_read(_mapping(tmp_path, text), path))] == ["lei:7"]


def test_the_day_given_counts_before_any_other(tmp_path: Path) -> None:
    path = _list(tmp_path, "2021-05-04.csv", ACME)
    (fact,) = _facts(_read(_mapping(tmp_path), path, day=datetime(2021, 7, 1, tzinfo=UTC)))
    assert fact.time == datetime(2021, 7, 1, tzinfo=UTC)


def test_of_two_files_for_one_day_the_later_one_counts(tmp_path: Path) -> None:
    first = _list(tmp_path, "2021-05-04_a.csv", ACME, BOLT)
    second = _list(tmp_path, "2021-05-04_b.csv", BOLT, CORE)
    mapping = _mapping(tmp_path)
    read = _read(mapping, second, first)
    assert list(read) == [first.name, second.name]
    assert [kind for kind, *_ in _said(read)] == [ON, ON, ON, "fact.withdrawn"]
    assert [party for party, *_ in _spans(_facts(read))] == ["bolt", "core"]
    assert _facts(read)[:2] == _facts(_read(mapping, first))


def _rolled_back(folder: Path, **more: str) -> tuple[Path, list[Path]]:
    """Core comes on 4 June; the file of 1 July is the old one again, without it and with Acme; 2 July sets it right."""
    files = [
        _list(folder, "2021-05-04.csv", ACME, BOLT),
        _list(folder, "2021-06-04.csv", BOLT, CORE),
        _list(folder, "2021-07-01.csv", ACME, BOLT),
        _list(folder, "2021-07-02.csv", BOLT, CORE),
    ]
    return _mapping(folder, **more), files


def test_a_rollback_gives_no_wrong_period_where_it_is_a_correction(tmp_path: Path) -> None:
    mapping, files = _rolled_back(tmp_path, rollback="correction")
    facts = _facts(_read(mapping, *files))
    assert [(party, first) for party, first, _ in _spans(facts)] == [
        ("acme", "05-03"), ("bolt", "05-03"), ("core", "06-03"),
    ]  # fmt: skip
    assert _spans(facts)[0] == ("acme", "05-03", "06-03")


def test_what_the_wrong_list_said_was_known_until_it_was_taken_back(tmp_path: Path) -> None:
    mapping, files = _rolled_back(tmp_path, rollback="correction")
    facts = _facts(_read(mapping, *files))
    between = _spans(facts, datetime(2021, 7, 1, 12, tzinfo=UTC))
    assert [party for party, *_ in between] == ["acme", "bolt"]


def test_an_entry_that_is_missing_once_was_never_off_the_list(tmp_path: Path) -> None:
    days = [("05-04", ACME, BOLT), ("06-04", BOLT), ("07-04", ACME, BOLT), ("08-04", ACME, BOLT)]
    files = [_list(tmp_path, f"2021-{day}.csv", *rows) for day, *rows in days]
    facts = _facts(_read(_mapping(tmp_path, rollback="correction"), *files))
    assert [(party, first) for party, first, _ in _spans(facts)] == [("acme", "05-03"), ("bolt", "05-03")]
    assert ("acme", "05-03", "06-03") in _spans(facts, datetime(2021, 6, 20, tzinfo=UTC))


def test_an_entry_that_stood_there_once_never_was_on_the_list(tmp_path: Path) -> None:
    days = [("05-04", BOLT), ("06-04", ACME, BOLT), ("07-04", BOLT)]
    files = [_list(tmp_path, f"2021-{day}.csv", *rows) for day, *rows in days]
    facts = _facts(_read(_mapping(tmp_path, rollback="correction"), *files))
    assert [party for party, *_ in _spans(facts)] == ["bolt"]


def test_each_further_snapshot_only_adds_to_the_facts_of_the_series(tmp_path: Path) -> None:
    mapping, files = _rolled_back(tmp_path, rollback="correction")
    whole = _facts(_read(mapping, *files))
    for number in range(1, 4):
        part = _facts(_read(mapping, *files[:number]))
        assert whole[: len(part)] == part


def test_as_published_a_gap_is_a_gap(tmp_path: Path) -> None:
    mapping, files = _rolled_back(tmp_path)
    spans = _spans(_facts(_read(mapping, *files)))
    assert ("core", "06-03", "06-30") in spans
    assert ("acme", "06-30", "07-01") in spans


def test_a_correction_is_no_gap_for_the_snapshot_after_it(tmp_path: Path) -> None:
    mapping, files = _rolled_back(tmp_path, rollback="correction")
    more = [_list(tmp_path, "2021-07-15.csv", BOLT, CORE), _list(tmp_path, "2021-08-01.csv", BOLT, DUNE)]
    spans = _spans(_facts(_read(mapping, *files, *more)))
    assert ("core", "06-03", "07-31") in spans
    assert [first for party, first, _ in spans if party == "dune"] == ["07-31"]


def test_a_snapshot_that_lost_more_than_half_is_not_believed(tmp_path: Path) -> None:
    first = _list(tmp_path, "2021-05-04.csv", ACME, BOLT, CORE, DUNE)
    broken = _list(tmp_path, "2021-06-04.csv", ACME)
    last = _list(tmp_path, "2021-07-04.csv", ACME, BOLT, CORE)
    read = _read(_mapping(tmp_path), first, broken, last)
    assert _said(read)[4:] == [(OFF, "demo-list/dune", "07-03")]
    (one,) = read[broken.name]
    assert isinstance(one, Rejected)
    assert one.reason.startswith("3 of 4 entries are gone at once, more than 50 %")
    assert one.rows == 2


def test_an_emptied_snapshot_is_not_believed(tmp_path: Path) -> None:
    read = _read(
        _mapping(tmp_path), _list(tmp_path, "2021-05-04.csv", ACME), _list(tmp_path, "2021-06-04.csv")
    )
    assert _reasons(read)[0].startswith("1 of 1 entries are gone")


@pytest.mark.parametrize("more", [{"accept_removals": "true"}, {"most_removed": "75"}])
def test_a_mapping_may_let_more_go_at_once(tmp_path: Path, more: dict[str, str]) -> None:
    first = _list(tmp_path, "2021-05-04.csv", ACME, BOLT, CORE, DUNE)
    read = _read(_mapping(tmp_path, **more), first, _list(tmp_path, "2021-06-04.csv", ACME))
    assert [kind for kind, *_ in _said(read)] == [ON] * 4 + [OFF] * 3


def test_a_broken_file_does_not_replace_a_whole_one_of_its_day(tmp_path: Path) -> None:
    first = _list(tmp_path, "2021-05-04.csv", ACME, BOLT, CORE, DUNE)
    whole = _list(tmp_path, "2021-06-04_a.csv", ACME, BOLT, CORE)
    broken = _list(tmp_path, "2021-06-04_b.csv", ACME)
    read = _read(_mapping(tmp_path), first, broken, whole)
    assert _said(read)[4:] == [(OFF, "demo-list/dune", "06-03")]
    assert len(_reasons(read)) == 1


def test_an_entry_whose_row_cannot_be_read_stays_as_it_was(tmp_path: Path) -> None:
    first = _list(tmp_path, "2021-05-04.csv", ACME, BOLT, CORE)
    second = _list(tmp_path, "2021-06-04.csv", "1;;yes;1,0", BOLT, CORE)
    read = _read(_mapping(tmp_path), first, second)
    assert len(_facts(read)) == 3
    assert _reasons(read) == ["expected a party's name or identifier"]


def test_where_a_row_names_no_entry_nobody_is_removed(tmp_path: Path) -> None:
    first = _list(tmp_path, "2021-05-04.csv", ACME, BOLT, CORE)
    second = _list(tmp_path, "2021-06-04.csv", "Acme;yes", BOLT, DUNE)
    read = _read(_mapping(tmp_path), first, second)
    assert _said(read)[3:] == [(ON, "demo-list/dune", "06-03")]
    assert _reasons(read) == ["2 cells where the heading has 4"]


def test_of_an_entry_that_stands_twice_the_first_row_counts_even_a_damaged_one(tmp_path: Path) -> None:
    first = _list(tmp_path, "2021-05-04.csv", ACME, BOLT)
    second = _list(tmp_path, "2021-06-04.csv", "1;;yes;1,0", "1;Core;yes;1,0", BOLT)
    read = _read(_mapping(tmp_path), first, second)
    assert len(_facts(read)) == 2
    assert len(_reasons(read)) == 2


ROW_FAULTS = [
    ("2;Bolt;yes;1,0;more", "5 cells where the heading has 4"),
    (";Bolt;yes;1,0", "key: expected text of 1 to 2000 characters"),
    (f"{'9' * 201};Bolt;yes;1,0", "key: expected at most 200 characters"),
    ("2\x01;Bolt;yes;1,0", "key: expected text without control characters"),
    ("2;???;yes;1,0", "expected a party's name or identifier"),
    ("1;Bolt;yes;1,0", "the entry 1 stands twice, first at line 2"),
]


@pytest.mark.parametrize(("row", "reason"), ROW_FAULTS)
def test_a_row_that_cannot_be_read_is_rejected_and_the_others_are_told(
    tmp_path: Path, row: str, reason: str
) -> None:
    path = _list(tmp_path, "2021-05-04.csv", ACME, row, "", CORE)
    read = _read(_mapping(tmp_path), path)
    assert _reasons(read) == [reason]
    assert [fact.partitionkey for fact in _facts(read)] == ["acme", "core"]
    assert sum(one.rows for one in read[path.name]) == 5


ENTRY_FAULTS: list[tuple[Any, str]] = [
    ("Bolt", "expected an object"),
    ({"active": True}, "no field shown"),
    ({"shown": ["Bolt"], "active": True}, "no field shown"),
    ({"shown": "Bolt"}, "no field active"),
]


@pytest.mark.parametrize(("entry", "reason"), ENTRY_FAULTS)
def test_a_json_entry_that_cannot_be_read_is_rejected(tmp_path: Path, entry: Any, reason: str) -> None:
    path = tmp_path / "set.json"
    values = {"1": {"shown": "Acme, A", "active": True}, "2": entry}
    path.write_text(json.dumps({"setDate": "2021-05-04", "set": {"values": values}}))
    read = _read(_mapping(tmp_path, JSON), path)
    assert _reasons(read) == [reason]
    assert len(_facts(read)) == 1


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"No;Maker;Rate %\n1;Acme;1\n", "no column Checked: the heading has No, Maker, Rate %"),
        (b"No;Checked\n", "no column Maker or Maker name"),
        (b"No;No;Maker;Checked\n", "the column No stands 2 times"),
        (b"", "the heading has nothing"),
        (f"{HEADING}\n1;\"Acme;yes;1\n".encode(), "not a table: unexpected end of data"),
        (f"{HEADING}\n1;Acme\x9d;yes;1\n".encode("latin-1"), "line 2: expected text in cp1252"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_such_list_is_rejected_by_name(tmp_path: Path, raw: bytes, reason: str) -> None:
    path = tmp_path / "2021-05-04.csv"
    path.write_bytes(raw)
    read = _read(_mapping(tmp_path), path, _list(tmp_path, "2021-06-04.csv", ACME))
    (told,) = _reasons(read)
    assert reason in told
    assert len(_facts(read)) == 1
    assert sum(one.rows for one in read[path.name]) == max(1, raw.count(b"\n"))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "not JSON"),
        ('{"setDate": "2021-05-04", "set": {"values": {"1": {}, "1": {}}}}', "1 stands twice in an object"),
        ('{"setDate": "2021-05-04", "set": 7}', "set.values: expected an object or a list"),
        ('{"setDate": "in May", "set": {"values": {}}}', "the field setDate: expected a day"),
        (
            '{"setDate": "1800-05-04", "set": {"values": {"1": {"shown": "A", "active": true}}}}',
            "the field setDate: expected a day",
        ),
    ],
)
def test_a_json_file_that_is_no_such_list_is_rejected_by_name(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "set.json"
    path.write_text(text)
    (told,) = _reasons(_read(_mapping(tmp_path, JSON), path))
    assert reason in told


def test_a_file_without_a_day_is_rejected_by_name(tmp_path: Path) -> None:
    read = _read(_mapping(tmp_path), _list(tmp_path, "list.csv", ACME))
    assert _reasons(read) == [
        "the name of the file: expected a day such as 2021-06-30, or give --day: nothing of this snapshot is told"
    ]


def test_a_previous_snapshot_that_is_later_or_unreadable_rejects_those_compared_with_it(
    tmp_path: Path,
) -> None:
    path, mapping = _list(tmp_path, "2021-05-04.csv", ACME), _mapping(tmp_path)
    later, other = _list(tmp_path, "2021-06-04.csv", ACME), _list(tmp_path, "2021-04-04.csv", heading="x")
    assert "is of 2021-06-04, later than this one" in _reasons(_read(mapping, path, previous=later))[0]
    assert "cannot be read: no column" in _reasons(_read(mapping, path, previous=other))[0]


@pytest.mark.parametrize(
    ("there", "instead", "reason"),
    [
        ("list: demo-list\n", "", "list or scheme"),
        ("list: demo-list\n", "list: demo-list\nscheme: demo\n", "list or scheme"),
        ("format: csv\n", "format: csv\nentries: a\n", "only a JSON file has them"),
        ("key: No\n", "key: No\ndestinations: [FR]\n", "only a licence has destinations"),
        ('delimiter: ";"', "delimiter: '\"'", "no quote and no line end"),
        ("timezone: Europe/Berlin", "timezone: Berlin", "a time zone of the IANA data base"),
        ('{Checked: "yes"}', "{Checked: {at_least: NaN}}", "where"),
        ('{Checked: "yes"}', "{Checked: {}}", "where"),
        ("key: No\n", "key: No\nmost_removed: 101\n", "most_removed"),
        ("key: No\n", "key: No\nrollbak: correction\n", "rollbak"),
        ("party: {name: Maker}\n", "", "party: expected, but missing"),
    ],
)  # fmt: skip
def test_a_mapping_with_a_mistake_is_refused_with_the_field(
    tmp_path: Path, there: str, instead: str, reason: str
) -> None:
    assert there in CSV
    with pytest.raises(FileError, match=reason):
        list_mapping.load(_mapping(tmp_path, CSV.replace(there, instead)))


def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="expected one mapping"):
        list_mapping.load(_mapping(tmp_path, "- a list\n"))


def test_without_a_mapping_nothing_is_guessed(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="say with --mapping"):
        list(list_snapshot.each([_list(tmp_path, "2021-05-04.csv", ACME)], Brought()))


def test_one_day_is_not_the_day_of_two_files(tmp_path: Path) -> None:
    files = [_list(tmp_path, f"{n}.csv", ACME) for n in (1, 2)]
    with pytest.raises(FileError, match="--day is the day of one file"):
        _read(_mapping(tmp_path), *files, day=datetime(2021, 7, 1, tzinfo=UTC))


@pytest.mark.parametrize("name", ["bfarm-antigen-tests", "eu-test-manufacturers"])
def test_the_mappings_that_are_shipped_can_be_used(name: str) -> None:
    assert list_mapping.load(SEEDS / "mappings" / f"{name}.yaml").list_name


async def test_the_command_counts_every_row(tmp_path: Path) -> None:
    files = [_list(tmp_path, "2021-06-04.csv", BOLT, CORE), _list(tmp_path, "2021-05-04.csv", ACME, BOLT)]
    report = await ingest(files, FORMATS["list-snapshot"], Telling(), Brought(_mapping(tmp_path)))
    assert (report.rows, report.told, report.unchanged, report.rejected, report.facts) == (6, 4, 2, 0, 4)


ROWS = st.lists(st.sampled_from([ACME, BOLT, CORE, DUNE, "6;Acme;yes;1", "1;Acme;no;1", "x", ""]), max_size=7)


@settings(max_examples=100, deadline=None)
@given(snapshots=st.lists(ROWS, min_size=1, max_size=5), correction=st.booleans(), scheme=st.booleans())
def test_the_list_stands_as_its_last_snapshot_says(
    snapshots: list[list[str]], correction: bool, scheme: bool
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        more = {"accept_removals": "true"} | ({"rollback": "correction"} if correction else {})
        mapping = _mapping(folder, LICENCES if scheme else CSV, **more)
        files = [_list(folder, f"2021-05-{10 + n}.csv", *rows) for n, rows in enumerate(snapshots)]
        read = _read(mapping, *files)
    for file, rows in zip(files, snapshots, strict=True):
        assert sum(one.rows for one in read[file.name]) == len(rows) + 1
    if any("x" in rows for rows in snapshots):
        return
    evidence = Evidence(Book.from_events(frame_of(_facts(read))).known(None), Taxonomy())
    after = datetime(2021, 6, 1, tzinfo=UTC)
    found = {
        who
        for who, last in (
            evidence.licences.select("licence", "last") if scheme else evidence.lists.select("party", "last")
        ).rows()
        if last > after
    }
    first = {row.split(";")[0]: row.split(";") for row in reversed(snapshots[-1]) if row}
    counted = [row for row in first.values() if row[2] == "yes"]
    assert found == {row[0] if scheme else row[1].casefold() for row in counted}


@settings(max_examples=150, deadline=None)
@given(data=st.data(), kind=st.sampled_from(["csv", "json"]))
def test_hostile_snapshots_find_no_traceback(data: st.DataObject, kind: str) -> None:
    values = {"1": {"shown": "Acme, A", "active": True}, "2": {"shown": "Bolt, A", "active": True}}
    text = (
        json.dumps({"setDate": "2021-05-04", "set": {"values": values}})
        if kind == "json"
        else "\n".join([HEADING, ACME, BOLT])
    )
    raw = bytearray(text.encode())
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(raw)))
        raw[at : at + data.draw(st.integers(0, 12))] = data.draw(
            st.one_of(
                st.binary(max_size=10),
                st.sampled_from([b'"', b";", b"\r", b"\x00", b"{", b"[" * 2000, b"1e999", b"\n\n"]),
            )
        )
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / f"2021-05-04.{kind}"
        path.write_bytes(bytes(raw))
        read = _read(_mapping(Path(name), JSON if kind == "json" else CSV), path)
    assert all(one.rows > 0 for found in read.values() for one in found)
