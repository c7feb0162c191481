"""What comes in below the data of a TLS connection is bounded, and paid by its address as over plain TCP."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from itertools import pairwise
from random import Random
from typing import Any, cast

import pytest
import trio
from trio.testing import MockClock

from tests.controller.wire import HANGS_S, Served, serving, until
from tests.robustness.wire import trusting
from tests.support.certificate import certified
from tests.support.tls_records import TlsRecords, client_hello
from tradegame.controller.tls import CIPHER_BYTES, HELLO_BYTES, IDLE_RECORDS, SecureStream
from tradegame.core.admission.budgets import HTTP_READ, Budgets

GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A server's certificate and key."""
    flags, _ = certified(tmp_path_factory.mktemp("tls"))
    return flags["server.tls_cert"], flags["server.tls_key"]


@asynccontextmanager
async def connected(served: Served) -> AsyncIterator[tuple[trio.SocketStream, TlsRecords]]:
    """Past the handshake."""
    async with await trio.open_tcp_stream("127.0.0.1", served.port) as stream:
        yield stream, await shaken(stream)


async def shaken(stream: trio.SocketStream) -> TlsRecords:
    tls = TlsRecords()
    while not tls.handshake():
        await stream.send_all(tls.outgoing())
        answer = bytes(await stream.receive_some())
        assert answer, "closed in the handshake"  # else this would ask for more without end
        tls.received(answer)
    await stream.send_all(tls.outgoing())
    return tls


async def ends(stream: trio.SocketStream) -> None:
    with trio.fail_after(10):
        try:
            while await stream.receive_some():
                pass
        except trio.BrokenResourceError:
            pass


async def test_a_flood_of_key_updates_is_paid_and_ends_the_connection(files: tuple[str, str]) -> None:
    paid = 0.0

    def charge(connection: str, payer: str, reads: float) -> float:
        nonlocal paid
        paid += reads
        return 0.0

    async with serving(tls=files, reads=charge) as served, connected(served) as (stream, tls):
        await stream.send_all(tls.data(GET))
        with trio.fail_after(HANGS_S):
            await stream.receive_some()
        before = paid
        await stream.send_all(tls.updates(2_000))
        await ends(stream)
        await until(lambda: served.door.inside == 0)
        # of 2 000, no more than those of two reads were looked into
        assert IDLE_RECORDS < paid - before < IDLE_RECORDS + 2 * CIPHER_BYTES / 27


async def test_a_client_may_change_its_key(files: tuple[str, str]) -> None:
    async with serving(tls=files) as served, connected(served) as (stream, tls):
        for _ in range(IDLE_RECORDS):
            await stream.send_all(tls.updates(1) + tls.data(GET))
            with trio.fail_after(HANGS_S):
                assert await stream.receive_some()
        assert served.door.inside == 1


@pytest.mark.parametrize(
    "flight",
    [
        client_hello(64_000),
        client_hello(100, announced=131_000),
        client_hello(9_000, record=1_000),
        client_hello(100, record=3),
        client_hello(3_000) + client_hello(100, announced=131_000),
        client_hello(3_000, record=1_000) + client_hello(100, announced=131_000),
        b"\x16\x03\x01\x00\x00" + client_hello(100, announced=131_000),
        b"\x16\x03\x01\x00\x70\x01\x00\x00\x64" + bytes(100) + b"\x01\x01\xff\xb8" + bytes(4_000),
    ],
    ids=[
        "long",
        "announced",
        "in many records",
        "header in two records",
        "the second",
        "the second after pieces",
        "behind an empty record",
        "in one record",
    ],
)
@pytest.mark.parametrize("cut", [1, 7, 4_096])
async def test_openssl_is_never_given_a_hello_that_is_too_long(
    flight: bytes, cut: int, autojump_clock: MockClock
) -> None:
    plain = Pieces([flight[at : at + cut] for at in range(0, len(flight), cut)])
    below = SecureStream(cast("Any", plain), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH))._below
    given = b""

    async def read() -> None:
        nonlocal given
        while True:
            given += await below.receive_some()

    with pytest.raises(trio.BrokenResourceError, match="TLS"):
        await read()
    assert len(given) <= HELLO_BYTES
    assert b"\x01" + (131_000).to_bytes(3) not in given
    assert b"\x01" + (64_000).to_bytes(3) not in given


@pytest.mark.parametrize(("group", "taken"), [("X25519", True), ("secp384r1", False), ("secp521r1", False)])
async def test_a_client_chooses_no_key_exchange_that_is_dear(files: tuple[str, str], group: str, taken: bool) -> None:
    context = trusting()
    context.set_ecdh_curve(group)
    async with serving(tls=files) as served:
        stream = await trio.open_ssl_over_tcp_stream("127.0.0.1", served.port, ssl_context=context)
        with nullcontext() if taken else pytest.raises(trio.BrokenResourceError), trio.fail_after(HANGS_S):
            await stream.do_handshake()
        await trio.aclose_forcefully(stream)


class Pieces:
    """A socket that brings these pieces, and counts them; then nothing, for ever."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.socket = None
        self.pieces = pieces
        self.reads = 0

    async def receive_some(self, max_bytes: int) -> bytes:
        await trio.lowlevel.checkpoint()
        assert max_bytes <= CIPHER_BYTES
        if not self.pieces:
            await trio.sleep_forever()
        self.reads += 1
        return self.pieces.pop(0)

    async def send_all(self, data: bytes) -> None: ...

    async def aclose(self) -> None: ...


async def test_a_handshake_byte_by_byte_is_read_at_the_rate_of_its_address(autojump_clock: MockClock) -> None:
    hello = client_hello(7_900)
    plain, budgets = (
        Pieces([hello[at : at + 1] for at in range(len(hello))]),
        Budgets(20, 40, address_commands_per_s=100),
    )
    stream = SecureStream(cast("Any", plain), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH))
    stream.charge(lambda reads: budgets.http_read("192.0.2.1#5", "192.0.2.1", reads))
    with trio.move_on_after(10):
        await stream.do_handshake()
    # a burst of 500 units, and 100 a second; what is owed is a burst more at most
    assert 1_000 < plain.reads < (500 + 500 + 10 * 100) / HTTP_READ


@pytest.mark.parametrize("seed", range(20))
async def test_records_are_counted_wherever_they_are_cut(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tradegame.controller.tls.IDLE_RECORDS", 10**9)
    chance, paid = Random(seed), []
    sizes = [chance.choice((0, 1, 22, 300, 16_000)) for _ in range(50)]
    wire = b"".join(b"\x17\x03\x03" + size.to_bytes(2) + bytes(size) for size in sizes)
    cuts = sorted({0, len(wire), *(chance.randrange(len(wire)) for _ in range(chance.choice((3, 500))))})
    ends_at = [sum(5 + size for size in sizes[: number + 1]) for number in range(len(sizes))]
    plain = Pieces([wire[a:b] for a, b in pairwise(cuts)])
    stream = SecureStream(cast("Any", plain), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH))
    stream.charge(lambda reads: paid.append(reads) or 0.0)  # type: ignore[func-returns-value]
    stream._below.shaken()
    while plain.pieces:
        await stream._below.receive_some()
    await stream.aclose()
    each = [sum(a < end <= b for end in ends_at) for a, b in pairwise(cuts)]
    assert paid == [max(count, 1) for count in each]
