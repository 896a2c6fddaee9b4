"""Contracts from procurement portals: what crosses a border is told, the rest is unchanged or rejected by name."""

import copy
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.contracts import ContractAmended, ContractCancelled, ContractSigned, ExporterRegistered
from events.envelope import Event, read
from services.intake.formats import ocds_files
from services.intake.formats.ocds import NO_CONTRACT, ocds
from services.intake.formats.ocds_changes import SAME
from services.intake.formats.ocds_terms import DOMESTIC, PENDING, SERVICES
from services.intake.handlers import Telling, ingest
from services.intake.rows import Brought, Outcome, Rejected, Told, Unchanged
from services.runtime.yaml_text import FileError

Json = dict[str, Any]
OCID = "ocds-aaaaaa-T-1"
SUPPLIER = {"id": "s1", "name": "Fábrica Sol SA", "identifier": {"scheme": "ES-RMC", "id": "B 123"},
            "address": {"countryName": "España"}}  # fmt: skip
BUYER = {"id": "b1", "name": "Hospital Nord", "address": {"countryName": "Deutschland"}}
MASKS = {"id": "1", "description": "Surgical masks, type IIR", "quantity": 20000, "unit": {"name": "Unidad", "value":
         {"amount": 0.25, "currency": "EUR"}}, "classification": {"scheme": "CPV", "id": "33141000-0",
         "description": "Disposable medical consumables"}}  # fmt: skip
CONTRACT = {"id": "C-1", "awardID": "A-1", "status": "active", "dateSigned": "2020-03-02T10:00:00+01:00",
            "period": {"startDate": "2020-03-10T00:00:00Z", "endDate": "2020-05-31T00:00:00Z"},
            "value": {"amount": 5000, "currency": "EUR"}, "items": [MASKS]}  # fmt: skip
RELEASE = {"ocid": OCID, "id": "r1", "date": "2020-03-05T00:00:00Z", "tag": ["contract"], "buyer": {"id": "b1"},
           "parties": [SUPPLIER, BUYER], "awards": [{"id": "A-1", "suppliers": [{"id": "s1"}]}],
           "contracts": [CONTRACT]}  # fmt: skip


def release(**changed: Any) -> Json:
    return copy.deepcopy(RELEASE) | changed


def contract(**changed: Any) -> Json:
    return copy.deepcopy(CONTRACT) | changed


def item(**changed: Any) -> Json:
    return copy.deepcopy(MASKS) | changed


def with_contract(**changed: Any) -> Json:
    return release(contracts=[contract(**changed)])


def with_item(**changed: Any) -> Json:
    return with_contract(items=[item(**changed)])


def written(folder: Path, *contents: Any, name: str = "package.json") -> Path:
    path = folder / name
    path.write_text("\n".join(json.dumps(one) for one in contents))
    return path


def outcomes(folder: Path, *releases: Json) -> list[Outcome]:
    package = {"uri": "https://portal.example/1", "version": "1.1", "releases": releases}
    return list(ocds(written(folder, package), Brought()))


def facts(found: list[Outcome]) -> list[Event]:
    return [one for outcome in found if isinstance(outcome, Told) for one in outcome.facts]


def signed(found: list[Outcome]) -> ContractSigned:
    """The contract, where one was told with its exporter, and nothing else."""
    (told,) = found
    assert isinstance(told, Told)
    (_, one) = told.facts
    assert isinstance(one.data, ContractSigned)
    return one.data


def test_a_contract_across_a_border_is_told_with_its_exporter(tmp_path: Path) -> None:
    found = outcomes(tmp_path, release())
    data, (registered, contract_signed) = signed(found), facts(found)
    assert isinstance(registered.data, ExporterRegistered)
    exporter = registered.data
    assert (exporter.exporter, exporter.name, exporter.country) == ("es-rmc:B123", "Fábrica Sol SA", "ES")
    assert (data.exporter, data.contract, data.buyer) == ("es-rmc:B123", f"{OCID}:C-1", "hospital-nord")
    assert (data.exported_from, data.destination, data.buyer_country) == ("ES", "DE", "DE")
    (line,) = data.lines
    assert (line.goods_class, line.quantity, line.unit) == ("face_mask.surgical", Decimal(20000), "H87")
    assert (line.unit_price, data.currency) == (Decimal("0.25"), "EUR")
    assert line.export_at == line.deadline == datetime(2020, 5, 31, tzinfo=UTC)
    assert contract_signed.source == "urn:ocds:ocds-aaaaaa"
    assert contract_signed.recordedat == datetime(2020, 3, 5, tzinfo=UTC)


