"""What a record may hold, and that whatever it holds one reads all of it: events, and what is none with the reason."""

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.envelope import Event, UnknownType, event, explain
from events.registry import DATA, TOPICS, topic_of
from events.wire import BATCH, MOST_BYTES, MOST_EVENTS, ONE, Unreadable, decode, encode

CANCELLED = {"exporter": "acme", "contract": "C1", "at": "2020-04-01T00:00:00Z"}


def told(**more: object) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": "1",
        "source": "urn:test",
        "type": "contract.cancelled",
        "data": CANCELLED,
        **more,
    }


def raw(content: object) -> bytes:
    return json.dumps(content).encode()


def refused(value: bytes | None, content_type: str | None = None) -> Unreadable:
    (one,) = decode(value, content_type)
    assert isinstance(one, Unreadable)
    assert one.raw == (value or b"")
    assert one.reason
    return one


def read(value: bytes, content_type: str | None = None) -> Event:
    (one,) = decode(value, content_type)
    assert isinstance(one, Event), one
    return one


def test_an_event_and_a_batch_survive_the_wire() -> None:
    made = [
        event("contract.cancelled", CANCELLED, source="s", id=str(n), recordedat="2020-04-02T00:00Z")
        for n in "ab"
    ]
    assert decode(*encode(made[:1])) == made[:1]
    assert decode(*encode(made)) == made
    assert [encode(made[:1])[1], encode(made)[1]] == [ONE, BATCH]


def test_without_a_content_type_the_content_says_what_it_is() -> None:
    assert (
        decode(raw(told()))
        == decode(raw([told()]))
        == decode(raw([told()]), BATCH)
        == decode(raw(told()), ONE)
    )


def test_a_content_type_with_a_charset_is_understood() -> None:
    assert read(raw(told()), f"{ONE}; charset=utf-8").id == "1"
    assert read(raw([told()]), f"{BATCH}; charset=utf-8").id == "1"


@pytest.mark.parametrize(
    ("content", "content_type"), [(told(), BATCH), ([told()], ONE), ([told(id="")], ONE)]
)
def test_a_content_type_that_does_not_fit_the_content_is_refused(content: object, content_type: str) -> None:
    assert f"expected {ONE} for an object, {BATCH} for an array" in refused(raw(content), content_type).reason


def test_an_empty_batch_holds_no_events() -> None:
    assert decode(b"[]", BATCH) == decode(b" [ ] ") == []


@pytest.mark.parametrize("value", [b"", None])
def test_an_empty_record_is_refused(value: bytes | None) -> None:
    assert refused(value).reason == "the record is empty: expected a CloudEvents object"


@pytest.mark.parametrize(
    "value",
    [b"{", b"nonsense", b"\xff\xfe", b"\x00", b"[,]", b"[{}", b"{} {}", b"[1,]", b'{"a" "b"}', b"\xef\xbb\xbf{}",
     raw(told()).replace(b"2020-04-01T00:00:00Z", b"\xed\xa0\x80")],
)  # fmt: skip
def test_what_is_not_json_is_refused_with_the_place(value: bytes) -> None:
    assert refused(value).reason.startswith("not JSON: ")


@pytest.mark.parametrize("value", [b"null", b"1", b'"text"', b"true", b"[[]]", b"[null]", b"[1]"])
def test_json_that_is_no_object_is_refused(value: bytes) -> None:
    (one,) = decode(value)
    assert isinstance(one, Unreadable)
    assert one.reason == "expected a CloudEvents object"


@pytest.mark.parametrize(
    "number", [b"NaN", b"Infinity", b"-Infinity", b"1E+1000000", b"1e5", b"9" * 5000, b"1.5"]
)
def test_a_number_that_is_none_or_not_exact_is_refused_at_once(number: bytes) -> None:
    data = {**CANCELLED, "line": "L", "quantity": "SEVEN", "unit": "H87"}
    started = time.process_time()
    one = refused(raw(told(type="goods.shipped", data=data)).replace(b'"SEVEN"', number))
    assert "not JSON" in one.reason or "quantity: expected a quantity as text in plain digits" in one.reason
    assert time.process_time() - started < 1


