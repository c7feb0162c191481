"""A client as the use cases see it: who it is, who pays for it, what it asks, and how it is answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from attrs import define, field
from msgspec import Struct

from tradegame.core.admission.budgets import CROWD_PATIENCE_S, WEIGHT_A_UNIT, Budgets
from tradegame.core.domain.events import Outcome
from tradegame.core.games.host import GameHost
from tradegame.core.games.public_state import Stated
from tradegame.core.games.submissions import Submission
from tradegame.core.use_cases.sessions import SignedIn
from tradegame.protocol.bounds import RequestId
from tradegame.protocol.errors import NotAuthenticatedError, TradeGameError
from tradegame.protocol.ops import PlayerCommand, Request
from tradegame.protocol.requests import JoinRequest

Answer = Struct | Stated | Outcome | TradeGameError
"""The ``ok`` of a request, an outcome of the game, or an error."""
Reply = Callable[[Answer], None]
"""Called once with the answer. Must not raise."""
ReplyTo = Callable[[RequestId | None, Answer], None]
"""The same, for the request of this id."""
Commander = tuple[str, str]
"""A game and a player."""


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
    def robot(self) -> bool:
        """Whether it is a robot of this node, in a seat of its own or of somebody else."""
        return self.signed_in is not None and self.signed_in.seat is not None

    @property
    def player(self) -> str:
        """Raises NotAuthenticatedError before ``hello``."""
        if self.signed_in is None:
            raise NotAuthenticatedError("say hello first")
        return self.signed_in.player.id

    def take(self, cost: float) -> None:
        """Pay for a request before it is carried out. Raises RateLimitedError."""
        self.budgets.take(self._payer, self.address, cost)

    def admit(self, cost: float, patience_s: float = CROWD_PATIENCE_S) -> float:
        """The same, or returns for how many s a client must wait for what others leave it."""
        return self.budgets.admit(self._payer, self.address, cost, patience_s)

    def charge(self, cost: float) -> None:
        """Pay for a cost that is known only afterwards."""
        self.budgets.charge(self._payer, self.address, cost)

    def frames(self, cost: float) -> float:
        """Pay for anything but a request. Returns for how many s the client must not be read."""
        return self.budgets.frames(self._payer, self.address, cost)

    def sign_up(self) -> None:
        """Pay for a new player. Raises RateLimitedError."""
        self.budgets.sign_up(self.address)


@define(eq=False)
class Asked:
    """A request on its way to its answer, which it is called with: at once or later, and only the first time counts.

    It is one object, from the socket to the log and back, because thousands are under way: three closures for each were
    fourteen for the garbage collector to visit. ``id``: the request's, which the log does not keep. ``failed``: by
    code, how often what was asked failed.
    """

    client: Client
    request: Request
    id: RequestId | None
    failed: dict[str, int]
    _reply_to: ReplyTo
    _answered: bool = field(default=False, init=False)
    _submission: Submission | None = field(default=None, init=False)
    _unanswered: dict[Commander, int] | None = field(default=None, init=False)
    _whose: Commander = field(default=("", ""), init=False)

    def submitted(self, submission: Submission, unanswered: dict[Commander, int], whose: Commander | None) -> None:
        """It goes through the log, and is in flight until it is answered; one with a key is ``unanswered``, too."""
        self._submission = submission
        self.client.in_flight += 1
        if whose is not None:
            self._unanswered, self._whose = unanswered, whose
            unanswered[whose] = unanswered.get(whose, 0) + 1

    def __call__(self, answer: Answer) -> None:
        if self._answered:
            return  # the deadline was faster
        self._answered = True
        if (submission := self._submission) is not None:
            self._submission = None
            self.client.in_flight -= 1
            if submission.weight >= WEIGHT_A_UNIT:
                self.client.charge(submission.weight // WEIGHT_A_UNIT)
            if self._unanswered is not None:
                self._unanswered[self._whose] -= 1
                if not self._unanswered[self._whose]:
                    del self._unanswered[self._whose]
        self._reply_to(self.id, self._of_copy(answer) if isinstance(answer, TradeGameError) else answer)

    def _of_copy(self, error: TradeGameError) -> TradeGameError:
        """An error that leaves a command in doubt says which copy of it to send again."""
        self.failed[error.code] = self.failed.get(error.code, 0) + 1
        request = self.request
        if error.definite or not isinstance(request, PlayerCommand | JoinRequest) or request.key is None:
            return error
        return error.of_copy(request.key, request.since, request.epoch)


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
