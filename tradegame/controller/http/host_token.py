"""The host's token: who has it is heard at once, whatever goes on; who guesses is slowed down, counted and logged."""

from __future__ import annotations

import hmac
from collections.abc import Callable

import structlog
import trio
from attrs import define, field
from starlette.requests import Request

from tradegame.core.admission.budgets import Budgets, payer_of
from tradegame.protocol.errors import RateLimitedError, UnauthorizedError

SLOW_S = 1.0
"""A wrong token beyond the budget of its address is answered so much later."""
SLOWED = 100
"""So many wait for that at once; the next ones are answered at once: they must not hold connections without end."""


@define(eq=False)
class HostToken:
    """``token`` is what the host's calls must bear. Whether a request has it is asked of every request that has one.

    **A right one never waits.** So it is the token's length alone that keeps a guess from being right; guesses are slow
    so that they cost little.
    """

    token: str
    budgets: Callable[[], Budgets]
    refused: dict[str, int] = field(factory=dict)
    """Counts wrong ones, as ``admin_token``."""
    _slowed: int = field(default=0, init=False)

    @property
    def pseudonym_key(self) -> bytes:
        """The key of pseudonyms in exports: they change when the token does."""
        return hmac.digest(self.token.encode(), b"pseudonyms", "sha256")

    @property
    def report_key(self) -> bytes:
        """The key of the links to players' reports: they change when the token does."""
        return hmac.digest(self.token.encode(), b"reports", "sha256")

    def is_right(self, request: Request) -> bool:
        """The request has the token."""
        given = _given(request)
        return bool(given and self.token) and hmac.compare_digest((given or "").encode(), self.token.encode())

    def require(self, request: Request) -> None:
        """Raises UnauthorizedError."""
        if not self.is_right(request):
            raise UnauthorizedError("the host's calls need the admin token")

    async def look(self, request: Request) -> None:
        """Charge a wrong token to its address. Raises RateLimitedError, after a while."""
        if _given(request) is None or self.is_right(request):
            return
        address = request.client.host if request.client else ""
        self.refused["admin_token"] = self.refused.get("admin_token", 0) + 1
        structlog.get_logger().warning("admin_token_wrong", address=address, path=request.url.path[:200])
        try:
            self.budgets().guess(payer_of(address))
        except RateLimitedError:
            if self._slowed < SLOWED:
                self._slowed += 1
                try:
                    await trio.sleep(SLOW_S)
                finally:
                    self._slowed -= 1
            raise


def _given(request: Request) -> str | None:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    return given.strip() if scheme.lower() == "bearer" else None
