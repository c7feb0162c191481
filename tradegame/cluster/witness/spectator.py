"""Spectators: each sees the whole stream of the game, and puts it on the tape frame by frame."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import get_args
from urllib.parse import urlsplit

import trio

from tradegame.client import ConnectionStopped, Lagged, ProtocolError, Reset, TradeError, connect
from tradegame.client.events import Event
from tradegame.client.vocabulary import PublicEvent
from tradegame.cluster.log import Log
from tradegame.cluster.witness.tape import Tape

BUFFER = 100_000
BEGIN_AGAIN_S = 1.0

_PUBLIC: tuple[type, ...] = get_args(PublicEvent)


async def dial_only(url: str, _: str) -> trio.abc.Stream:
    """Connect to the node of ``url``, even if the client prefers another."""
    parts = urlsplit(url)
    return await trio.open_tcp_stream(parts.hostname or "", parts.port or 80)


class Frames:
    """Puts the events of one spectator together to whole frames. No I/O.

    A frame's events arrive together. The frame is complete when the next one begins, or when nothing was read between
    two calls of ``idle`` at least one turn of the event loop apart.
    """

    def __init__(self, name: str, tape: Tape) -> None:
        self._name = name
        self._tape = tape
        self._seq = 0
        self._events: list[PublicEvent] = []
        self._torn: int | None = None
        self._read = self._read_before = 0

    def begin(self, epoch: str, seq: int) -> None:
        """The next event is of a frame after ``seq``."""
        self._events = []
        self._tape.begin(self._name, epoch, seq)

    def put(self, event: Event) -> None:
        self._read += 1
        match event:
            case Reset(epoch=epoch, seq=seq):
                self.flush()
                self._tape.reset(self._name, epoch, seq)
            case Lagged():
                self.flush()
                self._torn = -1
            case _ if isinstance(event, _PUBLIC):
                self._put_public(event)  # type: ignore[arg-type]  # the line above has looked
            case _:
                pass

    def idle(self) -> None:
        if self._read == self._read_before:
            self.flush()
        self._read_before = self._read

    def flush(self) -> None:
        """The last frame is complete."""
        if self._events:
            events, self._events = self._events, []
            self._tape.take(self._name, self._seq, events)

    def _put_public(self, event: PublicEvent) -> None:
        if self._torn is not None:
            if self._torn in (-1, event.seq):  # its first events may have been dropped
                self._torn = event.seq
                self._tape.jump(self._name, event.seq)
                return
            self._torn = None
        if self._events and event.seq != self._seq:
            self.flush()
        self._seq = event.seq
        self._events.append(event)


class Spectator:
    """One spectator. ``pinned``: it follows only one node, through that node's restarts; else it goes where it can."""

    def __init__(self, name: str, urls: Sequence[str], tape: Tape, log: Log, *, pinned: bool) -> None:
        self.name = name
        self.frames = Frames(name, tape)
        self.follows = trio.Event()
        """Set once it has joined."""
        self._urls = list(urls)
        self._log = log
        self._pinned = pinned

    async def run(self, game_id: str) -> None:
        """Follow until cancelled."""
        first = self._urls[0]

        async def dial(url: str) -> trio.abc.Stream:
            return await dial_only(first if self._pinned else url, url)

        while True:
            try:
                async with connect(
                    *self._urls, name=self.name, connect_deadline=math.inf, dial=dial if self._pinned else None
                ) as client:
                    game = await client.join(game_id, spectate=True)
                    events = game.events(BUFFER)
                    self.frames.begin(game.state.epoch, game.state.seq)
                    self.follows.set()
                    async for event in events:
                        self.frames.put(event)
            except (ConnectionStopped, ProtocolError, TradeError, trio.ClosedResourceError) as error:
                self._log.add(self.name, f"begins again: {error}", "warning")
            self.frames.flush()
            await trio.sleep(BEGIN_AGAIN_S)
