"""What `ssl` never would send: updates of the key, as many as one likes, and hellos of any length."""

from __future__ import annotations

import ssl
import tempfile
from functools import cache
from pathlib import Path
from typing import IO

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA384
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from tests.robustness.wire import trusting

_UPDATE = b"\x18\x00\x00\x01\x00"
"""KeyUpdate, which does not ask for the other side's (RFC 8446, section 4.6.3)."""
_HANDSHAKE, _DATA = 22, 23


@cache
def _context() -> tuple[ssl.SSLContext, IO[bytes]]:
    """One for all, since `ssl` logs the keys of the latest alone; and the file that has them."""
    context, keys = trusting(), tempfile.NamedTemporaryFile(suffix=".keys")  # noqa: SIM115 - until the process ends
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.keylog_filename = keys.name
    return context, keys


def client_hello(size: int, announced: int | None = None, record: int = 16_384) -> bytes:
    """One of zeros; ``announced``: how long it says that it is."""
    message = b"\x01" + (size if announced is None else announced).to_bytes(3) + b"\x03\x03" + bytes(size - 2)
    pieces = [message[at : at + record] for at in range(0, len(message), record)]
    return b"".join(b"\x16\x03\x01" + len(piece).to_bytes(2) + piece for piece in pieces)


class TlsRecords:
    """The end of a TLS 1.3 client, without a socket: `outgoing` and `received` are what goes over it.

    `handshake` first, until it is done; from then on what goes out are the records that are made here.
    """

    def __init__(self) -> None:
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = _context()[0].wrap_bio(self._in, self._out, server_hostname="127.0.0.1")
        self._name = ""  # of this connection in the file with the keys: the random of its ClientHello
        self._secret = b""
        self._sent = 0

    def handshake(self) -> bool:
        """Go on with it. Returns whether it is done."""
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        lines = Path(_context()[1].name).read_text().splitlines()
        line = next(line for line in lines if line.startswith(f"CLIENT_TRAFFIC_SECRET_0 {self._name} "))
        self._secret = bytes.fromhex(line.rsplit(" ", 1)[1])
        assert self._tls.cipher()[0] == "TLS_AES_256_GCM_SHA384"  # type: ignore[index]
        return True

    def outgoing(self) -> bytes:
        """What is to be sent."""
        data = self._out.read()
        self._name = self._name or data[11:43].hex()
        return data

    def received(self, data: bytes) -> None:
        """What has come."""
        self._in.write(data)

    def data(self, content: bytes) -> bytes:
        """One record of it."""
        return self._record(_DATA, content)

    def updates(self, count: int) -> bytes:
        """So many updates of the key, a record of 27 bytes each."""
        records = []
        for _ in range(count):
            records.append(self._record(_HANDSHAKE, _UPDATE))
            self._secret, self._sent = self._expand(b"traffic upd", 48), 0
        return b"".join(records)

    def _record(self, kind: int, content: bytes) -> bytes:
        """RFC 8446, section 5.2."""
        nonce = int.from_bytes(self._expand(b"iv", 12)) ^ self._sent
        self._sent += 1
        header = bytes((_DATA, 3, 3)) + (len(content) + 17).to_bytes(2)
        sealed = AESGCM(self._expand(b"key", 32)).encrypt(nonce.to_bytes(12), content + bytes((kind,)), header)
        return header + sealed

    def _expand(self, label: bytes, size: int) -> bytes:
        """HKDF-Expand-Label without a context (RFC 8446, section 7.1)."""
        label = b"tls13 " + label
        info = size.to_bytes(2) + bytes((len(label),)) + label + b"\0"
        return HKDFExpand(SHA384(), size, info).derive(self._secret)
