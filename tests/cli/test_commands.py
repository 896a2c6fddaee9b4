"""The way into the commands: each is listed with its own help, and only the one that is called is loaded."""

import subprocess
import sys

import pytest

from services.cli.commands import COMMANDS, loaded
from tests.cli.conftest import Run, refused

HEAVY = ("aiokafka", "asyncpg", "fastapi", "faust", "polars", "uvicorn")
LOADED = """
import sys
from services.cli import main
try:
    main(sys.argv[1:])
finally:
    print(*(name for name in %r if name in sys.modules), file=sys.stderr)
"""


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_listed_with_the_first_words_of_its_own_help(name: str) -> None:
    command = loaded(name)
    assert command.name == name
    first, _, _ = command.help.partition("\n\n")
    assert COMMANDS[name].told == " ".join(first.split())


def test_the_list_of_commands_names_every_one_and_loads_none() -> None:
    done = _heavy("--help")
    assert [name for name in COMMANDS if f"│ {name} " not in done.stdout] == []
    assert done.stderr.split() == []


def test_a_command_loads_what_it_needs_and_nothing_of_the_processors() -> None:
    loads = _heavy("rules", "--help").stderr.split()
    assert "polars" in loads
    assert not {"fastapi", "faust", "uvicorn"} & set(loads)


def test_the_group_of_a_command_keeps_its_own_commands(run: Run) -> None:
    done = run("dead-letters", "--help")
    assert done.returncode == 0
    assert all(f"│ {name} " in done.stdout for name in ("list", "show", "resume"))


def test_a_command_that_does_not_exist_is_refused_with_the_nearest_one(run: Run) -> None:
    assert (
        refused(run("verdict"))
        == "tracker: No such command 'verdict'. Did you mean 'verdicts'? Try tracker --help.\n"
    )


def _heavy(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs `tracker`; its errors end with the names of the heavy packages that it has loaded."""
    return subprocess.run(
        [sys.executable, "-c", LOADED % (HEAVY,), *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