def test_a_key_that_stands_twice_is_refused_wherever_it_stands() -> None:
    twice = [
        raw(told()).replace(b'"source"', b'"id": "2", "source"'),
        raw(told()).replace(b'"contract"', b'"exporter": "evil", "contract"'),
        raw(told()).replace(b'"contract"', b'"\\u0065xporter": "evil", "contract"'),
        raw(told()).replace(b'"contract"', b'"exporter": "a:b", "contract"'),
        raw(told(extra=1)).replace(b'"extra"', b'"extra": "\\u003a", "extra"'),
        raw(told(extra=1)).replace(b'"extra"', b'"extra": "\\u003A", "extra"'),
    ]
    for value in twice:
        assert "stands twice in one object" in refused(value).reason


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**60), 2**60)
        | st.text(alphabet='a:\\"u03é医\n', max_size=6),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.text(alphabet=':a\\"', max_size=3), inner, max_size=3)
        ),
        max_leaves=12,
    ),
    st.booleans(),
)
def test_colons_in_text_are_never_taken_for_keys(extension: object, ascii_only: bool) -> None:
    value = json.dumps(told(extension=extension), ensure_ascii=ascii_only).encode()
    assert read(value).id == "1"
    assert "stands twice" in refused(value.replace(b'"data"', b'"extension": 1, "data"')).reason


def test_deep_nesting_is_refused() -> None:
    for deep in (b"[" * 100_000, b'{"a":' * 100_000, b'{"a":' * 500 + b"1" + b"}" * 500):
        assert "recursion limit exceeded" in refused(deep).reason


def test_a_hundred_thousand_keys_are_refused_at_once() -> None:
    many: dict[str, object] = {f"k{n}": n for n in range(100_000)}
    for content in (told(**many), told(data={**CANCELLED, **many})):
        started = time.process_time()
        assert "more than 10000 keys" in refused(raw(content)).reason
        assert time.process_time() - started < 2


def test_a_contract_with_ten_thousand_lines_is_read() -> None:
    line = {
        "class": "face_mask",
        "quantity": "1",
        "unit": "H87",
        "unit_price": "1",
        "export_at": "2020-04-01T00:00Z",
    }
    many = [{"line": n, **line} for n in range(10_000)]
    data = {"exporter": "acme", "contract": "C1", "buyer": "b", "exported_from": "CN", "destination": "ES",
            "currency": "EUR", "signed": "2020-03-01", "lines": many}  # fmt: skip
    assert read(raw(told(type="contract.signed", data=data))).subject == "acme/C1"


@pytest.mark.parametrize("item", [b"1", b"{}", b'{"specversion": NaN}'])
def test_a_record_of_very_many_items_is_one_mistake_and_not_as_many(item: bytes) -> None:
    one = refused(b"[" + b",".join([item] * (MOST_EVENTS + 1)) + b"]")
    assert one.index == 0
    assert len(decode(b"[" + b",".join([item] * 5) + b"]")) == 5


def test_a_record_beyond_eight_mebibytes_is_refused() -> None:
    assert f"larger than {MOST_BYTES} bytes" in refused(b" " * (MOST_BYTES + 1)).reason


@pytest.mark.parametrize("text", ["\\u0000", "\\n", "\\u007f", "\\ud800"])
@pytest.mark.parametrize("field", [b'"id": "1"', b'"exporter": "acme"', b'"source": "urn:test"'])
def test_nul_and_lone_surrogates_are_refused_in_every_text(text: str, field: bytes) -> None:
    one = refused(raw(told()).replace(field, field[:-1] + text.encode() + b'"'))
    assert "control characters" in one.reason or "not JSON" in one.reason


