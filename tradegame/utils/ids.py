"""Random names for nodes, connections, players and games' lives."""

from __future__ import annotations

import secrets

_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"


def opaque_id(length: int) -> str:
    """A random id, 5 bits per character."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))
