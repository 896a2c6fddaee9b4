"""Names that may mean one party: what counts as spelling, what is beyond doubt, and what somebody must look at."""

import time
from pathlib import Path
from random import Random

import pytest

from services.intake import spelling
from services.intake.matching import candidates
from services.intake.named import Candidate, Decided, Named
from services.intake.spelling import plain
from services.runtime.yaml_text import FileError


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Acme Medical Co., Ltd.", "ACME MEDICAL CO.LTD"),
        ("Müller & Söhne GmbH & Co. KG", "muller sohne gmbh co kg"),
        ("Example S.p.A.", "Example spa"),
        ("Amber and Zircon Ltd", "AMBER & ZIRCON LIMITED"),
        ("Przykład Sp. z o.o.", "PRZYKLAD SP Z O O"),
        ("Příklad, spol. s r.o.", "Priklad s.r.o."),
        ("Exemple S.à r.l.", "Exemple SARL"),
        ("Örnek Medikal San. ve Tic. Ltd. Şti.", "ornek medikal"),
        ("上海示例医疗有限公司", "上海示例医疗"),
        ("株式会社サンプル", "サンプル株式会社"),
        ("OÜ Näide", "Näide OÜ"),
        ("J. B. Sample Inc", "JB Sample, Inc."),
        ("ｆｕｌｌ　ｗｉｄｔｈ Ltd", "Full Width Limited"),
    ],
)
def test_these_are_spellings_of_one_name(one: str, other: str) -> None:
    assert plain(one).words == plain(other).words


@pytest.mark.parametrize("name", ["Co Ltd", "GmbH", "S.A.", "有限公司"])
def test_a_name_that_is_nothing_but_a_legal_form_stays_a_name(name: str) -> None:
    assert plain(name).words


def test_a_word_in_the_middle_is_no_legal_form() -> None:
    assert plain("Alpha AS Beta Trading").words == ("alpha", "as", "beta", "trading")


def test_legal_forms_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    (tmp_path / "forms.yaml").write_text("forms: {gmbh: [GmbH]}\nbefore: [unheard]\n")
    with pytest.raises(FileError, match="expected forms"):
        spelling.load(tmp_path / "forms.yaml")


def found(one: str, *others: str) -> list[Candidate]:
    return candidates([Named("told", one)], [Named(f"r{n}", name) for n, name in enumerate(others)])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("AmberMed (Xiamen) Biotechnology Co., Ltd.", "Xiamen AmberMed Biotechnology Co Ltd"),
        ("Shen Zhen Lyra Biotechnology Co., Ltd", "Shenzhen Lyra Biotechnology Co.,LTD"),
        ("Guangzhou Decade Biotechnology Co., Ltd", "Guangzhou Decade Biotehnology Co., Ltd"),
        ("Amber Diagnostics", "Amber Diagnostics GmbH"),
        ("Amber Diagnostics Co.", "Amber Diagnostics Co., Ltd."),
    ],
)
def test_names_that_differ_in_spelling_alone_are_beyond_doubt(one: str, other: str) -> None:
    (candidate,) = found(one, other)
    assert (candidate.sure, candidate.doubts) == (True, ())
    assert candidate.score >= 97


@pytest.mark.parametrize(
    ("one", "other", "doubt"),
    [
        ("Hunan Amber Medical Technology Development Co Ltd", "Henan Amber Medical Technology Development Co Ltd", "places differ"),
        ("Amber Medical Plant 1 Ltd", "Amber Medical Plant 2 Ltd", "numbers differ"),
        ("Amber Medical GmbH", "Amber Medical S.A.", "legal forms differ"),
        ("Amber, Zircon and Company", "Amber Zircon SA", "legal forms differ"),
        ("Amber", "Amber GmbH", "one word"),
        ("Amber Biotech Inc", "Amber Biotec Inc", "not alike enough"),
        ("Great Northern Medical and Surgical Supply GS Company", "Great Northern Medical and Surgical Supply SG Company", "short words differ"),
    ],
)  # fmt: skip
def test_what_may_be_another_firm_is_left_to_somebody(one: str, other: str, doubt: str) -> None:
    (candidate,) = found(one, other)
    assert not candidate.sure
    assert any(said.startswith(doubt) for said in candidate.doubts), candidate.doubts


def test_two_that_are_as_like_are_both_doubtful() -> None:
    told = found("Amber Medical", "Amber Medical S.A.", "Amber Medical s.r.o.")
    assert [one.sure for one in told] == [False, False]
    assert told[0].doubts == ("as like r1",)


def test_other_names_are_left_alone() -> None:
    assert found("Amber Medical Ltd", "Zircon Diagnostics Ltd", "Basalt Textiles Ltd") == []


def test_firms_of_two_countries_are_not_taken_for_one() -> None:
    one, other = Named("a", "Amber Medical", "CN"), Named("b", "Amber Medical", "DE")
    (candidate,) = candidates([one], [other])
    assert candidate.doubts == ("countries differ",)


def test_one_identifier_is_one_party_whatever_the_names_are() -> None:
    one, other = Named("lei:5493001ABC", "Amber"), Named("5493001abc", "Zircon")
    (candidate,) = candidates([one], [other])
    assert candidate.sure
    assert candidate.score == 100
    assert candidates([one], [Named("duns:5493001ABC", "Zircon")]) == []


def test_without_a_name_the_words_of_the_id_are_one() -> None:
    (candidate,) = candidates([Named("amber-medical-co-ltd")], [Named("r1", "Amber Medical Co., Ltd.")])
    assert candidate.sure


def test_what_has_been_decided_is_not_asked_again() -> None:
    one, other = Named("a", "Amber Medical Ltd"), Named("b", "Amber Medical Limited")
    said_no = Decided({}, frozenset({frozenset(("b", "a"))}))
    assert candidates([one], [other], said_no) == []
    assert candidates([one], [other], Decided({"a": "x", "b": "x"})) == []
    assert candidates([one], [one]) == []


def test_ten_thousand_names_beside_ten_thousand_take_seconds() -> None:
    chance = Random(1)
    parts = (
        "ba",
        "lo",
        "mi",
        "den",
        "ka",
        "tro",
        "vi",
        "sun",
        "gen",
        "al",
        "med",
        "lan",
        "ze",
        "qu",
        "ri",
        "on",
    )
    towns = ("Hangzhou", "Shenzhen", "Xiamen", "Nantong", "Wuhan", "Porto", "Lyon", "Graz")
    names = [
        f"{chance.choice(towns)} {''.join(chance.choices(parts, k=4)).title()} Medical Technology"
        for _ in range(10_000)
    ]
    told = [Named(f"a{n}", f"{name} Co., Ltd.") for n, name in enumerate(names)]
    registered = [Named(f"b{n}", f"{name} Company Limited") for n, name in enumerate(names)]
    began = time.process_time()
    sure = [one for one in candidates(told, registered) if one.sure]
    assert time.process_time() - began < 60
    assert len(sure) > 9_000
    assert all(one.party.party[1:] == one.same_as.party[1:] for one in sure)
