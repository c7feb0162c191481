"""A client that trades all the time, and checks that the server keeps its word."""

from __future__ import annotations

import math
import random
import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import trio
from attrs import frozen
from msgspec.structs import replace

from tradegame.client import (
    Bought,
    Cancelled,
    ConnectionStopped,
    Game,
    Ordered,
    ProtocolError,
    Sent,
    Sold,
    Status,
    TradeError,
    connect,
)
from tradegame.cluster.log import Log
from tradegame.cluster.witness.effects import Effect, Spoken, Traded
from tradegame.cluster.witness.ledger import Acknowledged, Ledger
from tradegame.cluster.witness.orders import OrderBook, Resting
from tradegame.cluster.witness.timings import Timings
from tradegame.protocol.errors import NOT_TAKEN_IN

OPEN = "open"
ORDERS_MOST = 4
AUDIT_EVERY_S = 3.0
STINT_S = 20.0
"""A connection lasts this long on average; then the client reconnects as the same player, to its own node first."""
SENT_AGAIN_SHARE = 0.05
"""The share of acknowledged commands that are sent again with their key, on purpose."""
ASK_AGAIN_S = 0.2
REFUSALS_MOST = 25
"""A command that may have happened stays unknown after so many refusals other than the remembered answer."""
BEGIN_AGAIN_S = 1.0

Result = Bought | Sold | Ordered | Cancelled | Sent


@frozen
class Command:
    """``send(key)`` sends it; ``name`` is for a person."""

    name: str
    send: Callable[[str], Awaitable[Result]]
    effect: Callable[[Any], Effect | None]
    """The visible effect that its result implies; None: none."""
    then: Callable[[Any], None] = lambda _: None
    """Updates this witness's own orders from the result."""


