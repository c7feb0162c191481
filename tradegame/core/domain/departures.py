"""Cancel on disconnect: who chose it, and has been away for a while, has no order in the book any more.

Connections are not in the log, so nodes tell who departed (``depart``) and who is back (``arrive``). Whatever a player
does themselves shows that they are here, too. The grace between the two covers a fail-over, and a node that was wrong.
"""

from __future__ import annotations

from itertools import islice

from attrs import frozen

from tradegame.core.domain.blotter import DISCONNECTED
from tradegame.core.domain.book import Order
from tradegame.core.domain.marking import MarkService
from tradegame.core.domain.state import Effects, GameState
from tradegame.core.domain.trading import TradingService
from tradegame.protocol.commands import Depart, Join
from tradegame.protocol.replies import Sent

WITHDRAWN_AT_ONCE = 100
"""How many orders are withdrawn in one step, or players without any are done with; it takes some 0.3 ms."""


@frozen
class DepartureService:
    state: GameState
    trading: TradingService
    marks: MarkService

    def choose(self, join: Join, effects: Effects) -> None:
        """Take in what a ``join`` says of it; if it says nothing, the choice stays."""
        chosen, name = join.cancel_on_disconnect, join.player
        if chosen is None or chosen == (name in self.state.cancel_on_disconnect):
            return
        if chosen:
            self.state.cancel_on_disconnect[name] = None
        else:
            self.forget(name)
        effects.accounts[name] = None

    def depart(self, command: Depart, effects: Effects) -> Sent:
        """These have no connection left. Who departed already did so then; a robot in one's seat is as good as one."""
        state = self.state
        for name in command.players:
            if name in state.cancel_on_disconnect and name not in state.seats:
                state.departed.setdefault(name, state.clock)
        return Sent(seq=0)

    def back(self, player: str) -> None:
        """The player is here."""
        self.state.departed.pop(player, None)

    def forget(self, player: str) -> None:
        """The player has no account any more, or does not choose it any more."""
        self.state.cancel_on_disconnect.pop(player, None)
        self.back(player)

    def next_withdrawal(self) -> int | None:
        """When the next one's grace is over, in ms; None: nobody departed."""
        departed = next(iter(self.state.departed.values()), None)
        return None if departed is None else departed + self.state.definition.disconnect_grace_s * 1000

    def withdraw(self, until: int, effects: Effects) -> None:
        """Withdraw orders of who departed first, and of others who did at the same time: all in one, since each removal
        from a deep book takes a while. It stays due until the last one is gone.
        """
        departed, some, done = self.state.departed, list[Order](), list[str]()
        first = next(iter(departed.values()))
        for name, since in departed.items():
            left = WITHDRAWN_AT_ONCE - len(some) - len(done)
            if since != first or left <= 0:
                break
            orders = self.state.accounts[name].orders
            some.extend(islice(orders.values(), left))
            if len(orders) <= left:
                done.append(name)
        self.trading.withdraw_all(some, effects, DISCONNECTED)
        self.marks.follow(dict.fromkeys(order.good for order in some), effects)
        effects.spent += len(some) + len(done)
        for name in done:
            self.back(name)
