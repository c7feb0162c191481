"""One request, from the moment it is asked until somebody has its answer. No I/O here."""

from __future__ import annotations

import math
from collections.abc import Callable

import trio
from attrs import define, field

from tradegame.client.errors import ProtocolError, TradeError
from tradegame.client.keys import Key
from tradegame.client.wire import Json, encode
from tradegame.protocol.requests import KEYED

PROMPT = KEYED - {"join"}
"""What must not happen long after it was asked for."""
NO_ORDER = "-"
"""No game has an order of that name: to cancel it does nothing, but to take the key."""

Answer = Json | Exception
"""An ``ok``, or why there is none."""


@define(eq=False)
class Call:
    """``lasting``: sent again on the next connection if this one ends without an answer.

    ``on_answer`` runs in the socket's reader, before the next frame is looked at. ``sent_at``: when it last went out,
    on trio's clock; None: it has not, on this connection. ``doubt``: an earlier sending of it may have been carried
    out. ``lost``: it went out on a connection that ended, and not since. ``over``: nobody waits for it any more.

    ``payload`` is the frame but for ``since`` and ``epoch``: these are fixed when it first goes out, and the same in
    every copy. ``given``: its key came with them, so copies may have gone out from elsewhere. ``made``: the key is the
    client's own.

    From ``late_at`` on, on trio's clock, it must not happen any more. One in doubt is then not sent again: ``voiding``,
    its key is taken by a command that does nothing, so that no copy of it does anything. Unless the key is known
    already: it had ``happened``, and asked again it tells what came of it.
    """

    id: int
    op: str
    game: str
    payload: Json
    key: Key | None
    lasting: bool = True
    given: bool = False
    made: bool = False
    on_answer: Callable[[Answer], None] | None = None
    sent_at: float | None = None
    doubt: bool = False
    lost: bool = False
    over: bool = False
    late_at: float = math.inf
    voiding: bool = False
    happened: bool = False
    answer: Answer | None = None
    done: trio.Event = field(factory=trio.Event)

    @property
    def unsure(self) -> bool:
        """Whether it may have happened, as long as it is not answered."""
        return self.doubt or self.sent_at is not None

    @property
    def in_doubt(self) -> bool:
        """Whether nobody knows what became of it, as far as it was answered."""
        if isinstance(self.answer, TradeError):
            return not self.answer.definite
        return self.answer is None and self.unsure

    def settle(self, answer: Answer) -> None:
        if self.on_answer is not None:
            try:
                self.on_answer(answer)
            except ProtocolError as error:
                answer = error
        self.answer = answer
        self.done.set()

    def begin(self) -> None:
        """It is asked, or asked again."""
        self.answer = self.sent_at = None
        self.done = trio.Event()

    def fix(self, since: int | None, epoch: str | None) -> None:
        """What the client was told. Until a copy may have been carried out, the newest counts."""
        if self.key is not None and not self.doubt and not self.given:
            self.key = Key(self.key, since, epoch)

    def next_frame(self, now: float) -> str | None:
        """What goes out for it now; None: nothing any more, it is late and surely did not happen."""
        self.voiding = False
        if now < self.late_at or self.happened:
            return self._frame(self.payload)
        if not self.doubt:
            return None
        self.voiding = True
        return self._frame({"op": "cancel", "game": self.game, "order": NO_ORDER})

    def _frame(self, payload: Json) -> str:
        frame = {"id": self.id, **payload}
        if self.key is not None:
            frame["key"] = str(self.key)  # msgspec encodes no subclass
            frame |= {name: said for name in ("since", "epoch") if (said := getattr(self.key, name)) is not None}
        return encode(frame)

    def withdrawn(self) -> TradeError:
        """The error of one that came too late."""
        message = f"the {self.op} could not be sent in time: it was withdrawn, and nothing happened"
        return TradeError("unsent", message, True, key=self.key)
