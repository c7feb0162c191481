"""Trading: buy, sell, order, cancel. Each goes into the game's log and is answered by what came of it there."""

from __future__ import annotations

from attrs import frozen

from tradegame.core.domain.commands import BuyGood, CancelOrder, Command, PlaceOrder, SellGood
from tradegame.core.domain.events import Outcome
from tradegame.core.use_cases.clients import ClientSession, Reply
from tradegame.core.use_cases.game_host import GameHost
from tradegame.core.use_cases.games import GameService
from tradegame.core.use_cases.requests import BuyRequest, CancelRequest, OrderRequest, SellRequest
from tradegame.protocol.errors import TradeGameError, UnknownGoodError


def submit(host: GameHost, client: ClientSession, command: Command, reply: Reply) -> None:
    """Put a client's command into the log; the reply follows when it was applied."""

    def answered(outcome: Outcome | TradeGameError) -> None:
        client.in_flight -= 1
        reply(outcome)

    host.submit(command, answered)
    client.in_flight += 1


@frozen
class BuyGoodUseCase:
    """All that moves cash and goods."""

    games: GameService

    def buy(self, client: ClientSession, request: BuyRequest, reply: Reply) -> None:
        host = self._market(request.game, request.good)
        command = BuyGood(
            player=client.player, key=request.key, good=request.good, qty=request.qty, limit=request.limit
        )
        submit(host, client, command, reply)

    def sell(self, client: ClientSession, request: SellRequest, reply: Reply) -> None:
        host = self._market(request.game, request.good)
        command = SellGood(
            player=client.player, key=request.key, good=request.good, qty=request.qty, limit=request.limit
        )
        submit(host, client, command, reply)

    def order(self, client: ClientSession, request: OrderRequest, reply: Reply) -> None:
        host = self._market(request.game, request.good)
        command = PlaceOrder(
            player=client.player,
            key=request.key,
            good=request.good,
            side=request.side,
            qty=request.qty,
            price=request.price,
        )
        submit(host, client, command, reply)

    def cancel(self, client: ClientSession, request: CancelRequest, reply: Reply) -> None:
        host = self.games.host(request.game)
        submit(host, client, CancelOrder(player=client.player, key=request.key, order=request.order), reply)

    def _market(self, game: str, good: str) -> GameHost:
        """Goods never change in a game, so a wrong one costs no entry. Raises UnknownGoodError."""
        host = self.games.host(game)
        if good not in host.game.state.markets:
            raise UnknownGoodError(f"no good {good!r} in this game")
        return host
