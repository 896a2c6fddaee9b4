"""What was worked out from the very same facts before, found again by their content: remembering changes no answer."""

from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256
from io import BytesIO
from threading import Lock

import polars as pl


class Remembered:
    """The last ``most`` frames that were worked out, by what they were worked out from."""

    def __init__(self, most: int) -> None:
        self._most, self._lock = most, Lock()
        self._kept: OrderedDict[bytes, pl.DataFrame] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def found(self, *of: pl.DataFrame | str, make: Callable[[], pl.DataFrame]) -> pl.DataFrame:
        """What ``make`` works out of these frames and texts, which say all it depends on."""
        mark = _mark(of)
        with self._lock:
            if mark in self._kept:
                self._kept.move_to_end(mark)
                return self._kept[mark]
        made = make()
        with self._lock:
            self._kept[mark] = made
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return made


def _mark(of: tuple[pl.DataFrame | str, ...]) -> bytes:
    """A digest of frames and texts; each ends with its length, so that no two lists of them read alike."""
    digest = sha256()
    for one in of:
        text = one.encode() if isinstance(one, str) else _bytes(one)
        digest.update(text)
        digest.update(len(text).to_bytes(8, "big"))
    return digest.digest()


def _bytes(frame: pl.DataFrame) -> bytes:
    to = BytesIO()
    frame.rechunk().write_ipc(to, compat_level=pl.CompatLevel.oldest())  # equal texts, equal bytes
    return to.getvalue()
