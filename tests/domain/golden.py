"""Where the golden cases and the packs lie, as the program reads them; what runs them is services/domain/scenarios.py."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from events.envelope import Event
from services.domain.scenarios import Case, read
from services.runtime import packs
from services.runtime.yaml_text import documents as text

ROOT = Path(__file__).parents[2]
PACKS = ROOT / "seeds" / "rules"
CASES = ROOT / "tests" / "scenarios"
Document = Mapping[str, Any]


def documents(*folders: Path) -> dict[str, Document]:
    """The rule documents of packs as they are written, by rule."""
    files = sorted(path for folder in folders for path in folder.glob("*.yaml"))
    return {
        one["rule"]: one for path in files if not path.name.endswith(".scenarios.yaml") for one in text(path)
    }


@cache
def acts() -> Mapping[str, Event]:
    """The acts that golden cases name, as facts, by rule."""
    return {rule: act.event() for rule, act in packs.acts([CASES]).items()}


@cache
def shared() -> Sequence[Event]:
    """The taxonomies that every program reads beside the packs."""
    return packs.shared_facts()


def golden(*folders: Path) -> list[tuple[str, Case]]:
    """The golden cases of the folders with the names of their files, in the order of files."""
    files = sorted(path for folder in folders for path in folder.glob("*.scenarios.yaml"))
    return [(path.name, read(one)) for path in files for one in text(path)[0]]


__all__ = ["CASES", "PACKS", "ROOT", "Document", "acts", "documents", "golden", "shared", "text"]
