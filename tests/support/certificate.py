"""A certificate for this machine, as a host's configuration names it, and what trusts it."""

from __future__ import annotations

import ssl
from pathlib import Path

import trustme


def certified(directory: Path) -> tuple[dict[str, str], ssl.SSLContext]:
    """The flags of a server, and the context of its clients."""
    authority, context = trustme.CA(), ssl.create_default_context()
    pair = authority.issue_cert("localhost", "127.0.0.1")
    authority.configure_trust(context)
    chain, key = directory / "chain.pem", directory / "key.pem"
    chain.write_bytes(b"".join(blob.bytes() for blob in pair.cert_chain_pems))
    pair.private_key_pem.write_to_path(str(key))
    return {"server.tls_cert": str(chain), "server.tls_key": str(key)}, context
