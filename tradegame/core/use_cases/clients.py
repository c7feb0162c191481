"""A client as the use cases see it: who it is, who pays for it, and how it is answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from attrs import define, field
from msgspec import Struct

from tradegame.core.admission.budgets import Budgets
from tradegame.core.domain.events import Outcome
from tradegame.core.games.host import GameHost
from tradegame.core.games.public_state import Stated
from tradegame.core.use_cases.sessions import SignedIn
from tradegame.protocol.errors import NotAuthenticatedError, TradeGameError

Reply = Callable[[Struct | Stated | Outcome | TradeGameError], None]
"""Called once with the ``ok``, an outcome of the game, or an error. Must not raise."""


@define(eq=False)
class Client:
    """One connection's client. ``signed_in`` is None before ``hello``; ``in_flight`` counts unanswered commands.

    ``address``: the budget key of its IP address (``payer_of``).
    """

    connection: str
    address: str
    budgets: Budgets
    since: int
    signed_in: SignedIn | None = field(default=None, init=False)
    in_flight: int = field(default=0, init=False)
    closed: bool = field(default=False, init=False)
    _payer: str = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._payer = self.connection

    def sign_in(self, signed_in: SignedIn) -> None:
        """The client is this player from now on, who pays for it."""
        self.signed_in = signed_in
        self._payer = signed_in.player.id

    @property
    def player(self) -> str:
        """Raises NotAuthenticatedError before ``hello``."""
        if self.signed_in is None:
            raise NotAuthenticatedError("say hello first")
        return self.signed_in.player.id

    def take(self, cost: float) -> None:
        """Pay for a request before it is carried out. Raises RateLimitedError."""
        self.budgets.take(self._payer, self.address, cost)

    def charge(self, cost: float) -> None:
        """Pay for a cost that is known only afterwards."""
        self.budgets.charge(self._payer, self.address, cost)

    def frames(self, cost: float) -> float:
        """Pay for anything but a request. Returns for how many s the client must not be read."""
        return self.budgets.frames(self._payer, self.address, cost)

    def sign_up(self) -> None:
        """Pay for a new player. Raises RateLimitedError."""
        self.budgets.sign_up(self.address)


class Audience(Protocol):
    """Shows clients what happens. Only ``make_room`` waits."""

    async def make_room(self, player: str) -> None:
        """The player opens another connection. If there are too many, those that do not answer are closed. Takes at
        most 2 s.
        """
        ...

    def welcome(self, client: Client, signed_in: SignedIn) -> None:
        """The client is this player from now on. Raises OverloadedError if the player has too many connections."""
        ...

    def follow(self, client: Client, host: GameHost, after: int, *, plays: bool) -> None:
        """Show every frame after ``after``, which the host can still provide. ``plays``: not only to look on."""
        ...

    def unfollow(self, client: Client, game: str) -> None:
        """Stop showing the game."""
        ...
