"""The hub: shows each game to whoever follows it on this node. A frame is encoded once for all.

What one entry brings is gathered, the reply, the account and the frame, and goes out in one write a client.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import trio
from attrs import Factory, define, field

from tradegame.controller.websocket import protocol
from tradegame.controller.websocket.frames import text_frame
from tradegame.controller.websocket.outbox import Outbox
from tradegame.core.domain import views
from tradegame.core.domain.errors import OverloadedError
from tradegame.core.domain.events import Applied
from tradegame.core.repositories import LiveConnection
from tradegame.core.use_cases.broadcast_game_state import PublishedFrame
from tradegame.core.use_cases.clients import ClientSession
from tradegame.core.use_cases.game_host import GameHost
from tradegame.core.use_cases.presence import ConnectionRegister, Presence
from tradegame.core.use_cases.sessions import SignedIn

CATCH_UP_BYTES = 65_536
CATCH_UP_S = 0.005
CATCH_UP_SHARE = 0.25
"""A client that has missed much gets it in pieces of this size, the next when the last one has gone.

To see whether it has, with a crowd of which nobody reads, takes at most this share of the time.
"""

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
    games: dict[str, GameHost] = Factory(dict)
    dirty: bool = False


@define
class HubCounters:
    """``frames``: broadcast; ``deliveries``: frames times followers."""

    frames: int = 0
    deliveries: int = 0


@define(eq=False)
class Hub:
    """Who follows what on this node. Everything here is synchronous; only ``run_presence`` waits."""

    presence: Presence
    register: ConnectionRegister
    node: str
    connections_per_player: int
    counters: HubCounters = field(factory=HubCounters)
    members: dict[str, Member] = field(factory=dict, init=False)
    _followers: dict[str, dict[Member, None]] = field(factory=dict, init=False)
    _players: dict[str, dict[Member, None]] = field(factory=dict, init=False)
    _behind: dict[tuple[Member, str], int] = field(factory=dict, init=False)
    _newcomers: dict[tuple[Member, str], float] = field(factory=dict, init=False)
    _dirty: list[Member] = field(factory=list, init=False)
    _gathering: bool = field(default=False, init=False)
    _presence_changed: trio.Event = field(factory=trio.Event, init=False)
    _anyone_behind: trio.Event = field(factory=trio.Event, init=False)

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
        for game in list(member.games):
            self._drop(member, game)
        if client.signed_in is not None:
            here = self._players[client.signed_in.player.id]
            del here[member]
            if not here:
                del self._players[client.signed_in.player.id]
            self.register.drop(client.connection)

    def post(self, member: Member, frame: bytes) -> None:
        """Send an encoded frame to one client: with the rest, while an entry's effects are gathered; else at once."""
        member.outbox.put(frame)
        self._sent(member)

    def answer(self, member: Member, frame: bytes) -> None:
        """The same for a reply, which may be larger than what is allowed to wait: a game of thousands is."""
        member.outbox.put_asked(frame)
        self._sent(member)

    def end_player(self, player: str, code: int, reason: str) -> None:
        """Close every connection of a player."""
        for member in list(self._players.get(player, ())):
            member.end(code, reason)

    def end_session(self, session: str, code: int, reason: str) -> None:
        """Close every connection of a session."""
        for member in list(self.members.values()):
            signed_in = member.client.signed_in
            if signed_in is not None and signed_in.session == session:
                member.end(code, reason)

    def sessions(self) -> list[str]:
        """The sessions with open connections here."""
        signed_in = (member.client.signed_in for member in self.members.values())
        return list(dict.fromkeys(signed.session for signed in signed_in if signed is not None))

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
        client.sign_in(signed_in)
        self._registered(member)

    def follow(self, client: ClientSession, host: GameHost, missed: Sequence[PublishedFrame]) -> None:
        """Show the missed frames, then every frame from now on."""
        member = self.members.get(client.connection)
        if member is None:
            return
        if member.games.get(host.id) not in (None, host):
            self._drop(member, host.id)  # an earlier life of the game, whose end was not seen yet
        if host.id not in member.games:
            member.games[host.id] = host
            host.follow(+1)
            self._registered(member)
        self._followers.get(host.id, {}).pop(member, None)
        self._behind[member, host.id] = host.game.state.seq - len(missed)
        self._catch_up(member, host)
        self._newcomers[member, host.id] = trio.current_time()
        self._presence_changed.set()

    def unfollow(self, client: ClientSession, game: str) -> None:
        """No more news of it."""
        member = self.members.get(client.connection)
        if member is not None and game in member.games:
            self._drop(member, game)
            self._registered(member)

    # Observer, for the game hosts

    def applied(self, host: GameHost, applied: Applied, frame: PublishedFrame | None) -> None:
        """Queue everything that an entry brought; ``settled`` sends it."""
        self._gathering = True
        followers = self._followers.get(host.id, {})
        if frame is not None and followers:
            wire = self._wire(host, frame)
            self.counters.frames += 1
            self.counters.deliveries += len(followers)
            for member in followers:
                member.outbox.put(wire)
                self._soil(member)
        for player in applied.accounts:
            if (here := self._players.get(player)) is not None:
                account = views.account(host.game.state, player)
                wire = text_frame(protocol.encode_account(host.id, applied.seq, account))
                self._tell(here, host.id, wire)
        for whisper in applied.whispers:
            wire = text_frame(protocol.encode_whisper(host.id, applied.seq, applied.at, whisper))
            for player in dict.fromkeys((whisper.player, whisper.to)):
                if (here := self._players.get(player)) is not None:
                    self._tell(here, host.id, wire)

    def settled(self, host: GameHost) -> None:
        """The answers are given: everything that was gathered goes out."""
        self._gathering = False
        dirty, self._dirty = self._dirty, []
        for member in dirty:
            member.dirty = False
            member.outbox.flush()

    def restarted(self, host: GameHost) -> None:
        """Send its followers away: what they saw does not lead to what comes next, and they need a new state.

        Left alone, they would take the old one for the present until the next frame, however long that takes.
        """
        for member in list(self.members.values()):
            if member.games.get(host.id) is host:
                self._drop(member, host.id)
                member.end(LOST_TRACK, "this node missed a part of the game")

    def ended(self, host: GameHost) -> None:
        """Tell the followers that no more frames of this life of the game will come from here."""
        gone = text_frame(protocol.encode_gone(host.id, host.meta.epoch))
        for member in list(self.members.values()):
            if member.games.get(host.id) is host:
                member.outbox.put(gone)
                self._soil(member)
                self._drop(member, host.id)
                self._registered(member)
        self.settled(host)

    # Catching up

    async def run_catch_up(self) -> None:
        """Feed those who have missed much, at the pace at which they read."""
        took_s = 0.0
        while True:
            if not self._behind:
                self._anyone_behind = trio.Event()
                await self._anyone_behind.wait()
            await trio.sleep(max(CATCH_UP_S, took_s / CATCH_UP_SHARE))
            begun = trio.current_time()
            for member, game in list(self._behind):
                self._catch_up(member, member.games[game])
            took_s = trio.current_time() - begun

    def _catch_up(self, member: Member, host: GameHost) -> None:
        """Send the next piece of what is missing, if the one before has gone; at the end of it the client is live."""
        place, size = (member, host.id), 0
        seq, now = self._behind[place], host.game.state.seq
        if seq < now and member.outbox.empty:
            missed = host.history.since(seq, now)
            if missed is None:
                del self._behind[place]
                member.end(TOO_SLOW, "fell too far behind")
                return
            for frame in missed:
                wire = self._wire(host, frame)
                member.outbox.put(wire)
                seq, size = seq + 1, size + len(wire)
                if size >= CATCH_UP_BYTES:
                    break
            self._sent(member)
        if seq == now:
            self._behind.pop(place, None)
            self._followers.setdefault(host.id, {})[member] = None
        else:
            self._behind[place] = seq
            self._anyone_behind.set()

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
            for game, delta in deltas.items():
                wire = text_frame(protocol.encode_presence(game, delta.online, delta.offline))
                fresh = arrived.get(game, {})
                for member in self._followers.get(game, ()):
                    if member not in fresh:
                        self.post(member, wire)
            for game, members in arrived.items():
                wire = text_frame(protocol.encode_presence(game, self.presence.online(game), ()))
                for member in members:
                    self.post(member, wire)

    def _arrived(self) -> dict[str, dict[Member, None]]:
        """The newcomers whom the register knows by now, or who have waited long enough for it."""
        arrived: dict[str, dict[Member, None]] = {}
        now = trio.current_time()
        for (member, game), since in list(self._newcomers.items()):
            if self.presence.knows(member.client.connection, game) or now - since >= NEWCOMER_S:
                arrived.setdefault(game, {})[member] = None
                del self._newcomers[member, game]
        return arrived

    # Inside

    def _wire(self, host: GameHost, frame: PublishedFrame) -> bytes:
        if frame.wire is None:
            frame.wire = text_frame(protocol.encode_frame(host.id, host.meta.epoch, frame.frame))
        return frame.wire

    def _tell(self, here: dict[Member, None], game: str, wire: bytes) -> None:
        for member in here:
            if game in member.games:
                member.outbox.put(wire)
                self._soil(member)

    def _sent(self, member: Member) -> None:
        if self._gathering:
            self._soil(member)
        else:
            member.outbox.flush()

    def _soil(self, member: Member) -> None:
        if not member.dirty:
            member.dirty = True
            self._dirty.append(member)

    def _drop(self, member: Member, game: str) -> None:
        host = member.games.pop(game)
        host.follow(-1)
        self._behind.pop((member, game), None)
        followers = self._followers.get(game, {})
        followers.pop(member, None)
        if not followers:
            self._followers.pop(game, None)
        self._newcomers.pop((member, game), None)

    def _registered(self, member: Member) -> None:
        client = member.client
        if client.signed_in is not None:
            self.register.put(
                LiveConnection(
                    client.connection, self.node, client.signed_in.player.id, tuple(member.games), client.since
                )
            )
