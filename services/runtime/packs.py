"""Rule packs: YAML files with the acts of an authority, read into rule documents and told as facts."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from events.contracts import DATED_FACTS
from events.envelope import Event, event, expected, explain
from events.rule_document import RuleDocument
from services.runtime.settings import SHIPPED
from services.runtime.yaml_text import FileError, documents, read_bytes

SEEDS = SHIPPED / "seeds"
RULES = SEEDS / "rules"
SOURCE = "urn:contract-impact-tracker:rule-packs"
_CASES = ".scenarios"


@dataclass(frozen=True)
class Act:
    """A rule document, the file it stands in, and the digest of that file."""

    document: RuleDocument
    file: Path
    digest: str

    def event(self) -> Event:
        """The act as a fact, learnt on its publication; its id names the rule and the file it was read from."""
        document = self.document
        return event(
            f"rule.{document.status}",
            {"document": document.model_dump(mode="json", exclude_defaults=True), "pack": self.digest},
            source=SOURCE,
            id=f"{document.rule}/{self.digest.removeprefix('sha256:')[:16]}",
            recordedat=document.published,
        )


def load(path: Path) -> list[Act]:
    """The acts of one pack. Raises FileError, naming file, document number, clause and field."""
    content = read_bytes(path)
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    found = [_act(path, number, raw, digest) for number, raw in enumerate(documents(path, content), 1)]
    if not found:
        raise FileError(f"{path}: holds no rule document. Expected one or more, with --- between them.")
    return found


def acts(folders: Iterable[Path] = (), packs: Iterable[Path] = ()) -> Mapping[str, Act]:
    """The acts the program ships, then those of folders and of single packs: of two with one id the later wins.

    Raises FileError; a rule id may stand once in a folder.
    """
    found: dict[str, Act] = {}
    for files in [*(_files(folder) for folder in (RULES, *folders)), *([pack] for pack in packs)]:
        found |= _once(act for file in files for act in load(file))
    return found


def shared_facts() -> list[Event]:
    """The taxonomy of goods and the successions of tariff codes that the program ships, as facts."""
    return [_shared("goods"), _shared("codes")]


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise FileError(
            f"{folder}: there is no such folder of rule packs. Check the path given with --rules."
        )
    packs = sorted(path for path in folder.glob("*.y*ml") if not path.stem.endswith(_CASES))
    if not packs:
        raise FileError(f"{folder}: holds no rule pack. Expected files that end in .yaml.")
    return packs


def _once(found: Iterable[Act]) -> dict[str, Act]:
    by_rule: dict[str, Act] = {}
    for act in found:
        other = by_rule.setdefault(act.document.rule, act)
        if other is not act:
            raise FileError(
                f"{act.file}: the rule {act.document.rule} stands in {other.file.name} as well. Name it anew."
            )
    return by_rule


def _act(path: Path, number: int, raw: Any, digest: str) -> Act:
    rule = f" ({raw['rule']})" if isinstance(raw, dict) and isinstance(raw.get("rule"), str) else ""
    try:
        act = Act(RuleDocument.model_validate(raw), path, digest)
    except ValidationError as error:
        told = [_told(raw, problem["loc"], expected(problem)) for problem in error.errors(include_url=False)]
        raise _refused(path, number, rule, told) from error
    if unknown := list(_unknown_facts(raw, {*DATED_FACTS, *act.document.facts})):
        raise _refused(path, number, rule, [_told(raw, *one) for one in unknown])
    return act


def _refused(path: Path, number: int, rule: str, told: Sequence[str]) -> FileError:
    more = f" (and {len(told) - 1} more)" if len(told) > 1 else ""
    return FileError(f"{path}, document {number}{rule}, {told[0]}{more}")


def _told(raw: Any, loc: Sequence[str | int], what: str) -> str:
    """Clause and field in which something else was expected, and what."""
    place, clause = [str(part) for part in loc], ""
    if len(place) > 1 and place[0] == "clauses":
        clause = f"clause {raw['clauses'][int(place[1])].get('clause', f'number {int(place[1]) + 1}')}, "
        place = place[2:]
    return f"{clause}{'.'.join(place)}{': ' if place else ''}{what}"


def _unknown_facts(
    node: Any, known: Set[str], place: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Where a requirement names a dated fact that nobody could ever tell, and what to do about it.

    Not refused by the document itself: what is stored must stay readable whatever a later version declares.
    """
    inside = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in inside:
        if (
            key == "dated"
            and isinstance(value, str)
            and value not in known
            and place
            and place[0] != "citation"
        ):
            near = get_close_matches(value, known, 1)
            meant = f"did you mean {near[0]}? Else declare" if near else "declare"
            yield (
                (*place, key),
                f"{value} is no dated fact that is known; {meant} it under `facts` of this document",
            )
        else:
            yield from _unknown_facts(value, known, (*place, key))


def _shared(name: str) -> Event:
    path = SEEDS / f"{name}.yaml"
    content = read_bytes(path)
    (data,) = documents(path, content)
    mark = hashlib.sha256(content).hexdigest()[:16]
    try:
        return event(f"{name}.published", data, source=SOURCE, id=f"{name}/{mark}", recordedat=data["at"])
    except (ValueError, KeyError) as error:
        raise FileError(f"{path}: {explain(error)}") from error
