"""A small server that speaks enough of docs/protocol.md to test a client against, and misbehaves on request.

It trades nothing: every price is 20 and everyone is rich. What it does properly is what clients rely on: sessions,
``key``, ``seq``, resuming, pushes. Over real sockets with ``serve``, or in memory with ``dial``, where trio's
autojump clock is right.
"""

from __future__ import annotations

import contextlib
import json
import math
from collections import deque
from typing import Any
from urllib.parse import urlsplit

import trio
import trio.testing
from trio_websocket import (
    ConnectionClosed,
    WebSocketConnection,
    WebSocketRequest,
    WebSocketServer,
    serve_websocket,
    wrap_server_stream,
)

from tradegame.protocol.bounds import KEYS_REMEMBERED
from tradegame.protocol.requests import KEYED

Json = dict[str, Any]
PRICE = 20
NO_ORDER = "-"
COMMANDS = KEYED - {"join"}
AT = 1_790_000_000_000


def market() -> Json:
    return {"last": PRICE, "bids": [[PRICE - 1, 50]], "asks": [[PRICE + 1, 50]], "volume": 0, "recent": []}


class FakeGame:
    def __init__(self, name: str) -> None:
        self.name = name
        self.epoch = "e1"
        self.seq = 0
        self.frames: deque[Json] = deque(maxlen=1000)
        self.goods = {"grain": market(), "wool": market()}
        self.players: dict[str, Json] = {}
        self.accounts: dict[str, Json] = {}
        self.phase, self.round, self.ends_at = "open", 1, None
        self.outcomes: dict[tuple[str, str], Json] = {}
        self.effects: list[tuple[str, str]] = []
        self.orders = 0

    def state(self) -> Json:
        return {
            "title": "",
            "about": "",
            "phase": self.phase,
            "round": self.round,
            "ends_at": self.ends_at,
            "opened_at": None,
            "rules": {"cash": 10_000, "fee_bps": 0, "open_orders": 50, "rounds": None, "goods": {}},
            "goods": json.loads(json.dumps(self.goods)),
            "players": dict(self.players),
            "messages": [],
            "news": [],
            "settled": {},
        }

    def remembered(self, player: str) -> list[tuple[str, str]]:
        """The keys of a player, the oldest first."""
        return [name for name in self.outcomes if name[0] == player]

    def append(self, *events: Json) -> Json:
        self.seq += 1
        frame = {"push": "events", "game": self.name, "epoch": self.epoch, "seq": self.seq, "at": AT + self.seq}
        self.frames.append(frame | {"events": list(events)})
        return self.frames[-1]


class Peer:
    """One connection."""

    def __init__(self, ws: WebSocketConnection) -> None:
        self.ws = ws
        self.player: str | None = None
        self.games: set[str] = set()

    async def send(self, frame: Json) -> None:
        with contextlib.suppress(ConnectionClosed):  # its handler will notice
            await self.ws.send_message(json.dumps(frame))