def test_what_the_words_do_not_say_stays_without_a_class(tmp_path: Path) -> None:
    data = signed(outcomes(tmp_path, with_item(description="Lot 7", classification={})))
    assert data.lines[0].goods_class is None


def test_organisations_written_out_where_they_are_named_are_read_as_in_1_0(tmp_path: Path) -> None:
    old = release(buyer=BUYER, awards=[{"id": "A-1", "suppliers": [SUPPLIER]}])
    del old["parties"]
    assert facts(outcomes(tmp_path, old)) == facts(outcomes(tmp_path, release()))


def test_a_supplier_named_in_the_contract_goes_before_those_of_the_award(tmp_path: Path) -> None:
    other = {"id": "s2", "name": "Other", "address": {"countryName": "FR"}}
    shared = release(
        awards=[{"id": "A-1", "suppliers": [SUPPLIER, other]}], contracts=[contract(suppliers=other)]
    )
    data = signed(outcomes(tmp_path, shared))
    assert (data.exporter, data.exported_from) == ("other", "FR")


def test_the_country_of_a_register_counts_where_no_address_is_given(tmp_path: Path) -> None:
    bare = [{name: one[name] for name in one if name != "address"} for one in (SUPPLIER, BUYER)]
    bare[1]["identifier"] = {"scheme": "DE-CR", "id": "9"}
    data = signed(outcomes(tmp_path, release(parties=bare)))
    assert (data.exported_from, data.destination) == ("ES", "DE")


def test_the_delivery_address_goes_before_the_buyers_and_what_stays_at_home_is_no_line(
    tmp_path: Path,
) -> None:
    to = {"france": {"countryName": "France"}, "home": {"countryName": "ESP"}}
    lines = [
        item(id="1"),
        item(id="2", deliveryAddress=to["france"]),
        item(id="3", deliveryAddress=to["home"]),
    ]
    data = signed(outcomes(tmp_path, with_contract(items=lines)))
    assert data.destination == "DE"
    assert [(line.line, line.destination) for line in data.lines] == [("1", None), ("2", "FR")]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, "2020-05-31"),
        ({"items": [item(deliveryDate={"startDate": "2020-04-01T00:00:00Z"})]}, "2020-04-01"),
        ({"items": [item(deliveryDate="2020-04-02T00:00:00Z")]}, "2020-04-02"),
        ({"period": {"startDate": "2020-03-10T00:00:00.1234567Z"}}, "2020-03-10"),
    ],
)
def test_goods_leave_by_delivery_date_else_end_else_beginning(
    tmp_path: Path, changed: Json, expected: str
) -> None:
    data = signed(outcomes(tmp_path, with_contract(**changed)))
    assert data.lines[0].export_at.date().isoformat() == expected


def test_the_price_of_a_single_item_is_the_contracts_value_by_its_quantity(tmp_path: Path) -> None:
    lone = with_contract(
        items=[item(quantity=3, unit={"name": "KG"})], value={"amount": 10.0, "currency": "eur"}
    )
    data = signed(outcomes(tmp_path, lone))
    assert data.lines[0].unit_price == Decimal("3.3333")
    assert (data.currency, data.lines[0].unit) == ("EUR", "KGM")


def test_amounts_never_pass_through_a_float(tmp_path: Path) -> None:
    path = tmp_path / "exact.json"
    path.write_text(json.dumps(release()).replace('"amount": 0.25', '"amount": 90071992547409.0703'))
    data = signed(list(ocds(path, Brought())))
    assert data.lines[0].unit_price == Decimal("90071992547409.0703")


def test_a_tariff_code_counts_in_the_edition_in_force_at_the_signature(tmp_path: Path) -> None:
    codes = [{"scheme": "HS", "id": "6307.90", "description": ""}, {"scheme": "HS", "id": "63"}]
    data = signed(outcomes(tmp_path, with_item(additionalClassifications=codes)))
    assert (data.lines[0].hs, data.lines[0].hs_year) == ("630790", 2017)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (release(parties=[SUPPLIER, BUYER | {"address": {"countryName": "Spain"}}]), DOMESTIC),
        (release(tender={"mainProcurementCategory": "services"}), SERVICES),
        (with_contract(status="pending"), PENDING),
        (release(contracts=[]), NO_CONTRACT),
    ],
)
def test_what_is_no_export_is_unchanged_with_its_reason(tmp_path: Path, given: Json, reason: str) -> None:
    (found,) = outcomes(tmp_path, given)
    assert isinstance(found, Unchanged)
    assert found.reason == reason


