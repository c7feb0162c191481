"""A player for end-to-end tests, on the ``websockets`` library: nothing of tradegame's own."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable
from contextlib import ExitStack
from ssl import SSLContext
from types import TracebackType
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

DEADLINE_S = 10.0


class Refused(Exception):  # noqa: N818 - an answer of the server's
    """An error reply."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error)
        self.error = error
        self.code = error["code"]


class Player:
    """One connection. ``pushes`` keeps every frame without an ``id``, in order; ``raw`` their texts."""

    def __init__(
        self,
        url: str,
        name: str | None = "ann",
        token: str | None = None,
        *,
        hello: bool = True,
        ssl: SSLContext | None = None,
    ) -> None:
        self.url = url
        self._stack = ExitStack()
        self.socket: ClientConnection = self._stack.enter_context(
            connect(
                url,
                ssl=ssl,
                subprotocols=[Subprotocol("tradegame.v1")],
                compression=None,
                open_timeout=DEADLINE_S,
                close_timeout=2,
                max_size=2**24,
                max_queue=None,  # else one with frames unread takes 2 s to close
            )
        )
        self.pushes: list[dict[str, Any]] = []
        self.raw: list[str] = []
        self._replies: dict[Any, dict[str, Any]] = {}
        self._ids = itertools.count(1)
        self.id = ""
        self.token = ""
        if hello:
            fields = {key: value for key, value in (("name", name), ("token", token)) if value is not None}
            welcome = self.ask("hello", **fields)
            self.id = welcome["player"]["id"]
            self.token = welcome["token"]
            self.welcome = welcome

    def __enter__(self) -> Player:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._stack.close()

    def abort(self) -> None:
        """Drop the connection without a word."""
        self.socket.socket.close()

    def send(self, op: str, **fields: Any) -> int:
        """Ask without waiting; returns the id."""
        request_id = next(self._ids)
        self.socket.send(json.dumps({"id": request_id, "op": op, **fields}))
        return request_id

    def reply(self, request_id: Any) -> dict[str, Any]:
        """The whole reply to a request that was sent."""
        self._until(lambda: request_id in self._replies)
        return self._replies.pop(request_id)

    def ask(self, op: str, **fields: Any) -> dict[str, Any]:
        """Send, wait, and return the ``ok``. Raises Refused."""
        reply = self.reply(self.send(op, **fields))
        if "error" in reply:
            raise Refused(reply["error"])
        ok: dict[str, Any] = reply["ok"]
        return ok

    def refused(self, op: str, **fields: Any) -> dict[str, Any]:
        """Send, wait, and return the ``error``, which there must be."""
        reply = self.reply(self.send(op, **fields))
        error: dict[str, Any] = reply["error"]
        return error

    def send_raw(self, message: str | bytes) -> None:
        self.socket.send(message)

    def push(self, matches: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first push, of those received or still to come, that matches."""
        self._until(lambda: any(matches(push) for push in self.pushes))
        return next(push for push in self.pushes if matches(push))

    def frames(self, game: str = "bazaar") -> list[dict[str, Any]]:
        """The ``events`` frames received so far."""
        return [push for push in self.pushes if push["push"] == "events" and push["game"] == game]

    def until_seq(self, seq: int, game: str = "bazaar") -> list[dict[str, Any]]:
        """Every ``events`` frame up to ``seq``, once that has come."""
        self._until(lambda: any(frame["seq"] >= seq for frame in self.frames(game)))
        return self.frames(game)

    def events(self, kind: str) -> list[dict[str, Any]]:
        return [event for frame in self.frames() for event in frame["events"] if event["type"] == kind]

    def receive(self, timeout_s: float = DEADLINE_S) -> dict[str, Any]:
        """The next frame, whatever it is; kept like any other."""
        text = self.socket.recv(timeout=timeout_s)
        assert isinstance(text, str)
        frame: dict[str, Any] = json.loads(text)
        if "push" in frame:
            assert "id" not in frame
            self.pushes.append(frame)
            self.raw.append(text)
        else:
            self._replies[frame["id"]] = frame
        return frame

    def closed(self) -> tuple[int, str]:
        """Wait until the server has closed the connection: the code and the reason."""
        deadline = time.monotonic() + DEADLINE_S * 3
        while True:
            try:
                self.receive(max(0.01, deadline - time.monotonic()))
            except ConnectionClosed as closed:
                if closed.rcvd is None:
                    raise AssertionError("closed without a close frame") from closed
                return closed.rcvd.code, closed.rcvd.reason

    def _until(self, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not holds():
            self.receive(max(0.01, deadline - time.monotonic()))
