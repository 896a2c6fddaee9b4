"""The acts of a book, read once: whoever judges under the same acts and goods shares the work.

Everything here is remembered by the very texts of the facts, and none of it is ever changed, so sharing it cannot
change an answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from events.model import Data
from events.rule_document import RuleDocument
from events.rules import CodesPublished, FxPublished, GoodsPublished, RuleEnacted
from services.domain.goods import Taxonomy
from services.domain.rules import attributes_asked

SHARED: Mapping[str, type[Data]] = {
    "rule.enacted": RuleEnacted,
    "goods.published": GoodsPublished,
    "codes.published": CodesPublished,
    "fx.published": FxPublished,
}
Texts = tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Codex:
    """The enacted documents, the latest version of each, in order of publication; what goods are; and the attributes
    that some rule asks about. There is one for the same facts, so it is its own identity."""

    rules: tuple[RuleDocument, ...]
    taxonomy: Taxonomy
    attributes: frozenset[str]


@lru_cache(maxsize=64)
def models(event_type: str, texts: Texts) -> tuple[Any, ...]:
    """The data of shared facts of one type as models, in their order."""
    return tuple(SHARED[event_type].model_validate_json(text) for text in texts)


@lru_cache(maxsize=16)
def codified(rules: Texts, goods: Texts, codes: Texts) -> Codex:
    """The codex of the data of ``rule.enacted``, ``goods.published`` and ``codes.published`` events, in their order."""
    latest = {one.document.rule: one.document for one in models("rule.enacted", rules)}
    documents = tuple(sorted(latest.values(), key=lambda rule: (rule.published, rule.rule)))
    taxonomy = Taxonomy.of(models("goods.published", goods), models("codes.published", codes))
    return Codex(documents, taxonomy, attributes_asked(documents))
