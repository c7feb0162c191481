"""Connections, what each follows, and slices: how long the loop may be busy with them in one go."""

from __future__ import annotations

from collections.abc import Callable

import trio
from attrs import Factory, define

from tradegame.controller.websocket.outbox import Outbox
from tradegame.core.games.host import GameHost
from tradegame.core.use_cases.clients import ClientSession

SLICE_S = 0.003
"""After so long in one go, whatever else is ready to run has its turn: a round of the loop stays well under 10 ms."""
VISITS = 16
"""So many followers are served between two looks at the clock: about 0.1 ms."""


class Slice:
    """A stretch of work, and what is left of its time."""

    __slots__ = ("_until",)

    def __init__(self) -> None:
        self._until = trio.current_time() + SLICE_S

    @property
    def over(self) -> bool:
        return trio.current_time() >= self._until


@define(eq=False)
class Member:
    """A connection as the hub sees it. ``end(code, reason)`` closes it, ``ping`` asks it whether it lives.

    ``silent_s`` tells how long ago it last said so. None of them waits.
    """

    client: ClientSession
    outbox: Outbox
    end: Callable[[int, str], None]
    ping: Callable[[], None] = lambda: None
    silent_s: Callable[[], float] = lambda: 0.0
    games: dict[str, Following] = Factory(dict)
    dirty: bool = False

    def forget(self) -> None:
        """It has ended: let go of the connection, which holds this member and would be freed by no reference count."""
        self.end, self.ping, self.silent_s = _ended, _silent, _no_time


def _ended(code: int, reason: str) -> None:
    pass


def _silent() -> None:
    pass


def _no_time() -> float:
    return 0.0


@define(eq=False)
class Following:
    """A connection that follows a game, and has been given its frames up to ``seq``.

    ``lagging``: it gets them at the pace at which it reads. ``over``: it follows no more.
    """

    member: Member
    host: GameHost
    seq: int
    lagging: bool = False
    over: bool = False
