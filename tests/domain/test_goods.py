"""Published taxonomies add to one another: what several say of one class is true together."""

from typing import Any

from events.rules import GoodsPublished
from services.domain.goods import Taxonomy, united

FULL = {
    "class": "sun_hat",
    "parent": "hats",
    "title": "Hats against the sun",
    "keywords": {"en": ["sun hat"], "de": ["Sonnenhut"]},
    "hs": {"2017": ["650400"]},
}


def _published(*classes: dict[str, Any]) -> GoodsPublished:
    return GoodsPublished.model_validate({"at": "2020-01-01T00:00:00Z", "classes": list(classes)})


def test_a_class_named_again_keeps_its_words_and_codes_and_gains_the_new_ones() -> None:
    more = {
        "class": "sun_hat",
        "keywords": {"en": ["sun hat", "straw hat"]},
        "hs": {"2017": ["6504000010"], "2022": ["650400"]},
    }
    one = united([_published(FULL), _published(more)])["sun_hat"]
    assert one.keywords == {"en": ("sun hat", "straw hat"), "de": ("Sonnenhut",)}
    assert one.hs == {"2017": ("650400", "6504000010"), "2022": ("650400",)}


def test_title_and_parent_are_replaced_only_where_they_are_stated() -> None:
    codes, other = {"class": "sun_hat", "hs": {"2022": ["650400"]}}, {"class": "sun_hat", "parent": "shade"}
    kept = united([_published(FULL), _published(codes)])["sun_hat"]
    assert (kept.parent, kept.title) == ("hats", "Hats against the sun")
    moved = united([_published(FULL), _published(codes), _published(other)])["sun_hat"]
    assert (moved.parent, moved.title) == ("shade", "Hats against the sun")


def test_a_class_that_one_taxonomy_names_twice_has_what_both_say() -> None:
    first, second = {"class": "cap", "hs": {"2017": ["650500"]}}, {"class": "cap", "hs": {"2017": ["650610"]}}
    assert united([_published(first, second)])["cap"].hs == {"2017": ("650500", "650610")}


def test_codes_published_for_a_class_leave_it_below_its_parent() -> None:
    codes = {"class": "sun_hat", "hs": {"2022": ["650400"]}}
    known = Taxonomy.of([_published(FULL), _published(codes)], [])
    assert known.is_a("sun_hat", "hats") is True
    assert known.is_a("sun_hat", "gloves") is False
