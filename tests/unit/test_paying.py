"""A long answer over HTTP is paid by its length, however it is sent."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from starlette.requests import Request
from starlette.responses import Response

from tradegame.controller.http.paying import Till
from tradegame.controller.http.pieces import InPieces
from tradegame.core.admission.budgets import ANSWER_BYTES

LONG = b"x" * (3 * ANSWER_BYTES)


@pytest.mark.parametrize(
    ("response", "units"),
    [
        (Response(LONG), [3.0]),
        (InPieces([LONG[:ANSWER_BYTES], LONG[ANSWER_BYTES:]]), [3.0]),
        (Response(b"short"), []),
        (Response(status_code=304), []),
    ],
)
def test_an_answer_is_charged_by_its_length(response: Response, units: list[float]) -> None:
    charged: list[float] = []
    budgets = SimpleNamespace(http_answer=lambda connection, address, cost: charged.append(cost))
    token = SimpleNamespace(is_right=lambda request: False)
    till = Till(lambda: cast("Any", budgets), lambda: cast("Any", token))
    request = Request({"type": "http", "client": ("192.0.2.7", 1), "headers": []})
    assert till.charge(request, response) is response
    assert charged == units
