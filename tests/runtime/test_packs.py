"""Rule packs and YAML are read exactly, or refused with the file, the place and what was expected there."""

import hashlib
from pathlib import Path

import pytest

from events.rules import CodesPublished, GoodsPublished
from services.runtime.packs import RULES, acts, load, shared_facts
from services.runtime.yaml_text import MOST_BYTES, FileError, documents

ACT = """
rule: xx-1
published: 2021-01-01T00:00Z
exported_from: "NO"
clauses:
  - {clause: "1", in_force: [{from: 2021-02-01}], goods: [{class: timber}]}
"""


def write(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    return folder / name


def test_every_shipped_pack_is_read_and_each_act_cites_its_source() -> None:
    shipped = acts()
    assert {"cn-2020-05", "cn-2020-12", "eu-2020-402", "us-fema-2020", "in-wheat-2022"} <= shipped.keys()
    for name, act in shipped.items():
        assert act.document.citation is not None, name
        assert act.document.citation.url or act.document.citation.note, name


def test_an_act_is_a_fact_that_names_the_bytes_it_was_read_from(tmp_path: Path) -> None:
    path = write(tmp_path, "pack.yaml", ACT)
    (act,) = load(path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    fact = act.event()
    assert act.digest == f"sha256:{digest}"
    assert (fact.type, fact.subject, fact.id) == ("rule.enacted", "xx-1", f"xx-1/{digest[:16]}")
    assert fact.time == fact.recordedat == act.document.published
    assert load(path)[0].event() == fact


def test_an_announced_act_is_an_announcement(tmp_path: Path) -> None:
    (act,) = load(write(tmp_path, "pack.yaml", f"{ACT}status: announced\n"))
    assert act.event().type == "rule.announced"


def test_of_two_acts_with_one_id_the_later_folder_and_then_the_single_pack_wins(tmp_path: Path) -> None:
    first, second = (
        write(tmp_path / name, "p.yaml", f"{ACT}title: {name}\n") for name in ("first", "second")
    )
    single = write(tmp_path, "single.yaml", f"{ACT}title: single\n")
    assert acts([first.parent, second.parent])["xx-1"].document.title == "second"
    assert acts([second.parent, first.parent])["xx-1"].document.title == "first"
    assert acts([second.parent], [single])["xx-1"].document.title == "single"
    assert acts([RULES]).keys() == acts().keys()


def test_an_id_that_stands_twice_in_one_folder_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", ACT)
    write(tmp_path, "b.yaml", ACT)
    with pytest.raises(FileError, match=r"b\.yaml: the rule xx-1 stands in a\.yaml as well"):
        acts([tmp_path])


def test_golden_cases_beside_packs_are_no_packs(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", ACT)
    write(tmp_path, "a.scenarios.yaml", "- scenario: x\n")
    assert "xx-1" in acts([tmp_path])


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("published", "publishd", "document 1 (xx-1), published: expected, but missing (and 1 more)"),
        ("rule: xx-1", "rule: [a]", "document 1, rule: expected text"),
        ("in_force", "inforce", "document 1 (xx-1), clause 1, in_force: expected, but missing (and 1 more)"),
        ("class: timber", "klass: timber", "document 1 (xx-1), clause 1, goods.0.klass: no such field"),
        ("2021-02-01", "2021-02-30", "document 1 (xx-1), clause 1, in_force.0.from: expected a day, such as"),
        ('clause: "1", ', "", "document 1 (xx-1), clause number 1, clause: expected, but missing"),
        ('"NO"', "Norway", "document 1 (xx-1), exported_from.only.0: expected an ISO 3166-1 country"),
        ("timber}]}", "timber}]", "line 7: not YAML: "),
        ("exported_from", "rule", "line 4: not YAML: the key rule stands twice"),
        ("rule: xx-1", "[rule]: xx-1", "line 2: not YAML: expected a word as key"),
    ],
)  # fmt: skip
def test_a_pack_that_cannot_be_used_is_told_with_the_place(
    tmp_path: Path, before: str, after: str, expected: str
) -> None:
    path = write(tmp_path, "pack.yaml", ACT.replace(before, after))
    with pytest.raises(FileError) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}, {expected}")


