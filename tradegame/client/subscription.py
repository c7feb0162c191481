"""Follows one game: takes what the server pushes, keeps the mirror, hands events out. It never waits."""

from __future__ import annotations

import weakref

import trio

from tradegame.client.errors import ProtocolError, Stop
from tradegame.client.events import Event, Reset, public_events
from tradegame.client.keys import Told
from tradegame.client.state import State
from tradegame.client.streams import EventStream
from tradegame.client.wire import Json, decode, field
from tradegame.protocol.pushes import AccountChanged, Fills, Presence, Whisper
from tradegame.protocol.state import Account


class Subscription:
    """The client's side of a subscription.

    ``syncing``: a join is under way, and what comes before its answer is of an older one. ``changed``: unparked after
    every change. ``over``: nothing more comes, because of ``stop`` or because the game was left.
    ``to_choose``: the player had chosen ``cancel_on_disconnect``, and the game, which was made anew, does not know it.
    """

    def __init__(self, game: str, spectate: bool, told: Told) -> None:
        self.game = game
        self.told = told
        self.spectate = spectate
        self.state = State()
        self.me: Account | None = None
        self.syncing = False
        self.to_choose = False
        self.changed = trio.lowlevel.ParkingLot()
        self.over = False
        self.stop: Stop | None = None
        self._streams: weakref.WeakSet[EventStream] = weakref.WeakSet()
        self._joined_once = False
        self._resumable = False

    def stream(self, buffer: int) -> EventStream:
        stream = EventStream(buffer)
        self._streams.add(stream)
        if self.over:
            stream.end(self.stop)
        return stream

    def join_fields(self) -> Json:
        """A ``join``, resuming from where the mirror stands, if it stands anywhere."""
        fields: Json = {"game": self.game}
        if self.spectate:
            fields["spectate"] = True
        elif self.to_choose:
            fields["cancel_on_disconnect"] = True
        if self._resumable:
            fields["after"] = {"epoch": self.state.epoch, "seq": self.state.seq}
        return fields

    def joined(self, ok: Json) -> None:
        """A ``join`` was answered. Raises ProtocolError.

        When it is ``recovered``, the missed frames follow: the mirror stays where it is.
        """
        epoch, chosen = self.state.epoch, self.me is not None and self.me.cancel_on_disconnect
        if field(ok, "recovered", bool):
            if not self._resumable:
                raise ProtocolError("the server resumed a game that was not followed")
        else:
            self.state.replace(ok.get("state"), field(ok, "epoch", str), field(ok, "seq", int))
            self._resumable = True
            if self._joined_once:
                self._emit(Reset(self.state.epoch, self.state.seq))
        if ok.get("me") is not None:
            me: Account = decode(Account, ok["me"])
            self.put_me(me)
            self.to_choose = chosen and self.state.epoch != epoch and not me.cancel_on_disconnect
        self._joined_once, self.syncing = True, False
        self.state.online.clear()  # the list of who is here follows
        self.changed.unpark_all()

    def take(self, frame: Json) -> bool:
        """A push. False when frames are missing before it. Raises ProtocolError; the next join is then from scratch."""
        match frame["push"]:
            case "events":
                if not self.syncing and not self._take_events(frame):
                    return False
            case "account":
                changed: AccountChanged = decode(AccountChanged, frame)
                self.put_me(changed.account)
                self._emit(changed)
            case "whisper":
                self._emit(decode(Whisper, frame))
            case "fills":
                self._emit(decode(Fills, frame))
            case "presence":
                presence = decode(Presence, frame)
                self.state.online.difference_update(presence.offline)
                self.state.online.update(presence.online)
                self._emit(presence)
            case _:
                return True  # of a later server
        self.changed.unpark_all()
        return True

    def put_me(self, account: Account) -> None:
        self.me = account
        self.told.joined(self.game, self.state.epoch, account.keys)
        self.changed.unpark_all()

    def end(self, stop: Stop | None = None) -> None:
        """Nothing more comes."""
        if self.over:
            return
        self.over, self.stop = True, stop
        for stream in self._streams:
            stream.end(stop)
        self.changed.unpark_all()

    def _take_events(self, frame: Json) -> bool:
        state = self.state
        seq = frame.get("seq")
        if type(seq) is not int or seq != state.seq + 1 or frame.get("epoch") != state.epoch:
            return False
        try:
            at = field(frame, "at", int)
            events = public_events(frame.get("events"), seq, at)
        except ProtocolError:
            self._resumable = False  # resuming would bring the same frame again
            raise
        for event in events:
            state.apply(event)
        state.seq, state.at = seq, at
        for event in events:
            self._emit(event)
        return True

    def _emit(self, event: Event) -> None:
        for stream in self._streams:
            stream.put(event)