def test_services_beside_goods_are_told(tmp_path: Path) -> None:
    mixed = {"mainProcurementCategory": "services", "additionalProcurementCategories": ["goods"]}
    assert isinstance(outcomes(tmp_path, release(tender=mixed))[0], Told)


BARE_SUPPLIER = {"id": "s1", "name": "Sol"}
BARE_BUYER = {"id": "b1", "name": "Nord"}
NOWHERE = {"countryName": "Ruritania"}


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (release(ocid=""), "ocid: expected text"),
        (release(date=None), "date: expected the instant"),
        (release(date="2020-03-05"), "date: expected an instant with its offset"),
        (release(version="2.0"), "version: expected OCDS 1.0, 1.1 or another 1.x"),
        (with_contract(id=""), "contracts.id: expected"),
        (release(awards=[]), "suppliers: neither the contract nor its award names a supplier"),
        (with_contract(suppliers=[SUPPLIER, BUYER]), "suppliers: 2 suppliers share it"),
        (release(parties=[BARE_SUPPLIER, BUYER]), "suppliers: no address and no register says"),
        (release(parties=[SUPPLIER | {"address": NOWHERE}, BUYER]), "'Ruritania' is no country"),
        (release(parties=[SUPPLIER, BARE_BUYER]), "items.deliveryAddress: neither it nor the buyer's address"),
        (with_item(deliveryAddress=NOWHERE), "items.deliveryAddress.countryName: 'Ruritania'"),
        (with_item(deliveryAddresses=[{"country": "FR"}, {"country": "PL"}]), "goes to several countries"),
        (release(buyer={}, contracts=[contract(items=[item(deliveryAddress={"country": "PL"})])]), "buyer: neither"),
        (release(parties=[SUPPLIER | {"identifier": {}, "name": "…"}, BUYER]), "suppliers: expected a party's name"),
        (with_contract(status="Registered"), "status: expected pending, active, cancelled or terminated"),
        (with_contract(dateSigned=None), "dateSigned: expected the instant at which"),
        (with_contract(dateSigned="2020-03-02"), "dateSigned: expected an instant with its offset"),
        (with_contract(items=[]), "items: neither the contract nor its award lists"),
        (with_item(quantity=None), "items.quantity: item 1 says no quantity"),
        (with_item(quantity=0), "items.quantity: item 1 says no quantity"),
        (with_item(quantity="some"), "items.quantity: expected a number"),
        (with_item(unit={"name": "handful"}), "items.unit: 'handful' is no unit"),
        (with_item(unit={"value": {"amount": 1}}), "items.unit: item 1 says no unit"),
        (with_contract(value={}, items=[item(unit={"name": "kg"})]), "no price, and the contract has no value"),
        (with_contract(items=[item(), item(id="2", unit={"name": "kg"})]), "value is of several items"),
        (with_item(unit={"name": "kg", "value": {"amount": -1}}), "a price of at most 14 digits"),
        (with_contract(value={}, items=[item(unit={"name": "kg", "value": {"amount": 1}})]), "expected an ISO 4217"),
        (with_contract(items=[item(), item(id="2", unit={"name": "kg", "value": {"amount": 1, "currency": "USD"}})]),
         "one contract is priced in EUR and USD"),
        (with_contract(items=[item(), item()]), "lines: a line number stands twice"),
        (with_contract(period={}), "period: neither a delivery date nor a contract period"),
        (with_contract(period={"endDate": "May 2020"}), "period.endDate: expected an instant"),
        (with_item(deliveryDate={"endDate": "2020-05-01"}), "items.deliveryDate: expected an instant"),
        (with_item(classification={"scheme": "HS", "id": "6307x"}), "hs: expected a tariff code"),
        (with_contract(amendments=[{"releaseID": "r1", "date": "then"}]), "amendments.date: expected an instant"),
    ],
)  # fmt: skip
def test_what_cannot_be_told_is_rejected_by_name(tmp_path: Path, given: Json, reason: str) -> None:
    (found,) = outcomes(tmp_path, given)
    assert isinstance(found, Rejected)
    assert reason in found.reason


def later(day: int, **changed: Any) -> Json:
    return release(id=f"r{day}", date=f"2020-04-{day:02}T00:00:00Z", **changed)


