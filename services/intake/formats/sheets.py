"""Workbooks: tables whose cells know whether they are numbers, days or text."""

import logging
import re
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import fastexcel
import polars as pl

from services.intake.cells import Cell, Mixed
from services.intake.formats.delimited import named
from services.intake.mapped import Broken, Row
from services.intake.mapping import File
from services.runtime.yaml_text import FileError, reading

MOST_UNPACKED = 1024 * 1024 * 1024
_DAY = re.compile(r"\d{4}-\d\d-\d\d 00:00:00")


def workbook(path: Path, how: File) -> tuple[list[str], Iterator[Row | Broken]]:
    """The header and the rows of one sheet. Raises FileError: no workbook, or nobody said which sheet."""
    # Columns of nothing but formulas that were never calculated are empty; the reader would warn of them.
    logging.getLogger("fastexcel").setLevel(logging.ERROR)
    reader = _reader(path)
    sheet = _sheet(path, how, reader.sheet_names)
    try:
        frame = _typed(reader, sheet, how.header - 1)
    except BaseException as error:
        raise _unreadable(path, error) from error
    names = named([None if name.startswith("__UNNAMED__") else name for name in frame.columns])
    return names, _sheet_rows(frame, names, how.header)


def _weighed(path: Path) -> None:
    """A small archive may unpack to more than there is memory."""
    with reading(path) as file:
        try:
            size = sum(one.file_size for one in zipfile.ZipFile(file).infolist())
        except (zipfile.BadZipFile, ValueError, NotImplementedError):
            return
    if size > MOST_UNPACKED:
        raise FileError(
            f"{path}: unpacks to more than {MOST_UNPACKED:,} bytes. Save it as CSV and read that."
        )


def sheets_of(path: Path) -> list[str]:
    """The names of the sheets of a workbook. Raises FileError where it is none."""
    return _reader(path).sheet_names


def _reader(path: Path) -> fastexcel.ExcelReader:
    _weighed(path)
    try:
        return fastexcel.read_excel(path)
    except BaseException as error:
        raise _unreadable(path, error) from error


def _sheet(path: Path, how: File, sheets: list[str]) -> str:
    if how.sheet is not None and how.sheet not in sheets:
        raise FileError(f"{path}: there is no sheet {how.sheet}. It has {', '.join(sheets)}.")
    if how.sheet is None and len(sheets) != 1:
        raise FileError(f"{path}: has several sheets ({', '.join(sheets)}). Say which: `file: {{sheet: …}}`.")
    return how.sheet or sheets[0]


def _typed(reader: fastexcel.ExcelReader, sheet: str, header: int) -> pl.DataFrame:
    """The sheet, each column of the kind all its cells are of, else as text; empty rows are rows."""
    try:
        return reader.load_sheet(sheet, header_row=header, schema_sample_rows=None).to_polars()
    except fastexcel.FastExcelError:
        # Some mixtures in one column (a span of time beside a number) are beyond it, but not as text.
        return reader.load_sheet(sheet, header_row=header, dtypes="string").to_polars()


def _unreadable(path: Path, error: BaseException) -> BaseException:
    """What to tell of a workbook that its reader does not understand; it panics over some, outside of Exception."""
    if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
        return error
    said = str(error).splitlines()[0] if str(error) else type(error).__name__
    return FileError(f"{path}: cannot be read as a workbook ({said}). Open it and save it anew as .xlsx.")


def _sheet_rows(frame: pl.DataFrame, names: list[str], header: int) -> Iterator[Row | Broken]:
    for number, row in enumerate(frame.iter_rows(), header + 1):
        yield Row(f"row {number}", {name: _cell(value) for name, value in zip(names, row, strict=True)})


def _cell(value: Any) -> Cell:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float() | int():
            return Decimal(repr(value))
        case datetime():
            # A workbook keeps a day as its midnight; the hour at which it counts is for the mapping to say.
            return value.date() if value.time() == time() else value
        case date():
            return value
        case str():
            return Mixed(value.removesuffix(" 00:00:00") if _DAY.fullmatch(value) else value)
        case _:
            return str(value)
