"""The hub: shows each game to whoever follows it on this node. A frame is encoded once for all.

What one entry brings (the frame, the account, the reply) is gathered and goes out in one write per client: first to
those who are answered, then to the crowd, in slices, so that a crowd of thousands keeps nobody waiting. Each
subscription has its own place in the stream of frames: a client that joins in between misses none and sees none twice.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import trio
from attrs import Factory, define, field

from tradegame.controller.websocket import codec
from tradegame.controller.websocket.catch_up import CatchUp, account_frame
from tradegame.controller.websocket.frames import text_frame
from tradegame.controller.websocket.presence_feed import PresenceFeed
from tradegame.controller.websocket.roster import Roster
from tradegame.controller.websocket.slices import VISITS, Slice
from tradegame.controller.websocket.subscriptions import Subscriber, Subscription
from tradegame.controller.websocket.wires import Wire
from tradegame.core.domain import views
from tradegame.core.domain.events import Applied, Filled, Private, Whispered
from tradegame.core.games.history import PublishedFrame
from tradegame.core.games.host import GameHost
from tradegame.core.membership.presence import Presence
from tradegame.core.membership.register import ConnectionRegister
from tradegame.core.repositories import LiveConnection
from tradegame.core.use_cases.clients import Client
from tradegame.core.use_cases.sessions import SignedIn
from tradegame.protocol.closing import GOING_AWAY, HEARTBEAT_LOST

PUSHED_AT_ONCE = 128
"""An entry that touches more accounts (a round, a close) has them pushed in slices; these go out with the replies."""
WHISPERS_WAITING = 20_000
"""Two hints to each of 10 000 players. What goes beyond is pushed at once, however long that takes."""


@define(eq=False)
class _Crowd:
    """Who follows one game. ``todo``: who is left of a pass over all of them that began at frame ``walked``, and has
    taken ``took_s`` so far, without its pauses. ``accounts`` and ``whispers`` (fills, too) wait to be pushed.
    """

    host: GameHost
    subscriptions: dict[Subscription, None] = Factory(dict)
    walked: int = 0
    took_s: float = 0.0
    todo: list[Subscription] = Factory(list)
    accounts: dict[str, None] = Factory(dict)
    whispers: deque[tuple[int, int, Private]] = Factory(deque)


@define
class HubCounters:
    """``frames``: broadcast; ``deliveries``: frames times followers."""

    frames: int = 0
    deliveries: int = 0


@define(eq=False)
class Hub:
    """Who follows what on this node. ``make_room`` and the ``run`` of each part wait, and nothing else.

    For as long as the node serves, run ``run`` (crowds, in slices), ``catch_up.run`` and ``presence_feed.run``.
    """

    presence: Presence
    register: ConnectionRegister
    node: str
    connections_per_player: int
    counters: HubCounters = field(factory=HubCounters)
    roster: Roster = field(init=False)
    presence_feed: PresenceFeed = field(init=False)
    catch_up: CatchUp = field(factory=CatchUp, init=False)
    _crowds: dict[GameHost, _Crowd] = field(factory=dict, init=False)
    _parting: deque[tuple[Subscription, Wire | None]] = field(factory=deque, init=False)
    _unserved: dict[_Crowd, None] = field(factory=dict, init=False)
    _dirty: list[Subscriber] = field(factory=list, init=False)
    _gathering: bool = field(default=False, init=False)
    _anyone_unserved: trio.Event = field(factory=trio.Event, init=False)

    def __attrs_post_init__(self) -> None:
        self.roster = Roster(self.connections_per_player)
        self.presence_feed = PresenceFeed(
            self.presence, lambda: ((host.id, crowd.subscriptions) for host, crowd in self._crowds.items())
        )

    # Connections come and go

    def enter(self, subscriber: Subscriber) -> None:
        """A connection is open, and has not signed in."""
        self.roster.enter(subscriber)

    def leave(self, subscriber: Subscriber) -> None:
        """A connection is gone. Idempotent."""
        if self.roster.leave(subscriber):
            client = subscriber.client
            client.closed = True
            for subscription in list(subscriber.games.values()):
                self._drop(subscription)
            if client.signed_in is not None:
                self.register.drop(client.connection)

    def post(self, subscriber: Subscriber, frame: Wire) -> None:
        """Send an encoded frame to one client: with the rest, while an entry's effects are gathered; else at once."""
        self._gather(subscriber)
        subscriber.outbox.put(frame)
        if not self._gathering:
            subscriber.outbox.flush()

    # Audience, for the use cases

    async def make_room(self, player: str) -> None:
        """If the player has as many connections as it may, close those that do not answer within 2 s."""
        for subscriber in await self.roster.silent(player):
            subscriber.end(HEARTBEAT_LOST, "no heartbeat")
            self.leave(subscriber)

    def welcome(self, client: Client, signed_in: SignedIn) -> None:
        """The client is this player from now on. Raises OverloadedError if the player has too many connections."""
        subscriber = self.roster.subscribers.get(client.connection)
        if subscriber is None:
            return
        self.roster.sign_in(subscriber, signed_in)
        client.sign_in(signed_in)
        self._registered(subscriber)

    def follow(self, client: Client, host: GameHost, after: int, *, plays: bool) -> None:
        """Show every frame after ``after``, which the history has. ``plays``: not only to look on."""
        subscriber = self.roster.subscribers.get(client.connection)
        if subscriber is None:
            return
        known, news = subscriber.games.get(host.id), False
        if known is not None and (known.over or known.host is not host):
            self._drop(known)  # an earlier life of the game, whose end was not seen yet
            known = None
        if known is None:
            known = subscriber.games[host.id] = Subscription(subscriber, host, after)
            crowd = self._crowds.get(host)
            if crowd is None:
                crowd = self._crowds[host] = _Crowd(host, walked=host.game.state.seq)
            crowd.subscriptions[known] = None
            host.follow(+1)
            news = True
        if plays and not known.plays:
            known.plays = news = True
            host.arrivals.came(client.player)
        if news:
            self._registered(subscriber)
        known.seq = after
        self.catch_up.begin(known, flush=not self._gathering)
        self.presence_feed.came(known)

    def unfollow(self, client: Client, game: str) -> None:
        """Stop showing the game."""
        subscriber = self.roster.subscribers.get(client.connection)
        if subscriber is not None and game in subscriber.games:
            self._drop(subscriber.games[game])
            self._registered(subscriber)

    # Observer, for the game hosts

    def applied(self, host: GameHost, applied: Applied, frame: PublishedFrame | None) -> None:
        """Note what an entry brought; ``settled`` sends it."""
        self._gathering = True
        crowd = self._crowds.get(host)
        if crowd is None:
            return
        if frame is not None:
            self.counters.frames += 1
            self.counters.deliveries += len(crowd.subscriptions)
        if len(applied.accounts) > PUSHED_AT_ONCE:
            crowd.accounts.update(dict.fromkeys(player for player in applied.accounts if player in self.roster.players))
        else:
            for player in applied.accounts:
                crowd.accounts.pop(player, None)
                self._push_account(host, player)
        told: list[Private] = [*applied.whispers]
        for player, packed in applied.fills.items():
            if player in self.roster.players:
                told.append(Filled(player, views.told_fills(host.game.state, packed)))
        crowd.whispers.extend((applied.seq, applied.at, each) for each in told)
        most = 0 if len(crowd.whispers) <= PUSHED_AT_ONCE else WHISPERS_WAITING
        while len(crowd.whispers) > most:
            self._push_private(host, *crowd.whispers.popleft())

    def settled(self, host: GameHost) -> None:
        """The answers are given: everything that was gathered goes out, and then the frame to the crowd."""
        self._gathering = False
        piece = Slice()
        dirty, self._dirty = self._dirty, []
        for subscriber in dirty:
            subscriber.dirty = False
            subscriber.outbox.flush()
        crowd = self._crowds.get(host)
        if crowd is not None and not self._serve(crowd, piece):
            self._unserved[crowd] = None
            self._anyone_unserved.set()

    def restarted(self, host: GameHost) -> None:
        """Send its followers away: what they saw does not lead to what comes next, and they need a new state.

        Left alone, they would take the old one for the present until the next frame, however long that takes.
        """
        crowd = self._crowds.pop(host, None)
        if crowd is not None:
            host.crowd_s = 0.0
            for subscription in crowd.subscriptions:
                subscription.over = True
            self._part(crowd.subscriptions, None)

    def ended(self, host: GameHost) -> None:
        """Tell the followers that no more frames of this life of the game come from here."""
        self.settled(host)
        crowd = self._crowds.pop(host, None)
        if crowd is not None:
            self._part(crowd.subscriptions, text_frame(codec.encode_gone(host.id, host.meta.epoch)))

    # To a crowd, in slices

    async def run(self) -> None:
        """Serve the crowds that took longer than a slice."""
        while True:
            if not self._unserved and not self._parting:
                self._anyone_unserved = trio.Event()
                await self._anyone_unserved.wait()
            await self._serve_all()  # on its own: the crowd that it has at hand must not outlive it
            self._say_goodbye(Slice())
            await trio.lowlevel.checkpoint()

    async def _serve_all(self) -> None:
        for crowd in list(self._unserved):
            if self._serve(crowd, Slice()):
                del self._unserved[crowd]
            await trio.lowlevel.checkpoint()

    def _serve(self, crowd: _Crowd, piece: Slice) -> bool:
        """Bring everybody up to the present frame, then push accounts and whispers; whether all is done.

        A walk is finished before the next begins: with frames faster than walks, each brings several.
        """
        now, begun = crowd.host.game.state.seq, trio.current_time()
        while crowd.todo or crowd.walked != now:
            if not crowd.todo:
                crowd.walked, crowd.took_s = now, 0.0
                crowd.todo = list(reversed(crowd.subscriptions))
            some = crowd.todo[: -VISITS - 1 : -1]
            del crowd.todo[-VISITS:]
            self.catch_up.show(crowd.host, some)
            crowd.took_s, begun = crowd.took_s + trio.current_time() - begun, trio.current_time()
            if not crowd.todo:
                crowd.host.crowd_s = crowd.took_s
            if piece.over:
                return False
        while crowd.accounts:
            player = next(iter(crowd.accounts))
            del crowd.accounts[player]
            self._push_account(crowd.host, player)
            if piece.over:
                return False
        while crowd.whispers:
            self._push_private(crowd.host, *crowd.whispers.popleft())
            if piece.over:
                return False
        return True

    def _part(self, subscription: Iterable[Subscription], last: Wire | None) -> None:
        self._parting.extend((each, last) for each in subscription)
        self._say_goodbye(Slice())
        if self._parting:
            self._anyone_unserved.set()

    def _say_goodbye(self, piece: Slice) -> None:
        """A last frame to those whose game is gone; those who lost track of theirs are sent away."""
        while self._parting and not piece.over:
            subscription, last = self._parting.popleft()
            subscriber = subscription.subscriber
            if subscriber.games.get(subscription.host.id) is not subscription:
                continue
            if last is None:
                self._drop(subscription)
                subscriber.end(GOING_AWAY, "this node missed a part of the game")
            else:
                self.catch_up.feed(subscription)
                subscriber.outbox.put(last)
                subscriber.outbox.flush()
                self._drop(subscription)
                self._registered(subscriber)

    # Inside

    def _push_account(self, host: GameHost, player: str) -> None:
        subscribers = [each for each in self._subscribers_of(player, host) if not each.games[host.id].owes_account]
        if subscribers and (frame := account_frame(host, player)):
            for each in subscribers:
                self._gather(each)
                self.catch_up.push_account(each.games[host.id], frame)
                if not self._gathering:
                    each.outbox.flush()

    def _push_private(self, host: GameHost, seq: int, at: int, told: Private) -> None:
        subscribers = [*self._subscribers_of(told.player, host)]
        if isinstance(told, Whispered):
            subscribers += self._subscribers_of(told.to, host) if told.to != told.player else ()
            subscribers = [each for each in subscribers if not each.client.robot]
        if subscribers:
            self._tell(subscribers, text_frame(codec.encode_private(host.id, seq, at, told)))

    def _subscribers_of(self, player: str, host: GameHost) -> list[Subscriber]:
        """The player's connections that follow this game."""
        return [each for each in self.roster.players.get(player, ()) if host.id in each.games]

    def _tell(self, subscribers: Iterable[Subscriber], wire: Wire) -> None:
        for subscriber in subscribers:
            self.post(subscriber, wire)

    def _gather(self, subscriber: Subscriber) -> None:
        """Something for it is gathered, while an entry's effects are. The frames come first."""
        if self._gathering and not subscriber.dirty:
            subscriber.dirty = True
            self._dirty.append(subscriber)
            for subscription in subscriber.games.values():
                self.catch_up.feed(subscription)

    def _drop(self, subscription: Subscription) -> None:
        subscriber, host = subscription.subscriber, subscription.host
        subscription.over = True
        if subscriber.games.get(host.id) is subscription:
            del subscriber.games[host.id]
        host.follow(-1)
        if subscription.plays:
            host.arrivals.left(subscriber.client.player)
        self.catch_up.forget(subscription)
        self.presence_feed.forget(subscription)
        crowd = self._crowds.get(host)
        if crowd is not None:
            crowd.subscriptions.pop(subscription, None)
            if not crowd.subscriptions:
                del self._crowds[host]
                host.crowd_s = 0.0

    def _registered(self, subscriber: Subscriber) -> None:
        client, games = subscriber.client, subscriber.games
        if client.signed_in is not None and not client.robot:  # people alone are present
            plays, player = tuple(game for game in games if games[game].plays), client.signed_in.player.id
            self.register.put(LiveConnection(client.connection, self.node, player, tuple(games), client.since, plays))
