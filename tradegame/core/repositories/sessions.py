"""Players and their sessions."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from attrs import field, frozen


@frozen
class PlayerRecord:
    """A player, on any node. ``created_at`` in ms since the Unix epoch. ``robot``: a program, as it said itself.

    ``guest``: has joined no game yet, and is forgotten soon when not used. It is the session's, not part of the record.
    """

    id: str
    name: str
    created_at: int
    guest: bool = field(default=False, eq=False)
    robot: bool = False


@frozen
class SessionRevoked:
    """The session is over: revoked or expired."""

    session: str


@frozen
class PlayerRemoved:
    """The host removed the player; the player's sessions are worth nothing any more."""

    player: str


class SessionWatch(Protocol):
    async def receive(self) -> Sequence[SessionRevoked | PlayerRemoved]:
        """What ended next. Raises CompactedError: watch anew, and check every open session."""
        ...


class SessionRepository(Protocol):
    """Sessions are known by the SHA-256 of their token, in hex: the store never sees a token.

    A session lives ``expires_s`` seconds past its last renewal, on a lease, and its player's record with it.
    """

    async def create(self, player: PlayerRecord, session: str, expires_s: int) -> None:
        """Store a new player, a guest, with the one session."""
        ...

    async def keep(self, session: str, expires_s: int) -> bool:
        """The player is no guest any more; the session lives that long from now on. False: it is over."""
        ...

    async def find(self, session: str) -> PlayerRecord | None:
        """The player of a live session, which is renewed by this; None when it is unknown or over."""
        ...

    async def over(self, sessions: Sequence[str]) -> Sequence[str]:
        """Which of them are over. Cheap for many; renews none."""
        ...

    async def revoke(self, session: str) -> bool:
        """End one session. False: there was none."""
        ...

    async def remove_player(self, player: str) -> bool:
        """Remove a player; every session of theirs is dead from then on. False: there was none."""
        ...

    async def revision(self) -> int:
        """The store's revision, to watch from."""
        ...

    def watch(self, after_revision: int) -> AbstractAsyncContextManager[SessionWatch]:
        """Which sessions and players end, on any node."""
        ...
