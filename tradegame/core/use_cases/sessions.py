"""Sessions: who a token stands for, on any node. The store knows a token's SHA-256 only."""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Callable
from itertools import islice

import structlog
from attrs import define, evolve, field, frozen

from tradegame.core.repositories import CorruptStoreError, PlayerRecord, SessionRepository, StoreError
from tradegame.protocol.errors import UnauthorizedError

_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"


@frozen
class SignedIn:
    """``token`` is the client's alone: it is told once and never logged. ``session`` is its hash."""

    player: PlayerRecord
    session: str
    token: str


GUEST_S = 3_600
"""A player who has joined no game is forgotten so long after the last use: long enough for a lesson's break."""
GUESTS_KEPT = 20_000
"""And so many that were made here are kept at a time: as many as a node takes connections."""
LOOKED_AT = 32
"""So many of the oldest are looked at for one who is not connected."""


@define(eq=False)
class SessionService:
    """``expires_s``: how long a session lives past its last use, once its player has joined a game.

    ``connected``: whether a player has a connection, on whatever node.
    """

    sessions: SessionRepository
    expires_s: int
    now_ms: Callable[[], int]
    connected: Callable[[str], bool] = lambda player: False
    _guests: OrderedDict[str, str] = field(factory=OrderedDict, init=False)  # players by session, the oldest first

    def lives_s(self, player: PlayerRecord) -> int:
        """How long this player's session lives past its last use."""
        return min(GUEST_S, self.expires_s) if player.guest else self.expires_s

    async def sign_in(self, name: str | None, token: str | None) -> SignedIn:
        """The player of a live token; without one, a new player with a new token.

        A known player keeps the name. Raises UnauthorizedError for a token that is unknown or expired, and
        StoreUnavailableError.
        """
        if token is not None:
            session = session_of(token)
            try:
                player = await self.sessions.find(session)
            except CorruptStoreError:  # as it ends where a connection uses it: its player comes as a new one
                player = None
            if player is None:
                raise UnauthorizedError("the token is unknown or expired")
            return SignedIn(player, session, token)
        token = secrets.token_urlsafe(32)
        session = session_of(token)
        number = opaque_id(12)
        player = PlayerRecord(f"p-{number}", name or f"player-{number[:4]}", self.now_ms(), guest=True)
        await self.sessions.create(player, session, self.lives_s(player))
        self._guests[session] = player.id
        if len(self._guests) > GUESTS_KEPT:
            await self._forget_one()
        return SignedIn(player, session, token)

    async def keep(self, signed_in: SignedIn) -> SignedIn:
        """The player is about to join a game, and no guest any more.

        Raises UnauthorizedError if the session is over, and StoreUnavailableError.
        """
        if not signed_in.player.guest:
            return signed_in
        if not await self.sessions.keep(signed_in.session, self.expires_s):
            raise UnauthorizedError("the session is over")
        self.ended(signed_in.session)
        return evolve(signed_in, player=evolve(signed_in.player, guest=False))

    def ended(self, session: str) -> None:
        """A session is over, on whatever node, or its player is no guest any more."""
        self._guests.pop(session, None)

    async def _forget_one(self) -> None:
        """Of the oldest guests, the first who is not connected. Those who are may stay: their number is bounded."""
        for session, player in list(islice(self._guests.items(), LOOKED_AT)):
            self._guests.move_to_end(session)
            if not self.connected(player):
                del self._guests[session]
                try:
                    await self.sessions.revoke(session)
                except StoreError as error:
                    structlog.get_logger().warning("guest_not_forgotten", player=player, error=str(error))
                return


def session_of(token: str) -> str:
    """What the store knows a token by."""
    return hashlib.sha256(token.encode()).hexdigest()


def opaque_id(length: int) -> str:
    """A random id of 5 bits a character."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))
