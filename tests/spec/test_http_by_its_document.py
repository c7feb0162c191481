"""schemathesis asks the server, over HTTP, what its OpenAPI document allows and forbids, and holds it to its answers.

All checks are on, and the document is the strict one: a field that it does not name is an error too. A longer run, with
a seed of its own: ``make fuzz EXAMPLES=1000``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.spec.lively import GROUPED, LIVELY, WEBSOCKET
from tests.support.player import Player
from tests.support.process import REPOSITORY
from tests.support.schemas import Checker, closed
from tests.support.server import ADMIN_TOKEN, BAZAAR, ServerThread
from tradegame.controller.spec import openapi
from tradegame.core.admission import budgets

EXAMPLES = os.environ.get("TRADEGAME_TEST_EXAMPLES", "25")
SEED = os.environ.get("TRADEGAME_TEST_SEED", "1")
TIMEOUT_S = 30.0
DEADLINE_S = 60 + int(EXAMPLES) * 5
HOST = {"Authorization": f"Bearer {ADMIN_TOKEN}"}

GAME = {
    "id": LIVELY,
    "title": "A market with everything",
    "goods": {
        "wheat": {},
        "grain": BAZAAR["goods"]["grain"],
        "oil": {"endowment": 5, "settlement": {"values": [10, 20, 30], "hints_at_s": [0]}},
    },
    "private_values": {"good": "wheat", "values": [[60, 58]], "costs": [[52, 50]]},
    "rounds": {"lobby_s": 0, "open_s": 3_600, "closed_s": 3_600, "repeat": 0},
    "news": [{"at_s": 0, "text": "it begins"}, {"at_s": 3_000, "text": "it ends"}],
}


@pytest.fixture
def server() -> ServerThread:
    return ServerThread(
        "memory:", games=[GAME, BAZAAR, {**BAZAAR, "id": GROUPED, "groups": ["A", "B"]}], flags={"log.level": "error"}
    )


def play(server: ServerThread) -> None:
    """A round of the lively game, to its end, and the beginning of the next."""
    with Player(server.url, "ann") as ann, Player(server.url, "bob") as bob:
        for player in (ann, bob):
            player.ask("join", game=LIVELY)
        for _ in range(2):
            bob.ask("order", game=LIVELY, good="wheat", side="ask", qty=2, price=55)
            ann.ask("buy", game=LIVELY, good="wheat", qty=1)
            ann.ask("buy", game=LIVELY, good="grain", qty=2)
            bob.ask("order", game=LIVELY, good="oil", side="ask", qty=2, price=15)
            ann.ask("say", game=LIVELY, text="a fine day")
            for phase in ("closed", "open"):
                url = f"{server.http}/v1/games/{LIVELY}/phase"
                httpx.post(url, json={"phase": phase}, headers=HOST, timeout=TIMEOUT_S).raise_for_status()


def test_the_document_describes_what_a_lively_game_answers(server: ServerThread) -> None:
    checker = Checker(closed(openapi()))
    with server:
        play(server)
        for path, name in {
            "/v1/games": "Games",
            f"/v1/games/{LIVELY}": "GameState",
            f"/v1/games/{LIVELY}/standings": "Standings",
            f"/v1/games/{LIVELY}/debrief": "Debrief",
            "/v1/presets": "Presets",
            "/v1/health": "Vitals",
        }.items():
            answer = httpx.get(server.http + path, timeout=TIMEOUT_S).raise_for_status().json()
            assert checker.problem(f"components/schemas/{name}", answer) is None, path
        url = f"{server.http}/v1/games/{LIVELY}/debrief"
        debrief = httpx.get(url, headers=HOST, timeout=TIMEOUT_S).json()
        assert checker.problem("components/schemas/Debrief", debrief) is None
        coming = httpx.get(f"{server.http}/v1/games/{LIVELY}/news", headers=HOST, timeout=TIMEOUT_S).json()
        assert checker.problem("components/schemas/Coming", coming) is None
        assert coming["news"]
        assert debrief["rounds"][0]["goods"]["wheat"]["equilibrium"]
        assert debrief["rounds"][0]["goods"]["oil"]["settled"]


@pytest.mark.slow
def test_the_server_answers_everything_as_its_document_says(
    server: ServerThread, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budgets, "GUESSES_BURST", 100_000)  # each operation is tried with wrong tokens, and wants 401
    document = tmp_path / "openapi.json"
    document.write_text(json.dumps(closed(openapi())))
    with server:
        play(server)
        order = [
            *("run", str(document), "--url", server.http, "--checks", "all", "--mode", "all"),
            *("-H", f"Authorization: Bearer {ADMIN_TOKEN}", "--max-examples", EXAMPLES, "--continue-on-failure"),
            *(("--seed", SEED) if SEED else ()),
        ]
        done = subprocess.run(
            [Path(sys.executable).with_name("st"), "--no-color", *order],
            cwd=tmp_path,
            env={
                **os.environ,
                "PYTHONPATH": str(REPOSITORY),
                "SCHEMATHESIS_HOOKS": "tests.spec.fuzzing_hooks",
                WEBSOCKET: server.url,
            },
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
        )
        print(done.stdout[-20_000:])
        assert done.returncode == 0, done.stderr[-2_000:]
        vitals = httpx.get(f"{server.http}/v1/health", timeout=TIMEOUT_S).json()
        assert (vitals["ready"], vitals["audit_problems"]) == (True, 0)
