"""Logging, faults, metrics."""

from __future__ import annotations

import io
import json
import logging
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import structlog
from prometheus_client import ProcessCollector

from tests.support.command_line import logging_restored
from tradegame.utils.errors import log_fault, reference
from tradegame.utils.logging import configure_logging
from tradegame.utils.metrics import Histogram, Metrics


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    with logging_restored():
        yield


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_json_line_holds_the_event_its_facts_its_level_and_the_time_in_utc() -> None:
    stream = io.StringIO()
    configure_logging("info", "json", stream)
    structlog.get_logger().warning("append_failed", game="bazaar", tries=3)
    [line] = lines(stream)
    at = datetime.fromisoformat(line.pop("timestamp"))
    assert at.utcoffset() == timedelta(0)
    assert line == {"event": "append_failed", "level": "warning", "game": "bazaar", "tries": 3}


def test_what_is_below_the_level_is_not_written() -> None:
    stream = io.StringIO()
    configure_logging("warning", "json", stream)
    structlog.get_logger().info("quiet")
    structlog.get_logger().error("loud")
    assert [line["event"] for line in lines(stream)] == ["loud"]


def test_the_console_has_colours_on_a_terminal_only() -> None:
    for stream, coloured in ((Terminal(), True), (io.StringIO(), False)):
        configure_logging("info", "console", stream)
        structlog.get_logger().info("serving", port=8765)
        assert ("\x1b[" in stream.getvalue()) is coloured


@pytest.mark.parametrize("format", ["console", "json"])
def test_secrets_are_masked_by_their_fields_name_at_any_depth(format: str) -> None:
    stream = io.StringIO()
    configure_logging("info", format, stream)
    facts = {"admin_token": "sesame", "Authorization": "Bearer sesame"}
    structlog.get_logger().info("x", token="sesame", password="sesame", secret="sesame", headers=[facts], tokens=7)
    assert "sesame" not in stream.getvalue()
    assert stream.getvalue().count("***") == 5
    assert "7" in stream.getvalue()


@pytest.mark.parametrize("format", ["console", "json"])
def test_a_fault_is_logged_with_its_stack_trace_but_not_with_locals(format: str) -> None:
    stream = io.StringIO()
    configure_logging("info", format, stream)
    token = "ses" + "ame"
    try:
        raise ExceptionGroup("both", [ValueError("inner reason"), KeyError("k")])
    except ExceptionGroup as group:
        found_by = log_fault(structlog.get_logger(), "command_failed", group, op="buy")
    text = stream.getvalue()
    assert found_by in text
    assert "inner reason" in text
    assert "test_logging.py" in text
    assert token not in text


def test_of_a_group_of_faults_the_first_real_one_is_named() -> None:
    stream = io.StringIO()
    configure_logging("info", "json", stream)
    log_fault(structlog.get_logger(), "failed", ExceptionGroup("outer", [ExceptionGroup("inner", [KeyError("k")])]))
    [line] = lines(stream)
    assert line["error"] == "KeyError('k')"


def test_in_json_a_stack_trace_is_one_field_of_one_line() -> None:
    stream = io.StringIO()
    configure_logging("info", "json", stream)
    try:
        raise ValueError("why")
    except ValueError as error:
        log_fault(structlog.get_logger(), "failed", error)
    [line] = lines(stream)
    assert line["exception"][0]["exc_type"] == "ValueError"
    assert line["exception"][0]["frames"]


def test_what_a_client_sent_cannot_steer_the_terminal() -> None:
    stream = io.StringIO()
    configure_logging("info", "console", stream)
    structlog.get_logger().info("refused", path="/\x1b]0;owned\x07\nINFO forged")
    assert "\x1b" not in stream.getvalue()
    assert stream.getvalue().count("\n") == 1


