"""What a host asks of the server without the page."""

from __future__ import annotations

from typing import Any

import httpx

from tests.support.process import ServerProcess
from tests.support.server import ADMIN_TOKEN


def ask(server: ServerProcess, method: str, path: str, body: Any = None) -> Any:
    """An HTTP call with the admin token; its answer, which must be a good one."""
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    answer = httpx.request(method, f"{server.http}/v1{path}", json=body, headers=headers, timeout=30)
    return answer.raise_for_status().json()


def turn(server: ServerProcess, phase: str, game: str = "bazaar") -> None:
    ask(server, "POST", f"/games/{game}/phase", {"phase": phase})
