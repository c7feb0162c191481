"""Connections as the hub sees them, and what each follows."""

from __future__ import annotations

from collections.abc import Callable

from attrs import Factory, define

from tradegame.controller.websocket.outbox import Outbox
from tradegame.core.games.host import GameHost
from tradegame.core.use_cases.clients import Client


@define(eq=False)
class Subscriber:
    """A connection as the hub sees it. ``end(code, reason)`` closes it, ``ping`` asks for a sign of life, ``silent_s``
    tells how long ago the last one came. None of them waits.
    """

    client: Client
    outbox: Outbox
    end: Callable[[int, str], None]
    ping: Callable[[], None] = lambda: None
    silent_s: Callable[[], float] = lambda: 0.0
    games: dict[str, Subscription] = Factory(dict)
    dirty: bool = False

    def forget(self) -> None:
        """It has ended: let go of the connection, which holds this object, so that reference counts free both."""
        self.end, self.ping, self.silent_s = _ended, _silent, _no_time


def _ended(code: int, reason: str) -> None:
    pass


def _silent() -> None:
    pass


def _no_time() -> float:
    return 0.0


@define(eq=False)
class Subscription:
    """A connection that follows a game, and has been given its frames up to ``seq``.

    ``lagging``: it gets them at the pace at which it reads, and the player's account behind them if it
    ``owes_account``. ``over``: it no longer follows. ``plays``: it has joined as a player, and does not only look on.
    """

    subscriber: Subscriber
    host: GameHost
    seq: int
    lagging: bool = False
    owes_account: bool = False
    over: bool = False
    plays: bool = False
