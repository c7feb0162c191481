"""Sessions of open connections: renewed while used, closed when they end, and told of others of their player, on
whatever node that happens.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import structlog
import trio
from attrs import frozen

from tradegame.core.repositories import (
    CorruptStoreError,
    PlayerRemoved,
    SessionRepository,
    SessionRevoked,
    StoreError,
)
from tradegame.protocol.closing import KICKED, REVOKED
from tradegame.utils.trouble import Trouble

RETRY_S = 0.5


class OpenSessions(Protocol):
    """The sessions that have connections on this node. Nothing here waits."""

    def sessions(self) -> Sequence[str]: ...

    def end_session(self, session: str, code: int, reason: str) -> None: ...

    def end_player(self, player: str, code: int, reason: str) -> None: ...

    def tell_of_device(self, player: str, session: str) -> None: ...


@frozen
class SessionKeeper:
    """``expires_s``: the shortest life of a session after a renewal. ``renew`` renews one, or returns False if it is
    over. ``ended`` is called for every session that is over, on whatever node.
    """

    repository: SessionRepository
    open: OpenSessions
    expires_s: int
    renew: Callable[[str], Awaitable[bool]]
    ended: Callable[[str], None] = lambda session: None

    async def run(self) -> None:
        """Watch and renew until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watch)
            nursery.start_soon(self._renew)

    async def _watch(self) -> None:
        trouble = Trouble("session_watch_broken", "session_watch_resumed")
        while True:
            try:
                revision = await self.repository.revision()
                for session in await self.repository.over(self.open.sessions()):
                    self._over(session)
                trouble.over()
                async with self.repository.watch(revision) as watch:
                    while True:
                        for ended in await watch.receive():
                            if isinstance(ended, SessionRevoked):
                                self._over(ended.session)
                            elif isinstance(ended, PlayerRemoved):
                                self.open.end_player(ended.player, KICKED, "kicked by the host")
                            else:
                                self.open.tell_of_device(ended.player, ended.session)
            except StoreError as error:
                trouble.happened(error=str(error))
                await trio.sleep(RETRY_S)

    async def _renew(self) -> None:
        """Renew each session once in a quarter of its life, spread out, so that the store sees no peak."""
        while True:
            sessions = self.open.sessions()
            gap_s = self.expires_s / 4 / (len(sessions) + 1)
            await trio.sleep(gap_s)
            for session in sessions:
                try:
                    await self._renew_one(session)
                except StoreError as error:
                    structlog.get_logger().warning("sessions_not_renewed", error=str(error))
                    break
                await trio.sleep(gap_s)

    async def _renew_one(self, session: str) -> None:
        try:
            live = await self.renew(session)
        except CorruptStoreError as error:
            # an unreadable record ends one session, not the node
            structlog.get_logger().error("session_unreadable", error=str(error))
            live = False
        if not live:
            self._over(session)

    def _over(self, session: str) -> None:
        self.ended(session)
        self.open.end_session(session, REVOKED, "the session is over")
