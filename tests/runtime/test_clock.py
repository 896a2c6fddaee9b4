"""The clock is read in one place."""

import re
from datetime import UTC
from pathlib import Path

from services.runtime import clock
from services.runtime.settings import SHIPPED

READS = re.compile(r"\b(datetime\.(now|utcnow|today)|date\.today|time\.time|time\.time_ns)\(")


def test_now_is_an_instant_in_utc_that_does_not_run_backwards() -> None:
    before, after = clock.now(), clock.now()
    assert before.tzinfo is UTC
    assert before <= after


def test_no_other_module_reads_the_clock() -> None:
    code = [*(SHIPPED / "services").rglob("*.py"), *(SHIPPED / "events").rglob("*.py")]
    assert [path for path in code if READS.search(path.read_text())] == [Path(clock.__file__)]
