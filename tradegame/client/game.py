"""A game that was joined: its state as it changes, and what one can do in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol, TypeVar

import trio

from tradegame.client.calls import Calls
from tradegame.client.keys import Key
from tradegame.client.state import State
from tradegame.client.streams import EventStream
from tradegame.client.subscription import Subscription
from tradegame.client.vocabulary import Commands
from tradegame.client.wire import decode, field
from tradegame.protocol.bounds import FILLS_KEPT
from tradegame.protocol.replies import Cancelled, Ordered, PlayerInfo, ServerInfo
from tradegame.protocol.state import Account, Book, Fill, OpenOrder, OwnFills, OwnOrders, Standing

T = TypeVar("T")


class GameClient(Protocol):
    """What a game asks of its client."""

    @property
    def player(self) -> PlayerInfo: ...

    @property
    def server(self) -> ServerInfo: ...

    async def leave(self, game: str) -> None: ...


class Game(Commands):
    """What ``client.join()`` returns.

    ``state`` is the public state and ``me`` your account (None while spectating), both kept current by the client for
    as long as it is open, across reconnects. A reply may come a moment before the news of it: after
    ``await game.buy(…)``, ``me`` is new within milliseconds, or after ``await game.refresh_me()``.

    Every call ends within the client's ``call_deadline``, or sooner under a trio cancel scope of your own. Calls that
    change something take a ``key``, made for you when left out: whatever happens to the connection in between, they
    have one effect, and the answer is the answer to that one. See ``new_key`` to send a command again after a restart.
    They raise

    * TradeError: the server said no (``definite``), or nobody knows (the same ``key`` finds out);
    * ConnectionStopped: the server closed for good;
    * trio.ClosedResourceError: the client was closed.

    Cancelled, a call may or may not have happened, unless it was never sent.
    """

    def __init__(self, subscription: Subscription, calls: Calls, client: GameClient) -> None:
        self._subscription = subscription
        self._calls = calls
        self._client = client

    @property
    def id(self) -> str:
        return self._subscription.game

    @property
    def client(self) -> GameClient:
        """Whose player, and whose connection, this is."""
        return self._client

    @property
    def state(self) -> State:
        """Always the same object; read it, do not write it."""
        return self._subscription.state

    @property
    def me(self) -> Account | None:
        """The newest account that came. A frozen value: keep it as long as you like."""
        return self._subscription.me

    async def cancel(self, order: str | OpenOrder | Ordered, *, key: str | None = None) -> Cancelled:
        return await super().cancel(_id_of(order), key=key)

    async def amend(
        self,
        order: str | OpenOrder | Ordered,
        qty: int | None = None,
        price: int | None = None,
        post_only: bool = False,
        *,
        key: str | None = None,
    ) -> Ordered:
        return await super().amend(_id_of(order), qty, price, post_only, key=key)

    async def book(self, good: str, depth: int = 10) -> Book:
        """``depth`` levels a side, 1 to 100. Five are always in ``state``, without asking."""
        return await self._do(Book, "book", {"good": good, "depth": depth}, None)

    async def standings(self, limit: int = 10, *, by: Literal["round", "total"] = "round") -> list[Standing]:
        """The richest ``limit`` players, 1 to 100, or those who gained most in all closed rounds together.

        None while they would tell private values that last.
        """
        asked = {"game": self.id, "limit": limit}
        ok = await self._calls.call("standings", asked if by == "round" else {**asked, "by": by})
        return [decode(Standing, row) for row in field(ok, "standings", list)]

    async def fills(self, limit: int = FILLS_KEPT) -> list[Fill]:
        """Your last ``limit`` trades of this round, 1 to 50, the oldest first: those that you were away for, too.

        Each that happens from now on is in a ``Fills`` event. ``trade`` tells which you have seen.
        """
        return list((await self._do(OwnFills, "fills", {"limit": limit}, None)).fills)

    async def orders(self) -> OwnOrders:
        """Your open orders, and what became of the last 50 that are done in this round."""
        return await self._do(OwnOrders, "orders", {}, None)

    def new_key(self) -> Key:
        """A key for a command that is made now, to write down before it is sent.

        A program that is started anew sends the same copy with ``Key(key, since, epoch)`` of what it wrote down.
        """
        return self._calls.new_key(self.id)

    async def refresh_me(self) -> Account:
        """Ask for the account. ``me`` is kept current without; this is for being sure, right after a call."""
        account = await self._do(Account, "me", {}, None)
        self._subscription.put_me(account)
        return account

    async def leave(self) -> None:
        """No more news: ``events()`` ends. The account stays. Idempotent."""
        await self._client.leave(self.id)

    def events(self, buffer: int = 1000) -> EventStream:
        """Everything that happens from now on, for ``async for``; see EventStream. ``state`` may be ahead of it."""
        return self._subscription.stream(buffer)

    async def until(self, true: Callable[[Game], bool]) -> None:
        """Wait until ``true(game)`` is; it is asked after every change of ``state`` or ``me``.

        Raises what ``events()`` raises, and trio.ClosedResourceError once the game was left or the client closed.
        """
        subscription = self._subscription
        await trio.lowlevel.checkpoint()
        while not true(self):
            if subscription.over:
                raise subscription.stop.error() if subscription.stop else trio.ClosedResourceError("the game was left")
            await subscription.changed.park()

    async def _do(self, kind: type[T], op: str, fields: dict[str, object], key: str | None) -> T:
        ok: T = decode(kind, await self._calls.call(op, {"game": self.id, **fields}, key=key))
        return ok


def _id_of(order: str | OpenOrder | Ordered) -> str:
    return order if isinstance(order, str) else order.order
