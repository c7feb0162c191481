"""The error codes of the protocol, as a small class family.

Each class has its ``code`` and says by ``definite`` whether it is certain that nothing happened.
The HTTP status of each code stands here too, so that one table holds all that is said of a code.
"""

from __future__ import annotations

from typing import ClassVar


class TradeGameError(Exception):
    """The base. ``message`` is for a person, ``at`` says where in a request, ``retry_after_ms`` when to come again."""

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    definite: ClassVar[bool] = True

    def __init__(self, message: str, *, at: str | None = None, retry_after_ms: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.at = at
        self.retry_after_ms = retry_after_ms


class BadRequestError(TradeGameError):
    code, status = "bad_request", 400


class NotAuthenticatedError(TradeGameError):
    code, status = "not_authenticated", 401


class UnauthorizedError(TradeGameError):
    code, status = "unauthorized", 401


class RateLimitedError(TradeGameError):
    code, status = "rate_limited", 429


class OverloadedError(TradeGameError):
    code, status = "overloaded", 503


class UnavailableError(TradeGameError):
    code, status, definite = "unavailable", 503, False


class CommandTimeoutError(TradeGameError):
    code, status, definite = "timeout", 504, False


class InternalError(TradeGameError):
    code, status, definite = "internal", 500, False


class UnknownOpError(TradeGameError):
    code, status = "unknown_op", 404


class UnknownGameError(TradeGameError):
    code, status = "unknown_game", 404


class RuleError(TradeGameError):
    """What the rules of a game answer. Remembered with a command's ``key``, like every outcome of the game."""

    status = 409


class UnknownGoodError(RuleError):
    code, status = "unknown_good", 404


class UnknownPlayerError(RuleError):
    code, status = "unknown_player", 404


class UnknownOrderError(RuleError):
    code, status = "unknown_order", 404


class NotJoinedError(RuleError):
    code = "not_joined"


class NotOpenError(RuleError):
    code = "not_open"


class InsufficientCashError(RuleError):
    code = "insufficient_cash"


class InsufficientGoodsError(RuleError):
    code = "insufficient_goods"


class NoLiquidityError(RuleError):
    code = "no_liquidity"


class TooManyOrdersError(RuleError):
    code = "too_many_orders"


class KeyReusedError(RuleError):
    code = "key_reused"


RULE_ERRORS: dict[str, type[RuleError]] = {
    error.code: error
    for error in (
        UnknownGoodError,
        UnknownPlayerError,
        UnknownOrderError,
        NotJoinedError,
        NotOpenError,
        InsufficientCashError,
        InsufficientGoodsError,
        NoLiquidityError,
        TooManyOrdersError,
        KeyReusedError,
    )
}
"""Every rule's error, by its code."""
