"""What a file's rejections become: a table of its own beside the file, written as they are found."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from services.intake.rows import Rejected
from services.runtime.yaml_text import FileError

COLUMNS = ("file", "place", "reason")
ENDING = ".rejected.csv"


class Rejects:
    """The rejections of one file, kept in ``PATH.rejected.csv``. The table is made at the first of them."""

    def __init__(self, path: Path) -> None:
        self.path = path.with_name(f"{path.name}{ENDING}")
        self._file: IO[str] | None = None
        self._rows: Any = None

    def add(self, one: Rejected) -> None:
        """Keep it. Raises FileError where nothing can be written beside the file."""
        if self._file is None:
            try:
                self._file = self.path.open("w", encoding="utf-8", newline="")
            except OSError as error:
                raise FileError(
                    f"{self.path}: {error.strerror or error}. Rejections are written beside the file; "
                    "copy it to a folder that can be written to."
                ) from error
            self._rows = csv.writer(self._file)
            self._rows.writerow(COLUMNS)
        self._rows.writerow([plain(str(one.file)), plain(one.place), plain(one.reason)])

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


@contextmanager
def beside(path: Path) -> Iterator[Rejects]:
    """The rejections of this file, closed at the end; those of an earlier run are gone."""
    rejects = Rejects(path)
    rejects.path.unlink(missing_ok=True)
    try:
        yield rejects
    finally:
        rejects.close()


def plain(text: str) -> str:
    """The text as a spreadsheet shows it and never runs it."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