def test_a_naive_instant_is_refused_in_envelope_and_data() -> None:
    naive = "2020-04-01T00:00:00"
    for content, place in [(told(time=naive), "time"), (told(recordedat=naive), "recordedat"),
                           (told(data={**CANCELLED, "at": naive}), "at")]:  # fmt: skip
        assert f"{place}: expected an instant with its offset" in refused(raw(content)).reason


@pytest.mark.parametrize("name", ["id", "source", "type", "specversion"])
@pytest.mark.parametrize("value", [None, "", 1, ["x"], "x" * 2001])
def test_an_envelope_names_each_event_in_text(name: str, value: object) -> None:
    assert f"{name}: expected text of 1 to 2000 characters" in refused(raw(told(**{name: value}))).reason


def test_what_an_envelope_must_say_is_missed() -> None:
    assert "data: expected an object with the fields of this type" in refused(raw(told(data=None))).reason
    assert (
        "datacontenttype: expected application/json" in refused(raw(told(datacontenttype="text/xml"))).reason
    )
    bare = {name: value for name, value in told().items() if name != "id"}
    assert "id: expected text" in refused(raw(bare)).reason


def test_an_unknown_type_and_an_unknown_version_are_kept_for_a_newer_program() -> None:
    for content in (
        told(type="contract.vanished"),
        told(specversion="2.0"),
        told(type="contract.vanished", data=3),
    ):
        assert refused(raw(content)).kind == "unknown_type"
    assert refused(raw(told(data={}))).kind == "unreadable"


def test_a_field_nobody_knows_is_refused_and_a_foreign_attribute_let_pass() -> None:
    assert (
        "shade: no such field is known here" in refused(raw(told(data={**CANCELLED, "shade": "red"}))).reason
    )
    assert read(raw(told(traceparent="00-1", knative={"a": 1}))).id == "1"


def test_each_missing_field_is_named_and_the_rest_counted() -> None:
    reason = refused(raw(told(type="contract.signed", data={}))).reason
    assert "exporter: expected, but missing" in reason
    assert reason.endswith("more")


def test_each_field_at_fault_is_told_apart_with_its_place_in_the_event() -> None:
    data = {**CANCELLED, "colour": "red", "contract": ""}
    assert [name for name, _ in refused(raw(told(data=data))).fields] == ["data.contract", "data.colour"]
    assert refused(raw(told(time="2020-04-01"))).fields[0][0] == "time"
    assert refused(raw(told(type="contract.sung"))).fields[0][0] == "type"
    assert refused(raw(1)).fields == (("", "expected a CloudEvents object"),)


def test_one_bad_event_in_a_batch_spoils_no_other() -> None:
    good, parts = raw(told()), [
        raw(told(type="contract.vanished")),
        raw(told(data={})),
        raw(told()).replace(b'"acme"', b"NaN"),
        raw(told()).replace(b'"data"', b'"id": "2", "data"'),
        raw(told(source="\ud800")),
        b"17",
    ]  # fmt: skip
    for bad in parts:
        found = decode(b" [ " + good + b" ,\n" + bad + b"," + good + b"] ", BATCH)
        assert [isinstance(one, Event) for one in found] == [True, False, True], bad
        assert isinstance(found[1], Unreadable)
        assert (found[1].index, found[1].raw) == (1, bad)


def test_the_clock_of_the_envelope_and_of_the_data_must_agree() -> None:
    assert read(raw(told(time="2020-04-01T08:00:00+08:00"))).time.isoformat() == "2020-04-01T00:00:00+00:00"
    one = refused(raw(told(time="2020-04-02T00:00:00Z")))
    assert "the envelope says 2020-04-02T00:00:00+00:00, data.at 2020-04-01T00:00:00+00:00" in one.reason


def test_a_clock_the_data_leaves_out_is_filled_from_the_envelope() -> None:
    data = {name: value for name, value in CANCELLED.items() if name != "at"}
    assert read(raw(told(time="2020-04-01T00:00:00Z", data=data))) == read(raw(told()))
    assert "at: expected, but missing" in refused(raw(told(data=data))).reason


