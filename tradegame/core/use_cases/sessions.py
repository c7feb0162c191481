"""Sessions: which player a token stands for, on any node. The store knows only a token's SHA-256."""

from __future__ import annotations

import hashlib
import math
import secrets
from collections import OrderedDict
from collections.abc import Callable
from itertools import islice

import structlog
from attrs import define, evolve, field, frozen

from tradegame.core.repositories import CorruptStoreError, PlayerRecord, SessionRepository, StoreError
from tradegame.core.use_cases.robot_tokens import RobotSeat, RobotTokens
from tradegame.protocol.bounds import CODE_CHARACTERS, DEVICE_CODE_LENGTH, DEVICE_CODE_S
from tradegame.protocol.errors import UnauthorizedError
from tradegame.utils.ids import opaque_id


@frozen
class SignedIn:
    """``token`` is for the client only: told once and never logged. ``session`` is its hash.

    ``seat``: it is a robot of this node, which has this seat, and no session.
    """

    player: PlayerRecord
    session: str
    token: str
    seat: RobotSeat | None = None


GUEST_S = 3_600
"""A player who has joined no game is forgotten so long after the last use: long enough for a lesson's break."""
GUESTS_KEPT = 20_000
"""So many guests made here are kept at a time: as many as a node takes connections."""
LOOKED_AT = 32
"""So many of the oldest are searched for one who is not connected."""


@define(eq=False)
class SessionService:
    """``expires_s``: how long a session lives after its last use, once its player has joined a game. ``max_age_s``: how
    long after its beginning, however much it is used. ``connected``: whether a player has a connection, on any node.

    ``robots``: the tokens of this node's robots, which have no session.

    A use costs the store no write: what is renewed is a lease (`LeaseDeadlines` says when that one is written).
    """

    sessions: SessionRepository
    expires_s: int
    now_ms: Callable[[], int]
    connected: Callable[[str], bool] = lambda player: False
    max_age_s: float = math.inf
    robots: RobotTokens = field(factory=RobotTokens)
    _guests: OrderedDict[str, str] = field(factory=OrderedDict, init=False)  # players by session, the oldest first

    def lives_s(self, player: PlayerRecord) -> int:
        """How long this player's session lives if it is not used again."""
        idle_s = min(GUEST_S, self.expires_s) if player.guest else self.expires_s
        return max(1, int(min(idle_s, self._left_s(player))))

    def _left_s(self, player: PlayerRecord) -> float:
        """How long it may be used still. A player's sessions end together, however late one began."""
        return self.max_age_s - (self.now_ms() - player.created_at) / 1000

    async def sign_in(self, name: str | None, token: str | None, *, robot: bool = False) -> SignedIn:
        """The player of a live token; without a token, a new player with a new token, a ``robot`` or not. A known
        player keeps the name, and stays what they are.

        Raises UnauthorizedError for a token that is unknown or expired, and StoreUnavailableError.
        """
        if token is not None:
            if (seat := self.robots.find(token)) is not None:
                return SignedIn(PlayerRecord(seat.player, seat.name, self.now_ms()), "", token, seat)
            session = session_of(token)
            try:
                player = await self._use(session)
            except CorruptStoreError:  # as if it had ended during a connection: its player comes as a new one
                player = None
            if player is None:
                raise UnauthorizedError("the token is unknown or expired")
            return SignedIn(player, session, token)
        number = opaque_id(12)
        player = PlayerRecord(f"p-{number}", name or f"player-{number[:4]}", self.now_ms(), guest=True, robot=robot)
        made = await self.make(player, secrets.token_urlsafe(32))
        if made is None:
            raise ValueError(f"the player {player.id} or the session already exists")
        return made

    async def make(self, player: PlayerRecord, token: str) -> SignedIn | None:
        """A new player, a guest, with this token. None: the player or the session is there already."""
        session = session_of(token)
        if not await self.sessions.create(player, session, self.lives_s(player)):
            return None
        self._guests[session] = player.id
        if len(self._guests) > GUESTS_KEPT:
            await self._forget_one()
        return SignedIn(player, session, token)

    async def add(self, player: str, token: str) -> SignedIn | None:
        """Another session of a player, with this token. None: there is no such player."""
        session = session_of(token)
        record = await self.sessions.add(player, session)
        return None if record is None else SignedIn(record, session, token)

    async def offer(self, signed_in: SignedIn) -> str:
        """A code with which another device becomes the same player, once within `DEVICE_CODE_S`.

        Its form is that of RFC 8628, section 6.1. The player is no guest any more: two devices are somebody who stays.
        Raises UnauthorizedError if the session is over.
        """
        kept = await self.keep(signed_in)
        code = "".join(secrets.choice(CODE_CHARACTERS) for _ in range(DEVICE_CODE_LENGTH))
        await self.sessions.offer(session_of(code), kept.player.id, kept.session, DEVICE_CODE_S)
        return code

    async def redeem(self, code: str) -> SignedIn:
        """The player for whom the code stands, with a new token. Raises UnauthorizedError."""
        typed = "".join(character for character in code.upper() if character.isalnum())
        token = secrets.token_urlsafe(32)
        session = session_of(token)
        record = await self.sessions.redeem(session_of(typed), session)
        if record is None:
            raise UnauthorizedError("the code is unknown, was used, or is more than a minute old: ask for another")
        return SignedIn(record, session, token)

    async def renew(self, session: str) -> bool:
        """The session is in use. False: it is over. Raises StoreUnavailableError and CorruptStoreError."""
        return await self._use(session) is not None

    async def _use(self, session: str) -> PlayerRecord | None:
        """The player of a live session, which is renewed by this."""
        player = await self.sessions.find(session)
        if player is not None and self._left_s(player) <= 0:
            await self.sessions.revoke(session)
            return None
        return player

    async def keep(self, signed_in: SignedIn) -> SignedIn:
        """The player is about to join a game, and stops being a guest.

        Raises UnauthorizedError if the session is over, and StoreUnavailableError.
        """
        if not signed_in.player.guest:
            return signed_in
        if not await self.sessions.keep(signed_in.session, self.expires_s):
            raise UnauthorizedError("the session is over")
        self.ended(signed_in.session)
        return evolve(signed_in, player=evolve(signed_in.player, guest=False))

    def ended(self, session: str) -> None:
        """A session is over, on whatever node, or its player is no longer a guest."""
        self._guests.pop(session, None)

    async def _forget_one(self) -> None:
        """The first of the oldest guests who is not connected. Connected ones stay: their number is limited."""
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
    """The hash by which the store knows a token."""
    return hashlib.sha256(token.encode()).hexdigest()
