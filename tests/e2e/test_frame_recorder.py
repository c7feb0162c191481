"""The recorder that every end-to-end test is under finds a wrong frame, wherever it is wrong."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from msgspec import to_builtins

from tests.support.frame_recorder import FrameRecorder
from tests.support.node import VIOLATIONS
from tests.support.player import Player
from tests.support.process import ServerProcess
from tests.support.schemas import Checker
from tests.support.server import BAZAAR, ServerThread
from tradegame.controller.spec.examples import EXAMPLES
from tradegame.controller.websocket import codec
from tradegame.core.domain import views

BUY_OK = {"filled": 3, "cost": 66, "fee": 0, "cash": 9934, "seq": 130}


def play(url: str) -> None:
    with Player(url) as ann:
        ann.ask("join", game="bazaar")
        ann.ask("buy", game="bazaar", good="grain", qty=1)
        ann.ask("say", game="bazaar", text="hello", key="k1")


def test_what_is_said_in_a_game_is_seen_and_is_as_published(recorder: FrameRecorder) -> None:
    with ServerThread("memory:") as server:
        play(server.url)
    assert recorder.seen >= 10
    assert recorder.violations == []


@pytest.mark.parametrize(
    ("frame", "op", "problem"),
    [
        ({"id": 7, "ok": BUY_OK}, "sell", 'sellOk: $.ok: "proceeds" is a required property'),
        ({"id": 7, "ok": {**BUY_OK, "tip": 1}}, "buy", "buyOk: $.ok: Additional properties are not allowed ('tip'"),
        ({"id": 7, "ok": {**BUY_OK, "fee": -1}}, "buy", "buyOk: $.ok.fee: -1 is less than the minimum of 0"),
        ({"id": 7, "ok": {}}, None, "NoneOk: no such message"),
        ({"id": 7, "error": {"code": "odd", "message": "", "definite": True}}, "buy", "error: $.error.code: "),
        (
            {"id": None, "error": {"code": "not_open", "message": "", "definite": False}},
            None,
            "error: $.error.definite: ",
        ),
        ({**EXAMPLES["push.events"], "seq": "1"}, None, "events: $.seq: "),
        ({**EXAMPLES["push.events"], "events": [{"type": "dance"}]}, None, "events: $.events[0]: "),
        (
            {**EXAMPLES["push.events"], "events": [{"type": "said", "player": "p", "text": 5}]},
            None,
            'events: $.events[0].text: 5 is not of type "string"',
        ),
        ({**EXAMPLES["push.gone"], "push": "going"}, None, "going: no such message"),
        ({"push": "gone", "game": "bazaar"}, None, 'gone: $: "epoch" is a required property'),
    ],
)
def test_a_wrong_frame_is_named_with_the_place_where_it_is_wrong(
    frame: dict[str, Any], op: str | None, problem: str
) -> None:
    recorder = FrameRecorder()
    recorder.sent(json.dumps(frame), op)
    [violation] = recorder.violations
    assert violation.startswith(problem), violation


@pytest.mark.parametrize(
    ("request_", "problem"),
    [
        ({"op": "buy", "game": "bazaar", "good": "grain", "qty": 0}, "buy: $.qty: 0 is less than the minimum of 1"),
        ({"op": "ping", "hurry": True}, "ping: $: Additional properties are not allowed"),
        ({"op": "leave"}, 'leave: $: "game" is a required property'),
    ],
)
def test_a_request_that_should_not_have_been_taken_is_named(request_: dict[str, Any], problem: str) -> None:
    recorder = FrameRecorder()
    recorder.taken(json.dumps(request_))
    [violation] = recorder.violations
    assert violation.startswith(problem), violation


def test_a_server_that_sends_more_than_is_published_is_found(
    recorder: FrameRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    encode = codec.encode_presence
    monkeypatch.setattr(
        codec,
        "encode_presence",
        lambda *arguments: encode(*arguments).replace(b'"offline"', b'"away":[],"offline"'),
    )
    with ServerThread("memory:") as server, Player(server.url) as ann:
        ann.ask("join", game="bazaar")
        ann.push(lambda push: push["push"] == "presence")
    assert any(found.startswith("presence: $: Additional properties") for found in recorder.take())


def test_a_server_that_sends_less_than_is_published_is_found(
    recorder: FrameRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = views.account

    def worthless(*arguments: Any) -> dict[str, Any]:
        return {name: value for name, value in to_builtins(account(*arguments)).items() if name != "worth"}

    monkeypatch.setattr(views, "account", worthless)
    with ServerThread("memory:") as server:
        play(server.url)
    found = "\n".join(recorder.take())
    assert 'joinOk: $.ok.me: "worth" is a required property' in found
    assert 'account: $.account: "worth" is a required property' in found


def test_requests_are_held_against_what_is_published_too(recorder: FrameRecorder) -> None:
    document = copy.deepcopy(recorder.checker.document)
    document["components"]["schemas"]["Say"]["properties"]["text"]["minLength"] = 6
    recorder.checker = Checker(document)
    with ServerThread("memory:") as server:
        play(server.url)
    [found] = recorder.take()
    assert found.startswith('say: $.text: "hello" is shorter than 6 characters'), found


def test_a_server_in_a_process_of_its_own_is_recorded_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = tmp_path / "found"
    monkeypatch.setenv(VIOLATIONS, str(found))
    server = ServerProcess("memory:", tmp_path, games=[BAZAAR])
    server.clock_offset_s = -4_000_000_000  # before 1970, which no published time is
    with server, Player(server.url) as ann:
        ann.ask("ping")
    assert "pingOk: $.ok.at: -" in found.read_text()
