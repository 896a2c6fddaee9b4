"""The export list of Global Trade Alert as rows with the same names, whatever its headings were called that month."""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from services.runtime.yaml_text import FileError, reading

# What a column is called here, and the headings (made plain) that were seen for it.
_HEADINGS: Mapping[str, tuple[str, ...]] = {
    "entry": ("entry id", "intervention id"),
    "jurisdiction": ("jurisdiction", "implementing jurisdiction", "implementing jurisdictions"),
    "kind": ("gta intervention type", "intervention type"),
    "assessment": ("initial assessment", "gta evaluation"),
    "announced": ("announcement date", "date announced"),
    "implemented": ("implementation date", "date implemented", "inception date"),
    "removed": ("removal date", "date removed"),
    "is_export": ("is export policy", "export policy"),
    "status": ("documentation status",),
    "source": ("source", "sources"),
    "medical": ("product any medical product", "any medical product"),
    "consumables": ("product medical consumables", "medical consumables"),
    "equipment": ("product medical equipment", "medical equipment"),
    "medicines": ("product medicines or drugs", "medicines or drugs"),
    "food": ("product food", "food"),
}
FLAGS = ("medical", "consumables", "equipment", "medicines", "food")
_NEEDED = ("entry", "jurisdiction", "kind", "assessment", "announced", "implemented", "removed", "is_export")
_BESIDE = re.compile(r"\(.*?\)")
_APART = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the list: its line in the file, and its cells by the names above, without space around them.

    ``whole`` is False where the row has more or fewer cells than the heading.
    """

    line: int
    cells: Mapping[str, str]
    whole: bool

    def __getitem__(self, name: str) -> str:
        return self.cells.get(name, "")


def rows(path: Path) -> Iterator[Row]:
    """The rows under the heading, in their order. Raises FileError where a column that is needed is missing."""
    with reading(path) as file:
        text = csv.reader(io.TextIOWrapper(file, encoding="utf-8-sig", newline=""))
        try:
            heading = next(text, [])
            places = _places(path, heading)
            for cells in text:
                if any(cell.strip() for cell in cells):
                    told = {name: cells[at].strip() for name, at in places.items() if at < len(cells)}
                    yield Row(text.line_num, told, len(cells) == len(heading))
        except UnicodeDecodeError as error:
            raise FileError(f"{path}: not text in UTF-8. Save the list as CSV in UTF-8.") from error
        except csv.Error as error:
            raise FileError(
                f"{path}, line {text.line_num}: not CSV: {error}. Download the list anew."
            ) from error


def _places(path: Path, heading: list[str]) -> Mapping[str, int]:
    """Where each column stands, by its heading."""
    plain = [_plain(one) for one in heading]
    found = {
        name: next(plain.index(one) for one in seen if one in plain)
        for name, seen in _HEADINGS.items()
        if any(one in plain for one in seen)
    }
    missing = [_HEADINGS[name][0] for name in _NEEDED if name not in found]
    if not any(name in found for name in FLAGS):
        missing.append(_HEADINGS["medical"][0])
    if missing:
        raise FileError(
            f"{path}: no column {', '.join(missing)}. Expected the list of Global Trade Alert, one measure a row."
        )
    return found


def _plain(heading: str) -> str:
    return " ".join(_APART.split(_BESIDE.sub("", heading).casefold())).strip()