class Witness:
    """``rate``: commands a second. Findings go to ``ledger``, waiting times to ``timings``.

    ``failovers``: how often it continued at another node. ``waits_since``: when the command under way was sent, on
    trio's clock.
    """

    def __init__(self, number: int, rate: float, ledger: Ledger, timings: Timings, log: Log) -> None:
        self.number = number
        self.name = f"witness-{number}"
        self.orders = OrderBook()
        self.player = ""
        self.url = ""
        """The node it is connected to, or was last connected to."""
        self.acknowledged = self.refused = self.failovers = 0
        self.waits_since: float | None = None
        self.moves: list[float] = []
        """How long it waited for answers that came from another node, in seconds. The reader empties it."""
        self.connected = False
        self.plays = trio.Event()
        """Set once it has joined the game."""
        self._rate = rate
        self._ledger = ledger
        self._timings = timings
        self._log = log
        self._chance = random.Random()
        self._keys = 0
        self._life = secrets.token_hex(4)

    async def run(self, urls: Sequence[str], game_id: str, head: Callable[[], int], over: trio.Event) -> None:
        """Play until ``over``, and finish the command that is then under way. ``urls``: its own node's first. ``head``:
        returns the last frame that the spectators have seen.
        """
        token: str | None = None
        while not over.is_set():
            self.url = ""  # the next connection is not a failover, wherever it goes
            try:
                async with connect(
                    *urls,
                    name=None if token else self.name,
                    token=token,
                    connect_deadline=math.inf,
                    on_status=self._heed,
                ) as client:
                    token, self.player = client.token, client.player.id
                    self._ledger.watch(self.player)
                    game = await client.join(game_id)
                    self.plays.set()
                    await self._play(game, head, over)
            except ConnectionStopped as stopped:
                self._log.add(self.name, f"was sent away: {stopped}", "error")
                return
            except (ProtocolError, TradeError, trio.ClosedResourceError) as error:
                self._log.add(self.name, f"begins again: {error}", "warning")
                if isinstance(error, TradeError) and error.code == "unauthorized":
                    token = None
                await trio.sleep(BEGIN_AGAIN_S)

    async def _play(self, game: Game, head: Callable[[], int], over: trio.Event) -> None:
        """Play for a while, then reconnect to its own node: clients that failed over never return by themselves."""
        until = trio.current_time() + STINT_S * (0.5 + self._chance.random())
        audit_at = trio.current_time() + AUDIT_EVERY_S * self._chance.random()
        while trio.current_time() < until:
            with trio.move_on_after(min(self._chance.expovariate(self._rate), 5 / self._rate)):
                await over.wait()
                return
            await self._carry_out(self._choose(game))
            if trio.current_time() >= audit_at:
                await self._audit(game, head)
                audit_at = trio.current_time() + AUDIT_EVERY_S * (0.5 + self._chance.random())

    async def _carry_out(self, command: Command) -> None:
        """Send it until its outcome is known."""
        self._keys += 1
        key = f"{self._life}-{self._keys}"
        began, failovers = trio.current_time(), self.failovers
        self.waits_since = began
        self._ledger.begin(self.player)
        result: Result | None = None
        known = doubtful = False
        refusals = 0
        try:
            while not known and refusals < REFUSALS_MOST:
                try:
                    result, known = await command.send(key), True
                except TradeError as error:
                    # Once the command may have happened, only the remembered answer to its key tells the outcome; any
                    # other refusal is about this attempt. Refusals by the rules are remembered, so asking again replays
                    # them.
                    known = error.definite and (error.replayed or not doubtful)
                    if not known:
                        refusals += error.definite
                        doubtful = True
                        await trio.sleep(ASK_AGAIN_S)
        finally:
            self.waits_since = None
            if not known:
                self._ledger.abandon(self.player)
        took = trio.current_time() - began
        self._timings.waits(took)
        if not known:
            self._log.add(self.name, f"never learns the outcome of its {command.name}", "warning")
            return
        if self.failovers > failovers:
            self.moves = [*self.moves[-10:], took]
        self._timings.answered(trio.current_time(), took, self.url)
        if result is None:
            self.refused += 1
            self._ledger.answered(self.player, None)
            return
        self.acknowledged += 1
        effect = command.effect(result)
        self._ledger.answered(self.player, None if effect is None else Acknowledged(result.seq, effect))
        command.then(result)
        if self._chance.random() < SENT_AGAIN_SHARE:
            await self._send_again(command, key, result)

    async def _send_again(self, command: Command, key: str, first: Result) -> None:
        """There must be one effect, and the first answer again; any other answer is a finding. A second effect shows by
        itself.
        """
        try:
            again = await command.send(key)
        except TradeError as error:
            if error.definite and error.code not in NOT_TAKEN_IN | {"timeout"}:
                self._ledger.find("lost", f"the {command.name} of {self.player}, sent again with its key: {error}")
            return
        if not again.replayed:
            self._ledger.find("doubled", f"the {command.name} of {self.player} was carried out again for the same key")
        elif replace(again, replayed=False) != replace(first, replayed=False):
            self._ledger.find("lost", f"the {command.name} of {self.player}: first {first}, sent again {again}")

    async def _audit(self, game: Game, head: Callable[[], int]) -> None:
        try:
            account = await game.refresh_me()
        except TradeError:
            return  # retried later
        ids = {order.order for order in account.orders}
        for kind, what in self.orders.audit(ids, game.state.seq, head()):
            self._ledger.find(kind, f"{what}; {self.player}")

    def _choose(self, game: Game) -> Command:
        """Something sensible in this market; a message always is."""
        chance = self._chance
        if game.state.phase != OPEN or not game.state.goods or chance.random() < 0.3:
            return self._say(game)
        if len(self.orders.open) >= ORDERS_MOST:
            return self._cancel(game, next(iter(self.orders.open)))
        name = chance.choice(sorted(game.state.goods))
        good, own = game.state.goods[name], self.orders.side_in(name)
        stock = game.me.goods.get(name, 0) if game.me is not None else 0
        buys = own == "bid" or (own is None and (not stock or chance.random() < 0.5))
        if not buys and not stock:
            return self._say(game)
        qty = chance.randint(1, 3) if buys else chance.randint(1, min(3, stock))
        if chance.random() < 0.4:
            middle = good.price or 20
            price = max(1, middle - chance.randint(-1, 4) if buys else middle + chance.randint(-1, 4))
            return self._order(game, name, buys, qty, price)
        if (good.best_ask if buys else good.best_bid) is None:
            return self._say(game)
        return self._take(game, name, buys, qty)

    def _say(self, game: Game) -> Command:
        text = f"{self._life} {self._keys}"
        return Command("message", lambda key: game.say(text, key=key), lambda _: Spoken(text))

    def _take(self, game: Game, good: str, buys: bool, qty: int) -> Command:
        if buys:
            return Command(
                "buy",
                lambda key: game.buy(good, qty, key=key),
                lambda done: Traded(good, "buy", done.filled, done.cost),
            )
        return Command(
            "sell",
            lambda key: game.sell(good, qty, key=key),
            lambda done: Traded(good, "sell", done.filled, done.proceeds),
        )

    def _order(self, game: Game, good: str, buys: bool, qty: int, price: int) -> Command:
        def rest(done: Ordered) -> None:
            if done.resting:
                self.orders.placed(done.order, Resting(good, "bid" if buys else "ask", done.resting, price))

        def effect(done: Ordered) -> Effect | None:
            return Traded(good, "buy" if buys else "sell", done.filled) if done.filled else None

        self.orders.begin()
        return Command(
            "order", lambda key: game.order(good, "bid" if buys else "ask", qty, price, key=key), effect, rest
        )

    def _cancel(self, game: Game, order: str) -> Command:
        return Command(
            "cancel",
            lambda key: game.cancel(order, key=key),
            lambda _: None,
            lambda done: self.orders.cancelled(done.order),
        )

    def _heed(self, status: Status) -> None:
        self.connected = status.kind == "connected"
        if self.connected:
            self.failovers += self.url not in ("", status.url)
            self.url = status.url