def test_warnings_of_other_libraries_become_events_and_their_chatter_does_not() -> None:
    stream = io.StringIO()
    configure_logging("info", "json", stream)
    logger = logging.getLogger("some.library")
    logger.info("chatter")
    logger.warning("lost %d frames", 3)
    try:
        raise ValueError("why")
    except ValueError:
        logger.exception("failed")
    lost, failed = lines(stream)
    assert (lost["event"], lost["level"], lost["logger"]) == ("lost 3 frames", "warning", "some.library")
    assert failed["exception"][0]["exc_value"] == "why"


def test_a_library_whose_message_does_not_fit_its_arguments_is_still_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    configure_logging("info", "json", stream)
    ours = logging.getLogger().handlers[-1:]  # pytest's own handler would not stand it
    monkeypatch.setattr(logging.getLogger(), "handlers", ours)
    logging.getLogger("some.library").warning("lost %d frames", "many")
    assert [line["event"] for line in lines(stream)] == ["lost %d frames"]


def test_configuring_again_does_not_write_twice() -> None:
    stream = io.StringIO()
    configure_logging("info", "json", stream)
    configure_logging("info", "json", stream)
    logging.getLogger("some.library").warning("once")
    assert len(lines(stream)) == 1


def test_a_log_that_cannot_be_written_ends_nothing() -> None:
    stream = io.StringIO()
    configure_logging("info", "json", stream)
    stream.close()
    structlog.get_logger().info("nobody hears")

    class Broken(io.StringIO):
        def write(self, _: str) -> int:
            raise BrokenPipeError

    configure_logging("info", "console", Broken())
    structlog.get_logger().info("nobody hears")


def test_references_are_short_and_differ() -> None:
    assert len({reference() for _ in range(100)}) == 100
    assert len(reference()) == 8


async def test_metrics_are_read_when_they_are_rendered() -> None:
    metrics, state = Metrics(), {"frames": 1}
    metrics.register("tradegame_frames", "Frames", "counter", lambda: state["frames"])
    metrics.register("tradegame_players", "Players", "gauge", lambda: {("bazaar",): 7}, ["game"])
    assert b"tradegame_frames_total 1.0\n" in await metrics.render()
    state["frames"] = 2
    text = await metrics.render()
    assert b"tradegame_frames_total 2.0\n" in text
    assert b'tradegame_players{game="bazaar"} 7.0\n' in text
    assert b"process_resident_memory_bytes" in text


async def test_files_are_counted_beside_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of thousands of connections that takes the kernel 5 ms."""
    collect, threads = ProcessCollector.collect, list[int]()

    def noted(self: ProcessCollector) -> Any:
        threads.append(threading.get_ident())
        return collect(self)

    monkeypatch.setattr(ProcessCollector, "collect", noted)
    metrics = Metrics()
    threads.clear()
    assert b"process_open_fds" in await metrics.render()
    assert len(threads) == 1
    assert threading.get_ident() not in threads


async def test_a_histogram_puts_each_value_into_its_bucket() -> None:
    metrics, histogram = Metrics(), Histogram((1, 5))
    metrics.register_histogram("append_seconds", "Appends", histogram)
    metrics.register_histogram("by_op_seconds", "By op", lambda: {("buy",): histogram}, ["op"])
    for value in (0.5, 1, 2, 9):
        histogram.observe(value)
    text = (await metrics.render()).decode()
    for line in (
        'append_seconds_bucket{le="1"} 2.0',
        'append_seconds_bucket{le="5"} 3.0',
        'append_seconds_bucket{le="+Inf"} 4.0',
        "append_seconds_count 4.0",
        "append_seconds_sum 12.5",
        'by_op_seconds_bucket{le="1",op="buy"} 2.0',
    ):
        assert line in text.splitlines()


def test_a_metrics_name_can_be_taken_once() -> None:
    metrics = Metrics()
    metrics.register("tradegame_frames", "Frames", "counter", lambda: 1)
    with pytest.raises(ValueError, match="tradegame_frames"):
        metrics.register("tradegame_frames", "Frames", "counter", lambda: 1)