class FakeServer:
    """``received``: every request. ``script``: per op, what to do with the next requests, in order:

    an error (a dict: answered, nothing done), ``"drop"`` (done, then the socket breaks before the answer),
    ``"lose"`` (the socket breaks, nothing done), ``"ignore"`` (done, never answered), or ``"doubt"`` (done, and
    answered that nobody knows). ``always``: per op, an error for every request that no script is for.

    ``beside``: another node of the same server: it has the same games, tokens and news.
    """

    def __init__(self, node: str = "n1", beside: FakeServer | None = None) -> None:
        self.games = beside.games if beside else {"bazaar": FakeGame("bazaar")}
        self.tokens: dict[str, tuple[str, str]] = beside.tokens if beside else {}
        self.nodes: list[FakeServer] = beside.nodes if beside else []
        self.nodes.append(self)
        self.peers: list[Peer] = []
        self.received: list[Json] = []
        self.script: dict[str, deque[Json | str]] = {}
        self.always: dict[str, Json] = {}
        self.refuse_dials: float = 0
        self.reject_status: int | None = None
        self.dials = 0
        self.server_info: Json = {
            "version": "0",
            "node": node,
            "heartbeat_s": 1000,
            "frame_bytes": 16384,
            "commands_per_s": 20,
            "burst": 40,
        }
        self._nursery: trio.Nursery | None = None
        self._thawed = trio.Event()
        self._thawed.set()
        self._changed = trio.lowlevel.ParkingLot()

    # What a test does with it.

    def plan(self, op: str, *steps: Json | str) -> None:
        self.script[op] = deque(steps)

    def requests(self, op: str) -> list[Json]:
        return [frame for frame in self.received if frame.get("op") == op]

    async def until_received(self, op: str, count: int = 1) -> None:
        while len(self.requests(op)) < count:
            await self._changed.park()

    async def until_dialled(self, count: int) -> None:
        while self.dials < count:
            await self._changed.park()

    async def until_peers(self, count: int) -> None:
        while len(self.peers) != count:
            await self._changed.park()

    async def publish(self, *events: Json, game: str = "bazaar", deliver: bool = True) -> None:
        """A frame with these events; ``deliver`` False: it is in the log, but gets lost on its way."""
        frame = self.games[game].append(*events)
        if deliver:
            await self.push(frame)

    async def push(self, frame: Json, player: str | None = None) -> None:
        """To everyone who follows the game, or only to ``player``."""
        for node, peer in [(each, peer) for each in self.nodes for peer in each.peers]:
            if frame["game"] in peer.games and player in (None, peer.player):
                if node._thawed.is_set():
                    await peer.send(frame)
                elif node._nursery is not None:
                    node._nursery.start_soon(peer.send, frame)

    async def close_all(self, code: int, reason: str = "") -> None:
        for peer in list(self.peers):
            with trio.move_on_after(1):
                await peer.ws.aclose(code, reason)

    async def break_all(self) -> None:
        """As when a node dies: no close frame."""
        for peer in list(self.peers):
            await trio.aclose_forcefully(peer.ws._stream)

    async def die(self) -> None:
        """kill -9: no close frame, and nobody there any more."""
        self.refuse_dials = math.inf
        await self.break_all()

    def freeze(self) -> None:
        """SIGSTOP: connections stay, new ones are taken, and not a byte comes. In memory only (``dial``)."""
        self._thawed = trio.Event()

    def thaw(self) -> None:
        """SIGCONT."""
        self._thawed.set()

    async def awake(self) -> None:
        """Wait while it is frozen."""
        await self._thawed.wait()

    # How it is reached.

    async def run(self, *, task_status: trio.TaskStatus[FakeServer] = trio.TASK_STATUS_IGNORED) -> None:
        """What ``dial`` needs; runs until cancelled."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            task_status.started(self)
            await trio.sleep_forever()

    async def dial(self, url: str) -> trio.abc.Stream:
        self.dials += 1
        self._changed.unpark_all()
        if self.refuse_dials:
            self.refuse_dials -= 1
            raise ConnectionRefusedError(111, "Connection refused")
        assert self._nursery is not None
        ours, theirs = trio.testing.memory_stream_pair()
        self._nursery.start_soon(self._serve_stream, _Freezing(ours, self))
        return theirs

    async def serve(self, *, task_status: trio.TaskStatus[WebSocketServer] = trio.TASK_STATUS_IGNORED) -> None:
        await serve_websocket(self.handle, "127.0.0.1", 0, None, task_status=task_status)

    async def dial_any(self, url: str) -> trio.abc.Stream:
        """As ``dial``, to whichever of the nodes the URL's host names."""
        (node,) = [node for node in self.nodes if node.server_info["node"] == urlsplit(url).hostname]
        return await node.dial(url)

    async def _serve_stream(self, stream: trio.abc.Stream) -> None:
        async with trio.open_nursery() as nursery:
            with trio.move_on_after(10) as scope:
                request = await wrap_server_stream(nursery, stream)
            if not scope.cancelled_caught:
                await self.handle(request)
            nursery.cancel_scope.cancel()

    # What it does.

    async def handle(self, request: WebSocketRequest) -> None:
        try:
            if self.reject_status is not None:
                await request.reject(self.reject_status, body=b"not here")
                return
            peer = Peer(await request.accept(subprotocol="tradegame.v1"))
        except ConnectionClosed:
            return
        self.peers.append(peer)
        self._changed.unpark_all()
        try:
            while True:
                frame = json.loads(await peer.ws.get_message())
                self.received.append(frame)
                await self._answer(peer, frame)
                self._changed.unpark_all()
        except (ConnectionClosed, trio.ClosedResourceError, trio.BrokenResourceError):
            pass
        finally:
            self.peers.remove(peer)
            self._changed.unpark_all()

    async def _answer(self, peer: Peer, frame: Json) -> None:
        steps = self.script.get(frame["op"])
        step = steps.popleft() if steps else self.always.get(frame["op"])
        step = step or self._refused(peer, frame) or self._void(peer, frame)
        if isinstance(step, dict):
            await peer.send({"id": frame["id"], "error": step})
            return
        if step == "lose":
            await trio.aclose_forcefully(peer.ws._stream)
            return
        news: list[Json] = []
        replies = self._do(peer, frame, self._command(peer, frame, news))
        for push in news:
            await self.push(push, peer.player if push["push"] == "account" else None)
        if step == "drop":
            await trio.aclose_forcefully(peer.ws._stream)
        elif step == "doubt":
            error = {"code": "unavailable", "message": "the store did not answer", "definite": False}
            await peer.send({"id": frame["id"], "error": error})
        elif step != "ignore":
            for reply in replies:
                await peer.send(reply)

    def _command(self, peer: Peer, frame: Json, news: list[Json]) -> Json | None:
        """Do a command, once for its key; pushes go to ``news``. Its result; None when it is no command."""
        op = frame["op"]
        if op not in COMMANDS:
            return None
        game, player = self.games[frame["game"]], peer.player
        assert player is not None
        if (player, frame["key"]) in game.outcomes:
            return game.outcomes[player, frame["key"]] | {"replayed": True, "keys": game.accounts[player]["keys"]}
        game.effects.append((op, frame["key"]))
        account = game.accounts[player]
        result: Json = {}
        if op in ("buy", "sell"):
            good, qty, total = frame["good"], frame["qty"], PRICE * frame["qty"]
            sign = 1 if op == "buy" else -1
            account["cash"] -= sign * total
            account["goods"][good] += sign * qty
            buyer, seller = (player, "house") if op == "buy" else ("house", player)
            sides = {"buyer": buyer, "seller": seller, "taker": op}
            news.append(game.append({"type": "trade", "good": good, "price": PRICE, "qty": qty} | sides))
            result = {"filled": qty, ("cost" if op == "buy" else "proceeds"): total, "fee": 0}
        elif op == "order":
            game.orders += 1
            fields = {name: frame[name] for name in ("good", "side", "qty", "price")}
            account["orders"].append({"order": f"o{game.orders}", **fields})
            result = {"order": f"o{game.orders}", "filled": 0, "resting": frame["qty"]}
        elif op == "amend":
            game.orders += 1
            changed = {name: frame[name] for name in ("qty", "price") if name in frame}
            old = next((order for order in account["orders"] if order["order"] == frame["order"]), {"qty": 0})
            old |= {"order": f"o{game.orders}", **changed}
            result = {"order": f"o{game.orders}", "filled": 0, "resting": old["qty"]}
        elif op == "cancel_all":
            which = {name: frame[name] for name in ("good", "side") if name in frame}
            kept = [order for order in account["orders"] if not which.items() <= order.items()]
            result = {"cancelled": len(account["orders"]) - len(kept), "released": {"cash": 0, "goods": {}}}
            account["orders"] = kept
        elif op == "ready":
            account["ready"] = True
            result = {"right": []}
        elif op == "cancel":
            account["orders"] = [order for order in account["orders"] if order["order"] != frame["order"]]
            result = {"order": frame["order"], "released": {"cash": 0, "qty": 0}}
        else:
            news.append(game.append({"type": "said", "player": player, "text": frame["text"]}))
        if op != "say":
            news.append({"push": "account", "game": game.name, "seq": game.seq, "account": account})
        if op in ("buy", "sell", "order", "amend"):
            result["cash"] = account["cash"]
        self._remember(game, player, frame["key"], result | {"seq": game.seq})
        return game.outcomes[player, frame["key"]] | {"keys": account["keys"]}

    def _remember(self, game: FakeGame, player: str, key: str, result: Json) -> None:
        game.outcomes[player, key] = result
        game.accounts[player]["keys"] += 1
        for name in game.remembered(player)[:-KEYS_REMEMBERED]:
            del game.outcomes[name]

    def _refused(self, peer: Peer, frame: Json) -> Json | None:
        """A command of another epoch, or a copy that came too late."""
        game = self.games.get(frame.get("game", ""))
        if "key" not in frame or game is None or peer.player not in game.accounts or frame["op"] == "join":
            return None
        if frame["epoch"] != game.epoch:
            return {"code": "epoch_over", "message": "another game", "definite": True}
        ever, remembered = game.accounts[peer.player]["keys"], game.remembered(peer.player)
        if (peer.player, frame["key"]) in remembered:
            return None
        if frame["since"] > ever:
            return {"code": "ahead", "message": "the store went back", "definite": True, "keys": ever}
        if frame["since"] < ever - len(remembered):
            return {"code": "stale", "message": "too late", "definite": True, "keys": ever}
        return None

    def _void(self, peer: Peer, frame: Json) -> Json | None:
        """What a cancel of no order comes to, and a command whose key such a cancel has taken."""
        if "key" not in frame or peer.player is None or frame["game"] not in self.games:
            return None
        outcomes, of = self.games[frame["game"]].outcomes, (peer.player, frame["key"])
        no_order = frame["op"] == "cancel" and frame["order"] == NO_ORDER
        if of in outcomes and no_order != ("void" in outcomes[of]):
            return {"code": "key_reused", "message": "it stood for another command", "definite": True}
        if no_order:
            self._remember(self.games[frame["game"]], peer.player, frame["key"], {"void": True})
            return {"code": "unknown_order", "message": "no such order", "definite": True}
        return None

    def _do(self, peer: Peer, frame: Json, result: Json | None) -> list[Json]:
        match frame["op"]:
            case "hello":
                return self._hello(peer, frame)
            case "ping":
                result = {"at": AT}
            case "games":
                result = {"games": []}
            case "leave":
                peer.games.discard(frame["game"])
                result = {}
            case "me":
                assert peer.player is not None
                result = self.games[frame["game"]].accounts[peer.player]
            case "book":
                game = self.games[frame["game"]]
                good = game.goods[frame["good"]]
                result = {"good": frame["good"], "seq": game.seq} | {k: good[k] for k in ("bids", "asks", "last")}
            case "standings":
                result = {
                    "standings": [{"rank": 1, "player": "p1", "name": "ann", "worth": 10_000, "score": 0}],
                    "seq": 0,
                }
            case "join":
                return self._join(peer, frame)
        return [{"id": frame["id"], "ok": result}]

    def _hello(self, peer: Peer, frame: Json) -> list[Json]:
        token = frame.get("token")
        if token is None:
            number = len(self.tokens) + 1
            token = f"t{number}"
            self.tokens[token] = (f"p{number}", frame.get("name", ""))
        elif token not in self.tokens:
            error = {"code": "unauthorized", "message": "no such session", "definite": True}
            return [{"id": frame["id"], "error": error}]
        player, name = self.tokens[token]
        peer.player = player
        ok = {"player": {"id": player, "name": name}, "token": token, "expires_s": 3600, "server": self.server_info}
        return [{"id": frame["id"], "ok": ok}]

    def _join(self, peer: Peer, frame: Json) -> list[Json]:
        game = self.games.get(frame["game"])
        if game is None:
            error = {"code": "unknown_game", "message": f"no game {frame['game']!r}", "definite": True}
            return [{"id": frame["id"], "error": error}]
        assert peer.player is not None
        peer.games.add(game.name)
        ok: Json = {"game": game.name, "epoch": game.epoch, "seq": game.seq, "recovered": False}
        if not frame.get("spectate"):
            game.players.setdefault(peer.player, {"name": "ann"})
            empty = dict.fromkeys(game.goods, 0)
            ok["me"] = game.accounts.setdefault(
                peer.player,
                {
                    "cash": 10_000,
                    "held_cash": 0,
                    "goods": dict(empty),
                    "held_goods": dict(empty),
                    "orders": [],
                    "worth": 10_000,
                    "start": 10_000,
                    "score": 0,
                    "keys": 0,
                },
            )
            if (choice := frame.get("cancel_on_disconnect")) is not None:
                ok["me"] |= {"cancel_on_disconnect": choice}
        after = frame.get("after")
        missed: list[Json] = []
        first = game.frames[0]["seq"] if game.frames else game.seq + 1
        if after and after["epoch"] == game.epoch and first - 1 <= after["seq"] <= game.seq:
            ok |= {"recovered": True, "seq": after["seq"]}
            missed = [event for event in game.frames if event["seq"] > after["seq"]]
        else:
            ok["state"] = game.state()
        online = [other.player for other in self.peers if game.name in other.games]
        presence = {"push": "presence", "game": game.name, "online": online, "offline": []}
        return [{"id": frame["id"], "ok": ok}, *missed, presence]


class _Freezing(trio.abc.Stream):
    """A stream's end on which nothing moves while its server is frozen."""

    def __init__(self, stream: trio.abc.Stream, server: FakeServer) -> None:
        self._stream = stream
        self._server = server

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        data = await self._stream.receive_some(max_bytes)
        await self._server.awake()
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self._server.awake()
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        await self._stream.aclose()
