"""Logging: structlog, set up once for the process; one line an event, with its facts as fields.

``configure_logging`` is for whoever owns the process (the CLI). Everyone else does ``structlog.get_logger()``.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping
from typing import Any, TextIO

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

SECRETS = ("token", "password", "authorization", "secret")
"""A field of such a name, or of one that ends so (``admin_token``), is never written out."""

MASK = "***"

_MULTI_LINE = ("exception", "stack", "exc_info")
_DEEPEST = 5


def configure_logging(level: str = "info", format: str = "console", stream: TextIO | None = None) -> None:
    """Set up structlog, and route the standard library's ``logging`` (warnings and worse) through it.

    ``level`` is the least that is written: debug, info, warning, error. ``format``: ``console`` for people, in colours
    where ``stream`` (default: stderr) is a terminal; ``json`` for machines, one object a line.
    """
    stream = stream if stream is not None else sys.stderr
    least = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=_processors(format, stream),
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=_sink_factory(stream),
        # Loggers at module level would else go on with what was configured when they were first used.
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    for handler in list(root.handlers):
        if isinstance(handler, _ToStructlog):
            root.removeHandler(handler)
    root.addHandler(_ToStructlog())
    root.setLevel(max(least, logging.WARNING))


def _processors(format: str, stream: TextIO) -> list[Processor]:
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        redact,
    ]
    if format == "json":
        # Locals are left out of stack traces: they may hold tokens.
        transformer = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        return [
            *shared,
            structlog.processors.ExceptionRenderer(transformer),
            structlog.processors.JSONRenderer(sort_keys=False),
        ]
    return [
        *shared,
        _escape_controls,
        structlog.dev.ConsoleRenderer(
            colors=_is_terminal(stream),
            # rich's formatter, the default where rich is there, shows locals
            exception_formatter=structlog.dev.plain_traceback,
        ),
    ]


def redact(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """A structlog processor that masks secrets by their field's name, in inner mappings too."""
    for name, value in event.items():
        event[name] = _redacted(name, value, _DEEPEST)
    return event


def _redacted(name: object, value: Any, deeper: int) -> Any:
    if isinstance(name, str) and name.lower().endswith(SECRETS):
        return MASK if value else value
    if deeper and isinstance(value, Mapping):
        return {key: _redacted(key, item, deeper - 1) for key, item in value.items()}
    if deeper and isinstance(value, list | tuple):
        return [_redacted(None, item, deeper - 1) for item in value]
    return value


def _escape_controls(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Nothing that a client sent may steer the terminal of whoever reads the log."""
    for name, value in event.items():
        if isinstance(value, str) and name not in _MULTI_LINE and not value.isprintable():
            event[name] = value.encode("unicode_escape").decode("ascii")
    return event


def _is_terminal(stream: TextIO) -> bool:
    return not stream.closed and stream.isatty()


class _Sink:
    """Writes lines. A log that cannot be written must not end what it tells of."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def msg(self, message: str) -> None:
        try:
            self._stream.write(f"{message}\n")
            self._stream.flush()
        except (OSError, ValueError):
            return  # the reader of the pipe is gone, or the stream is closed: there is nobody left to tell

    debug = info = warning = error = critical = exception = log = msg


def _sink_factory(stream: TextIO) -> Callable[..., _Sink]:
    sink = _Sink(stream)
    return lambda *_: sink


class _ToStructlog(logging.Handler):
    """Records of other libraries (hypercorn, trio-websocket, grpc) become events of ours."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = record.getMessage()
        except (TypeError, ValueError, KeyError):
            message = str(record.msg)  # their format string does not fit their arguments
        facts: dict[str, Any] = {"logger": record.name}
        if record.exc_info and record.exc_info[1] is not None:
            facts["exc_info"] = record.exc_info[1]
        structlog.get_logger().log(record.levelno, message, **facts)
