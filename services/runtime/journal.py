"""What a program says while it runs: one JSON object a line, or readable lines where somebody looks at a terminal.

Passwords in addresses are struck out, in messages as in errors, whoever wrote them.
"""

import logging
import re
import sys
from typing import Any, TextIO

import structlog
from structlog.stdlib import ProcessorFormatter
from structlog.types import EventDict, Processor, WrappedLogger

_PASSWORD = re.compile(r"(\b[\w+.-]+://[^\s:/@]*:)[^\s@]+@")


def keep(program: str, level: int = logging.WARNING, stream: TextIO | None = None) -> None:
    """From now on whatever is logged, by us or by a library, goes to ``stream`` (standard error) from ``level`` on."""
    out = sys.stderr if stream is None else stream
    handler = logging.StreamHandler(out)
    handler.setFormatter(_formatter(program, readable=out.isatty()))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)


def without_secrets(_: WrappedLogger, __: str, said: EventDict) -> EventDict:
    """The same, with the password of every address in it struck out."""
    return {key: _PASSWORD.sub(r"\1***@", one) if isinstance(one, str) else one for key, one in said.items()}


def _formatter(program: str, readable: bool) -> ProcessorFormatter:
    """Errors are told as Python prints them, without the values of variables: those are nobody's business."""

    def of_program(_: WrappedLogger, __: str, said: EventDict) -> EventDict:
        return {"program": program, **said}

    first: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        of_program,
    ]
    shown: Any = (
        structlog.dev.ConsoleRenderer(timestamp_key="at", exception_formatter=structlog.dev.plain_traceback)
        if readable
        else structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
    )
    last: list[Processor] = [
        ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        without_secrets,
        shown,
    ]
    return ProcessorFormatter(foreign_pre_chain=first, processors=last)
