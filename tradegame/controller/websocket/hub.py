"""The hub: shows each game to whoever follows it on this node. A frame is encoded once for all.

What one entry brings is gathered, the frame, the account and the reply, and goes out in one write a client. First to
those who are answered, then to the crowd: in slices, so that a crowd of thousands keeps nobody waiting. Each follower
has a place of its own in the stream of frames, so whoever comes in between misses none and sees none twice.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

import trio
from attrs import Factory, define, field

from tradegame.controller.websocket import protocol
from tradegame.controller.websocket.frames import text_frame
from tradegame.controller.websocket.outbox import Outbox, Wire
from tradegame.core.domain import views
from tradegame.core.domain.errors import OverloadedError
from tradegame.core.domain.events import Applied, Whispered
from tradegame.core.repositories import LiveConnection
from tradegame.core.use_cases.broadcast_game_state import PublishedFrame
from tradegame.core.use_cases.clients import ClientSession
from tradegame.core.use_cases.game_host import GameHost
from tradegame.core.use_cases.presence import ConnectionRegister, Presence
from tradegame.core.use_cases.sessions import SignedIn

SLICE_S = 0.003
"""After so long in one go, whatever else is ready to run has its turn: a round of the loop stays well under 10 ms."""
VISITS = 16
"""So many followers are served between two looks at the clock: about 0.1 ms."""
PUSHED_AT_ONCE = 32
"""An entry that touches more accounts than this (a round, a close) has them pushed in slices, each as it is then."""
WHISPERS_WAITING = 20_000
"""Two hints to each of 10 000 players. What goes beyond is pushed at once, however long that takes."""

CATCH_UP_BYTES = 65_536
CATCH_UP_S = 0.005
CATCH_UP_SHARE = 0.25
"""A client that has missed much gets it in pieces of this size, the next when the last one has gone.

To see whether it has, with a crowd of which nobody reads, takes at most this share of the time.
"""
STUCK_S = 10.0
"""Who has frames to catch up with, and takes nothing for so long, does not read: it is closed."""

ANSWER_S = 2.0
"""How long a player's connections have to answer when there is no room for one more."""
HEARTBEAT_LOST = 4002

TOO_SLOW = 4001
LOST_TRACK = 1001

PRESENCE_S = 0.25
NEWCOMER_S = 2.0
"""How often who came and went is told, at most; and how long a newcomer's list waits for the register."""


@define(eq=False)
class Member:
    """A connection as the hub sees it. ``end(code, reason)`` closes it, ``ping`` asks it whether it lives.

    ``silent_s`` tells how long ago it last said so. None of them waits.
    """

    client: ClientSession
    outbox: Outbox
    end: Callable[[int, str], None]
    ping: Callable[[], None] = lambda: None
    silent_s: Callable[[], float] = lambda: 0.0
    games: dict[str, Following] = Factory(dict)
    dirty: bool = False


@define(eq=False)
class Following:
    """A connection that follows a game, and has been given its frames up to ``seq``.

    ``lagging``: it gets them at the pace at which it reads. ``over``: it follows no more.
    """

    member: Member
    host: GameHost
    seq: int
    lagging: bool = False
    over: bool = False


@define(eq=False)
class _Crowd:
    """Who follows one game. ``todo`` is left of a walk to all of them that began at frame ``walked``.

    ``took_s``: the time that this walk took so far, without its pauses.

    ``accounts`` and ``whispers`` wait to be pushed.
    """

    host: GameHost
    following: dict[Following, None] = Factory(dict)
    walked: int = 0
    took_s: float = 0.0
    todo: list[Following] = Factory(list)
    accounts: dict[str, None] = Factory(dict)
    whispers: deque[tuple[int, int, Whispered]] = Factory(deque)


@define
class HubCounters:
    """``frames``: broadcast; ``deliveries``: frames times followers."""

    frames: int = 0
    deliveries: int = 0