def test_a_later_release_that_differs_is_an_amendment_of_what_differs(tmp_path: Path) -> None:
    more = {"id": "C-1", "items": [{"id": "1", "quantity": 30000}, item(id="2", quantity=5)]}
    first, second = outcomes(tmp_path, later(9, contracts=[more]), release())
    assert isinstance(first, Told)
    assert isinstance(second, Told)
    assert [one.type for one in first.facts] == ["exporter.registered", "contract.signed"]
    (amended,) = second.facts
    assert isinstance(amended.data, ContractAmended)
    assert amended.data.at == datetime(2020, 4, 9, tzinfo=UTC)
    assert [(line.line, line.quantity) for line in amended.data.lines] == [
        ("1", Decimal(30000)),
        ("2", Decimal(5)),
    ]
    assert (amended.data.destination, amended.data.currency, amended.data.removed) == (None, None, ())


def test_an_amendment_that_names_its_release_says_when_it_was_made(tmp_path: Path) -> None:
    dated = [
        {"id": "m1", "releaseID": "r9", "date": "2020-04-01T00:00:00Z"},
        {"id": "m0", "date": "2020-01-01T00:00:00Z"},
    ]
    changed = contract(amendments=dated, items=[item(quantity=1)])
    (amended,) = facts(outcomes(tmp_path, release(), later(9, contracts=[changed])))[2:]
    assert amended.time == datetime(2020, 4, 1, tzinfo=UTC)


def test_a_line_that_is_gone_is_removed(tmp_path: Path) -> None:
    two = with_contract(items=[item(), item(id="2")])
    one = later(9, contracts=[{"id": "C-1", "items": None}]), later(10, contracts=[contract()])
    found = outcomes(tmp_path, two, *one)
    assert isinstance(found[1], Rejected)
    assert isinstance(found[2], Told)
    (amended,) = found[2].facts
    assert isinstance(amended.data, ContractAmended)
    assert amended.data.removed == ("2",)


def test_a_release_that_says_the_same_changes_nothing(tmp_path: Path) -> None:
    _, second = outcomes(tmp_path, release(), later(9))
    assert second == Unchanged(f"release 2, {OCID}, contract C-1", SAME)


def test_entries_of_one_contract_in_a_release_are_one_contract_on_several_rows(tmp_path: Path) -> None:
    (told,) = outcomes(
        tmp_path, release(contracts=[contract(), {"id": "C-1"}, {"id": "C-1", "status": "active"}])
    )
    assert isinstance(told, Told)
    assert told.rows == 3


def test_what_the_buyer_cancelled_is_told_as_cancelled_and_once(tmp_path: Path) -> None:
    gone = [{"id": "C-1", "status": "cancelled"}]
    found = outcomes(tmp_path, release(), later(9, contracts=gone), later(10, contracts=gone))
    cancelled = facts(found)[2]
    assert isinstance(cancelled.data, ContractCancelled)
    assert (cancelled.data.contract, cancelled.data.at) == (f"{OCID}:C-1", datetime(2020, 4, 9, tzinfo=UTC))
    assert found[2] == Unchanged(f"release 3, {OCID}, contract C-1", SAME)


def test_a_contract_that_came_to_its_close_was_signed_and_has_ended(tmp_path: Path) -> None:
    assert [one.type for one in facts(outcomes(tmp_path, with_contract(status="terminated")))] == [
        "exporter.registered", "contract.signed", "contract.cancelled",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (
            {"suppliers": [{"name": "Lune", "address": {"country": "FR"}}]},
            "told with es-rmc:B123 before, now with lune",
        ),
        (
            {"dateSigned": "2020-03-03T00:00:00Z"},
            "told as 2020-03-02T09:00:00Z before; a contract is signed once",
        ),
    ],
)
def test_what_no_amendment_can_say_is_rejected_by_name(tmp_path: Path, changed: Json, reason: str) -> None:
    first, second = outcomes(tmp_path, release(), later(9, contracts=[contract(**changed)]))
    assert isinstance(first, Told)
    assert isinstance(second, Rejected)
    assert reason in second.reason


