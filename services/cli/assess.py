"""`tracker assess`: events and rule packs in, verdicts and losses out, with no service running."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from events.envelope import Event
from services.cli import rows
from services.cli.options import At, Format, Known, Now, Printed, Rules
from services.domain import losses, verdicts
from services.domain.answers import answers
from services.domain.book import Book, frame_of
from services.runtime import event_files, packs
from services.runtime.yaml_text import FileError

Files = Annotated[
    list[Path], typer.Argument(metavar="FILE…", help="Events as JSON Lines; rule packs as .yaml.")
]


def assess(
    files: Files,
    rules: Rules = None,
    at: At = None,
    known: Known = None,
    now: Now = None,
    form: Printed = Format.TABLE,
) -> None:
    """May each line of each contract be exported, why not, and what would change that?"""
    given = [event for path in files if not _is_pack(path) for event in event_files.events(path)]
    acts = packs.acts(rules or (), [path for path in files if _is_pack(path)])
    if not given:
        raise FileError(
            f"{', '.join(map(str, files))}: no events, so nothing to assess. Give a file of events."
        )
    told = [*packs.shared_facts(), *(act.event() for act in acts.values()), *given]
    found = _judged(Book.from_events(frame_of(told)), now or at or _latest(given), at, known)
    rows.output(found, form)


def _judged(book: Book, now: datetime, at: datetime | None, known: datetime | None) -> list[dict[str, Any]]:
    judged = verdicts.assess(book, now=now, at=at, known=known)
    return list(answers(losses.estimate(book, judged, now=now, known=known, at=at)))


def _latest(events: Sequence[Event]) -> datetime:
    return max(event.recordedat or event.time for event in events)


def _is_pack(path: Path) -> bool:
    return path.suffix in (".yaml", ".yml")
