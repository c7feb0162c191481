"""TLS at the door: a certificate that is read again when its files change, and a word to who speaks plain HTTP.

What comes in below the data is bounded and paid: OpenSSL works through all records that it is given until one has data,
and so without a pause for the others.
"""

from __future__ import annotations

import os
import socket
import ssl

import structlog
import trio
from attrs import define, field

from tradegame.controller.head import Pay, Refusal, free
from tradegame.protocol.errors import BadRequestError

log = structlog.get_logger(__name__)

CHECK_S = 2.0
"""The files are looked at when somebody connects, and at most this often."""
CIPHER_BYTES = 4_096
"""So much is read for OpenSSL in one go: 150 of the records that cost it most, updates of the key, take it 3 ms."""
IDLE_RECORDS = 64
"""A connection may have so many more TLS records without data than with. A handshake has about three, and clients
change their key every 2**24 records. One more closes the connection.
"""
HELLO_BYTES = 8_192
"""So much may come before the handshake is done, and a ClientHello may say that it is so long. A browser's has 2 KB.
OpenSSL makes room for all that one announces, 131 KB, and works through it in quadratic time: 64 KB took 49 ms.
"""
_GROUP = "X25519"
"""The one key exchange there is: every browser has it, and it takes a handshake 2 ms. OpenSSL would let a client choose
ffdhe8192, and with it 94 ms.
"""
_CLIENT_HELLO = 1
_HANDSHAKE_HEADER = 4
"""The type of a message and its length (RFC 8446, section 4)."""
_HANDSHAKE = 0x16
"""The first byte of a TLS record that holds a handshake (RFC 8446, section 5.1)."""
_HEADER = 5
"""The bytes of a record's header. The last two are the length of what follows."""


@define(eq=False)
class Certificate:
    """A chain and a key in PEM files; the key's may be empty if the chain's has it."""

    chain: str
    key: str
    _context: ssl.SSLContext = field(init=False)
    _seen: object = field(init=False)
    _looked: float = field(default=0.0, init=False)

    def __attrs_post_init__(self) -> None:
        """Raises OSError, which names the files, if they cannot be used."""
        self._seen = self._stamp()
        try:
            self._context = self._load()
        except OSError as error:  # ssl.SSLError is one, and neither says which file it is about
            why = error.strerror or error
            raise OSError(f"the TLS certificate and key in {self._names()} cannot be used: {why}") from error

    def context(self) -> ssl.SSLContext:
        """For the next handshake. New files that cannot be used are logged once, and the old certificate is kept."""
        now = trio.current_time()
        if now - self._looked >= CHECK_S:
            self._looked = now
            stamp = self._stamp()
            if stamp != self._seen:
                self._seen = stamp
                try:
                    self._context = self._load()
                    log.info("tls_certificate_renewed", files=self._names())
                except OSError as error:
                    log.warning("tls_certificate_kept", files=self._names(), error=str(error.strerror or error))
        return self._context

    def _load(self) -> ssl.SSLContext:
        # A new one: a context in which the key does not fit the chain any more would be of no use.
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        # Without this, an encrypted key would be asked for on the terminal, while everything waits.
        context.load_cert_chain(self.chain, self.key or None, password="")
        context.set_alpn_protocols(["http/1.1"])
        if ssl.OPENSSL_VERSION_INFO >= (3,):  # an older one knows none that takes long
            context.set_ecdh_curve(_GROUP)
        return context

    def _stamp(self) -> object:
        return tuple(_stamp_of(file) for file in (self.chain, self.key) if file)

    def _names(self) -> str:
        return " and ".join(filter(None, (self.chain, self.key)))


def _stamp_of(file: str) -> object:
    try:
        found = os.stat(file)
    except OSError as error:
        return error.errno
    return found.st_mtime_ns, found.st_size, found.st_ino


@define
class _FirstFlight:
    """What a client sends before the handshake is done, looked at before OpenSSL has it."""

    _came: bytearray = field(factory=bytearray)
    _at: int = 0  # where the next record begins
    _left: int = 0  # bytes of a ClientHello that is in several records
    _greeted: bool = False  # something else than a ClientHello came

    def check(self, data: bytes) -> None:
        """Raises trio.BrokenResourceError if it is too long, or announces what is."""
        came = self._came
        came += data
        if len(came) > HELLO_BYTES:
            raise trio.BrokenResourceError("a TLS handshake of too many bytes")
        while len(came) - self._at >= _HEADER + _HANDSHAKE_HEADER:
            kind, size = came[self._at], int.from_bytes(came[self._at + 3 : self._at + _HEADER])
            if kind == _HANDSHAKE and not self._greeted:
                self._message(bytes(came[self._at + _HEADER :]), size)
            self._at += _HEADER + size

    def _message(self, rest: bytes, size: int) -> None:
        """A record of so many bytes, with all of a message's header or none, and nothing behind a ClientHello."""
        if not self._left:
            if size < _HANDSHAKE_HEADER:
                raise trio.BrokenResourceError("a TLS handshake in records that are too short")
            if rest[0] != _CLIENT_HELLO:
                self._greeted = True
                return
            announced = int.from_bytes(rest[1:_HANDSHAKE_HEADER])
            if announced > HELLO_BYTES:
                raise trio.BrokenResourceError("a TLS ClientHello that is too long")
            self._left = _HANDSHAKE_HEADER + announced
        if size > self._left:
            raise trio.BrokenResourceError("a TLS ClientHello with more behind it")
        self._left -= size


