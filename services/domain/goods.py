"""What goods are: classes and their parents, and tariff codes across nomenclature years."""

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from events.rules import CodesPublished, GoodsOfClass, GoodsPublished


def united(goods: Iterable[GoodsPublished]) -> dict[str, GoodsOfClass]:
    """The classes by name, as the published taxonomies say together, in their order: they add to one another.

    A class named again keeps its keywords and codes and gains the new ones; its title and its parent are those stated
    last.
    """
    found: dict[str, GoodsOfClass] = {}
    for one in (one for part in goods for one in part.classes):
        before = found.get(one.goods_class)
        found[one.goods_class] = one if before is None else _both(before, one)
    return found


def _both(before: GoodsOfClass, more: GoodsOfClass) -> GoodsOfClass:
    return before.model_copy(
        update={
            "parent": more.parent or before.parent,
            "title": more.title or before.title,
            "keywords": _joined(before.keywords, more.keywords),
            "hs": _joined(before.hs, more.hs),
        }
    )


def _joined(
    before: Mapping[str, tuple[str, ...]], more: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    """By each key what either has under it, each once."""
    return {
        key: tuple(dict.fromkeys((*before.get(key, ()), *more.get(key, ()))))
        for key in dict.fromkeys((*before, *more))
    }


@dataclass(frozen=True)
class Taxonomy:
    """Parents of classes (beside those their dotted names say), and successions of codes.

    ``steps``: (year, other year) → (code, code it became there), in both directions of time.
    """

    parents: dict[str, str] = field(default_factory=dict)
    steps: dict[int, dict[int, list[tuple[str, str]]]] = field(default_factory=dict)

    @classmethod
    def of(cls, goods: Iterable[GoodsPublished], codes: Iterable[CodesPublished]) -> "Taxonomy":
        """What the published taxonomies (``united``) and successions say together."""
        parents = {name: one.parent for name, one in united(goods).items() if one.parent}
        steps: dict[int, dict[int, list[tuple[str, str]]]] = defaultdict(lambda: defaultdict(list))
        for one in codes:
            for step in one.successions:
                steps[step.hs_year][step.to_year].append((step.hs, step.to))
                steps[step.to_year][step.hs_year].append((step.to, step.hs))
        return cls(parents, {year: dict(to) for year, to in steps.items()})

    def ancestors(self, name: str) -> Iterator[str]:
        """The classes this one is a part of, nearest first, itself excluded."""
        seen = {name}
        while True:
            name = self.parents.get(name) or name.rpartition(".")[0]
            if not name or name in seen:
                return
            seen.add(name)
            yield name

    def is_a(self, name: str | None, wanted: str) -> bool | None:
        """Whether goods of a class are of the wanted class; unknown where only a wider class, or none, is given."""
        if name is None:
            return None
        if name == wanted or wanted in self.ancestors(name):
            return True
        return None if name in self.ancestors(wanted) else False

    def coded(self, code: str, year: int, wanted: tuple[str, ...], wanted_year: int) -> bool | None:
        """Whether a code of one nomenclature year is among wanted codes of another; unknown where it may be."""
        images = {code} if year == wanted_year else self._images(code, year, wanted_year)
        if images is None:
            return None
        found = {_among(image, wanted) for image in images}
        return found.pop() if len(found) == 1 else None

    def _images(self, code: str, year: int, target: int) -> set[str] | None:
        """The codes of the target year that this one became or came from; none published between them: unknown."""
        path = self._path(year, target)
        if path is None:
            return None
        codes = {code}
        for here, there in itertools.pairwise(path):
            codes = {image for one in codes for image in self._step(one, here, there)}
        return codes

    def _step(self, code: str, here: int, there: int) -> set[str]:
        steps = self.steps[here][there]
        return {to for known, to in steps if known.startswith(code) or code.startswith(known)} or {code}

    def _path(self, year: int, target: int) -> list[int] | None:
        """The years to step through, the fewest steps first."""
        paths, seen = [[year]], {year}
        while paths:
            path = paths.pop(0)
            if path[-1] == target:
                return path
            following = sorted(self.steps.get(path[-1], {}), key=lambda y: abs(y - target))
            paths += [[*path, y] for y in following if y not in seen]
            seen.update(following)
        return None


def _among(code: str, wanted: tuple[str, ...]) -> bool | None:
    """A longer code is covered by a shorter one; a code shorter than a wanted one may or may not be it."""
    if any(code.startswith(one) for one in wanted):
        return True
    return None if any(one.startswith(code) for one in wanted) else False
