"""The real pair with an empty log and a database of the newest schema; and at the end, the table of all faults."""

import pytest

from tests.faults import tally
from tests.impact.conftest import pair, pool

__all__ = ["pair", "pool", "pytest_terminal_summary"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if tally.ROWS:
        terminalreporter.section("faults")
        terminalreporter.write_line(tally.table())