class _Ciphertext(trio.abc.Stream):
    """A socket as OpenSSL is given it: in pieces, whose records are counted.

    A read is charged if it brought no data, a record likewise, when the next read shows it: then OpenSSL is done with
    all that it has.
    """

    __slots__ = ("_begun", "_first", "_idle", "_left", "_read", "_records", "delivered", "pay", "plain")

    def __init__(self, plain: trio.SocketStream) -> None:
        self.plain = plain
        self.pay: Pay = free
        self.delivered = 0
        """How often data came out of what the last read brought; of a record it may come out piece by piece."""
        self._read = False  # since the last settlement
        self._records = 0  # that ended in it
        self._idle = 0  # more records without data than with, so far
        self._left = 0  # bytes to come of the record that has begun
        self._begun = b""  # its header, as far as it has come
        self._first: _FirstFlight | None = _FirstFlight()

    def shaken(self) -> None:
        """The handshake is done."""
        self._first = None

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Raises trio.BrokenResourceError, too, when there were too many records without data, or a handshake that is
        too large.
        """
        if pause_s := self._settle():
            await trio.sleep(pause_s)
        if self._idle > IDLE_RECORDS:
            raise trio.BrokenResourceError("too many TLS records without data")
        data = bytes(await self.plain.receive_some(CIPHER_BYTES))
        if self._first is not None:
            self._first.check(data)
        self._read = True
        self._records += self._ended(data)
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self.plain.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self.plain.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        self._settle()
        await self.plain.aclose()

    def _settle(self) -> float:
        """Charge what the last read brought in vain. Returns for how long to read nothing."""
        idle = self._records - self.delivered
        cost = max(idle, int(self._read and not self.delivered))
        self._idle = max(self._idle + idle, 0)
        self._records, self.delivered, self._read = 0, 0, False
        return self.pay(cost) if cost > 0 else 0.0

    def _ended(self, data: bytes) -> int:
        """How many records end in ``data``."""
        data, at, ended = self._begun + data, self._left, 0
        while at <= len(data):
            ended += at > 0
            if len(data) - at < _HEADER:
                self._begun, self._left = data[at:], 0
                return ended
            at += _HEADER + int.from_bytes(data[at + 3 : at + 5])
        self._begun, self._left = b"", at - len(data)
        return ended


class SecureStream(trio.abc.Stream):
    """A client's TLS over TCP, the server's side. ``socket`` and ``plain`` are what it is over."""

    __slots__ = ("_below", "_tls", "plain", "socket")

    def __init__(self, plain: trio.SocketStream, context: ssl.SSLContext) -> None:
        self.plain = plain
        self.socket = plain.socket
        self._below = _Ciphertext(plain)
        self._tls = trio.SSLStream(self._below, context, server_side=True, https_compatible=True)

    def charge(self, pay: Pay) -> None:
        """From here on, ``pay`` is charged for the reads and records that bring no data."""
        self._below.pay = pay

    async def speaks_tls(self) -> bool:
        """Whether the peer's first byte, which is left where it is, begins a handshake.

        Raises trio.BrokenResourceError.
        """
        try:
            first = await self.socket.recv(1, socket.MSG_PEEK)
        except OSError as error:
            raise trio.BrokenResourceError from error
        return not first or first[0] == _HANDSHAKE

    async def do_handshake(self) -> None:
        """As trio.SSLStream's. Needs no other call, but is the place for a deadline."""
        await self._tls.do_handshake()
        self._below.shaken()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Data of one record at most. Raises trio.BrokenResourceError, too, when too many bring none."""
        data = bytes(await self._tls.receive_some(max_bytes))
        self._below.delivered += 1
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """As trio.SSLStream's."""
        await self._tls.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        """As trio.SSLStream's."""
        await self._tls.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """Close the socket, without a word: HTTP and WebSocket have said theirs."""
        try:
            await self._tls.aclose()
        finally:
            # it holds a method of its own here: no reference count would free it, and what OpenSSL keeps with it
            vars(self._tls).pop("_handshook", None)


@define(eq=False)
class TlsListener(trio.abc.Listener[SecureStream]):
    """Accepts as ``transport_listener`` does; each connection has the certificate of the moment."""

    transport_listener: trio.SocketListener
    certificate: Certificate

    async def accept(self) -> SecureStream:
        """The next connection, before its handshake."""
        return SecureStream(await self.transport_listener.accept(), self.certificate.context())

    async def aclose(self) -> None:
        """Close the port."""
        await self.transport_listener.aclose()


def plain_http() -> Refusal:
    """What plain HTTP is answered on a port that speaks TLS."""
    return Refusal(BadRequestError("this port speaks TLS: use https:// or wss://"), cause="plain_http")
