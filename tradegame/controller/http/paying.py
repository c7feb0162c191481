"""What HTTP requests cost, and how their address pays for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import trio
from attrs import frozen
from starlette.requests import Request
from starlette.responses import Response

from tradegame.controller.http.host_token import HostToken
from tradegame.controller.http.invitations import CODES
from tradegame.core.admission.budgets import ANSWER_BYTES, Budgets, payer_of
from tradegame.protocol.errors import RateLimitedError

API = 5.0
"""A request's cost in units, where the table below has none: Hypercorn takes half a millisecond for it."""
PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
"""What watches over the node asks these. From the machine itself they are free."""
COSTS: Mapping[str, float] = {
    "/healthz": 1.0,
    "/readyz": 1.0,
    "/metrics": 10.0,
}
FILES = frozenset(
    {"/", CODES, "/watch/{game}", "/host", "/report/{game}", "/tradegame.js", "/tradegame.d.ts", "/favicon.ico"}
)
FILE = 3.0
PATIENCE_S = 1.0
FILE_PATIENCE_S = 10.0
"""So long a request is delayed before it is refused. A page that misses one of its files is no page: so that waits."""


@frozen
class Till:
    """Where a request is paid. The host's token pays for everything; a wrong one costs something itself."""

    budgets: Callable[[], Budgets]
    host_token: Callable[[], HostToken]

    async def pay(self, request: Request, path: str) -> None:
        """``path`` is the route's. Raises RateLimitedError."""
        address, connection = _from(request)
        await self.host_token().look(request)
        if self.host_token().is_right(request) or (path in PROBES and _is_loopback(address)):
            return
        is_file = path in FILES or path.startswith("/static/")
        cost = FILE if is_file else COSTS.get(path, API)
        await self._take(address, connection, cost, FILE_PATIENCE_S if is_file else PATIENCE_S)

    async def pay_more(self, request: Request, cost: float) -> None:
        """For what turns out to be dear. Raises RateLimitedError."""
        if not self.host_token().is_right(request):
            await self._take(*_from(request), cost, PATIENCE_S)

    async def _take(self, address: str, connection: str, cost: float, patience_s: float) -> None:
        deadline = trio.current_time() + patience_s
        while True:
            try:
                self.budgets().http(connection, address, cost)
            except RateLimitedError as error:
                wait_s = (error.retry_after_ms or 0) / 1000
                if trio.current_time() + wait_s > deadline:
                    raise
                await trio.sleep(wait_s)
            else:
                return

    def charge(self, request: Request, response: Response) -> Response:
        """The length of an answer, once it is known."""
        size = int(response.headers.get("content-length", 0))
        if size >= ANSWER_BYTES and not self.host_token().is_right(request):
            address, connection = _from(request)
            self.budgets().http_answer(connection, address, size / ANSWER_BYTES)
        return response


def _from(request: Request) -> tuple[str, str]:
    """Who pays, and by what connection."""
    client = request.client
    if client is None:
        return "", ""
    address = payer_of(client.host)
    return address, f"{address}#{client.port}"


def _is_loopback(address: str) -> bool:
    return address.startswith("127.") or address == payer_of("::1")
