"""The hub: shows each game to whoever follows it on this node. A frame is encoded once for all.

What one entry brings is gathered, the frame, the account and the reply, and goes out in one write a client. First to
those who are answered, then to the crowd: in slices, so that a crowd of thousands keeps nobody waiting. Each follower
has a place of its own in the stream of frames, so whoever comes in between misses none and sees none twice.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import trio
from attrs import Factory, define, field

from tradegame.controller.websocket import protocol
from tradegame.controller.websocket.catch_up import CatchUp
from tradegame.controller.websocket.frames import text_frame
from tradegame.controller.websocket.members import VISITS, Following, Member, Slice
from tradegame.controller.websocket.online import Online
from tradegame.controller.websocket.wires import Wire
from tradegame.core.domain import views
from tradegame.core.domain.events import Applied, Whispered
from tradegame.core.repositories import LiveConnection
from tradegame.core.use_cases.broadcast_game_state import PublishedFrame
from tradegame.core.use_cases.clients import ClientSession
from tradegame.core.use_cases.game_host import GameHost
from tradegame.core.use_cases.presence import ConnectionRegister, Presence
from tradegame.core.use_cases.sessions import SignedIn
from tradegame.protocol.closing import GOING_AWAY, HEARTBEAT_LOST
from tradegame.protocol.errors import OverloadedError

PUSHED_AT_ONCE = 32
"""An entry that touches more accounts than this (a round, a close) has them pushed in slices, each as it is then."""
WHISPERS_WAITING = 20_000
"""Two hints to each of 10 000 players. What goes beyond is pushed at once, however long that takes."""

ANSWER_S = 2.0
"""How long a player's connections have to answer when there is no room for one more."""


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


@define(eq=False)
class Hub:
    """Who follows what on this node. ``make_room`` and the ``run`` of each part wait, and nothing else.

    Run these three for as long as the node serves: ``run`` (crowds, in slices), ``catch_up.run`` and ``online.run``.
    """

    presence: Presence
    register: ConnectionRegister
    node: str
    connections_per_player: int
    counters: HubCounters = field(factory=HubCounters)
    members: dict[str, Member] = field(factory=dict, init=False)
    online: Online = field(init=False)
    catch_up: CatchUp = field(factory=CatchUp, init=False)
    _crowds: dict[GameHost, _Crowd] = field(factory=dict, init=False)
    _players: dict[str, dict[Member, None]] = field(factory=dict, init=False)
    _sessions: dict[str, dict[Member, None]] = field(factory=dict, init=False)
    _parting: deque[tuple[Following, Wire | None]] = field(factory=deque, init=False)
    _unserved: dict[_Crowd, None] = field(factory=dict, init=False)
    _dirty: list[Member] = field(factory=list, init=False)
    _gathering: bool = field(default=False, init=False)
    _anyone_unserved: trio.Event = field(factory=trio.Event, init=False)

    def __attrs_post_init__(self) -> None:
        self.online = Online(
            self.presence, lambda: ((host.id, crowd.following) for host, crowd in self._crowds.items())
        )

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
        self.catch_up.begin(known, flush=not self._gathering)
        self.online.came(known)

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
        piece = Slice()
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

    async def run(self) -> None:
        """Serve the crowds that took longer than a slice."""
        while True:
            if not self._unserved and not self._parting:
                self._anyone_unserved = trio.Event()
                await self._anyone_unserved.wait()
            for crowd in list(self._unserved):
                if self._serve(crowd, Slice()):
                    del self._unserved[crowd]
                await trio.lowlevel.checkpoint()
            self._say_goodbye(Slice())
            await trio.lowlevel.checkpoint()

    def _serve(self, crowd: _Crowd, piece: Slice) -> bool:
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
                    self.catch_up.feed(following)
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

    def _part(self, following: Iterable[Following], last: Wire | None) -> None:
        self._parting.extend((each, last) for each in following)
        self._say_goodbye(Slice())
        if self._parting:
            self._anyone_unserved.set()

    def _say_goodbye(self, piece: Slice) -> None:
        """A last frame to those whose game is gone; those who lost track of theirs are sent away."""
        while self._parting and not piece.over:
            following, last = self._parting.popleft()
            member = following.member
            if member.games.get(following.host.id) is not following:
                continue
            if last is None:
                self._drop(following)
                member.end(GOING_AWAY, "this node missed a part of the game")
            else:
                self.catch_up.feed(following)
                member.outbox.put(last)
                member.outbox.flush()
                self._drop(following)
                self._registered(member)

    # Inside

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
                self.catch_up.feed(following)

    def _drop(self, following: Following) -> None:
        member, host = following.member, following.host
        following.over = True
        if member.games.get(host.id) is following:
            del member.games[host.id]
        host.follow(-1)
        self.catch_up.forget(following)
        self.online.forget(following)
        crowd = self._crowds.get(host)
        if crowd is not None:
            crowd.following.pop(following, None)
            if not crowd.following:
                del self._crowds[host]
                host.crowd_s = 0.0
                self.online.forget_game(host.id)

    def _registered(self, member: Member) -> None:
        client = member.client
        if client.signed_in is not None:
            self.register.put(
                LiveConnection(
                    client.connection, self.node, client.signed_in.player.id, tuple(member.games), client.since
                )
            )