def test_files_go_on_where_those_before_them_ended(tmp_path: Path) -> None:
    first = written(tmp_path, release(), name="1.json")
    second = written(
        tmp_path, later(9, contracts=[{"id": "C-1", "items": [{"id": "1", "quantity": 7}]}]), name="2.json"
    )
    third = written(tmp_path, later(10, contracts=[{"id": "C-1", "status": "terminated"}]), name="3.json")
    several = [one for _, found in ocds.each([first, second, third], Brought()) for one in found]
    assert [one.type for one in facts(several)] == [
        "exporter.registered", "contract.signed", "contract.amended", "contract.cancelled",
    ]  # fmt: skip
    (_, told), (_, older) = ((path, list(found)) for path, found in ocds.each([second, first], Brought()))
    assert isinstance(told[0], Rejected)
    assert older == [Rejected(first, OCID, "date: a file before told the process up to 2020-04-09T00:00:00Z; give the "
                              "files oldest first")]  # fmt: skip


def test_an_export_that_turns_out_to_be_domestic_is_rejected_by_name(tmp_path: Path) -> None:
    found = outcomes(tmp_path, release(), later(9, parties=[BUYER | {"address": {"countryName": "ES"}}]))
    assert isinstance(found[1], Rejected)
    assert found[1].reason == f"{DOMESTIC}; but a release before told it as an export"


def test_a_life_after_the_end_is_rejected_by_name(tmp_path: Path) -> None:
    ended, again = later(9, contracts=[contract(status="terminated")]), later(10)
    found = outcomes(tmp_path, release(), ended, again)
    assert isinstance(found[2], Rejected)
    assert "the contract had ended" in found[2].reason


def test_a_record_is_read_by_its_releases_else_compiled_else_version_by_version(tmp_path: Path) -> None:
    link = {"url": "https://portal.example/r1", "date": "2020-03-05T00:00:00Z"}
    expected = facts(outcomes(tmp_path, release()))
    head = {"ocid": OCID}
    at = {"releaseDate": "2020-03-05T00:00:00Z", "releaseID": "r1"}
    history: Json = {
        "ocid": OCID,
        "buyer": {"id": "b1"},
        "parties": [SUPPLIER, BUYER],
        "awards": RELEASE["awards"],
    }
    names = [name for name in CONTRACT if name != "id"]
    history["contracts"] = [{"id": "C-1"} | {name: [at | {"value": CONTRACT[name]}] for name in names}]
    for record in (
        head | {"releases": [release()], "compiledRelease": with_contract(status="terminated")},
        head | {"releases": [link], "compiledRelease": release(), "versionedRelease": history},
        head | {"releases": [link], "versionedRelease": history},
    ):
        package = {"version": "1.1", "records": [record]}
        assert facts(list(ocds(written(tmp_path, package), Brought()))) == expected
        assert facts(list(ocds(written(tmp_path, record), Brought()))) == expected
    (found,) = ocds(written(tmp_path, {"records": [head | {"releases": [link]}]}), Brought())
    assert isinstance(found, Rejected)
    assert "links to releases that are not in the file" in found.reason


def test_a_versioned_release_is_an_amendment_for_each_change(tmp_path: Path) -> None:
    first, second = (
        {"releaseDate": f"2020-0{month}-05T00:00:00Z", "releaseID": f"r{month}"} for month in (3, 5)
    )
    history = release(
        contracts=[{"id": "C-1"} | {k: [first | {"value": v}] for k, v in CONTRACT.items() if k != "id"}]
    )
    history["contracts"][0]["items"].append(second | {"value": [item(quantity=7)]})
    told = facts(list(ocds(written(tmp_path, {"ocid": OCID, "versionedRelease": history}), Brought())))
    assert [one.type for one in told] == ["exporter.registered", "contract.signed", "contract.amended"]
    assert told[2].time == datetime(2020, 5, 5, tzinfo=UTC)
    history["contracts"][0]["items"].append(second | {"releaseDate": "soon"})
    (found,) = ocds(written(tmp_path, {"ocid": OCID, "versionedRelease": history}), Brought())
    assert isinstance(found, Rejected)
    assert "releaseDate: expected an instant" in found.reason


def test_json_lines_are_read_one_by_one_and_a_damaged_one_spoils_no_other(tmp_path: Path) -> None:
    path = written(tmp_path, {"releases": [release()]}, release(ocid="ocds-bbbbbb-2"), 7, [release(ocid="x")])
    path.write_text(path.read_text() + "\n{ no JSON\n\n" + json.dumps({"ocid": "ocds-dddddd-4"}))
    found = list(ocds(path, Brought()))
    assert [one.reason.split(":")[0] for one in found if isinstance(one, Rejected)] == [
        "expected a package, release or record of OCDS", "not JSON", "date",
    ]  # fmt: skip
    assert {one.place.split(",")[0] for one in found if isinstance(one, Told)} == {
        "line 1",
        "line 2",
        "line 4",
    }