def test_a_day_without_its_hour_may_lie_anywhere_on_earth_but_not_elsewhere_in_time() -> None:
    data = {"exporter": "acme", "contract": "C1", "fact": "lc_issued", "at": "2020-04-01"}
    for fits in ("2020-03-31T16:00Z", "2020-04-01T12:00Z", "2020-04-02T11:00Z"):
        assert (
            read(raw(told(type="contract.dated", time=fits, data=data))).time.isoformat()[:10] == "2020-04-01"
        )
    assert "time: " in refused(raw(told(type="contract.dated", time="2020-04-03T00:00Z", data=data))).reason


def test_the_same_content_is_the_same_bytes_however_it_was_written() -> None:
    one = read(
        raw(told(data={"exporter": "acme", "contract": "C1", "at": "2020-04-01T08:00+08:00", "line": None}))
    )
    other = read(raw(told(data=dict(reversed(CANCELLED.items())))))
    assert one.canonical_data() == other.canonical_data()
    assert one.content_hash() == other.content_hash()
    assert one.content_hash() != read(raw(told(data={**CANCELLED, "line": "1"}))).content_hash()


def test_subject_and_key_say_what_an_event_is_about() -> None:
    one = read(raw(told()))
    assert (one.subject, one.partitionkey) == ("acme/C1", "acme")


def test_every_type_travels_in_one_topic() -> None:
    assert sum(len(topic.types) for topic in TOPICS.values()) == len(DATA)
    assert topic_of("licence.granted") == "licences"


def test_an_unknown_type_is_an_error_of_its_own() -> None:
    with pytest.raises(UnknownType, match=r"'contract\.vanished' is not known"):
        event("contract.vanished", {}, source="s", id="1")


@settings(max_examples=200)
@given(st.binary(max_size=200) | st.text(alphabet='{}[]",:0e\\u1 n', max_size=60).map(str.encode))
def test_no_bytes_whatever_raise(value: bytes) -> None:
    for one in decode(value):
        assert isinstance(one, Event) or one.reason


def test_an_error_that_is_not_of_the_model_is_told_as_it_is() -> None:
    assert explain(ValueError("as it is")) == "as it is"


@pytest.mark.parametrize("recorded", [None, "2020-04-01T09:00:00.25+08:00"])
def test_the_text_of_an_event_says_the_same_as_its_object(recorded: str | None) -> None:
    odd = {**CANCELLED, "contract": 'Ünïted "quotes" \\ 医'}
    made = event("contract.cancelled", odd, source="/erp", id="é", recordedat=recorded)
    assert json.loads(made.wire_text()) == made.wire()
    assert list(json.loads(made.wire_text())) == list(made.wire())


def test_an_event_copied_with_other_data_is_written_anew() -> None:
    one, other = read(raw(told())), read(raw(told(data={**CANCELLED, "line": "1"})))
    assert one.canonical_data() != other.canonical_data()
    assert one.model_copy(update={"data": other.data}).content_hash() == other.content_hash()
    assert one.model_copy(update={"id": "2"}).content_hash() == one.content_hash()


@pytest.mark.parametrize("space", [b" ", b"\t", b"\r\n", b" \n "])
def test_a_repeated_key_is_found_whatever_space_stands_before_its_colon(space: bytes) -> None:
    spaced = raw(told()).replace(b'":', b'"' + space + b":")
    assert read(spaced).id == "1"
    assert "stands twice" in refused(spaced.replace(b'"contract"', b'"exporter" :"a","contract"')).reason


@pytest.mark.parametrize("text", [":", '":', ' :"', 'a":"b', "医:"])
def test_text_that_looks_like_a_key_hides_no_repeated_one(text: str) -> None:
    content = raw(told(data={**CANCELLED, "contract": text}))
    assert read(content).data.model_dump()["contract"] == text
    assert "stands twice" in refused(content.replace(b'"exporter"', b'"at":"x","exporter"', 1)).reason
