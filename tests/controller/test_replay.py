"""What an HTTP client has not read counts in the budget of all clients, and may cost it its connection."""

from __future__ import annotations

from typing import Any, cast

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from tradegame.controller.backlog import Backlog
from tradegame.controller.head import Pay, read_head
from tradegame.controller.http.pieces import InPieces
from tradegame.controller.http.replay import READER, Replay
from tradegame.core.admission.budgets import HTTP_READ, Budgets


class Unread:
    """A stream of which nobody reads."""

    class socket:  # noqa: N801 - stands for an attribute
        def close(self) -> None: ...

        def setsockopt(self, *_: object) -> None: ...

    def __init__(self) -> None:
        self.socket = Unread.socket()

    async def send_all(self, data: object) -> None:
        await trio.sleep_forever()


def reader(backlog: Backlog) -> Replay:
    return Replay(cast("Any", Unread()), b"", backlog)


async def test_an_answer_that_is_not_read_counts_while_it_waits(autojump_clock: MockClock) -> None:
    backlog, shared = Backlog(), b"s" * 50_000
    async with trio.open_nursery() as nursery:
        for _ in range(20):
            nursery.start_soon(reader(backlog).send_all, shared)
        await wait_all_tasks_blocked()
        assert backlog.total == 50_000
        nursery.cancel_scope.cancel()
    assert backlog.total == 0


async def test_over_the_budget_the_one_who_holds_most_is_cut_off(autojump_clock: MockClock) -> None:
    backlog = Backlog(limit=100_000)
    small, large, late = reader(backlog), reader(backlog), reader(backlog)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(small.send_all, b"a" * 20_000)
        nursery.start_soon(large.send_all, b"b" * 60_000)
        await trio.sleep(1)
        nursery.start_soon(late.send_all, b"c" * 40_000)
        await wait_all_tasks_blocked()
        assert large.lost.is_set()
        assert large.lost.reason == "too much waits for clients"
        assert not small.lost.is_set()
        assert not late.lost.is_set()
        nursery.cancel_scope.cancel()


async def test_an_answer_in_pieces_counts_whole_until_it_is_sent() -> None:
    backlog = Backlog()
    READER.set(reader(backlog).share)
    sent: list[dict[str, Any]] = []
    seen: list[int] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)
        seen.append(backlog.total)

    pieces = (b"{", b'"a":"' + b"x" * 20_000, b'","b":', b"1" * 9_000, b"}")
    await InPieces(pieces)({"type": "http", "method": "GET"}, cast("Any", None), cast("Any", send))
    body = b"".join(message.get("body", b"") for message in sent)
    assert body == b"".join(pieces)
    assert dict(sent[0]["headers"])[b"content-length"] == str(len(body)).encode()
    assert [message["more_body"] for message in sent[1:]] == [True] * (len(sent) - 2) + [False]
    assert set(seen) == {len(body)}
    assert backlog.total == 0


class Bytewise:
    """A stream that brings one byte at a time, and counts how often it was read."""

    def __init__(self, data: bytes) -> None:
        self.socket = Unread.socket()
        self.data = data
        self.reads = 0

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        await trio.lowlevel.checkpoint()
        byte, self.data = self.data[:1], self.data[1:]
        self.reads += 1
        return byte


def _door(data: bytes, budgets: Budgets) -> tuple[Bytewise, Pay]:
    return Bytewise(data), lambda reads: budgets.http_read("192.0.2.1#5", "192.0.2.1", reads)


async def test_who_sends_a_body_byte_by_byte_is_read_at_the_rate_of_its_address(autojump_clock: MockClock) -> None:
    stream, pay = _door(b"x" * 30_000, Budgets(20, 40, address_commands_per_s=100))
    body = Replay(cast("Any", stream), b"", None, pay)
    with trio.move_on_after(10):
        while await body.receive_some():
            pass
    # a burst of 500 units, and 100 a second; what is owed is a burst more at most
    assert 1_000 < stream.reads < (500 + 500 + 10 * 100) / HTTP_READ
    with trio.fail_after(1_000):  # but nothing is lost
        while await body.receive_some():
            pass
    assert stream.reads == 30_001


async def test_who_sends_a_head_byte_by_byte_is_read_at_the_rate_of_its_address(autojump_clock: MockClock) -> None:
    stream, pay = _door(b"GET /" + b"x" * 12_000 + b" HTTP/1.1\r\n\r\n", Budgets(20, 40, address_commands_per_s=100))
    with trio.move_on_after(10):
        await read_head(cast("Any", stream), pay)
    assert 1_000 < stream.reads < (500 + 500 + 10 * 100) / HTTP_READ
    assert stream.data


async def test_a_head_that_comes_in_one_piece_is_paid_by_its_request_alone() -> None:
    paid: list[int] = []

    class Whole:
        async def receive_some(self, max_bytes: int) -> bytes:
            return b"GET / HTTP/1.1\r\n\r\n"

    def pay(reads: float) -> float:
        paid.append(1)
        return 0.0

    assert await read_head(cast("Any", Whole()), pay) is not None
    assert not paid


async def test_who_reads_too_slowly_is_given_up_and_the_reason_is_known(autojump_clock: MockClock) -> None:
    peer = reader(Backlog())
    with pytest.raises(trio.BrokenResourceError):
        await peer.send_all(b"x")
    assert (peer.lost.is_set(), peer.lost.reason) == (True, "the client reads too slowly")
