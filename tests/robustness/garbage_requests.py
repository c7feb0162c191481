"""Garbage in proper frames: what is no request, requests of the wrong form, in the wrong order, and far too many."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import structs

from tests.robustness.garbage_frames import Kind, leave
from tests.support.raw import DEADLINE_S, PONG, Raw, ask, frame, text
from tradegame.protocol.requests import REQUESTS

NOT_REQUESTS: dict[str, str] = {
    "nothing": "",
    "spaces": "   ",
    "a NUL": "\0",
    "a byte order mark": '\ufeff{"op":"ping"}',
    "a NUL behind": '{"op":"ping"}\0',
    "a string": '"ping"',
    "a number": "7",
    "null": "null",
    "true": "true",
    "NaN": "NaN",
    "an array": '["op","ping"]',
    "an array of a request": '[{"op":"ping"}]',
    "two objects": '{"op":"ping"}{"op":"ping"}',
    "a torn object": '{"op":"ping"',
    "a comma too many": '{"op":"ping",}',
    "single quotes": "{'op':'ping'}",
    "a comment": '{"op":"ping"}//',
    "no op": "{}",
    "an op that is null": '{"op":null}',
    "an op of the wrong name": '{"OP":"ping"}',
    "nested arrays": "[" * 16_000,
    "nested objects": '{"a":' * 3_200,
    "closed nested arrays": "[" * 8_000 + "]" * 8_000,
    "a nested field": '{"op":"ping","x":' + "[" * 8_000 + "]" * 8_000 + "}",
    "a huge integer": '{"op":"ping","x":' + "9" * 5_000 + "}",
    "a huge id": '{"op":"ping","id":' + "9" * 5_000 + "}",
    "an id over 64 bits": '{"op":"ping","id":18446744073709551616}',
    "an id that is infinite": '{"op":"ping","id":1e999}',
    "an id that is NaN": '{"op":"ping","id":NaN}',
    "an id that is an array": '{"op":"ping","id":[1]}',
    "an id that is half a character": '{"op":"ping","id":"\\udc80"}',
    "an escape that is none": '{"op":"\\x70ing"}',
    "a torn escape": '{"op":"\\u12"}',
    "a newline in a string": '{"op":"pi\nng"}',
    "a giant string": '{"op":"ping","x":"' + "x" * 16_000,
}
"""Frames that are no request at all: each is answered with ``id: null``."""

ODD_OPS: tuple[Any, ...] = (
    *(
        "",
        " ",
        "PING",
        "ping ",
        "__class__",
        "hello\0",
        "\ud800",
        "op" * 8_000,
        "../../etc",
        "\N{GREEK SMALL LETTER PI}",
    ),
    *(0, -1, 1.5, True, False, 10**300, [], ["ping"], {}, {"op": "ping"}, [[[]]] * 100),
)

WRONG_FOR_ALL: tuple[Any, ...] = (
    *(
        None,
        [],
        [1],
        {},
        {"a": 1},
        [[[[]]]],
        1.5,
        1e300,
        -0.0,
        "\ud800",
        "x" * 600,
        "\0" * 600,
        2**64,
        -(2**63),
        10**4_000,
    ),
    *([["bazaar"]], {"game": "bazaar"}, -1),
)
"""Values that no field takes, but for an object where one is meant."""

WRONG: dict[str, tuple[Any, ...]] = {
    "count": ("1", "", "x", True, False, 0, 1.0, 10**9 + 1, 2**31 * 2, "0x1", "1e3"),
    "counted": ("1", "", "x", True, False, 1.0, 2**63, "0x1", "1e3"),
    "id": ("", "BAZAAR", "bazaar ", "bazaar\n", "../bazaar", "b" * 33, "-a", "bazaar\0", "b\u00e4zaar", 1, True),
    "opaque": ("", "k" * 65, 1, True, False, 0),
    "text": ("", "x" * 501, "a\0b", "\x1b[2J", 1, True, 0),
    "name": (
        "",
        "n" * 33,
        "\n",
        "a\0b",
        "   ",
        "\u2028",
        "a\ud800",
        "\x7f",
        "\u0085",
        "\u202eann",
        " ann",
        "house",
        "Robot 1",
        1,
        True,
    ),
    "token": ("", "t" * 257, 1, True),
    "client": ("c" * 201, 1, True),
    "side": ("", "BID", "bid ", "buy", 1, True, "bids"),
    "by": ("", "ROUND", "score", 1, True),
    "answers": (0, True, "", "0", {"0": 1}, [0] * 11),
    "flag": (0, 1, "true", "", "false", "x"),
    "code": ("", "c" * 7, "c" * 17, 1, True),
    "seat": (1, "", True, "x", {"game": "bazaar"}, {"number": "1"}, {"game": "BAZAAR", "number": "1"}),
    "after": (1, "", True, "x", [["epoch", "e"], ["seq", 1]], {"epoch": "e"}, {"seq": 1}, {"epoch": 1, "seq": 1}),
}

FIELDS: dict[str, tuple[str, Any]] = {
    "name": ("name", "ann"),
    "token": ("token", "t"),
    "client": ("client", "c"),
    "code": ("code", "BCDFGHJK"),
    "seat": ("seat", {"game": "bazaar", "number": "1"}),
    "robot": ("flag", True),
    "game": ("id", "bazaar"),
    "spectate": ("flag", True),
    "cancel_on_disconnect": ("flag", True),
    "after": ("after", {"epoch": "e", "seq": 0}),
    "key": ("opaque", "k"),
    "since": ("counted", 0),
    "epoch": ("opaque", "e"),
    "good": ("id", "grain"),
    "qty": ("count", 1),
    "limit": ("count", 5),
    "by": ("by", "total"),
    "fill_or_kill": ("flag", True),
    "post_only": ("flag", True),
    "price": ("count", 5),
    "depth": ("count", 5),
    "side": ("side", "bid"),
    "order": ("opaque", "o1"),
    "text": ("text", "psst"),
    "to": ("opaque", "p-1"),
    "answers": ("answers", [0, 1]),
}
"""Every field of a request: the kind of value it takes, and one that it would take."""

_MADE = {
    op: [field for field in structs.fields(request) if field.name not in ("id", "player", "by_robot")]
    for op, request in REQUESTS.items()
}
FORMS = {op: tuple((field.name, *FIELDS[field.name]) for field in fields) for op, fields in _MADE.items()}
"""Every op, its fields, the kind of value each takes, and one that it would take."""

MUST = {(op, field.name) for op, fields in _MADE.items() for field in fields if field.required or field.name == "game"}


def malformed_requests() -> Iterator[tuple[dict[str, Any], str]]:
    """Every op with every field wrong in every way: the request, and the path that the answer must name."""
    for op, form in FORMS.items():
        proper = {"op": op, **{name: value for name, _, value in form}}
        if REQUESTS[op].one_of:
            yield {name: value for name, value in proper.items() if name not in REQUESTS[op].one_of}, "$.qty"
        yield {**proper, "what": 1}, "$.what"
        yield {**proper, "": 1}, "$."
        yield {**proper, "\ud800": 1}, "$.?"
        yield {**proper, "x" * 500: None}, "$." + "x" * 64
        for name, kind, _ in form:
            if (op, name) in MUST:
                yield {field: value for field, value in proper.items() if field != name}, f"$.{name}"
            for value in (*WRONG_FOR_ALL, *WRONG[kind]):
                if kind == "answers" and value in ([], [1]):
                    continue
                yield {**proper, name: value}, f"$.{name}"


def ask_malformed(port: int, requests: Sequence[tuple[dict[str, Any], str]]) -> None:
    """Fails unless each is a ``bad_request`` that says where. Proper ones go between: 20 in a row are too many.

    A proper one may be refused for the rate, and counts all the same. Each connection may have so many refused before
    it is read slowly.
    """
    for begin in range(0, len(requests), 200):
        with Raw.upgraded(port) as connection:
            for number, (request, at) in enumerate(requests[begin : begin + 200]):
                connection.send(text(json.dumps({"id": number, **request})) + text('{"id":"between","op":"ping"}'))
                answer = connection.reply()
                assert "error" in answer, (request, answer)
                error = answer["error"]
                where = error.get("at", "")
                assert (answer["id"], error["code"]) == (number, "bad_request"), (request, answer)
                assert where == at or where.startswith((f"{at}.", f"{at}[")), (request, answer)
                assert connection.reply()["id"] == "between"


def what_is_no_request(port: int, chance: random.Random) -> None:
    for name in chance.sample(list(NOT_REQUESTS), len(NOT_REQUESTS)):
        with Raw.upgraded(port) as connection:
            connection.send(text(NOT_REQUESTS[name]) + ask("ping", id="after"))
            error = connection.reply()
            assert (error["id"], error["error"]["code"]) == (None, "bad_request"), (name, error)
            assert connection.reply()["ok"]["at"] > 0, name


def odd_ops(port: int, chance: random.Random) -> None:
    for op in ODD_OPS:
        with Raw.upgraded(port) as connection:
            connection.send(text(json.dumps({"id": 1, "op": op})))
            assert connection.reply()["error"]["code"] == "unknown_op", op


def nesting_to_every_depth(port: int, chance: random.Random) -> None:
    """There is a depth at which reading still works and repeating what was read no longer does."""
    with Raw.upgraded(port) as connection:
        for depth in range(chance.randrange(7) + 1, 1_100, 7):
            for opening, closing in (("[", "]"), ('{"a":', "}")):
                if opening == "[" or depth * 6 < 16_000:
                    nested = f"{opening * depth}0{closing * depth}"
                    connection.send(text(f'{{"id":1,"op":{nested}}}') + text('{"op":"ping","id":2}'))
                    assert connection.reply()["error"]["code"] in ("unknown_op", "bad_request"), depth
                    assert "ok" in connection.reply(), depth


def twenty_bad_ones_in_a_row(port: int, chance: random.Random) -> None:
    with Raw.upgraded(port) as connection:
        connection.send(ask("hello") * chance.randrange(2) + text(chance.choice(list(NOT_REQUESTS.values()))) * 25)
        assert connection.end()[0] == 4500


def malformed_requests_at_random(port: int, chance: random.Random) -> None:
    requests = list(malformed_requests())
    ask_malformed(port, chance.sample(requests, 150))


def duplicate_names(port: int, chance: random.Random) -> None:
    """The last of them counts, as everywhere in Python; what matters is that exactly one does."""
    with Raw.upgraded(port) as connection:
        connection.send(text('{"id":1,"id":2,"op":"games","op":"ping"}'))
        answer = connection.reply()
        assert (answer["id"], set(answer["ok"])) == (2, {"at"})
        connection.send(text('{"id":3,"op":"ping","op":"' + "x" * 9_000 + '"}'))
        assert connection.reply()["error"]["code"] == "unknown_op"


def the_wrong_order(port: int, chance: random.Random) -> None:
    with Raw.upgraded(port) as connection:
        for op, form in FORMS.items():
            if op not in ("hello", "ping"):
                connection.send(ask(op, id=op, **{name: value for name, _, value in form}))
                assert connection.reply()["error"]["code"] == "not_authenticated", op
        # One hello after another, before the first is answered.
        connection.send(b"".join(ask("hello", id=number, name="twice") for number in range(5)))
        answers = [connection.reply() for _ in range(5)]
        assert ["ok" in answer for answer in answers] == [True, False, False, False, False]
        connection.send(ask("leave", id=1, game="bazaar") * 2 + ask("me", id=2, game="bazaar"))
        assert [set(connection.reply()) for _ in range(3)] == [{"id", "ok"}, {"id", "ok"}, {"id", "error"}]


def strange_names_and_tokens(port: int, chance: random.Random) -> None:
    scripts = ("'; DROP TABLE players; --", "<script>", "%s%n", "{}")
    for name in ("a\u0300" * 16, "\U0001f600" * 32, *scripts):
        with Raw.upgraded(port) as connection:
            connection.send(ask("hello", id=1, name=name))
            assert connection.reply()["ok"]["player"]["name"] == name
    with Raw.upgraded(port) as connection:
        for token in ("x", "/", "../sessions", "\0", "\U0001f600" * 256, "%2e", " " * 256):
            connection.send(ask("hello", id=1, token=token))
            assert connection.reply()["error"]["code"] == "unauthorized", token


def requests_whose_answers_nobody_reads(port: int, chance: random.Random) -> None:
    with Raw.upgraded(port, receive_buffer=4_096) as connection:
        connection.send(ask("hello", name="deaf") + ask("join", game="bazaar", spectate=True))
        connection.pour(ask("standings", id="x" * 64, game="bazaar", limit=100) * 20_000, 1.5)
        connection.reset() if chance.random() < 0.5 else connection.close()


def one_who_never_reads(port: int, chance: random.Random) -> None:
    """Asks for more than all buffers hold: the server must let go, which shows in that nothing can be sent any more."""
    with Raw.upgraded(port, receive_buffer=4_096) as connection:
        connection.send(ask("hello", name="deaf"))
        connection.pour(ask("join", id="j" * 64, game="bazaar", spectate=True) * 900, 2)
        end = time.monotonic() + DEADLINE_S
        while connection.send(frame(PONG)):
            assert time.monotonic() < end, "it is still served"
            time.sleep(0.02)


def requests_in_tiny_pieces(port: int, chance: random.Random) -> None:
    with Raw.upgraded(port) as connection:
        for byte in ask("ping", id=1) * 3:
            connection.send(bytes([byte]))
        assert all("ok" in connection.reply() for _ in range(3))


def joins_and_leaves(port: int, chance: random.Random, count: int = 200) -> None:
    with Raw.upgraded(port) as connection:
        connection.send(ask("hello", name="restless"))
        for _ in range(count // 5):  # more whole states at once would be more than an outbox holds
            batch = ask("join", id=1, game="bazaar", spectate=True) + ask("leave", id=2, game="bazaar")
            connection.send(batch * 5)
            for _ in range(10):
                assert set(connection.reply()) in ({"id", "ok"}, {"id", "error"})
        leave(connection, chance)


def players_who_leave_in_the_middle_of_an_answer(port: int, chance: random.Random) -> None:
    for _ in range(30):
        connection = Raw.upgraded(port)
        connection.send(ask("hello", id=1, name="hasty") + ask("join", id=2, game="bazaar", spectate=True) * 10)
        if chance.random() < 0.5:
            connection.receive(chance.randrange(1, 300))
        leave(connection, chance)


def commands_of_someone_who_has_gone(port: int, chance: random.Random) -> None:
    """Taken in, and nobody left to answer."""
    for _ in range(5):
        connection = Raw.upgraded(port)
        buys = ask("buy", id=3, game="bazaar", good="grain", qty=1) * 40
        connection.send(ask("hello", id=1, name="gone") + ask("join", id=2, game="bazaar") + buys)
        connection.reset() if chance.random() < 0.5 else connection.close()


KINDS: tuple[Kind, ...] = (
    what_is_no_request,
    odd_ops,
    nesting_to_every_depth,
    twenty_bad_ones_in_a_row,
    malformed_requests_at_random,
    duplicate_names,
    the_wrong_order,
    strange_names_and_tokens,
    requests_whose_answers_nobody_reads,
    one_who_never_reads,
    requests_in_tiny_pieces,
    joins_and_leaves,
    players_who_leave_in_the_middle_of_an_answer,
    commands_of_someone_who_has_gone,
)
