"""One request, from the moment it is asked until somebody has its answer. No I/O here."""

from __future__ import annotations

from collections.abc import Callable

import trio
from attrs import define, field

from tradegame.client.errors import ProtocolError
from tradegame.client.wire import Json

KEYED = frozenset({"join", "buy", "sell", "order", "cancel", "say"})
WAIT_AND_RETRY = frozenset({"rate_limited", "overloaded"})
NOT_TAKEN_IN = WAIT_AND_RETRY | {"timeout"}

Answer = Json | Exception
"""An ``ok``, or why there is none."""


@define(eq=False)
class Call:
    """``lasting``: sent again on the next connection if this one ends without an answer.

    ``on_answer`` runs in the socket's reader, before the next frame is looked at. ``sent_at``: when it last went out,
    on trio's clock; None: it has not, on this connection. ``doubt``: an earlier sending of it may have been carried
    out. ``lost``: it went out on a connection that ended, and not since. ``over``: nobody waits for it any more.
    """

    id: int
    op: str
    game: str
    frame: str
    key: str | None
    lasting: bool = True
    on_answer: Callable[[Answer], None] | None = None
    sent_at: float | None = None
    doubt: bool = False
    lost: bool = False
    over: bool = False
    answer: Answer | None = None
    done: trio.Event = field(factory=trio.Event)

    @property
    def unsure(self) -> bool:
        """Whether it may have happened, as long as it is not answered."""
        return self.doubt or self.sent_at is not None

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
