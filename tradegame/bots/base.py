"""What all bots share: a pace, a tally, and how to handle a refusal."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from typing import ClassVar, Literal

import trio
from attrs import define, frozen

from tradegame.client.errors import TradeError
from tradegame.client.game import Game
from tradegame.client.state import State
from tradegame.protocol.state import Account

OPEN = "open"
RATE_SHARE = 0.8
"""Of the commands per second that the server allows; the rest is for reconnects and hands at the keyboard."""


@frozen
class Quote:
    """Place a limit order."""

    good: str
    side: Literal["bid", "ask"]
    qty: int
    price: int

    def __str__(self) -> str:
        return f"{self.side} {self.qty} {self.good} @ {self.price}"


@frozen
class Take:
    """Buy or sell at once, within ``limit``."""

    good: str
    side: Literal["buy", "sell"]
    qty: int
    limit: int

    def __str__(self) -> str:
        return f"{self.side} {self.qty} {self.good} within {self.limit}"


@frozen
class Amend:
    """Change an order, so that ``qty`` units of it are open at ``price``."""

    order: str
    qty: int
    price: int

    def __str__(self) -> str:
        return f"amend {self.order} to {self.qty} @ {self.price}"


@frozen
class Withdraw:
    """Cancel an order."""

    order: str

    def __str__(self) -> str:
        return f"cancel {self.order}"


Action = Quote | Take | Amend | Withdraw


@define
class Tally:
    """``trades`` is counted by whoever watches the events; see ``fleet``."""

    commands: int = 0
    refused: int = 0
    trades: int = 0
    last: str = "waiting"


class Bot(ABC):
    """An automated player. Subclasses decide what to do next; ``run`` does it.

    ``seed`` determines every random choice: in the same market, two bots with one seed do the same. ``pace``: mean
    seconds between decisions (exponentially distributed, like independent people).
    """

    kind: ClassVar[str]

    def __init__(self, seed: int | str = 0, pace: float = 1.0) -> None:
        self.chance = random.Random(f"{self.kind}/{seed}")
        self.pace = pace
        self.tally = Tally()
        self._timing = random.Random(f"{self.kind}/{seed}/timing")

    @abstractmethod
    def decide(self, state: State, me: Account) -> list[Action]:
        """What to do now, in order; may be nothing. Does no I/O."""

    async def run(self, game: Game) -> None:
        """Play until cancelled. Stays below the server's rate limit, and waits while the game is not open.

        After a TradeError, the rest of that decision is dropped, and the next one is made on time. Raises
        ConnectionStopped or trio.ClosedResourceError if the game is over for this bot.
        """
        gap = 1 / (RATE_SHARE * max(1, game.client.server.commands_per_s))
        while True:
            with trio.move_on_after(min(self._timing.expovariate(1 / self.pace), 5 * self.pace)):
                await game.until(_never)  # this sleep ends if the game is over
            if game.state.phase != OPEN or game.me is None:
                self.tally.last = f"waits: the game is {game.state.phase}"
                await game.until(lambda game: game.state.phase == OPEN and game.me is not None)
            assert game.me is not None
            for action in self.decide(game.state, game.me):
                began = trio.current_time()
                if not await self._act(game, action):
                    break
                await trio.sleep_until(began + gap)

    async def _act(self, game: Game, action: Action) -> bool:
        """Carry it out. Returns False if the server refused."""
        self.tally.commands += 1
        try:
            match action:
                case Quote():
                    await game.order(action.good, action.side, action.qty, action.price)
                case Take():
                    await (game.buy if action.side == "buy" else game.sell)(action.good, action.qty, action.limit)
                case Amend():
                    await game.amend(action.order, action.qty, action.price)
                case Withdraw():
                    await game.cancel(action.order)
        except TradeError as error:
            self.tally.refused += 1
            self.tally.last = f"{action}: {error.code}"
            return False
        self.tally.last = str(action)
        return True


def _never(_: Game) -> bool:
    return False