_DATED = ACT.replace(
    "timber}]}", "timber}], routes: [{route: old, all: [{any: [{dated: lc_isued, before: published}]}]}]}"
)


def test_a_dated_fact_that_nobody_knows_is_refused_and_the_one_meant_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, "pack.yaml", _DATED)
    with pytest.raises(FileError) as caught:
        load(path)
    assert str(caught.value) == (
        f"{path}, document 1 (xx-1), clause 1, routes.0.all.0.any.0.dated: lc_isued is no dated fact that is known; "
        "did you mean lc_issued? Else declare it under `facts` of this document"
    )


@pytest.mark.parametrize(
    ("before", "after"), [("lc_isued", "lc_issued"), ("clauses:", "facts: [lc_isued]\nclauses:")]
)
def test_a_dated_fact_that_is_known_or_declared_is_let_pass(tmp_path: Path, before: str, after: str) -> None:
    load(write(tmp_path, "pack.yaml", _DATED.replace(before, after)))


@pytest.mark.parametrize("text", ["", "# nothing\n"])
def test_a_pack_without_an_act_is_told(tmp_path: Path, text: str) -> None:
    with pytest.raises(FileError, match="holds no rule document"):
        load(write(tmp_path, "pack.yaml", text))


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="there is no such file"):
        load(tmp_path / "nope.yaml")
    with pytest.raises(FileError, match="is a folder"):
        load(tmp_path)
    with pytest.raises(FileError, match="no such folder of rule packs"):
        acts([tmp_path / "nope"])


def test_the_taxonomies_the_program_ships_are_facts() -> None:
    goods, codes = (fact.data for fact in shared_facts())
    assert isinstance(goods, GoodsPublished)
    assert isinstance(codes, CodesPublished)
    known = {one.goods_class for one in goods.classes}
    assert all(one.parent in known for one in goods.classes if one.parent)


def test_every_scalar_is_text() -> None:
    text = b"{a: no, b: 1.50, c: 2020-04-01, d: ~, e: 0x10, f: on, g: '', h: 1e3}"
    (found,) = documents(Path("x.yaml"), text)
    assert list(found.values()) == ["no", "1.50", "2020-04-01", "~", "0x10", "on", "", "1e3"]


def test_a_value_named_again_is_the_same_value() -> None:
    (found,) = documents(Path("x.yaml"), b"a: &one {b: c}\nd: *one\n")
    assert found == {"a": {"b": "c"}, "d": {"b": "c"}}


def test_aliases_that_unfold_without_end_are_refused() -> None:
    bomb = b"a0: &a0 [x]\n" + b"".join(
        b"a%d: &a%d [%s]\n" % (n, n, b",".join([b"*a%d" % (n - 1)] * 10)) for n in range(1, 12)
    )
    for text, expected in (
        (bomb, "unfold to more than"),
        (b"a: &a [*a]", "not YAML"),
        (b"a: *b", "undefined alias"),
    ):
        with pytest.raises(FileError, match=expected):
            documents(Path("x.yaml"), text)


@pytest.mark.parametrize(
    "text", [b"\xff\xfe\xff", b"a: \x00", b"[" * 50_000, b"a: [", b"a: !!python/object:os.x {}\nb"]
)
def test_what_is_no_yaml_is_refused_and_runs_nothing(text: bytes) -> None:
    with pytest.raises(FileError, match="not YAML"):
        documents(Path("x.yaml"), text)


def test_a_file_beyond_all_bounds_is_refused() -> None:
    with pytest.raises(FileError, match="larger than"):
        documents(Path("x.yaml"), b"#" * (MOST_BYTES + 1))
