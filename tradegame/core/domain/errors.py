"""The error codes of the protocol, as a small class family.

Each class has its ``code`` and says by ``definite`` whether it is certain that nothing happened.
The HTTP status of each code stands here too, so that one table holds all that is said of a code.
"""

from __future__ import annotations

from typing import ClassVar, Self


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
    """Not of the form that the protocol gives: ``at`` says where."""

    code, status = "bad_request", 400


class NotAuthenticatedError(TradeGameError):
    """Anything but ``hello`` and ``ping`` before ``hello``."""

    code, status = "not_authenticated", 401


class UnauthorizedError(TradeGameError):
    """A token that is unknown or expired."""

    code, status = "unauthorized", 401


class RateLimitedError(TradeGameError):
    """Too fast: it was not taken in. ``retry_after_ms`` says when to come again."""

    code, status = "rate_limited", 429


class OverloadedError(TradeGameError):
    """It was not taken in, for want of room. ``retry_after_ms`` says when to come again."""

    code, status = "overloaded", 503


class UnavailableError(TradeGameError):
    """The store did not answer in time, or this node cannot serve: nobody knows whether it happened."""

    code, status, definite = "unavailable", 503, False


class CommandTimeoutError(TradeGameError):
    """It took too long: nobody knows whether it happened."""

    code, status, definite = "timeout", 504, False


class InternalError(TradeGameError):
    """A fault of the server's, logged with the reference that the message carries."""

    code, status, definite = "internal", 500, False


class UnknownOpError(TradeGameError):
    """No such op."""

    code, status = "unknown_op", 404


class UnknownGameError(TradeGameError):
    """No such game."""

    code, status = "unknown_game", 404


class RuleError(TradeGameError):
    """What the rules of a game answer. Remembered with a command's ``key``, like every outcome of the game."""

    status = 409


class UnknownGoodError(RuleError):
    """No such good in this game."""

    code, status = "unknown_good", 404


class UnknownPlayerError(RuleError):
    """No such player."""

    code, status = "unknown_player", 404


class UnknownOrderError(RuleError):
    """No such open order of this player's."""

    code, status = "unknown_order", 404


class GameFullError(RuleError):
    """The game has as many accounts as it may. Watching it is still possible."""

    code = "game_full"

    @classmethod
    def of(cls, players: int) -> Self:
        """``players``: how many it has."""
        return cls(f"the game has {players} players, and takes no more")


class NotJoinedError(RuleError):
    """The player has no account in this game."""

    code = "not_joined"


class NotOpenError(RuleError):
    """The game's phase takes no orders."""

    code = "not_open"


class InsufficientCashError(RuleError):
    """Free cash does not cover it."""

    code = "insufficient_cash"


class InsufficientGoodsError(RuleError):
    """The free units do not cover it."""

    code = "insufficient_goods"


class NoLiquidityError(RuleError):
    """Nothing is on the other side at or within the limit."""

    code = "no_liquidity"


class TooManyOrdersError(RuleError):
    """The player's open orders reached the game's cap."""

    code = "too_many_orders"


class TooManyFillsError(RuleError):
    """The order would meet more resting orders at once than one command may."""

    code = "too_many_fills"


class KeyReusedError(RuleError):
    """The key was used before, with another payload."""

    code = "key_reused"


RULE_ERRORS: dict[str, type[RuleError]] = {
    error.code: error
    for error in (
        UnknownGoodError,
        UnknownPlayerError,
        UnknownOrderError,
        GameFullError,
        NotJoinedError,
        NotOpenError,
        InsufficientCashError,
        InsufficientGoodsError,
        NoLiquidityError,
        TooManyOrdersError,
        TooManyFillsError,
        KeyReusedError,
    )
}
"""Every rule's error, by its code."""
