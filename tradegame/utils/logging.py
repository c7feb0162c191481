"""Logging: structlog, set up once for the process; one line per event, with its facts as fields.

Whoever owns the process (the CLI) calls ``configure_logging``. Everyone else calls ``structlog.get_logger()``.
"""

from __future__ import annotations

import atexit
import logging
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, TextIO

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

from tradegame.utils.log_lines import LINE_BYTES, LineLimit, LineWriter

SECRETS = ("token", "password", "authorization", "secret")
"""A field with such a name, or a name that ends so (``admin_token``), is never written."""

MASK = "***"

_MULTI_LINE = ("exception", "stack", "exc_info")
_DEEPEST = 5


def configure_logging(level: str = "info", format: str = "console", stream: TextIO | None = None) -> None:
    """Set up structlog, and route the standard library's ``logging`` (warnings and worse) through it.

    ``level``: the lowest that is written: debug, info, warning, error. ``format``: ``console`` for people, in colour if
    ``stream`` (default: stderr) is a terminal; ``json`` for machines, one object per line.

    Lines are limited by cause and by address: ``tradegame.utils.log_lines``. If the stream has a file descriptor, a
    thread writes them, so that logging never waits; only ``flush_logging`` does.
    """
    global _current
    flush_logging()
    if _current is not None:
        _current.close()
    stream = stream if stream is not None else sys.stderr
    limit = LineLimit()
    sink = _current = _Sink(stream, limit)
    least = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[limit, *_processors(format, stream)],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=lambda *_: sink,
        # Loggers at module level would otherwise keep the configuration of their first use.
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    for handler in list(root.handlers):
        if isinstance(handler, _ToStructlog):
            root.removeHandler(handler)
    root.addHandler(_ToStructlog())
    root.setLevel(max(least, logging.WARNING))


def flush_logging() -> None:
    """Report what was omitted, and wait until all lines are written, at most 2 s. Happens by itself at exit."""
    if _current is not None:
        _current.flush()


atexit.register(flush_logging)


def log_uncaught() -> None:
    """From now on, what Python itself would write to stderr goes through the log: uncaught exceptions, of threads and
    of finalizers too, and warnings.
    """
    logging.captureWarnings(True)

    def crashed(kind: type[BaseException], error: BaseException | None, _: object) -> None:
        structlog.get_logger().error("crashed", exc_info=error or kind())

    sys.excepthook = crashed
    threading.excepthook = lambda args: crashed(args.exc_type, args.exc_value, args.exc_traceback)
    sys.unraisablehook = lambda args: crashed(args.exc_type, args.exc_value, args.exc_traceback)


def _processors(format: str, stream: TextIO) -> list[Processor]:
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        redact,
    ]
    if format == "json":
        # Stack traces have no locals: they may contain tokens.
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
            # rich's formatter, the default if rich is installed, shows locals
            exception_formatter=structlog.dev.plain_traceback,
        ),
    ]


def redact(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """A structlog processor that masks secrets by the names of fields, also in nested mappings."""
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
    """Nothing that a client sent may control the terminal of whoever reads the log."""
    for name, value in event.items():
        if isinstance(value, str) and name not in _MULTI_LINE and not value.isprintable():
            event[name] = value.encode("unicode_escape").decode("ascii")
    return event


def _is_terminal(stream: TextIO) -> bool:
    return not stream.closed and stream.isatty()


class _Sink:
    """Writes lines. If the log cannot be written, the program continues."""

    def __init__(self, stream: TextIO, limit: LineLimit) -> None:
        self._stream = stream
        self._limit = limit
        self._writer: LineWriter | None = None
        # A stream without a descriptor, or a closed one, is written to directly: only this process reads it.
        with suppress(OSError, ValueError, AttributeError):
            self._writer = LineWriter(stream.fileno(), limit.tell)

    def msg(self, message: str) -> None:
        if self._writer is not None:
            encoded = message.encode("utf-8", "backslashreplace")
            self._writer.put((encoded if len(encoded) < LINE_BYTES else encoded[:LINE_BYTES] + b" ...") + b"\n")
            return
        try:
            self._stream.write(f"{message}\n")
            self._stream.flush()
        except (OSError, ValueError):
            return  # the stream is closed: nobody is left to tell

    debug = info = warning = error = critical = exception = log = msg

    def flush(self) -> None:
        self._limit.tell(at_once=True)
        if self._writer is not None:
            self._writer.flush()

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()


_current: _Sink | None = None


class _ToStructlog(logging.Handler):
    """Turns records of other libraries (hypercorn, trio-websocket, grpc) into our events."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = record.getMessage()
        except (TypeError, ValueError, KeyError):
            message = str(record.msg)  # their format string does not match their arguments
        facts: dict[str, Any] = {"logger": record.name}
        if record.exc_info and record.exc_info[1] is not None:
            facts["exc_info"] = record.exc_info[1]
        structlog.get_logger().log(record.levelno, message, **facts)
