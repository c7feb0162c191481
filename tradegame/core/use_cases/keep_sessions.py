"""Open connections and their sessions: kept alive while they are used, closed when they end, wherever that was said."""

from __future__ import annotations

from collections.abc import Sequence
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
from tradegame.utils.trouble import Trouble

KICKED = 4501
REVOKED = 4502
RETRY_S = 0.5


class OpenSessions(Protocol):
    """The sessions that have connections on this node. Nothing here waits."""

    def sessions(self) -> Sequence[str]: ...

    def end_session(self, session: str, code: int, reason: str) -> None: ...

    def end_player(self, player: str, code: int, reason: str) -> None: ...


@frozen
class SessionKeeper:
    """``expires_s``: a session's life past its last renewal."""

    repository: SessionRepository
    open: OpenSessions
    expires_s: int

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
                await self._renew_all()
                trouble.over()
                async with self.repository.watch(revision) as watch:
                    while True:
                        for ended in await watch.receive():
                            if isinstance(ended, SessionRevoked):
                                self.open.end_session(ended.session, REVOKED, "the session is over")
                            elif isinstance(ended, PlayerRemoved):
                                self.open.end_player(ended.player, KICKED, "kicked by the host")
            except StoreError as error:
                trouble.happened(error=str(error))
                await trio.sleep(RETRY_S)

    async def _renew(self) -> None:
        while True:
            await trio.sleep(min(self.expires_s / 4, 3_600))
            try:
                await self._renew_all()
            except StoreError as error:
                structlog.get_logger().warning("sessions_not_renewed", error=str(error))

    async def _renew_all(self) -> None:
        for session in self.open.sessions():
            try:
                live = await self.repository.renew(session)
            except CorruptStoreError as error:
                # one record that nobody can read is one session's end, not the node's
                structlog.get_logger().error("session_unreadable", error=str(error))
                live = False
            if not live:
                self.open.end_session(session, REVOKED, "the session is over")
