"""What happens in a game, and what one can do in it: the events and commands of the protocol.

Generated from tradegame/protocol by `make client`. Do not edit.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Literal, TypeVar

from tradegame.protocol import pushes
from tradegame.protocol.replies import (
    AllCancelled,
    Bought,
    Cancelled,
    Ordered,
    Readied,
    Released,
    ReleasedAll,
    Sent,
    Sold,
)

__all__ = [
    "AccessChanged",
    "AllCancelled",
    "BookChanged",
    "Bought",
    "Cancelled",
    "ClockChanged",
    "Commands",
    "Joined",
    "MarkChanged",
    "News",
    "Ordered",
    "PublicEvent",
    "Readied",
    "Released",
    "ReleasedAll",
    "Removed",
    "Revealed",
    "RoundChanged",
    "Said",
    "SeatChanged",
    "Sent",
    "Sold",
    "Trade",
    "Unsaid",
]

T = TypeVar("T")


class Joined(pushes.Joined, tag="joined"):
    """Somebody opened an account; `robot`: the server plays it."""

    seq: int = 0
    at: int = 0


class Removed(pushes.Removed, tag="removed"):
    """The host took a player's account away, or a robot left."""

    seq: int = 0
    at: int = 0


class SeatChanged(pushes.SeatChanged, tag="seat"):
    """A robot sits in for a player from now on, or no more."""

    seq: int = 0
    at: int = 0


class Trade(pushes.Trade, tag="trade"):
    """A trade, at the resting order's price. `taker`: the side that did not rest; `number` counts the game's trades.

    In an anonymous game it names neither `buyer` nor `seller`: see `fills`.
    """

    seq: int = 0
    at: int = 0


class BookChanged(pushes.BookChanged, tag="book"):
    """The best five levels a side, best first, when a frame changed them; at most one a good a frame."""

    seq: int = 0
    at: int = 0


class MarkChanged(pushes.MarkChanged, tag="mark"):
    """What a unit of a good counts for changed, or where that comes from; at most one a good a frame."""

    seq: int = 0
    at: int = 0


class Said(pushes.Said, tag="said"):
    """Somebody said something to everyone; `number` counts the game's messages."""

    seq: int = 0
    at: int = 0


class Unsaid(pushes.Unsaid, tag="unsaid"):
    """The host deleted a message."""

    seq: int = 0
    at: int = 0


class AccessChanged(pushes.AccessChanged, tag="access"):
    """`locked`: nobody new may have an account. `chat`: people may speak. `reports`: each may read their own."""

    seq: int = 0
    at: int = 0


class RoundChanged(pushes.RoundChanged, tag="round"):
    """The phase changed. `ends_at`: null until the host says so. `opened_at`: when it opened, if it just did.

    `settled`: what a unit of each good was paid, where goods settle and the round has closed. `treatment`: what is
    different in this round. `over`: this was the last round; `winners`: who gained most in all rounds together.
    """

    seq: int = 0
    at: int = 0


class ClockChanged(pushes.ClockChanged, tag="clock"):
    """The host paused the game, let it go on, or gave the phase more time. `paused_at`: since when it is paused.

    While it is, `ends_at` less `paused_at` is what is left of the phase.
    """

    seq: int = 0
    at: int = 0


class Revealed(pushes.Revealed, tag="revealed"):
    """The host lets everybody read what the closed rounds came to. `round`: the present one.

    `winners`: who gained most in all rounds together, if the last one is closed.
    """

    seq: int = 0
    at: int = 0


class News(pushes.News, tag="news"):
    """News, about `good` if there is one."""

    seq: int = 0
    at: int = 0


PublicEvent = (
    Joined
    | Removed
    | SeatChanged
    | Trade
    | BookChanged
    | MarkChanged
    | Said
    | Unsaid
    | AccessChanged
    | RoundChanged
    | ClockChanged
    | Revealed
    | News
)


