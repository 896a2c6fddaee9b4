"""What is left of a firm's name without capitals, accents, dots, and the words that say its legal form."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

from services.runtime.packs import SEEDS
from services.runtime.yaml_text import FileError, documents

FORMS = SEEDS / "legal_forms.yaml"
_WORD = re.compile(r"[^\W_]+")
_WIDE = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_AND = frozenset({"and", "und", "et"})
"""As often written as a sign, which is no word."""
Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plain:
    """A name made plain: its words in their order, and the kinds of its legal forms."""

    words: Words
    forms: frozenset[str]

    @property
    def text(self) -> str:
        return " ".join(self.words)

    @property
    def numbers(self) -> frozenset[str]:
        """The words that hold a digit: two plants of a firm may differ in nothing else."""
        return frozenset(word for word in self.words if any(letter.isdigit() for letter in word))


def plain(name: str) -> Plain:
    """The name made plain; where nothing but a legal form would be left, the form stays."""
    words, kinds = _words(name), set[str]()
    while (cut := _without_form(words)) is not None:
        words, kind = cut
        kinds.add(kind)
    return Plain(words, frozenset(kinds))


def _words(name: str) -> Words:
    """Words in small letters without accents; letters that stand alone in a row are one word, as in s.r.o."""
    text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name).casefold().replace("ı", "i"))
    text = "".join(letter for letter in text if not unicodedata.combining(letter)).replace("ł", "l")
    found = _WORD.findall(unicodedata.normalize("NFC", text).replace("'", "").replace("’", ""))
    words = list[str]()
    for alone, group in groupby(found, key=lambda word: len(word) == 1 and word.isalpha()):
        letters = list(group)
        words += ["".join(letters)] if alone else letters
    return tuple(word for word in words if word not in _AND) or tuple(words)


def _without_form(words: Words) -> tuple[Words, str] | None:
    """The words without the longest legal form at one of their ends, and its kind."""
    for form, kind, before in _forms():
        if len(words) > len(form) and words[-len(form) :] == form:
            return words[: -len(form)], kind
        if before and len(words) > len(form) and words[: len(form)] == form:
            return words[len(form) :], kind
        if words and len(form) == 1 and _WIDE.search(form[0]):
            # These scripts put no space between words.
            last, first = words[-1].removesuffix(form[0]), words[0].removeprefix(form[0])
            if last and last != words[-1]:
                return (*words[:-1], last), kind
            if before and first and first != words[0]:
                return (first, *words[1:]), kind
    return None


@cache
def _forms() -> Sequence[tuple[Words, str, bool]]:
    """The legal forms as words, the longest first: with the kind of each, and whether it may stand before a name."""
    content = load(FORMS)
    found = {_words(form): kind for kind, forms in content["forms"].items() for form in forms}
    ordered = sorted(found.items(), key=lambda form: (-len(form[0]), -len("".join(form[0])), form[0]))
    return [(form, kind, kind in content["before"]) for form, kind in ordered]


def load(path: Path) -> Mapping[str, Any]:
    """``forms``, the legal forms of a file by their kind, and ``before``, kinds that may precede a name.

    Raises FileError.
    """
    match documents(path):
        case [{"forms": dict() as forms, "before": list() as before}] if set(before) <= set(forms):
            return {"forms": forms, "before": before}
    raise FileError(f"{path}: expected forms: legal forms by their kind, and before: some of these kinds.")
