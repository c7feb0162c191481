"""A game's public state, kept current from its events. No I/O."""

from __future__ import annotations

from collections import deque
from typing import Any

from attrs import Factory, define

from tradegame.client.vocabulary import (
    AccessChanged,
    BookChanged,
    ClockChanged,
    Joined,
    MarkChanged,
    News,
    PublicEvent,
    Removed,
    Revealed,
    RoundChanged,
    Said,
    SeatChanged,
    Trade,
    Unsaid,
)
from tradegame.client.wire import decode
from tradegame.protocol import state as protocol
from tradegame.protocol.bounds import MESSAGES_KEPT, NEWS_KEPT, RECENT_KEPT, Level
from tradegame.protocol.rules import Rules, Treatment
from tradegame.protocol.state import Group, GroupOf, Headline, Message, Player


@define(eq=False)
class Good:
    """One good's market: five levels a side, best first; ``recent`` trades as (at, price, qty), oldest first.

    ``mark``: what a unit counts for in worth, and ``mark_source`` where that comes from; None where values are private.
    """

    last: int | None = None
    bids: tuple[Level, ...] = ()
    asks: tuple[Level, ...] = ()
    volume: int = 0
    recent: deque[tuple[int, int, int]] = Factory(lambda: deque(maxlen=RECENT_KEPT))
    mark: int | None = None
    mark_source: str | None = None

    @property
    def best_bid(self) -> int | None:
        return self.bids[0][0] if self.bids else None

    @property
    def best_ask(self) -> int | None:
        return self.asks[0][0] if self.asks else None

    @property
    def price(self) -> int | None:
        """What a unit may be worth: between the best bid and ask, else the last trade, else the one side."""
        bid, ask = self.best_bid, self.best_ask
        if bid is not None and ask is not None:
            return (bid + ask) // 2
        for price in (self.last, bid, ask):
            if price is not None:
                return price
        return None


@define(eq=False)
class State:
    """The mirror. Always one and the same object for a game, changed in place; read it, do not write it.

    ``seq`` and ``epoch`` say which frame it stands at; ``at`` is that frame's time. ``online``: who is connected.
    ``opened_at``: when a round last opened, in ms. ``settled``: what goods paid when this round closed.
    ``locked``: nobody new may have an account. ``chat``: people may speak. ``reports``: each may read their own.
    ``paused_at``: since when the game pauses, in ms, or None. ``treatment``: what is different in this round. ``over``:
    the last round is closed; ``winners``: who gained most in all rounds together. ``groups``: the games that this is
    the entrance to; ``group``: which of them it is.
    """

    phase: str = "lobby"
    round: int = 0
    ends_at: int | None = None
    goods: dict[str, Good] = Factory(dict)
    players: dict[str, Player] = Factory(dict)
    messages: deque[Message] = Factory(lambda: deque(maxlen=MESSAGES_KEPT))
    title: str = ""
    about: str = ""
    opened_at: int | None = None
    rules: Rules = Factory(lambda: Rules(0, 0, 0, None, {}))
    news: deque[Headline] = Factory(lambda: deque(maxlen=NEWS_KEPT))
    settled: dict[str, int] = Factory(dict)
    locked: bool = False
    chat: bool = True
    reports: bool = False
    paused_at: int | None = None
    treatment: Treatment | None = None
    over: bool = False
    winners: tuple[str, ...] = ()
    groups: tuple[Group, ...] = ()
    group: GroupOf | None = None
    online: set[str] = Factory(set)
    epoch: str = ""
    seq: int = 0
    at: int = 0

    def replace(self, raw: Any, epoch: str, seq: int) -> None:
        """Become what the server says. Raises ProtocolError, and is unchanged then."""
        new: protocol.State = decode(protocol.State, raw)
        self.phase, self.round, self.ends_at = new.phase, new.round, new.ends_at
        self.players = dict(new.players)
        self.messages.clear()
        self.messages.extend(new.messages)
        self.title, self.about, self.opened_at, self.rules = new.title, new.about, new.opened_at, new.rules
        self.news.clear()
        self.news.extend(new.news)
        self.settled = dict(new.settled)
        self.locked, self.chat, self.reports, self.paused_at = new.locked, new.chat, new.reports, new.paused_at
        self.treatment, self.over, self.winners = new.treatment, new.over, new.winners
        self.groups, self.group = new.groups, new.group
        self.goods = {
            name: Good(
                market.last,
                market.bids,
                market.asks,
                market.volume,
                deque(market.recent, RECENT_KEPT),
                market.mark,
                market.mark_source,
            )
            for name, market in new.goods.items()
        }
        self.epoch, self.seq = epoch, seq

    def apply(self, event: PublicEvent) -> None:
        """What the event tells. Most need no case here: those that change nothing of the public state."""
        match event:
            case Trade():
                good = self.goods.setdefault(event.good, Good())
                good.last = event.price
                good.volume += event.qty
                good.recent.append((event.at, event.price, event.qty))
            case BookChanged():
                good = self.goods.setdefault(event.good, Good())
                good.bids, good.asks = event.bids, event.asks
            case MarkChanged():
                good = self.goods.setdefault(event.good, Good())
                good.mark, good.mark_source = event.mark, event.mark_source
            case ClockChanged():
                self.ends_at, self.paused_at = event.ends_at, event.paused_at
            case Joined():
                self.players[event.player] = Player(event.name, event.robot)
            case Removed():
                self.players.pop(event.player, None)
                self.winners = tuple(winner for winner in self.winners if winner != event.player)
            case SeatChanged():
                if (known := self.players.get(event.player)) is not None:
                    self.players[event.player] = Player(known.name, known.robot, event.stand_in)
            case Said():
                self.messages.append(Message(event.player, event.text, event.at, event.number))
            case Unsaid():
                kept = [message for message in self.messages if message.number != event.number]
                self.messages.clear()
                self.messages.extend(kept)
            case AccessChanged():
                self.locked, self.chat, self.reports = event.locked, event.chat, event.reports
            case RoundChanged():
                # the tape goes on: prices, volume and recent trades are the game's, not the round's
                self.phase, self.round, self.ends_at = event.phase, event.round, event.ends_at
                self.opened_at = self.opened_at if event.opened_at is None else event.opened_at
                self.settled = dict(event.settled)
                self.treatment, self.over, self.winners = event.treatment, event.over, event.winners
            case Revealed():
                self.winners = event.winners
            case News():
                self.news.append(Headline(event.text, event.good, event.at))
            case _:
                pass
