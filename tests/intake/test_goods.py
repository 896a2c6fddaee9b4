"""Goods classes proposed for what papers call the goods: a right one, a wider one, or none; never a wrong one."""

from typing import Any

import pytest

from events.rules import GoodsPublished
from services.intake.goods import THRESHOLD, Words, propose, shipped


@pytest.mark.parametrize(
    ("text", "proposed"),
    [
        ("Surgical masks type IIR, box of 50", "face_mask.surgical"),
        ("FFP2-Masken mit Ventil", "face_mask.respirator"),
        ("Mascarillas quirúrgicas de un solo uso", "face_mask.surgical"),
        ("masques FFP2, lot de 20", "face_mask.respirator"),
        ("医用外科口罩 50只", "face_mask.surgical"),
        ("Schutzmasken", "face_mask"),
        ("Handschuhe Nitril, Größe M", "gloves"),
        ("Isothermal PCR kit, 96 reactions", "covid_test_kit.nucleic_acid"),
        ("Disinfecting wipes, tub of 100", "disinfection_towel"),
        ("single crystal wafers of GaN", "gallium.nitride"),
        ("Non-sterile nitrile exam glove, size L", "gloves.examination"),
        ("ventilater for intensive care", "ventilator"),
    ],
)
def test_words_of_five_languages_propose_the_narrowest_class_they_say(text: str, proposed: str) -> None:
    assert propose(shipped(), text).goods_class == proposed


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Office chairs", "no word"),
        ("", "no word"),
        ("filter for ventilator", "says ventilator"),
        ("ventilator valve, spare", "says ventilator"),
        ("Bridging the gap in gapped alignments", "no word"),
        ("gloves and goggles", "as well"),
    ],
)
def test_what_cannot_be_told_apart_or_only_belongs_to_the_goods_stays_unknown(text: str, why: str) -> None:
    found = propose(shipped(), text)
    assert (found.goods_class, why in found.because) == (None, True)
    assert found.score < THRESHOLD


def test_two_kinds_of_one_class_propose_that_class() -> None:
    assert propose(shipped(), "Gloves, surgical gloves and examination gloves").goods_class == "gloves"


def test_a_code_that_fits_makes_it_surer_and_one_that_does_not_makes_it_unknown() -> None:
    alone, fits, other = (
        propose(shipped(), "face masks", *code) for code in ((), ("63079000", 2017), ("87032110", 2017))
    )
    assert fits.score > alone.score >= THRESHOLD > other.score
    assert (fits.goods_class, other.goods_class) == ("face_mask", None)
    assert "does not fit" in other.because


def test_a_code_of_a_year_without_published_headings_says_nothing() -> None:
    assert propose(shipped(), "face masks", "630790", 1996) == propose(shipped(), "face masks")


def test_a_code_alone_proposes_nothing() -> None:
    assert propose(shipped(), "goods as per annex", "630790", 2017).goods_class is None


def _words(*classes: dict[str, Any]) -> Words:
    return Words.of([GoodsPublished.model_validate({"at": "2020-01-01T00:00:00Z", "classes": list(classes)})])


def test_a_class_without_keywords_is_never_proposed_whatever_its_title_and_codes_say() -> None:
    heading = {"class": "list_2022.65.6504", "title": "Straw hats", "hs": {"2022": ["6504"]}}
    assert propose(_words(heading), "Straw hats", "650400", 2022).goods_class is None
    hats = {"class": "hats", "keywords": {"en": ["straw hat"]}, "hs": {"2022": ["6504"]}}
    assert propose(_words(heading, hats), "Straw hats", "650400", 2022).goods_class == "hats"


def test_a_taxonomy_that_adds_codes_leaves_the_words_that_propose_the_class() -> None:
    hats = {"class": "hats", "keywords": {"en": ["straw hat"]}, "hs": {"2022": ["6504"]}}
    both = _words(hats, {"class": "hats", "hs": {"2022": ["650699"]}})
    alone, added, other = (propose(both, "straw hats", code, 2022) for code in (None, "650699", "870321"))
    assert added.score > alone.score > other.score
    assert added.goods_class == "hats"
