"""The `tracker` command: one module per group of commands (`commands.py` lists them), and here the way in."""

import os
import sys

import typer

from services.cli.commands import Commands
from services.runtime.settings import NeedsAction

app = typer.Typer(
    cls=Commands,
    name="tracker",
    help="Which signed contracts an export rule blocks, what that costs, and who can ship instead.",
    add_completion=False,
    pretty_exceptions_enable=False,
)


# typer brings its own copy of click and exports only the leaves of its errors: this is the root of them.
_Refused: type[Exception] = typer.BadParameter.__mro__[2]


def main(arguments: list[str] | None = None) -> None:
    """Runs a command and ends the process: 0 done, 1 an answer somebody should look at, 2 the input cannot be used."""
    try:
        given = (sys.argv[1:] if arguments is None else arguments) or ["--help"]
        code = typer.main.get_group(app).main(given, prog_name="tracker", standalone_mode=False)
    except NeedsAction as error:
        code = _refuse(str(error))
    except (KeyboardInterrupt, typer.Abort):
        code = 130
    except BrokenPipeError:
        # Whoever read our output has seen enough; what is left must not fail at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except _Refused as error:
        code = _refuse(f"{_told(error)} Try tracker --help.")
    sys.exit(code if isinstance(code, int) else 0)


def _told(error: Exception) -> str:
    """The error of an option in one sentence."""
    message = getattr(error, "format_message", lambda: str(error))()
    return message if message.endswith((".", "?")) else f"{message}."


def _refuse(message: str) -> int:
    print(f"tracker: {' '.join(message.split())}", file=sys.stderr)
    return 2
