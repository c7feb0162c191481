"""Sessions: who a token stands for, on any node. The store knows a token's SHA-256 only."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable

from attrs import frozen

from tradegame.core.domain.errors import UnauthorizedError
from tradegame.core.repositories import PlayerRecord, SessionRepository

_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"


@frozen
class SignedIn:
    """``token`` is the client's alone: it is told once and never logged. ``session`` is its hash."""

    player: PlayerRecord
    session: str
    token: str


@frozen
class SessionService:
    """``expires_s``: how long a session lives past its last use."""

    sessions: SessionRepository
    expires_s: int
    now_ms: Callable[[], int]

    async def sign_in(self, name: str | None, token: str | None) -> SignedIn:
        """The player of a live token; without one, a new player with a new token.

        A known player keeps the name. Raises UnauthorizedError for a token that is unknown or expired, and
        StoreUnavailableError.
        """
        if token is not None:
            session = session_of(token)
            player = await self.sessions.find(session)
            if player is None:
                raise UnauthorizedError("the token is unknown or expired")
            return SignedIn(player, session, token)
        token = secrets.token_urlsafe(32)
        session = session_of(token)
        number = opaque_id(12)
        player = PlayerRecord(f"p-{number}", name or f"player-{number[:4]}", self.now_ms())
        await self.sessions.create(player, session, self.expires_s)
        return SignedIn(player, session, token)


def session_of(token: str) -> str:
    """What the store knows a token by."""
    return hashlib.sha256(token.encode()).hexdigest()


def opaque_id(length: int) -> str:
    """A random id of 5 bits a character."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))
