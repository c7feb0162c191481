"""``python -m bench.protocol``: µs to decode and check each request, and to encode each reply and push.

One core, the best of several runs: what a message costs, without a socket.
"""

from __future__ import annotations

import json
import timeit
from collections.abc import Callable
from typing import Any

from tradegame.controller.websocket import codec
from tradegame.core.domain.events import Filled, Frame, Outcome, Rejected, Whispered
from tradegame.protocol.errors import InsufficientCashError
from tradegame.protocol.pushes import BookChanged, Joined, News, RoundChanged, Said, Trade
from tradegame.protocol.replies import Bought, Cancelled, Ordered, Pong, Released, Sold
from tradegame.protocol.state import Account, DoneOrder, Fill, OpenOrder, OwnFills, OwnOrders, Position

RUNS, LOOPS = 7, 5_000

REQUESTS: dict[str, dict[str, Any]] = {
    "hello": {"name": "ann", "client": "tradegame-python"},
    "ping": {},
    "games": {},
    "join": {"game": "bazaar", "after": {"epoch": "k3v9", "seq": 129}, "key": "c1-2"},
    "leave": {"game": "bazaar"},
    "buy": {"game": "bazaar", "good": "grain", "qty": 3, "limit": 24, "key": "c1-7"},
    "sell": {"game": "bazaar", "good": "grain", "qty": 3, "limit": 20, "key": "c1-8"},
    "order": {"game": "bazaar", "good": "grain", "side": "bid", "qty": 5, "price": 20, "key": "c1-9"},
    "cancel": {"game": "bazaar", "order": "131.0", "key": "c1-10"},
    "amend": {"game": "bazaar", "order": "131.0", "price": 21, "post_only": True, "key": "c1-12"},
    "cancel_all": {"game": "bazaar", "good": "grain", "key": "c1-13"},
    "say": {"game": "bazaar", "text": "hello, bazaar", "key": "c1-11"},
    "ready": {"game": "bazaar", "answers": [0, 2, 1], "key": "c1-14"},
    "me": {"game": "bazaar"},
    "fills": {"game": "bazaar", "limit": 50},
    "orders": {"game": "bazaar"},
    "book": {"game": "bazaar", "good": "grain", "depth": 5},
    "standings": {"game": "bazaar", "limit": 10},
}
LEVELS = tuple((100 - step, 20) for step in range(5))
ACCOUNT = Account(
    cash=9_934,
    held_cash=100,
    goods={"grain": 3, "ore": 0},
    held_goods={"grain": 0, "ore": 0},
    orders=tuple(OpenOrder(f"{n}.0", "grain", "bid", 5, 20) for n in range(3)),
    worth=10_000,
    start=10_000,
    score=0,
    positions={"grain": Position(3, 66, 0, 0, 0, 0, 2_200)},
)
FILL = Fill(17, 1_790_000_000_000, "grain", "bid", 22, 3, "buy", 0)
DONE = DoneOrder("131.0", "grain", "bid", 0, 22, 3, "filled", 1_790_000_000_000)
EVENTS = {
    "joined": Joined("p-5fk2m9xa", "ann"),
    "trade": Trade("grain", 22, 3, "p-5fk2m9xa", "house", "buy"),
    "book": BookChanged("grain", LEVELS, LEVELS),
    "said": Said("p-5fk2m9xa", "hello, bazaar"),
    "round": RoundChanged("open", 1, 1_790_000_060_000, 1_790_000_000_000),
    "news": News("A dry summer.", "grain"),
}


def _frame(*events: Any) -> Callable[[], object]:
    return lambda: codec.encode_frame("bazaar", "k3v9", Frame(130, 1_790_000_000_000, events))


def _ok(result: Any) -> Callable[[], object]:
    return lambda: codec.encode_reply(7, Outcome(result))


ENCODED: dict[str, Callable[[], object]] = {
    "buy ok": _ok(Bought(3, 66, 0, 9_934, seq=130)),
    "sell ok": _ok(Sold(3, 66, 0, 9_934, seq=130)),
    "order ok": _ok(Ordered("131.0", 0, 5, 9_834, seq=131)),
    "cancel ok": _ok(Cancelled("131.0", Released(100, 0), seq=132)),
    "rejected": _ok(Rejected("insufficient_cash", "needs 66 coins, has 12")),
    "error": lambda: codec.encode_reply(7, InsufficientCashError("needs 66 coins, has 12")),
    "ping ok": lambda: codec.encode_reply(7, Pong(1_790_000_000_000)),
    "me ok": lambda: codec.encode_reply(7, ACCOUNT),
    "fills ok": lambda: codec.encode_reply(7, OwnFills((FILL,) * 50, 130)),
    "orders ok": lambda: codec.encode_reply(7, OwnOrders(ACCOUNT.orders, (DONE,) * 50, 130)),
    **{f"events: {name}": _frame(event) for name, event in EVENTS.items()},
    "events: trade and book": _frame(EVENTS["trade"], EVENTS["book"]),
    "account": lambda: codec.encode_account("bazaar", 130, ACCOUNT),
    "fills": lambda: codec.encode_private("bazaar", 130, 1_790_000_000_000, Filled("p-1", (FILL,))),
    "whisper": lambda: codec.encode_private("bazaar", 130, 1_790_000_000_000, Whispered("p-1", "p-2", "psst")),
    "presence": lambda: codec.encode_presence("bazaar", ["p-1"], []),
    "gone": lambda: codec.encode_gone("bazaar", "k3v9"),
}


def microseconds(call: Callable[[], object]) -> float:
    """What one call costs, in µs."""
    return min(timeit.repeat(call, number=LOOPS, repeat=RUNS)) / LOOPS * 1e6


def main() -> None:
    for number, (op, fields) in enumerate(REQUESTS.items()):
        text = json.dumps({"id": number, "op": op, **fields})
        print(f"decode  {op:24} {microseconds(lambda text=text: codec.decode(text)):6.2f}")
    for name, encode in ENCODED.items():
        print(f"encode  {name:24} {microseconds(encode):6.2f}")


if __name__ == "__main__":
    main()
