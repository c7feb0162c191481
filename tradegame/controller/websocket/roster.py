"""Who is connected to this node: its connections by player and by session."""

from __future__ import annotations

import trio
from attrs import define, field

from tradegame.controller.websocket import codec
from tradegame.controller.websocket.frames import text_frame
from tradegame.controller.websocket.subscriptions import Subscriber
from tradegame.core.use_cases.sessions import SignedIn
from tradegame.protocol.errors import OverloadedError

ANSWER_S = 2.0
"""How long a player's connections have to answer when there is no room for one more."""
DEVICE = text_frame(codec.encode_device())


@define(eq=False)
class Roster:
    """Every open connection, by its id, its player and its session. Only ``silent`` waits."""

    connections_per_player: int
    subscribers: dict[str, Subscriber] = field(factory=dict, init=False)
    players: dict[str, dict[Subscriber, None]] = field(factory=dict, init=False)
    _sessions: dict[str, dict[Subscriber, None]] = field(factory=dict, init=False)

    def enter(self, subscriber: Subscriber) -> None:
        """A connection is open, and has not signed in."""
        self.subscribers[subscriber.client.connection] = subscriber

    def leave(self, subscriber: Subscriber) -> bool:
        """A connection is gone. Returns whether it was here."""
        client = subscriber.client
        if self.subscribers.pop(client.connection, None) is None:
            return False
        if client.signed_in is not None:
            _remove(self.players, client.signed_in.player.id, subscriber)
            if client.signed_in.session:
                _remove(self._sessions, client.signed_in.session, subscriber)
        return True

    def sign_in(self, subscriber: Subscriber, signed_in: SignedIn) -> None:
        """A connection is this player's from now on. Raises OverloadedError if the player has too many."""
        player = signed_in.player.id
        if len(self.players.get(player, ())) >= self.connections_per_player:
            raise OverloadedError("too many connections of this player", retry_after_ms=5_000)
        self.players.setdefault(player, {})[subscriber] = None
        if signed_in.session:  # a robot has none
            self._sessions.setdefault(signed_in.session, {})[subscriber] = None

    async def silent(self, player: str) -> list[Subscriber]:
        """If there is no room for one more connection of the player: those that do not answer within 2 s."""
        here = self.players.get(player, {})
        if len(here) < self.connections_per_player:
            return []
        asked = trio.current_time()
        for subscriber in here:
            subscriber.ping()
        for _ in range(20):
            if not _silent_since(asked, here):
                break
            await trio.sleep(ANSWER_S / 20)
        return _silent_since(asked, here)

    def sessions(self) -> list[str]:
        """The sessions with open connections here."""
        return list(self._sessions)

    def end_session(self, session: str, code: int, reason: str) -> None:
        """Close every connection of a session."""
        for subscriber in list(self._sessions.get(session, ())):
            subscriber.end(code, reason)

    def end_player(self, player: str, code: int, reason: str) -> None:
        """Close every connection of a player."""
        for subscriber in list(self.players.get(player, ())):
            subscriber.end(code, reason)

    def tell_of_device(self, player: str, session: str) -> None:
        """The player has this session now, too: tell the connections by others."""
        for subscriber in self.players.get(player, ()):
            signed_in = subscriber.client.signed_in
            if signed_in is not None and signed_in.session not in ("", session):
                subscriber.outbox.put(DEVICE)
                subscriber.outbox.flush()

    def end_all(self, code: int, reason: str) -> None:
        """Close every connection."""
        for subscriber in list(self.subscribers.values()):
            subscriber.end(code, reason)


def _remove(groups: dict[str, dict[Subscriber, None]], name: str, subscriber: Subscriber) -> None:
    del groups[name][subscriber]
    if not groups[name]:
        del groups[name]


def _silent_since(asked: float, subscribers: dict[Subscriber, None]) -> list[Subscriber]:
    return [each for each in subscribers if each.silent_s() > trio.current_time() - asked]
