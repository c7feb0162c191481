"""Examples of frames, by message: those of docs/protocol.md, and one of each other kind."""

from __future__ import annotations

from typing import Any

FILL = {
    "trade": 17,
    "at": 1790000000000,
    "good": "grain",
    "side": "bid",
    "price": 22,
    "qty": 3,
    "taker": "buy",
    "fee": 0,
}

EXAMPLES: dict[str, dict[str, Any]] = {
    "hello": {"id": 1, "op": "hello", "name": "ann"},
    "helloOk": {
        "id": 1,
        "ok": {
            "player": {"id": "p-5fk2", "name": "ann"},
            "token": "the-players-own-secret",
            "expires_s": 7776000,
            "server": {
                "version": "1.0.0",
                "node": "k3v9m2xa",
                "heartbeat_s": 20,
                "frame_bytes": 16384,
                "commands_per_s": 20,
                "burst": 40,
                "nodes": ["ws://127.0.0.1:8765/ws"],
            },
        },
    },
    "join": {"id": 2, "op": "join", "game": "bazaar", "after": {"epoch": "k3v9", "seq": 129}},
    "joinOk": {"id": 2, "ok": {"game": "bazaar", "epoch": "k3v9", "seq": 129, "recovered": True}},
    "buy": {"id": 7, "op": "buy", "game": "bazaar", "good": "grain", "qty": 3, "limit": 24, "key": "c1-7"},
    "buyOk": {"id": 7, "ok": {"filled": 3, "cost": 66, "fee": 0, "cash": 9934, "seq": 130}},
    "error": {
        "id": 7,
        "error": {
            "code": "insufficient_cash",
            "message": "needs 66 coins, has 12",
            "definite": True,
            "why": {"name": "needs_cash", "params": {"needed": 66, "free": 12}},
        },
    },
    "order": {"id": 8, "op": "order", "game": "bazaar", "good": "grain", "side": "bid", "qty": 5, "price": 20},
    "orderOk": {"id": 8, "ok": {"order": "131.0", "filled": 0, "resting": 5, "cash": 9834, "seq": 131}},
    "amend": {"id": 10, "op": "amend", "game": "bazaar", "order": "131.0", "price": 21, "key": "c1-10"},
    "amendOk": {"id": 10, "ok": {"order": "132.0", "filled": 0, "resting": 5, "cash": 9829, "seq": 132}},
    "cancel": {"id": 9, "op": "cancel", "game": "bazaar", "order": "131.0", "key": "c1-9"},
    "cancelOk": {"id": 9, "ok": {"order": "131.0", "released": {"cash": 100, "qty": 0}, "seq": 132}},
    "cancel_all": {"id": 11, "op": "cancel_all", "game": "bazaar", "good": "grain", "key": "c1-11"},
    "cancel_allOk": {
        "id": 11,
        "ok": {"cancelled": 2, "released": {"cash": 100, "goods": {"grain": 5}}, "seq": 133},
    },
    "fills": {"id": 10, "op": "fills", "game": "bazaar", "limit": 1},
    "fillsOk": {"id": 10, "ok": {"fills": [FILL], "seq": 132}},
    "orders": {"id": 11, "op": "orders", "game": "bazaar"},
    "ordersOk": {
        "id": 11,
        "ok": {
            "open": [],
            "done": [
                {
                    "order": "131.0",
                    "good": "grain",
                    "side": "bid",
                    "qty": 5,
                    "price": 20,
                    "filled": 0,
                    "became": "cancelled",
                    "at": 1790000000900,
                }
            ],
            "seq": 132,
        },
    },
    "say": {"id": 4, "op": "say", "game": "bazaar", "text": "hello, bazaar"},
    "push.events": {
        "push": "events",
        "game": "bazaar",
        "epoch": "k3v9",
        "seq": 130,
        "at": 1790000000000,
        "events": [
            {
                "type": "trade",
                "good": "grain",
                "price": 22,
                "qty": 3,
                "buyer": "p-5fk2",
                "seller": "house",
                "taker": "buy",
                "number": 17,
            },
            {"type": "book", "good": "grain", "bids": [[20, 20]], "asks": [[22, 17]]},
        ],
    },
    "push.fills": {"push": "fills", "game": "bazaar", "seq": 130, "at": 1790000000000, "fills": [FILL]},
    "push.whisper": {
        "push": "whisper",
        "game": "bazaar",
        "seq": 133,
        "player": "p-5fk2",
        "to": "p-8x1d",
        "text": "three for twenty?",
        "at": 1790000001000,
    },
    "push.presence": {"push": "presence", "game": "bazaar", "online": ["p-8x1d"], "offline": []},
    "push.gone": {"push": "gone", "game": "bazaar", "epoch": "k3v9"},
}
