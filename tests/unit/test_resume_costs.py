"""What a resume sends again is paid for, by frames and by bytes, before anything else of the player is done."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from tradegame.core.admission.budgets import ANSWER_BYTES, MISSED_FRAMES
from tradegame.core.domain.events import Frame
from tradegame.core.games.history import FrameHistory
from tradegame.core.use_cases.join_game import JoinGameUseCase
from tradegame.protocol.pushes import Said
from tradegame.protocol.requests import JoinRequest

FRAMES = 200
BYTES = 60_000


@pytest.mark.parametrize(
    ("after", "costs"),
    [
        ({"epoch": "e", "seq": 0}, FRAMES / MISSED_FRAMES + FRAMES * BYTES / ANSWER_BYTES),
        ({"epoch": "e", "seq": FRAMES - 1}, 1 / MISSED_FRAMES + BYTES / ANSWER_BYTES),
        ({"epoch": "e", "seq": FRAMES}, 0),
        ({"epoch": "another", "seq": 0}, None),
        ({"epoch": "e", "seq": FRAMES + 1}, None),
        (None, None),
    ],
)
def test_a_resume_is_paid_for_by_frames_and_bytes_at_once(
    monkeypatch: pytest.MonkeyPatch, after: Any, costs: float | None
) -> None:
    """Paid by frames alone, and only when they were sent, eight connections of one account drew 90 MB/s."""
    history = FrameHistory()
    for seq in range(1, FRAMES + 1):
        history.append(Frame(seq, 0, (Said("p", "x"),))).wire = bytes(BYTES)
    state = SimpleNamespace(seq=FRAMES, epoch="e")
    host = SimpleNamespace(game=SimpleNamespace(state=state), history=history)
    charged: list[float] = []
    monkeypatch.setattr(JoinGameUseCase, "_route", lambda *_: None)
    joining = JoinGameUseCase(cast("Any", SimpleNamespace(host=lambda game: host)), *cast("Any", (None, None, None)))
    request = JoinRequest(id=1, game="g", after=None if after is None else cast("Any", SimpleNamespace(**after)))
    joining.join(cast("Any", SimpleNamespace(charge=charged.append)), request, lambda answer: None)
    assert charged == ([] if costs is None else [pytest.approx(costs)])
