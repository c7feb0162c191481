"""docs/protocol.md and the classes that the documents are made of say the same."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
import pytest
from msgspec import Struct

from tests.spec.page import Page, codes, words
from tradegame.controller.spec import asyncapi, openapi
from tradegame.controller.spec.examples import EXAMPLES
from tradegame.protocol.closing import ABOUT as CLOSING
from tradegame.protocol.closing import COUNTED
from tradegame.protocol.errors import OVER_HTTP, OVER_WEBSOCKET, TradeGameError
from tradegame.protocol.ops import Request
from tradegame.protocol.pushes import EVENTS, PUSHES
from tradegame.protocol.requests import REQUESTS, After, NumberedSeat

PAGE = Page.read()
INNER = {"after": After, "seat": NumberedSeat}
"""Fields of requests that have fields of their own."""


def named(kind: type[Struct]) -> set[str]:
    return (
        set(kind.__struct_encode_fields__) - {"id", "player", "by_robot"}
        if issubclass(kind, Request)
        else set(kind.__struct_encode_fields__)
    )


def optional(kind: type[Struct]) -> set[str]:
    """What may be left out."""
    return {field.name for field in msgspec.structs.fields(kind) if not field.required} & named(kind) - {"game"}


def test_every_op_and_every_field_of_a_request_is_on_the_page_and_no_other() -> None:
    rows = {codes(op)[0]: fields for op, fields, _ in PAGE.rows("op")}
    assert rows.keys() == REQUESTS.keys()
    for op, fields in rows.items():
        request = REQUESTS[op]
        may_be_left_out = optional(request)
        inner = {name for field, kind in INNER.items() if field in may_be_left_out for name in named(kind)}
        assert words(codes(fields)) == named(request) | inner, op
        assert words(re.findall(r"\[`([^`]+)`\]", fields)) == may_be_left_out | inner, op


def test_every_field_of_an_answer_is_somewhere_on_the_page() -> None:
    missing = {
        f"{name}.{field}"
        for name, schema in asyncapi()["components"]["schemas"].items()
        for field in schema.get("properties", ())
        if field not in PAGE.words
    }
    assert missing == set()


def test_every_error_code_is_on_the_page_with_what_is_certain_and_no_other() -> None:
    rows = {code: definite for cell, definite, _ in PAGE.rows("code") for code in codes(cell)}
    assert rows == {error.code: "yes" if error.definite else "**no**" for error in OVER_WEBSOCKET}
    others = PAGE.row("HTTP errors without a code above")
    assert {(code, int(status)) for code, status in re.findall(r"`(\w+)` \((\d{3})", others)} == {
        (error.code, error.status) for error in OVER_HTTP if error not in OVER_WEBSOCKET
    }


def test_no_error_is_left_out_of_the_documents() -> None:
    def all_below(kind: type[TradeGameError]) -> set[str]:
        below = (each for each in kind.__subclasses__() if each.__module__.startswith("tradegame."))
        return {kind.code}.union(*map(all_below, below))

    assert all_below(TradeGameError) == {error.code for error in (*OVER_HTTP, *OVER_WEBSOCKET)}


def test_every_event_is_on_the_page_with_its_fields_and_no_other() -> None:
    rows = {codes(kind)[0]: fields for kind, fields in PAGE.rows("event `type`")}
    assert rows.keys() == EVENTS.keys()
    for kind, fields in rows.items():
        always, sometimes = codes(fields)[0], re.findall(r"\[`(\w+)", fields)
        assert named(EVENTS[kind]) == words([always, *sometimes]), kind
        assert set(sometimes) == optional(EVENTS[kind]), kind


def test_every_push_is_on_the_page_and_no_other() -> None:
    assert set(re.findall(r'"push": ?"(\w+)"', PAGE.text)) == set(PUSHES)


def test_every_close_code_is_on_the_page_and_no_other() -> None:
    spoken_of = {int(code) for code in re.findall(r"(?<!\d)[14]\d{3}(?!\d)", PAGE.section("Connection"))}
    assert spoken_of - {4000, 4499, 4999} == CLOSING.keys()
    assert CLOSING.keys() <= COUNTED
    assert {code for code in COUNTED if code >= 4000} <= CLOSING.keys()


def test_every_http_operation_is_on_the_page_and_no_other() -> None:
    on_the_page = {
        (method, path.partition("?")[0]) for method, path in re.findall(r"`(GET|POST|PUT|DELETE) (/[^` ]*)`", PAGE.text)
    }
    documented = {(method.upper(), path) for path, methods in openapi()["paths"].items() for method in methods}
    assert on_the_page == documented


@pytest.mark.parametrize("name", ["buy", "buyOk", "error"])
def test_the_examples_are_those_of_the_page(name: str) -> None:
    frames: list[Any] = [
        json.loads(line[2:]) for line in PAGE.text.splitlines() if re.match(r"[→←] \{.*\}$", line) and "…" not in line
    ]
    assert EXAMPLES[name] in frames
