"""Small tables and mappings of invented content, in the shapes that public tables have."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openpyxl

from events.envelope import Event
from services.intake.files import FORMATS
from services.intake.rows import Brought, Outcome, Rejected, Told, Unchanged

SALES = """
source: /test/sales
dates: {timezone: Europe/Madrid, time: "12:00"}
event: contract.signed
fields:
  exporter: {party: seller}
  contract: order
  buyer: {party: buyer}
  exported_from: from
  destination: to
  currency: {constant: EUR}
  signed: date
each:
  lines:
    line: {constant: "1"}
    quantity: pieces
    unit: {constant: H87}
    unit_price: price
    export_at: {from: date, plus_days: 14}
"""
HEADER = "order,seller,buyer,from,to,date,pieces,price"
GOOD = "PO-1,Ágora Máscaras S.L.,Clinic,CN,Spain,2020-03-20,1000,1.25"


def written(folder: Path, name: str, content: str | bytes) -> Path:
    """A file with this content."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def csv_file(folder: Path, *lines: str, encoding: str = "utf-8") -> Path:
    """A text file of these lines."""
    return written(folder, "table.csv", "".join(f"{line}\n" for line in lines).encode(encoding))


def workbook(folder: Path, rows: Sequence[Sequence[Any]], sheets: Sequence[str] = ("Sales",)) -> Path:
    """A workbook with these rows on its first sheet."""
    book = openpyxl.Workbook()
    for number, name in enumerate(sheets):
        sheet = book.create_sheet(name, number)
        for row in rows if number == 0 else ():
            sheet.append(list(row))
    del book["Sheet"]
    path = folder / "table.xlsx"
    book.save(path)
    return path


def told(path: Path, mapping: str, kind: str = "csv", brought: Brought | None = None) -> list[Outcome]:
    """What becomes of the rows of a file under a mapping."""
    beside = written(path.parent, "mapping.yaml", mapping)
    given = brought or Brought()
    return list(FORMATS[kind](path, Brought(beside, given.day, given.previous)))


def facts(outcomes: Sequence[Outcome]) -> list[Event]:
    return [fact for one in outcomes if isinstance(one, Told) for fact in one.facts]


def reasons(outcomes: Sequence[Outcome]) -> list[tuple[str, str]]:
    """Place and reason of each row that was not told."""
    return [(one.place, one.reason) for one in outcomes if isinstance(one, Rejected | Unchanged)]


def data(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """What the facts say, as on the wire."""
    return [fact.wire()["data"] for fact in facts(outcomes)]
