"""Holds every frame that a server sends, and every request that it takes, against the AsyncAPI document.

``install`` puts taps into a process: on the outboxes, through which every frame goes; on the decoder; and on the
dispatcher, which knows what a reply is the reply to. The server goes on as if nothing were: what is wrong is kept in
``violations``, for whoever looks.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from functools import cache
from typing import Any

from tests.support.schemas import Checker, closed
from tradegame.controller.spec import asyncapi
from tradegame.controller.websocket import codec
from tradegame.controller.websocket.outbox import Outbox
from tradegame.controller.websocket.wires import Wire
from tradegame.core.use_cases.dispatcher import Dispatcher
from tradegame.protocol.ops import Request

_FIN_TEXT = 0x81
_HEADS = {126: 4, 127: 10}
_SHOWN = 400


@cache
def _published() -> tuple[Checker, dict[str, str]]:
    """The document's checker, and where the schema of each event is. Once a process: it takes 10 ms, and its
    validators as many again.
    """
    checker = Checker(closed(asyncapi()))
    events = {
        schema["properties"]["type"]["const"]: f"components/schemas/{name}"
        for name, schema in checker.document["components"]["schemas"].items()
        if "const" in schema.get("properties", {}).get("type", ())
    }
    return checker, events


class FrameRecorder:
    """``violations``: each the frame's message, the JSON path, what is wrong there, and the frame.

    ``seen``: how many frames there were. ``checker``: has the document that they are held against.
    """

    def __init__(self, report: Callable[[str], None] | None = None) -> None:
        """``report`` is told each violation, instead of keeping it."""
        self.violations: list[str] = []
        self.seen = 0
        self._report = report or self.violations.append
        self.checker, self._events = _published()
        self._thread = threading.local()

    def take(self) -> list[str]:
        """The violations so far, which are forgotten."""
        taken, self.violations[:] = self.violations[:], []
        return taken

    def sent(self, text: str | bytes, op: str | None) -> None:
        """A frame of the server's; ``op``: of the request that it is the reply to, if it is one."""
        self.seen += 1
        frame = json.loads(text)
        if "push" in frame:
            name = f"push.{frame['push']}"
        elif "error" in frame:
            name = "error"
        else:
            name = f"{op}Ok"
        self._check(name, frame)

    def taken(self, text: str) -> None:
        """A request that the server understood."""
        self.seen += 1
        request = json.loads(text)
        self._check(request["op"], request)

    def _check(self, name: str, frame: dict[str, Any]) -> None:
        if name not in self.checker.document["components"]["messages"]:
            problem: str | None = "no such message is published"
        else:
            problem = self.checker.problem(f"components/messages/{name}/payload", frame)
        if problem is not None:
            if name == "push.events":
                problem = self._in_an_event(frame) or problem
            self._report(f"{name.removeprefix('push.')}: {problem} in {json.dumps(frame)[:_SHOWN]}")

    def _in_an_event(self, frame: dict[str, Any]) -> str | None:
        """Where exactly: of the many types of events, the one that this is meant to be."""
        for index, event in enumerate(frame.get("events", ())):
            place = self._events.get(event.get("type"))
            if place is not None and (problem := self.checker.problem(place, event)) is not None:
                return problem.replace("$", f"$.events[{index}]", 1)
        return None

    def install(self, replace: Callable[[Any, str, Any], None] = setattr) -> None:
        """Put the taps in; ``replace`` as `setattr` does it, or `monkeypatch.setattr`, which puts all back."""
        thread, take, show = self._thread, Outbox._take, Outbox.show
        decode, dispatch = codec.decode, Dispatcher.dispatch

        def see(wire: Wire) -> None:
            frame = wire if isinstance(wire, bytes) else b"".join(wire)
            if frame[0] == _FIN_TEXT and frame is not getattr(thread, "last", None):  # the same, to the next follower
                thread.last = frame
                self.sent(frame[_HEADS.get(frame[1], 2) :], getattr(thread, "op", None))

        def take_and_see(outbox: Outbox, frame: Wire, limit: int) -> bool:
            see(frame)
            return take(outbox, frame, limit)

        def show_and_see(outbox: Outbox, frame: bytes) -> bool:
            see(frame)
            return show(outbox, frame)

        def decode_and_see(text: str) -> Request:
            decoded = decode(text)
            self.taken(text)
            return decoded

        def dispatch_and_note(dispatcher: Dispatcher, client: Any, request: Any, reply_to: Any) -> Any:
            def noted(*answer: Any) -> None:
                thread.op = request.op
                try:
                    reply_to(*answer)
                finally:
                    thread.op = None

            return dispatch(dispatcher, client, request, noted)

        replace(Outbox, "_take", take_and_see)
        replace(Outbox, "show", show_and_see)
        replace(codec, "decode", decode_and_see)
        replace(Dispatcher, "dispatch", dispatch_and_note)
