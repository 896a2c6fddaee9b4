"""Which commands there are, each with its line of help; a command's module is loaded once the command is called."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup


@dataclass(frozen=True)
class Command:
    """Where a command is found, as ``module:name`` in this package: a function, or the ``app`` of a group."""

    place: str
    told: str
    """Its line in ``tracker --help``: the help of the command itself, which a test compares with it."""


COMMANDS: Mapping[str, Command] = {
    "demo": Command(
        "demo:demo",
        "China, spring 2020: contracts signed, rule enacted, orders flagged, licences granted, orders released.",
    ),
    "up": Command(
        "up:up", "Runs the servers (or uses those set) and judges all facts that are told, until Ctrl-C."
    ),
    "ingest": Command(
        "ingest:ingest_files",
        "Tells the facts of files to the running services. Safe to repeat. Ends with 1 where something was rejected.",
    ),
    "verdicts": Command(
        "verdicts:verdicts",
        "What the running services know: may each line be exported, why not, and what does that cost?",
    ),
    "explain": Command(
        "explain:explain",
        "Why a line is judged as it is, what would open it, how its loss was reckoned, and its history.",
    ),
    "exposure": Command(
        "exposure:exposure",
        "Blocked value and money lost over all open lines, per currency; lines cancelled while blocked beside them.",
    ),
    "makers": Command(
        "makers:makers", "Who holds the evidence that the clauses in force ask for, and who lacks what."
    ),
    "simulate": Command(
        "simulate:simulate",
        "Which lines would be judged otherwise were this draft in force, and what that would cost.",
    ),
    "assess": Command(
        "assess:assess", "May each line of each contract be exported, why not, and what would change that?"
    ),
    "scenario": Command(
        "scenario:scenario", "Runs golden cases; shows each difference and ends with 1 where there is one."
    ),
    "rules": Command("rules:rules", "Which rules are in force, with their citations."),
    "migrate": Command("up:migrate", "Brings the schema of the database up to date; safe to repeat."),
    "topics": Command("up:topics", "Creates the topics that are missing on the broker; safe to repeat."),
    "replay": Command(
        "replay:replay",
        "Reads all facts anew from the log and judges them; nothing is published. Ends with 1 where an answer differs.",
    ),
    "doctor": Command("doctor:doctor", "Looks whether all is well. Ends with 1 where something is wrong."),
    "dead-letters": Command("letters:app", "What could not be read: list, show, resume."),
    "keys": Command("keys:app", "Keys of the HTTP door: add, list, revoke."),
    "review": Command("review:app", "Names that may mean one party: list, match, unmatch, auto, decided."),
}


class Commands(TyperGroup):
    """The group of all commands: what it lists are names with their help, what it runs is loaded first."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, command in COMMANDS.items():
            self.add_command(TyperCommand(name, callback=None, help=command.told))

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The command that was asked for, loaded, and what is left of the arguments."""
        name, _, rest = super().resolve_command(ctx, args)
        return name, loaded(name) if name else None, rest


def loaded(name: str) -> Any:
    """The command with its options, its module imported."""
    module, _, attribute = COMMANDS[name].place.partition(":")
    found = getattr(import_module(f"services.cli.{module}"), attribute)
    app = typer.Typer(add_completion=False)
    if isinstance(found, typer.Typer):
        app.add_typer(found, name=name)
    else:
        app.command(name=name)(found)
    return typer.main.get_group(app).commands[name]
