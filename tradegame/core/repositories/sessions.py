"""Players and their sessions."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from attrs import field, frozen

SESSIONS_KEPT = 8
"""So many sessions a player has at a time, a device each: one more ends the oldest."""


@frozen
class Seated:
    """A player's seat: the game, which life of it, and the seat's label, which is for the host alone."""

    game: str
    epoch: str
    label: str


@frozen
class PlayerRecord:
    """A player, on any node. ``created_at`` in ms since the Unix epoch. ``seat``: the one on a roster that they have.
    ``robot``: a program, as it said itself.

    ``guest``: has joined no game yet, and is forgotten soon when not used.
    """

    id: str
    name: str
    created_at: int
    guest: bool = field(default=False, eq=False)
    seat: Seated | None = None
    robot: bool = False


@frozen
class SessionRevoked:
    """The session is over: revoked or expired."""

    session: str


@frozen
class SessionAdded:
    """A player who was there has another session, as on another device."""

    player: str
    session: str


@frozen
class PlayerRemoved:
    """The host removed the player; the player's sessions are worth nothing any more."""

    player: str


class SessionWatch(Protocol):
    async def receive(self) -> Sequence[SessionRevoked | PlayerRemoved | SessionAdded]:
        """What ended or began next. Raises CompactedError: watch anew, and check every open session."""
        ...


class SessionRepository(Protocol):
    """Sessions are known by the SHA-256 of their token, in hex: the store never sees a token.

    A player's sessions live ``expires_s`` seconds past the last renewal of any of them, on one lease, and the player's
    record with them.
    """

    async def create(self, player: PlayerRecord, session: str, expires_s: int) -> bool:
        """Store a new player, a guest, with the one session. False: the player or the session is there already."""
        ...

    async def add(self, player: str, session: str) -> PlayerRecord | None:
        """Another session of a player; of more than `SESSIONS_KEPT` the oldest ends. None: there is no such player."""
        ...

    async def keep(self, session: str, expires_s: int) -> bool:
        """The player is no guest any more; all their sessions live that long from now on. False: it is over."""
        ...

    async def find(self, session: str) -> PlayerRecord | None:
        """The player of a live session, which is renewed by this; None when it is unknown or over."""
        ...

    async def player(self, player: str) -> PlayerRecord | None:
        """A player who has a live session. Renews none."""
        ...

    async def over(self, sessions: Sequence[str]) -> Sequence[str]:
        """Which of them are over. Cheap for many; renews none."""
        ...

    async def revoke(self, session: str) -> bool:
        """End a session, and with it all of its player. False: there was none."""
        ...

    async def end(self, player: str) -> bool:
        """End every session of a player, who may come again with a new one. False: there was none."""
        ...

    async def remove_player(self, player: str) -> bool:
        """Remove a player; every session of theirs is dead from then on, though one of the same id may come.

        False: there was none.
        """
        ...

    async def offer(self, code: str, player: str, session: str, expires_s: int) -> None:
        """Let the code, known by its SHA-256, stand for the player, once within ``expires_s`` seconds, while this
        session of theirs lives.
        """
        ...

    async def redeem(self, code: str, session: str) -> PlayerRecord | None:
        """Another session of the player for whom the code stands, as by ``add``. None: it stands for nobody."""
        ...

    async def secret(self) -> bytes:
        """32 random bytes, the same on every node, made by whichever asks first."""
        ...

    async def revision(self) -> int:
        """The store's revision, to watch from."""
        ...

    def watch(self, after_revision: int) -> AbstractAsyncContextManager[SessionWatch]:
        """Which sessions and players end, and which sessions begin, on any node."""
        ...
