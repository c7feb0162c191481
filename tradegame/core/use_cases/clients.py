"""A client as the use cases see it: who it is, how fast it may go, and how it is answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import trio
from attrs import define, field

from tradegame.core.domain.errors import NotAuthenticatedError, RateLimitedError, TradeGameError
from tradegame.core.domain.events import Outcome
from tradegame.core.use_cases.broadcast_game_state import PublishedFrame
from tradegame.core.use_cases.game_host import GameHost
from tradegame.core.use_cases.sessions import SignedIn

Reply = Callable[[Mapping[str, Any] | Outcome | TradeGameError], None]
"""Called once with the ``ok``, an outcome of the game, or an error. Must not raise."""


@define
class TokenBucket:
    """At most ``per_s`` a second on the long run, ``burst`` at once. One a player on a node."""

    per_s: float
    burst: float
    of: str = "commands"
    _level: float = field(init=False)
    _at: float = field(factory=trio.current_time, init=False)

    def __attrs_post_init__(self) -> None:
        self._level = self.burst

    def take(self) -> None:
        """Take one. Raises RateLimitedError with the time to wait."""
        now = trio.current_time()
        self._level = min(self.burst, self._level + (now - self._at) * self.per_s)
        self._at = now
        if self._level < 1:
            wait_ms = int((1 - self._level) / self.per_s * 1000) + 1
            raise RateLimitedError(f"at most {self.per_s:g} {self.of} a second", retry_after_ms=wait_ms)
        self._level -= 1


@define(eq=False)
class ClientSession:
    """One connection's client. ``signed_in`` is None before ``hello``; ``in_flight`` counts unanswered commands.

    ``sign_ups`` bounds the new players that its address makes.
    """

    connection: str
    address: str
    bucket: TokenBucket
    sign_ups: TokenBucket
    since: int
    signed_in: SignedIn | None = None
    in_flight: int = 0
    closed: bool = False

    @property
    def player(self) -> str:
        """Raises NotAuthenticatedError before ``hello``."""
        if self.signed_in is None:
            raise NotAuthenticatedError("say hello first")
        return self.signed_in.player.id


class Audience(Protocol):
    """Where clients are shown what happens. Nothing here waits."""

    def welcome(self, client: ClientSession, signed_in: SignedIn) -> None:
        """The client is this player from now on. Raises OverloadedError when the player has too many connections."""
        ...

    def follow(self, client: ClientSession, host: GameHost, missed: Sequence[PublishedFrame]) -> None:
        """Show the missed frames, then every frame from now on."""
        ...

    def unfollow(self, client: ClientSession, game: str) -> None:
        """No more news of it."""
        ...
