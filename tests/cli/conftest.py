"""The command as a subprocess, and a small book to run it on."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]

LINES = [
    {"line": "1", "class": "covid_test_kit", "hs": "38220090", "hs_year": 2017, "quantity": "1000", "unit": "H87",
     "unit_price": "12.00", "export_at": "2020-04-05T09:00+08:00", "deadline": "2020-04-30T00:00+02:00"},
    {"line": "2", "class": "office_chair", "quantity": "3", "unit": "H87", "unit_price": "900",
     "export_at": "2020-04-06T09:00+08:00"},
]  # fmt: skip
CONTRACT = {"exporter": "acme", "contract": "C1", "manufacturer": "acme", "buyer": "hospital-es", "exported_from": "CN",
            "destination": "ES", "currency": "EUR", "signed": "2020-03-20T10:00+08:00", "lines": LINES}  # fmt: skip
CE = {"scheme": "ce_marking", "licence": "L1", "holder": "acme", "goods": [{"class": "covid_test_kit"}],
      "from": "2020-01-10T00:00+08:00"}  # fmt: skip
NMPA = {**CE, "scheme": "nmpa_registration", "licence": "L2", "from": "2020-04-10T00:00+08:00"}
FACTS: Sequence[tuple[str, Mapping[str, Any], str | None]] = (
    ("contract.signed", CONTRACT, None),
    ("licence.granted", CE, None),
    ("licence.granted", NMPA, "2020-04-15T12:00+08:00"),
)


def told(kind: str, data: Mapping[str, Any], recorded: str | None = None, **more: object) -> dict[str, Any]:
    """A CloudEvents object; its id is its content, so that the same fact told twice is one event."""
    name = f"{kind}/{data.get('licence') or data.get('contract')}"
    head = {"specversion": "1.0", "id": name, "source": "urn:test", "type": kind, "data": data}
    return {**head, **({"recordedat": recorded} if recorded else {}), **more}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs `tracker` with these arguments in an empty folder."""

    def start(*arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "services.cli", *map(str, arguments)],
            cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "COLUMNS": "80"},
        )  # fmt: skip

    return start


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """A kit maker with a CE certificate, registered at home on 10 April, which was learnt on the 15th."""
    path = tmp_path / "book.jsonl"
    path.write_text("".join(json.dumps(told(*fact)) + "\n" for fact in FACTS))
    return path


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """The one line that says why, and nothing else: exit code 2, no traceback, no row."""
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("tracker: ")
    assert done.stderr.count("\n") == 1
    return done.stderr
