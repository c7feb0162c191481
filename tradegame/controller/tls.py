"""TLS at the door: a certificate that is read again when its files change, and a word to who speaks plain HTTP."""

from __future__ import annotations

import os
import socket
import ssl

import structlog
import trio
from attrs import define, field

from tradegame.controller.head import Refusal
from tradegame.protocol.errors import BadRequestError

log = structlog.get_logger(__name__)

CHECK_S = 2.0
"""The files are looked at when somebody connects, and at most this often."""
_HANDSHAKE = 0x16
"""The first byte of a TLS record that holds a handshake (RFC 8446, section 5.1)."""

SecureStream = trio.SSLStream[trio.SocketStream]


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


@define(eq=False)
class TlsListener(trio.abc.Listener[SecureStream]):
    """Accepts as ``transport_listener`` does; each connection has the certificate of the moment."""

    transport_listener: trio.SocketListener
    certificate: Certificate

    async def accept(self) -> SecureStream:
        """The next connection, before its handshake."""
        stream = await self.transport_listener.accept()
        return trio.SSLStream(stream, self.certificate.context(), server_side=True, https_compatible=True)

    async def aclose(self) -> None:
        """Close the port."""
        await self.transport_listener.aclose()


async def speaks_tls(stream: SecureStream) -> bool:
    """Whether the peer's first byte, which is left where it is, begins a handshake. Raises trio.BrokenResourceError."""
    try:
        first = await stream.transport_stream.socket.recv(1, socket.MSG_PEEK)
    except OSError as error:
        raise trio.BrokenResourceError from error
    return not first or first[0] == _HANDSHAKE


def plain_http() -> Refusal:
    """What plain HTTP is answered on a port that speaks TLS."""
    return Refusal(BadRequestError("this port speaks TLS: use https:// or wss://"), cause="plain_http")