class _Slice:
    """A stretch of work, and what is left of its time."""

    __slots__ = ("_until",)

    def __init__(self) -> None:
        self._until = trio.current_time() + SLICE_S

    @property
    def over(self) -> bool:
        return trio.current_time() >= self._until


@define(eq=False)
class Hub:
    """Who follows what on this node. Everything here is synchronous; only the ``run_…`` wait."""

    presence: Presence
    register: ConnectionRegister
    node: str
    connections_per_player: int
    counters: HubCounters = field(factory=HubCounters)
    members: dict[str, Member] = field(factory=dict, init=False)
    _crowds: dict[GameHost, _Crowd] = field(factory=dict, init=False)
    _players: dict[str, dict[Member, None]] = field(factory=dict, init=False)
    _sessions: dict[str, dict[Member, None]] = field(factory=dict, init=False)
    _lagging: dict[Following, None] = field(factory=dict, init=False)
    _newcomers: dict[Following, float] = field(factory=dict, init=False)
    _online: dict[str, Wire] = field(factory=dict, init=False)
    _parting: deque[tuple[Following, Wire | None]] = field(factory=deque, init=False)
    _unserved: dict[_Crowd, None] = field(factory=dict, init=False)
    _dirty: list[Member] = field(factory=list, init=False)
    _gathering: bool = field(default=False, init=False)
    _presence_changed: trio.Event = field(factory=trio.Event, init=False)
    _anyone_lagging: trio.Event = field(factory=trio.Event, init=False)
    _anyone_unserved: trio.Event = field(factory=trio.Event, init=False)

    # Connections come and go

    def enter(self, member: Member) -> None:
        """A connection is open; nobody yet."""
        self.members[member.client.connection] = member

    def leave(self, member: Member) -> None:
        """A connection is gone. Idempotent."""
        client = member.client
        if self.members.pop(client.connection, None) is None:
            return
        client.closed = True
        for following in list(member.games.values()):
            self._drop(following)
        if client.signed_in is not None:
            player, session = client.signed_in.player.id, client.signed_in.session
            del self._players[player][member]
            if not self._players[player]:
                del self._players[player]
            del self._sessions[session][member]
            if not self._sessions[session]:
                del self._sessions[session]
            self.register.drop(client.connection)

    def post(self, member: Member, frame: Wire) -> None:
        """Send an encoded frame to one client: with the rest, while an entry's effects are gathered; else at once."""
        if self._gathering:
            self._soil(member)
            member.outbox.put(frame)
        else:
            member.outbox.put(frame)
            member.outbox.flush()

    def end_player(self, player: str, code: int, reason: str) -> None:
        """Close every connection of a player."""
        for member in list(self._players.get(player, ())):
            member.end(code, reason)

    def end_session(self, session: str, code: int, reason: str) -> None:
        """Close every connection of a session."""
        for member in list(self._sessions.get(session, ())):
            member.end(code, reason)

    def sessions(self) -> list[str]:
        """The sessions with open connections here."""
        return list(self._sessions)

    # Audience, for the use cases

    async def make_room(self, player: str) -> None:
        """Where the player has as many connections as it may, close those that do not answer within 2 s."""
        here = self._players.get(player, {})
        if len(here) < self.connections_per_player:
            return
        asked = trio.current_time()
        for member in here:
            member.ping()

        def silent() -> list[Member]:
            return [member for member in here if member.silent_s() > trio.current_time() - asked]

        for _ in range(20):
            if not silent():
                break
            await trio.sleep(ANSWER_S / 20)
        for member in silent():
            member.end(HEARTBEAT_LOST, "no heartbeat")
            self.leave(member)

    def welcome(self, client: ClientSession, signed_in: SignedIn) -> None:
        """The client is this player from now on. Raises OverloadedError when the player has too many connections."""
        member = self.members.get(client.connection)
        if member is None:
            return
        player = signed_in.player.id
        if len(self._players.get(player, ())) >= self.connections_per_player:
            raise OverloadedError("too many connections of this player", retry_after_ms=5_000)
        self._players.setdefault(player, {})[member] = None
        self._sessions.setdefault(signed_in.session, {})[member] = None
        client.sign_in(signed_in)
        self._registered(member)

    def follow(self, client: ClientSession, host: GameHost, after: int) -> None:
        """Show every frame after ``after``, which the history has."""
        member = self.members.get(client.connection)
        if member is None:
            return
        known = member.games.get(host.id)
        if known is not None and (known.over or known.host is not host):
            self._drop(known)  # an earlier life of the game, whose end was not seen yet
            known = None
        if known is None:
            known = member.games[host.id] = Following(member, host, after)
            crowd = self._crowds.get(host)
            if crowd is None:
                crowd = self._crowds[host] = _Crowd(host, walked=host.game.state.seq)
            crowd.following[known] = None
            host.follow(+1)
            self._registered(member)
        known.seq = after
        self._catch_up(known)
        self._newcomers[known] = trio.current_time()
        self._presence_changed.set()

    def unfollow(self, client: ClientSession, game: str) -> None:
        """No more news of it."""
        member = self.members.get(client.connection)
        if member is not None and game in member.games:
            self._drop(member.games[game])
            self._registered(member)

    # Observer, for the game hosts

    def applied(self, host: GameHost, applied: Applied, frame: PublishedFrame | None) -> None:
        """Note what an entry brought; ``settled`` sends it."""
        self._gathering = True
        crowd = self._crowds.get(host)
        if crowd is None:
            return
        if frame is not None:
            self.counters.frames += 1
            self.counters.deliveries += len(crowd.following)
        if len(applied.accounts) > PUSHED_AT_ONCE:
            crowd.accounts.update(dict.fromkeys(player for player in applied.accounts if player in self._players))
        else:
            for player in applied.accounts:
                crowd.accounts.pop(player, None)
                self._push_account(host, player)
        for whisper in applied.whispers:
            crowd.whispers.append((applied.seq, applied.at, whisper))
        most = 0 if len(crowd.whispers) <= PUSHED_AT_ONCE else WHISPERS_WAITING
        while len(crowd.whispers) > most:
            self._push_whisper(host, *crowd.whispers.popleft())

    def settled(self, host: GameHost) -> None:
        """The answers are given: everything that was gathered goes out, and then the frame to the crowd."""
        self._gathering = False
        piece = _Slice()
        dirty, self._dirty = self._dirty, []
        for member in dirty:
            member.dirty = False
            member.outbox.flush()
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
            for following in crowd.following:
                following.over = True
            self._part(crowd.following, None)

    def ended(self, host: GameHost) -> None:
        """Tell the followers that no more frames of this life of the game will come from here."""
        self.settled(host)
        crowd = self._crowds.pop(host, None)
        if crowd is not None:
            self._part(crowd.following, text_frame(protocol.encode_gone(host.id, host.meta.epoch)))

    # To a crowd, in slices

    async def run_fan_out(self) -> None:
        """Serve the crowds that took longer than a slice."""
        while True:
            if not self._unserved and not self._parting:
                self._anyone_unserved = trio.Event()
                await self._anyone_unserved.wait()
            for crowd in list(self._unserved):
                if self._serve(crowd, _Slice()):
                    del self._unserved[crowd]
                await trio.lowlevel.checkpoint()
            self._say_goodbye(_Slice())
            await trio.lowlevel.checkpoint()

    def _serve(self, crowd: _Crowd, piece: _Slice) -> bool:
        """Bring everybody up to the present frame, then push accounts and whispers; whether all is done.

        A walk is finished before the next begins: with frames faster than walks, each brings several.
        """
        now, begun = crowd.host.game.state.seq, trio.current_time()
        while crowd.todo or crowd.walked != now:
            if not crowd.todo:
                crowd.walked, crowd.took_s = now, 0.0
                crowd.todo = list(reversed(crowd.following))
            for _ in range(min(len(crowd.todo), VISITS)):
                following = crowd.todo.pop()
                if following.seq < now:
                    self._feed(following)
                    following.member.outbox.flush()
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
            self._push_whisper(crowd.host, *crowd.whispers.popleft())
            if piece.over:
                return False
        return True

    def _feed(self, following: Following) -> None:
        """Queue the frames that a live follower has not been given. The caller flushes."""
        host, now = following.host, following.host.game.state.seq
        while following.seq < now and not (following.lagging or following.over):
            frame = host.history.frame(following.seq + 1)
            if frame is None:
                self._lose(following)
            elif following.member.outbox.offer(self._wire(host, frame)):
                following.seq += 1
            else:
                self._lag(following)

    def _part(self, following: Iterable[Following], last: Wire | None) -> None:
        self._parting.extend((each, last) for each in following)
        self._say_goodbye(_Slice())
        if self._parting:
            self._anyone_unserved.set()

    def _say_goodbye(self, piece: _Slice) -> None:
        """A last frame to those whose game is gone; those who lost track of theirs are sent away."""
        while self._parting and not piece.over:
            following, last = self._parting.popleft()
            member = following.member
            if member.games.get(following.host.id) is not following:
                continue
            if last is None:
                self._drop(following)
                member.end(LOST_TRACK, "this node missed a part of the game")
            else:
                self._feed(following)
                member.outbox.put(last)
                member.outbox.flush()
                self._drop(following)
                self._registered(member)

    # Catching up

    async def run_catch_up(self) -> None:
        """Feed those who have missed much, at the pace at which they read."""
        took_s = 0.0
        while True:
            if not self._lagging:
                self._anyone_lagging = trio.Event()
                await self._anyone_lagging.wait()
            await trio.sleep(max(CATCH_UP_S, took_s / CATCH_UP_SHARE))
            took_s = 0.0
            waiting = list(self._lagging)
            while waiting:
                begun, piece = trio.current_time(), _Slice()
                while waiting and not piece.over:
                    for following in waiting[-VISITS:]:
                        if following in self._lagging:
                            self._catch_up(following)
                    del waiting[-VISITS:]
                took_s += trio.current_time() - begun
                await trio.lowlevel.checkpoint()

    def _catch_up(self, following: Following) -> None:
        """Send the next piece of what is missing, if the one before has gone; at the end of it the client is live."""
        host, outbox, size = following.host, following.member.outbox, 0
        now = host.game.state.seq
        if following.seq < now and outbox.empty:
            while following.seq < now and size < CATCH_UP_BYTES:
                frame = host.history.frame(following.seq + 1)
                if frame is None:
                    self._lose(following)
                    return
                wire = self._wire(host, frame)
                if not outbox.offer(wire):
                    break
                following.seq, size = following.seq + 1, size + len(wire)
            if not self._gathering:
                outbox.flush()
        elif following.seq < now and outbox.stuck_s >= STUCK_S:
            following.member.end(TOO_SLOW, "reads too slowly")
        if following.seq == now:
            following.lagging = False
            self._lagging.pop(following, None)
        else:
            self._lag(following)

    def _lag(self, following: Following) -> None:
        following.lagging = True
        self._lagging[following] = None
        self._anyone_lagging.set()

    def _lose(self, following: Following) -> None:
        """The next frame it needs is not kept any more."""
        following.over = True
        self._lagging.pop(following, None)
        following.member.end(TOO_SLOW, "fell too far behind")

    # Presence

    def presence_changed(self) -> None:
        """The register has news."""
        self._presence_changed.set()

    async def run_presence(self) -> None:
        """Tell who came and went, gathered over a moment; and newcomers, once they are registered, who is there."""
        while True:
            with trio.move_on_after(NEWCOMER_S if self._newcomers else float("inf")):
                await self._presence_changed.wait()
            await trio.sleep(PRESENCE_S)
            self._presence_changed = trio.Event()
            deltas = self.presence.deltas()
            arrived = self._arrived()
            for crowd in list(self._crowds.values()):
                delta = deltas.get(crowd.host.id)
                if delta is not None:
                    self._online.pop(crowd.host.id, None)
                    wire = text_frame(protocol.encode_presence(crowd.host.id, delta.online, delta.offline))
                    await self._tell_all([each for each in crowd.following if each not in arrived], wire)
            by_game: dict[str, list[Following]] = {}
            for following in arrived:
                by_game.setdefault(following.host.id, []).append(following)
            for game, newcomers in by_game.items():
                await self._tell_all(newcomers, self._everyone(game))

    async def _tell_all(self, followers: list[Following], wire: Wire) -> None:
        """Who cannot take it now gets the full list once it can."""
        piece = _Slice()
        for number, following in enumerate(followers):
            if following.over:
                continue
            if following.member.outbox.offer(wire):
                following.member.outbox.flush()
            else:
                self._newcomers[following] = trio.current_time()
            if number % VISITS == 0 and piece.over:
                await trio.lowlevel.checkpoint()
                piece = _Slice()

    def _everyone(self, game: str) -> Wire:
        """The full list, encoded once for all who come before the next change."""
        if game not in self._online:
            self._online[game] = text_frame(protocol.encode_presence(game, self.presence.online(game), ()))
        return self._online[game]

    def _arrived(self) -> dict[Following, None]:
        """The newcomers whom the register knows by now, or who have waited long enough for it."""
        arrived: dict[Following, None] = {}
        now = trio.current_time()
        for following, since in list(self._newcomers.items()):
            known = self.presence.knows(following.member.client.connection, following.host.id)
            if known or now - since >= NEWCOMER_S:
                arrived[following] = None
                del self._newcomers[following]
        return arrived

    # Inside

    def _wire(self, host: GameHost, frame: PublishedFrame) -> bytes:
        """What goes over the wire; from then on, the frame itself is not kept."""
        if frame.wire is None:
            assert frame.frame is not None
            frame.wire = text_frame(protocol.encode_frame(host.id, host.meta.epoch, frame.frame))
            frame.frame = None
        return frame.wire

    def _push_account(self, host: GameHost, player: str) -> None:
        members = self._members_of(player, host)
        if members:
            state = host.game.state
            self._tell(members, text_frame(protocol.encode_account(host.id, state.seq, views.account(state, player))))

    def _push_whisper(self, host: GameHost, seq: int, at: int, whisper: Whispered) -> None:
        members = [*self._members_of(whisper.player, host)]
        if whisper.to != whisper.player:
            members += self._members_of(whisper.to, host)
        if members:
            self._tell(members, text_frame(protocol.encode_whisper(host.id, seq, at, whisper)))

    def _members_of(self, player: str, host: GameHost) -> list[Member]:
        """The player's connections that follow this game."""
        return [each for each in self._players.get(player, ()) if host.id in each.games]

    def _tell(self, members: Iterable[Member], wire: Wire) -> None:
        for member in members:
            self.post(member, wire)

    def _soil(self, member: Member) -> None:
        """Something for it is gathered. The frames come first."""
        if not member.dirty:
            member.dirty = True
            self._dirty.append(member)
            for following in member.games.values():
                self._feed(following)

    def _drop(self, following: Following) -> None:
        member, host = following.member, following.host
        following.over = True
        if member.games.get(host.id) is following:
            del member.games[host.id]
        host.follow(-1)
        self._lagging.pop(following, None)
        self._newcomers.pop(following, None)
        crowd = self._crowds.get(host)
        if crowd is not None:
            crowd.following.pop(following, None)
            if not crowd.following:
                del self._crowds[host]
                host.crowd_s = 0.0
                self._online.pop(host.id, None)

    def _registered(self, member: Member) -> None:
        client = member.client
        if client.signed_in is not None:
            self.register.put(
                LiveConnection(
                    client.connection, self.node, client.signed_in.player.id, tuple(member.games), client.since
                )
            )
