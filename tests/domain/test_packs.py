"""The rule packs: every golden case holds, every act is cited, every tariff code has its year."""

from collections.abc import Iterator
from typing import Any

import pytest

from events.rule_document import RuleDocument
from events.rules import CodesPublished, GoodsPublished
from services.domain.goods import Taxonomy
from services.domain.scenarios import Case, run
from tests.domain.golden import CASES, PACKS, ROOT, acts, documents, golden, shared, text

REAL = documents(PACKS)
ALL = documents(PACKS, CASES)
GOLDEN = golden(PACKS, CASES)


@pytest.mark.parametrize(
    "case", [case for _, case in GOLDEN], ids=[f"{file}: {case.name}" for file, case in GOLDEN]
)
def test_the_program_says_what_the_golden_case_says(case: Case) -> None:
    outcomes = run(case, acts(), shared())
    assert len(outcomes) == len(case.then) > 0
    assert [one for one in outcomes if one.differences] == []


def test_there_are_so_many_golden_cases_and_answers_and_each_case_has_a_name_of_its_own() -> None:
    assert len(GOLDEN) >= 154
    assert sum(len(case.then) for _, case in GOLDEN) >= 593
    assert len({case.name for _, case in GOLDEN}) == len(GOLDEN)


def test_all_nine_verdicts_are_expected_somewhere() -> None:
    expected = {one.values["verdict"] for _, case in GOLDEN for one in case.then if "verdict" in one.values}
    assert expected == {"clear", "satisfied", "grandfathered", "needs_documents", "needs_review", "partial",
                        "in_abeyance", "unlicensed", "prohibited"}  # fmt: skip


@pytest.mark.parametrize("rule", sorted(ALL))
def test_every_document_fits_the_grammar(rule: str) -> None:
    assert RuleDocument.model_validate(ALL[rule]).rule == rule


@pytest.mark.parametrize("rule", sorted(REAL))
def test_every_act_says_where_it_can_be_read(rule: str) -> None:
    citation = RuleDocument.model_validate(REAL[rule]).citation
    assert citation is not None
    assert citation.issuers
    assert citation.dated
    urls = (citation.url,) if isinstance(citation.url, str) else citation.url or ()
    assert urls
    assert all(url.startswith(("http://", "https://")) for url in urls)


def test_every_pack_has_golden_cases_beside_it() -> None:
    """A pack may have several files of cases: NAME.scenarios.yaml is the first to read, NAME.edges.scenarios.yaml the rest."""
    packs = {path.stem for path in PACKS.glob("*.yaml") if not path.name.endswith(".scenarios.yaml")}
    cases = {path.name for path in PACKS.glob("*.scenarios.yaml")}
    assert {f"{name}.scenarios.yaml" for name in packs} <= cases
    assert {name.split(".")[0] for name in cases} == packs


def test_every_rule_that_another_names_is_in_a_pack() -> None:
    for rule, document in ALL.items():
        named = set(_named(document))
        assert named <= {
            f"{name}/{clause['clause']}" for name, of in ALL.items() for clause in of.get("clauses", ())
        }, rule


def test_a_rule_amends_only_what_was_published_before_it() -> None:
    published = {rule: RuleDocument.model_validate(document).published for rule, document in ALL.items()}
    for rule, document in ALL.items():
        for amendment in document.get("amends", ()):
            assert published[amendment["rule"]] < published[rule], rule


def test_every_class_in_a_pack_is_in_the_taxonomy_of_goods() -> None:
    known = {one["class"] for one in text(ROOT / "seeds" / "goods.yaml")[0]["classes"]}
    asked = {value for document in REAL.values() for key, value in _leaves(document) if key == "class"}
    assert asked <= known


def test_a_class_has_the_parent_that_its_name_says() -> None:
    goods = GoodsPublished.model_validate(text(ROOT / "seeds" / "goods.yaml")[0])
    names = {one.goods_class for one in goods.classes}
    for one in goods.classes:
        parent = one.goods_class.rpartition(".")[0]
        assert one.parent == parent or not parent
        assert one.parent is None or one.parent in names


def test_one_mask_code_of_2017_became_two_in_2022_and_both_lead_back() -> None:
    codes = CodesPublished.model_validate(text(ROOT / "seeds" / "codes.yaml")[0])
    known = Taxonomy.of([], [codes])
    assert known.coded("6307900010", 2017, ("6307901010", "6307901090"), 2022) is True
    assert known.coded("6307900010", 2017, ("6307901010",), 2022) is None
    assert known.coded("6307901090", 2022, ("6307900010",), 2017) is True
    assert known.coded("6307909000", 2022, ("6307900010",), 2017) is False


def test_three_codes_for_test_kits_of_2021_became_one() -> None:
    codes = CodesPublished.model_validate(text(ROOT / "seeds" / "codes.yaml")[0])
    known = Taxonomy.of([], [codes])
    for code in ("3002150050", "3822001020", "3822009020"):
        assert known.coded(code, 2021, ("3822190020",), 2022) is True
    assert known.coded("3822190020", 2022, ("3002150050",), 2021) is None


def _named(document: Any) -> Iterator[str]:
    for key, value in _leaves(document):
        if key in ("overrides", "defaults", "without") and value:
            yield value
    for amendment in document.get("amends", ()):
        yield f"{amendment['rule']}/{amendment['clause']}"


def _leaves(node: Any, key: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(node, dict):
        for name, child in node.items():
            yield from _leaves(child, name)
    elif isinstance(node, list):
        for child in node:
            yield from _leaves(child, key)
    else:
        yield key, node
