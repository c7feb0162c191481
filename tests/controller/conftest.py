"""Both ways in which a WebSocket is read."""

from __future__ import annotations

import pytest

from tests.controller import wire


@pytest.fixture(params=[True, False], ids=["polled", "by itself"])
def either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What holds for a WebSocket of ``serving`` holds whether a poller reads for it or not."""
    monkeypatch.setattr(wire, "polled", request.param)
