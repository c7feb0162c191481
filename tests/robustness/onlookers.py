"""Who looks on: asks every node all the time whether it is ready, and looks into the game as somebody new would."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import trio
from attrs import define, field, frozen

from tests.guarantees.history import Visit
from tests.robustness.traffic import GAME
from tests.robustness.wire import LostError, StalledError, Wire
from tests.support.process import ServerProcess

POLL_S = 0.2
POLL_DEADLINE_S = 1.0
VISIT_PAUSE_S = 0.7
VISIT_DEADLINE_S = 3.0
READY = ""
GONE = "does not answer"


@frozen
class Seen:
    """From ``at`` on (s), /readyz answered this: `READY`, a reason why not, or `GONE`: no answer at all."""

    at: float
    answer: str


@define(eq=False)
class ReadyPoller:
    """Polls /readyz of some nodes every 200 ms, and keeps every change of the answer, by node's name."""

    nodes: Sequence[ServerProcess]
    changes: dict[str, list[Seen]] = field(factory=dict)
    _changed: trio.Event = field(factory=trio.Event)

    def ready(self, node: ServerProcess) -> bool:
        """By the last answer."""
        seen = self.changes.get(node.name)
        return bool(seen) and seen[-1].answer == READY

    async def until_ready(self, node: ServerProcess) -> None:
        while not self.ready(node):
            await self._changed.wait()

    async def until_not_ready(self, node: ServerProcess) -> None:
        while self.ready(node):
            await self._changed.wait()

    def said_ready(self, node: ServerProcess, since: float) -> bool:
        """Whether it said so at any time since then, or was the last to be heard before."""
        changes = self.changes[node.name]
        first = max((index for index, seen in enumerate(changes) if seen.at <= since), default=0)
        return any(seen.answer == READY for seen in changes[first:])

    async def run(self) -> None:
        async with trio.open_nursery() as nursery:
            for node in self.nodes:
                nursery.start_soon(self._poll, node)

    async def _poll(self, node: ServerProcess) -> None:
        changes = self.changes.setdefault(node.name, [])
        while True:
            answer = await get(node, "/readyz", POLL_DEADLINE_S)
            said = GONE if answer is None else READY if answer[0] == 200 else answer[1].decode().strip()
            if not changes or changes[-1].answer != said:
                changes.append(Seen(trio.current_time(), said))
                self._changed.set()
                self._changed = trio.Event()
            await trio.sleep(POLL_S)


async def get(node: ServerProcess, path: str, deadline_s: float) -> tuple[int, bytes] | None:
    """The status and the body; None: no whole answer within the deadline."""
    data = b""
    with trio.move_on_after(deadline_s) as waiting:
        try:
            async with await trio.open_tcp_stream("127.0.0.1", node.port) as stream:
                await stream.send_all(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
                async for more in stream:
                    data += more
        except (OSError, trio.BrokenResourceError):
            return None
    head, _, body = data.partition(b"\r\n\r\n")
    if waiting.cancelled_caught or not head.startswith(b"HTTP/1.1 "):
        return None
    return int(head[9:12]), body


@define(eq=False)
class Visitor:
    """Looks into the game at one node after the other, each time as if for the first time.

    ``nodes``: by node's URL, the URLs of all nodes that it named last.
    """

    urls: Callable[[], Sequence[str]] = field(repr=False)
    visits: list[Visit] = field(factory=list, repr=False)
    nodes: dict[str, Sequence[str]] = field(factory=dict)
    _token: str = ""

    async def run(self) -> None:
        while True:
            for url in self.urls():
                await self.visit(url)
            await trio.sleep(VISIT_PAUSE_S)

    async def visit(self, url: str, deadline_s: float = VISIT_DEADLINE_S) -> None:
        """Look in there. All is sent at once: a node that stands still has it in its socket when it goes on.

        That it is not served, or not in time, is no matter here.
        """
        with trio.move_on_after(deadline_s):
            asked_at = trio.current_time()
            hello = {"token": self._token} if self._token else {"name": "visitor"}
            try:
                wire = await Wire.open_and_send(
                    url,
                    json.dumps({"id": 1, "op": "hello", **hello}).encode(),
                    json.dumps({"id": 2, "op": "join", "game": GAME, "spectate": True}).encode(),
                )
                async with wire:
                    await self._listen(url, asked_at, wire)
            except (LostError, StalledError):
                return

    async def _listen(self, url: str, asked_at: float, wire: Wire) -> None:
        while True:
            for text in await wire.receive():
                message = json.loads(text)
                if message.get("id") == 1 and "ok" in message:
                    self._token = message["ok"]["token"]
                    self.nodes[url] = message["ok"]["server"]["nodes"]
                elif message.get("id") == 2:
                    if "ok" in message:
                        self.visits.append(Visit(url, asked_at, message["ok"]["seq"]))
                    return
