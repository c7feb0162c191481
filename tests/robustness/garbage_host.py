"""Garbage for the host's calls: hostile bodies, paths and tokens. With the right token, as far as it is one."""

from __future__ import annotations

import json
import random
from typing import Any
from urllib.parse import quote

import httpx

from tests.robustness.garbage_frames import Kind
from tests.robustness.garbage_http import END, statuses
from tests.support.raw import Raw
from tests.support.server import ADMIN_TOKEN

HOST = {"Authorization": f"Bearer {ADMIN_TOKEN}"}

PARTS = (
    "%00",
    "%20",
    "a%2Fb",
    "..",
    "%2E%2E",
    "%ff",
    "%ED%A0%80",
    "x" * 5_000,
    quote("\U0001f600" * 50),
    "p-nobody",
    "'--",
    "*",
)
"""Parts of a path that stand for a game or a player."""


def nested(depth: int) -> str:
    return '{"goods":' * depth + "1" + "}" * depth


BODIES: dict[str, str | bytes] = {
    "nothing": "",
    "no JSON": "nonsense",
    "no UTF-8": b'{"id":"\xff"}',
    "UTF-16": '{"id":"x"}'.encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf{}",
    "NUL": b"\0" * 60_000,
    "an array": "[]",
    "a string": '"bazaar"',
    "null": "null",
    "NaN": '{"id":"x","goods":{},"cash":NaN}',
    "deep objects": nested(7_000),
    "deep arrays": "[" * 60_000,
    "a deep field": '{"id":"x","goods":' + "[" * 20_000 + "]" * 20_000 + "}",
    "a huge number": '{"id":"x","goods":{"oil":{}},"cash":' + "9" * 5_000 + "}",
    "a large number": '{"id":"x","goods":{"oil":{}},"cash":' + "9" * 4_000 + "}",
    "an infinite number": '{"id":"x","goods":{"oil":{}},"cash":1e999}',
    "a surrogate in a value": '{"id":"x","title":"\\ud800","goods":{"oil":{}}}',
    "a surrogate in the id": '{"id":"\\ud800","goods":{"oil":{}}}',
    "a surrogate in a field's name": '{"id":"x","goods":{"oil":{}},"\\ud800":1}',
    "a surrogate in a good's name": '{"id":"x","goods":{"\\ud800":{}}}',
    "a surrogate in an inner field's name": '{"id":"x","goods":{"oil":{"\\ud800":1}}}',
    "a surrogate in the news": '{"id":"x","goods":{"oil":{}},"news":[{"at_s":1,"text":"\\ud800"}]}',
    "news of half a good": '{"id":"x","goods":{"oil":{}},"news":[{"at_s":1,"text":"x","good":"\\ud800"}]}',
    "a giant name": '{"id":"x","goods":{"oil":{}},"' + "n" * 60_000 + '":1}',
    "a giant good": '{"id":"x","goods":{"' + "g" * 60_000 + '":{}}}',
    "5 000 goods": json.dumps({"id": "x", "goods": {f"g{number}": {} for number in range(5_000)}}),
    "10 000 wrong fields": json.dumps({"id": "x", "goods": {}, **{f"f{number}": 1 for number in range(5_000)}}),
    "1 001 news": json.dumps({"id": "x", "goods": {"oil": {}}, "news": [{"at_s": 1, "text": "t"}] * 1_001}),
    "no goods": '{"id":"x","goods":{}}',
    "the id of a path": '{"id":"../x","goods":{"oil":{}}}',
}

VALUES: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        -1,
        10**30,
        1.5,
        -0.0,
        "",
        "x",
        "\ud800",
        "\0",
        [],
        [[]],
        {},
        {"a": 1},
        [1],
        [None],
        [{}],
        {"": {}},
    ),
)

HOUSE = ("anchor", "spread", "step", "levels", "size", "stock", "cash", "target", "slope", "tick_s", "drift_bps")


def hostile_definitions() -> list[str | bytes]:
    """Bodies for ``POST /v1/games``, each of which must be a 400: every field with every wrong value."""
    proper: dict[str, Any] = {"id": "x", "goods": {"oil": {"endowment": 1}}}
    found: list[Any] = [
        {**proper, name: value}
        for name in ("id", "title", "cash", "fee_bps", "open_orders", "max_players", "goods", "rounds", "news")
        for value in VALUES
        if (name, value)
        not in (
            ("title", ""),
            ("title", "x"),
            ("title", "\0"),
            ("rounds", None),
            ("news", []),
            ("id", "x"),
            ("max_players", None),
        )
    ]
    found += [{**proper, "goods": {"oil": {"endowment": value}}} for value in VALUES]
    found += [{**proper, "goods": {"oil": {"house": value}}} for value in VALUES if value is not None]
    found += [
        {**proper, "goods": {"oil": {"house": {"anchor": 5, name: value}}}}
        for name in HOUSE
        for value in (*VALUES, 10**16)
    ]
    found += [{**proper, "rounds": {"open_s": 5, "lobby_s": value}} for value in VALUES]
    found += [{**proper, "news": [{"at_s": 1, "text": "t", "anchor_bps": value}]} for value in VALUES]
    return [*BODIES.values(), *map(json.dumps, found)]


def hostile_bodies(port: int, chance: random.Random, most: int = 150) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=HOST, timeout=15) as client:
        bodies = hostile_definitions()
        for body in [*BODIES.values(), *chance.sample(bodies, min(most, len(bodies)))]:
            answer = client.post("/v1/games", content=body)
            assert answer.status_code in (400, 413), (body[:200], answer.status_code, answer.text)
            assert answer.json()["error"]["code"] in ("bad_request", "too_large"), body[:200]
        for call in ("phase", "news", "roster"):
            for body in BODIES.values():
                answer = client.post(f"/v1/games/bazaar/{call}", content=body)
                assert answer.status_code in (400, 413), (call, body[:200], answer.status_code, answer.text)


def hostile_parts_of_paths(port: int, chance: random.Random) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=HOST, timeout=15) as client:
        for part in PARTS:
            for method, path in (
                ("GET", f"/v1/games/{part}"),
                ("GET", f"/v1/games/{part}/log"),
                ("DELETE", f"/v1/games/{part}"),
                ("DELETE", f"/v1/players/{part}"),
            ):
                answer = client.request(method, path)
                assert answer.status_code in (400, 404, 405), (method, part[:50], answer.status_code, answer.text)
                assert answer.json()["error"]["definite"] is True


def wrong_tokens(port: int, chance: random.Random) -> None:
    values = (
        "Bearer",
        "Bearer ",
        f"bearer {ADMIN_TOKEN}x",
        f"Basic {ADMIN_TOKEN}",
        "Bearer \xe4\xff",
        "Bearer " + "x" * 8_000,
    )
    for value in values:
        with Raw(port) as connection:
            head = f"DELETE /v1/games/bazaar HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: {value}{END}"
            connection.send(head.encode("latin-1"))
            assert statuses(connection.until_closed()) in ([401], [429]), value[:40]


KINDS: tuple[Kind, ...] = (hostile_bodies, hostile_parts_of_paths, wrong_tokens)