def test_a_line_that_is_too_long_is_rejected_and_a_package_too_large_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ocds_files, "MOST_BYTES", 4000)
    long = release(ocid="ocds-bbbbbb-2", id="r" * 9000)
    found = list(ocds(written(tmp_path, release(), long, release(ocid="ocds-cccccc-3")), Brought()))
    assert [type(one) for one in found] == [Rejected, Told, Told]
    assert isinstance(found[0], Rejected)
    assert found[0].reason.startswith("longer than")
    path = tmp_path / "package.json"
    path.write_text(json.dumps({"releases": [long]}, indent=1))
    with pytest.raises(FileError, match="JSON Lines"):
        list(ocds(path, Brought()))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"{", "not JSON"),
        (b"\xff\xfe", "UTF-8"),
        (b'{"ocid": NaN}', "NaN is no number"),
        (b"[" * 100_000, "nested too deep"),
        (b'{"hello": 1}', "expected a package, release or record of OCDS"),
        (b'{"version": "2.0", "releases": []}', "version: expected OCDS"),
        (b'{"records": [], "releases": 5}', "holds no release"),
        (b"", "not JSON"),
    ],
)
def test_a_file_that_is_no_ocds_is_refused_as_a_whole(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(content)
    with pytest.raises(FileError, match=expected):
        list(ocds(path, Brought()))


def test_what_is_brought_beside_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="Leave out --mapping"):
        list(ocds(written(tmp_path, release()), Brought(mapping=tmp_path / "m.yaml")))


async def test_every_row_is_counted_and_the_same_file_tells_the_same_facts(tmp_path: Path) -> None:
    path = written(
        tmp_path, release(), with_contract(status="pending", id="C-2"), release(ocid=""), name="x.jsonl"
    )
    report = await ingest([path], ocds, Telling())
    assert (report.rows, report.told, report.unchanged, report.rejected, report.facts) == (3, 1, 1, 1, 2)
    assert (tmp_path / "x.jsonl.rejected.csv").read_text().splitlines()[1].startswith(str(path))
    told = facts(list(ocds(path, Brought())))
    assert told == facts(list(ocds(path, Brought())))
    assert [read(one.wire()) for one in told] == told


ODD = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=20),
    st.sampled_from(["1E+999", "\ud800", "\0", "x" * 3000, "2020-13-45T99:99:99Z", "ocds-", [], {}, [[]], [{}],
                     {"id": {}}, {"id": []}, [{"id": "1"}, 7], 1e300, 10**400, -1, "active", "terminated"]),
).map(copy.deepcopy)  # fmt: skip


def places(node: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inside = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [at, *(found for key, value in inside for found in places(value, (*at, key)))]


WHOLE = {"version": "1.1", "records": [{"ocid": OCID, "releases": [release(), later(9, contracts=[contract(
    amendments=[{"releaseID": "r9", "date": "2020-04-01T00:00:00Z"}], items=[item(quantity=1)])])]}]}  # fmt: skip
PLACES = [at for at in places(WHOLE) if at]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.sampled_from(PLACES), ODD), min_size=1, max_size=4))
def test_whatever_stands_in_a_field_there_is_an_outcome_and_never_a_traceback(
    odd: list[tuple[tuple[Any, ...], Any]],
) -> None:
    whole = copy.deepcopy(WHOLE)
    for at, value in odd:
        node: Any = whole
        try:
            for key in at[:-1]:
                node = node[key]
            node[at[-1]] = value
        except (KeyError, IndexError, TypeError):
            continue
    with TemporaryDirectory() as folder:
        path = written(Path(folder), whole)
        try:
            found = list(ocds(path, Brought()))
        except FileError:
            return
    for one in found:
        assert one.rows > 0
        if isinstance(one, Rejected):
            assert one.reason.isprintable()
            assert one.place.isprintable()


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200) | st.recursive(ODD, lambda inside: st.lists(inside) | st.dictionaries(
    st.sampled_from(["ocid", "releases", "records", "compiledRelease", "versionedRelease", "contracts", "date"]), inside)
).map(lambda one: json.dumps(one).encode()))  # fmt: skip
def test_no_bytes_at_all_end_in_a_traceback(content: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "file.json"
        path.write_bytes(content)
        try:
            assert all(isinstance(one, Told | Unchanged | Rejected) for one in ocds(path, Brought()))
        except FileError:
            return