class Commands(ABC):
    """A method for each command. What they raise is said at ``Game``."""

    @abstractmethod
    async def _do(self, kind: type[T], op: str, fields: dict[str, object], key: str | None) -> T: ...

    async def buy(
        self,
        good: str,
        qty: int,
        limit: int | None = None,
        fill_or_kill: bool = False,
        *,
        key: str | None = None,
    ) -> Bought:
        """Buy now, up to `qty` units, from the cheapest ask up, none dearer than `limit`.

        What is not there is not bought: `filled` may be less than `qty`, and at most 100 orders are met.
        `fill_or_kill`: all of `qty`, or nothing. Refused with `no_liquidity`, `insufficient_cash`, `not_open` or
        `unknown_good`; with `fill_or_kill` also with `insufficient_liquidity` or `too_many_fills`.
        """
        return await self._do(
            Bought,
            "buy",
            {"good": good, "qty": qty, "limit": limit, "fill_or_kill": fill_or_kill},
            key,
        )

    async def sell(
        self,
        good: str,
        qty: int,
        limit: int | None = None,
        fill_or_kill: bool = False,
        *,
        key: str | None = None,
    ) -> Sold:
        """Sell now, up to `qty` units, to the dearest bid down, none cheaper than `limit`.

        As `buy`, but refused with `insufficient_goods` in place of `insufficient_cash`.
        """
        return await self._do(
            Sold,
            "sell",
            {"good": good, "qty": qty, "limit": limit, "fill_or_kill": fill_or_kill},
            key,
        )

    async def order(
        self,
        good: str,
        side: Literal["bid", "ask"],
        qty: int,
        price: int,
        post_only: bool = False,
        *,
        key: str | None = None,
    ) -> Ordered:
        """A limit order: what does not trade at once rests at `price`, and what it needs is held.

        `post_only`: only if all of it rests. Refused with `insufficient_cash`, `insufficient_goods`, `too_many_orders`,
        `too_many_fills`, `not_open` or `unknown_good`; with `post_only` also with `would_trade`.
        """
        return await self._do(
            Ordered,
            "order",
            {"good": good, "side": side, "qty": qty, "price": price, "post_only": post_only},
            key,
        )

    async def amend(
        self,
        order: str,
        qty: int | None = None,
        price: int | None = None,
        post_only: bool = False,
        *,
        key: str | None = None,
    ) -> Ordered:
        """Change a resting order, so that `qty` units of it are open, at `price`; what is left out stays.

        One of the two must be there. If the price stays and no unit is added, the order keeps its id and its place in
        the queue, and what it no longer needs is released. Otherwise a new order takes its place, with an id of its
        own, as if by `order`: it may trade at once, unless it is `post_only`. Refused as `cancel` and `order` are, and
        then the old order stays as it was.
        """
        return await self._do(
            Ordered,
            "amend",
            {"order": order, "qty": qty, "price": price, "post_only": post_only},
            key,
        )

    async def cancel(self, order: str, *, key: str | None = None) -> Cancelled:
        """Take a resting order out of the book, and release what it held.

        Refused with `unknown_order` if it has traded or is gone, and `became` says which, or with `not_open`.
        """
        return await self._do(Cancelled, "cancel", {"order": order}, key)

    async def cancel_all(
        self,
        good: str | None = None,
        side: Literal["bid", "ask"] | None = None,
        *,
        key: str | None = None,
    ) -> AllCancelled:
        """Take all your resting orders out of the book, or those in one `good`, or on one `side`, or both.

        Where none is open, nothing happens, and `cancelled` is 0. Refused with `not_open` or `unknown_good`.
        """
        return await self._do(AllCancelled, "cancel_all", {"good": good, "side": side}, key)

    async def say(self, text: str, to: str | None = None, *, key: str | None = None) -> Sent:
        """Say `text`, of 1 to 500 characters, to everyone in the game, or to the player with the id `to` alone."""
        return await self._do(Sent, "say", {"text": text, "to": to}, key)

    async def ready(self, answers: tuple[int, ...] | None = None, *, key: str | None = None) -> Readied:
        """Say that you are ready, with `answers` to the quiz where the game has one.

        What is not answered is wrong. The host sees who is ready, and how many answers were right in the best attempt.
        """
        return await self._do(Readied, "ready", {"answers": answers}, key)
