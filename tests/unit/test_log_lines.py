"""Clients cause lines, and whoever reads the log may stop: neither fills the disk nor holds anything up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
import structlog

from tests.support.command_line import logging_restored
from tradegame.utils.log_lines import (
    ADDRESS_BURST,
    CAUSE_BURST,
    CAUSE_PER_S,
    KEPT,
    LINE_BYTES,
    TOLD_S,
    WAITING_BYTES,
    LineLimit,
    LineWriter,
)
from tradegame.utils.logging import configure_logging, flush_logging

DEADLINE_S = 60.0


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    with logging_restored():
        yield


class Limited:
    """A limit on a clock of its own, in front of a list."""

    def __init__(self) -> None:
        self.now = 0.0
        self.limit = LineLimit(lambda: self.now)
        self.lines: list[dict[str, Any]] = []

        def keep(_: Any, __: str, event: Any) -> Any:
            self.lines.append(dict(event))
            raise structlog.DropEvent

        structlog.configure(processors=[self.limit, keep])

    def log(self, event: str, **facts: Any) -> None:
        structlog.get_logger().info(event, **facts)

    def count(self, event: str, **facts: Any) -> int:
        return sum(each["event"] == event and facts.items() <= each.items() for each in self.lines)


def test_one_address_has_so_many_lines_and_what_is_left_out_is_counted() -> None:
    log = Limited()
    for each in range(1_000):
        log.log("connection_closed", address="6.6.6.6")
        if each < 10:
            log.log("connection_closed", address="1.1.1.1")
    assert log.count("connection_closed", address="6.6.6.6") == ADDRESS_BURST
    assert log.count("connection_closed", address="1.1.1.1") == 10, "the others are heard"
    log.now += TOLD_S
    log.log("anything")
    assert log.count("log_lines_left_out", of="connection_closed", count=1_000 - ADDRESS_BURST, seconds=TOLD_S) == 1
    log.log("anything")
    assert log.count("log_lines_left_out") == 1


def test_many_addresses_together_have_so_many_lines_of_a_cause() -> None:
    log = Limited()
    for second in range(100):
        log.now = float(second)
        for each in range(100):
            log.log("connection_closed", address=f"a{second * 100 + each}")
    assert log.count("connection_closed") <= CAUSE_BURST + 100 * CAUSE_PER_S
    assert len(log.limit._addresses) <= KEPT
    before = log.count("store_lost")
    log.log("store_lost")
    assert log.count("store_lost") == before + 1, "another cause has lines of its own"


def test_causes_of_one_event_are_told_apart_and_a_librarys_lines_are_not() -> None:
    log = Limited()
    for each in range(1_000):
        log.log("request_refused", cause="origin")
        log.log(f"something of somebody's {each}", logger="hypercorn.error")
    log.log("request_refused", cause="host")
    assert log.count("request_refused", cause="origin") == CAUSE_BURST
    assert log.count("request_refused", cause="host") == 1
    assert sum("logger" in line for line in log.lines) == CAUSE_BURST


def test_who_logs_does_not_wait_for_a_reader_that_stopped_and_all_is_in_order_when_it_goes_on() -> None:
    reads, writes = os.pipe()
    with os.fdopen(reads, "rb") as reader:
        with os.fdopen(writes, "w") as stream:
            configure_logging("info", "json", stream)
            log = structlog.get_logger()
            size = 0
            number = 0
            while size < WAITING_BYTES:  # far more than the pipe takes
                log.info(f"event_{number}", text="x" * 1_000)
                size += 1_000
                number += 1
            log.info("the_last")
            flushed: list[bytes] = []
            reading = threading.Thread(target=lambda: flushed.extend(reader), daemon=True)
            reading.start()
            end = time.monotonic() + DEADLINE_S
            while not any(b"log_lines_lost" in line for line in flushed) and time.monotonic() < end:
                time.sleep(0.01)
            log.info("after_it")
            flush_logging()
            configure_logging("info", "json", StringIO())
        reading.join(DEADLINE_S)  # until the end of the pipe, which was closed
    events = [json.loads(line) for line in flushed]
    order = [event["event"] for event in events if event["event"].startswith("event_")]
    assert order == [f"event_{index}" for index in range(len(order))]
    (lost,) = (event["count"] for event in events if event["event"] == "log_lines_lost")
    assert lost + len(events) - 2 == number + 1, "all but the two lines that came later"
    assert events[-1]["event"] == "after_it"


def test_a_line_has_an_end_however_much_is_in_it() -> None:
    reads, writes = os.pipe()
    with os.fdopen(reads, "rb") as reader, os.fdopen(writes, "w") as stream:
        writer = LineWriter(stream.fileno())
        stream.close()
        lines: list[bytes] = []
        reading = threading.Thread(target=lambda: lines.extend(reader), daemon=True)
        reading.start()
        for _ in range(3):
            writer.put(b"x" * LINE_BYTES + b"\n")
        writer.put(b"y\n")
        writer.close(DEADLINE_S)
        reading.join(DEADLINE_S)
    assert [len(line) for line in lines] == [LINE_BYTES + 1] * 3 + [2]


@pytest.mark.parametrize("reads", [True, False], ids=["read to the end", "never read"])
def test_at_the_end_all_is_written_and_a_full_pipe_holds_up_nothing(reads: bool) -> None:
    program = (
        "from tradegame.utils.logging import configure_logging\n"
        "import structlog\n"
        "configure_logging('info', 'json')\n"
        "for n in range(300): structlog.get_logger().error(f'event_{n}', text='x' * 1000)\n"
    )
    ran = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE)
    assert ran.stderr is not None
    with ran, ran.stderr:
        if reads:
            lines = ran.stderr.read().splitlines()
            assert [json.loads(line)["event"] for line in lines] == [f"event_{n}" for n in range(300)]
        assert ran.wait(DEADLINE_S) == 0
