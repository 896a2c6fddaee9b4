"""Text files of rows: cells apart by comma, semicolon or tab, perhaps in quotes, in the encodings people really use.

Read row by row with the standard library's reader: it says of each row how many cells it has, so a row that is broken
is named and costs no other.
"""

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from services.intake.mapped import Broken, Row
from services.intake.mapping import File
from services.runtime.yaml_text import FileError, reading

MOST_IN_A_CELL = 1024 * 1024
MOST_IN_A_LINE = 8 * 1024 * 1024
_STEP = 64 * 1024
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_DELIMITERS = (",", ";", "\t", "|")


@contextmanager
def opened(path: Path, how: File) -> Iterator[tuple[list[str], Iterator[Row | Broken]]]:
    """The header and the rows behind it, streamed. Raises FileError where the file is no text with a header."""
    with reading(path) as file:
        encoding = how.encoding or encoding_of(path, file)
        # A byte-order mark is no part of the first column's name.
        encoding = "utf-8-sig" if encoding == "utf-8" else encoding
        errors = "strict" if encoding == "utf-16" else "surrogateescape"
        # newline="": what ends a row and what is a line within a cell is for the reader of rows to say.
        text = io.TextIOWrapper(file, encoding, errors, newline="")
        try:
            above = [text.readline(MOST_IN_A_LINE) for _ in range(how.header)]
        except UnicodeError as error:
            raise FileError(
                f"{path}: is not written in {encoding}. State `file: {{encoding: …}}`."
            ) from error
        delimiter = "\t" if how.delimiter == "tab" else how.delimiter or delimiter_of(above[-1])
        text.seek(0)
        yield _rows(path, text, delimiter, how.header, encoding)


def encoding_of(path: Path, file: IO[bytes]) -> str:
    """By its first bytes, else UTF-8 where all of the file is that, else Windows-1252; leaves the file at its start."""
    start = file.read(4)
    file.seek(0)
    if start.startswith(_WORKBOOKS):
        raise FileError(f"{path}: this is a workbook. Read it with tracker ingest xlsx.")
    for mark, name in _BOMS:
        if start.startswith(mark):
            return name
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while step := file.read(_STEP):
            decoder.decode(step)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "cp1252"
    finally:
        file.seek(0)
    return "utf-8"


def delimiter_of(header: str) -> str:
    """What stands between the cells of a header: the mark that is most often in it, outside of quotes."""
    bare = "".join(header.split('"')[::2])
    return max(_DELIMITERS, key=bare.count)


def _rows(
    path: Path, text: IO[str], delimiter: str, at: int, encoding: str
) -> tuple[list[str], Iterator[Row | Broken]]:
    csv.field_size_limit(MOST_IN_A_CELL)
    reader = csv.reader(_lines(text), delimiter=delimiter, strict=True)
    header: list[str] = []
    try:
        for _ in range(at):
            header = next(reader)
    except StopIteration:
        raise FileError(
            f"{path}: no header on row {at}. Say where it stands: `file: {{header: …}}`."
        ) from None
    except (csv.Error, UnicodeError) as error:
        raise FileError(
            f"{path}: the header cannot be read ({error}). Check how the file is written."
        ) from error
    names = named(header)
    return names, _each(reader, names, at, encoding)


def named(header: Sequence[str | None]) -> list[str]:
    """The names of columns as they are written, white space made plain; one without a name is called by its place."""
    plainly = [" ".join((name or "").split()) for name in header]
    return [name or f"column {number}" for number, name in enumerate(plainly, 1)]


def _lines(text: IO[str]) -> Iterator[str]:
    while line := text.readline(MOST_IN_A_LINE):
        yield line


def _each(reader: Any, names: list[str], number: int, encoding: str) -> Iterator[Row | Broken]:
    while True:
        number, start = number + 1, reader.line_num + 1
        place = f"row {number}" if start == number else f"row {number} (line {start})"
        try:
            found = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Broken(place, _trouble(error, start, reader.line_num))
            continue
        except UnicodeError:
            yield Broken(place, f"these bytes and all behind them are no {encoding}")
            return
        yield _row(place, names, found, encoding)


def _row(place: str, names: list[str], found: list[str], encoding: str) -> Row | Broken:
    if len(found) > len(names) and not any(cell.strip() for cell in found[len(names) :]):
        found = found[: len(names)]
    if found and len(found) != len(names):
        return Broken(
            place, f"{len(found)} cells, and the header has {len(names)}: a delimiter or a quote is amiss"
        )
    for name, cell in zip(names, found, strict=False):
        if not cell.isascii() and any("\udc80" <= letter <= "\udcff" for letter in cell):
            told = f"{name}: holds bytes that are no {encoding.removesuffix('-sig')}"
            return Broken(place, f"{told}; state how the file is written: `file: {{encoding: …}}`")
    return Row(place, dict(zip(names, found or [""] * len(names), strict=True)))


def _trouble(error: csv.Error, start: int, end: int) -> str:
    said = str(error)
    if "unexpected end" in said:
        return f"a quote is opened here and never closed: lines {start} to {end} are one cell"
    if "field limit" in said:
        return f"a cell of more than {MOST_IN_A_CELL:,} characters: a quote may be left open"
    return f"a quote in the wrong place ({said})"
