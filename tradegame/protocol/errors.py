"""Every error code, as a small class family: its HTTP status, what is certain, and how long to wait.

A class is all that is said of its code, and the docstring is the description that clients read.
"""

from __future__ import annotations

from collections.abc import Iterator

from tradegame.protocol.bounds import Became
from tradegame.protocol.failure import TradeGameError as TradeGameError
from tradegame.protocol.reasons import Why


class BadRequestError(TradeGameError):
    """Not of the form that this protocol gives; `at` says where."""

    code, status, before_key = "bad_request", 400, True


class NotAuthenticatedError(TradeGameError):
    """Anything but `hello` and `ping` before `hello`."""

    code, status, before_key = "not_authenticated", 401, True


class UnauthorizedError(TradeGameError):
    """A token, personal link, number or code that is unknown, used or expired."""

    code, status = "unauthorized", 401


class SeatTakenError(TradeGameError):
    """Somebody entered with this number before: a personal link or a device code leads to the seat, or the host."""

    code, status = "seat_taken", 409


class RateLimitedError(TradeGameError):
    """Too fast: not taken in; `retry_after_ms` says when to come again."""

    code, status, taken_in, before_key = "rate_limited", 429, False, True


class OverloadedError(TradeGameError):
    """No room: not taken in; `retry_after_ms` says when to come again."""

    code, status, taken_in, before_key, wait_ms = "overloaded", 503, False, True, 1_000


class UnavailableError(TradeGameError):
    """The store did not answer in time, or this node cannot serve: nobody knows whether it happened."""

    code, status, definite, wait_ms = "unavailable", 503, False, 500


class CommandTimeoutError(TradeGameError):
    """It took too long: nobody knows whether it happened."""

    code, status, definite, wait_ms = "timeout", 504, False, 500


class InternalError(TradeGameError):
    """An internal error: logged with its stack trace under a reference that `message` carries."""

    code, status, definite = "internal", 500, False


class UnknownOpError(TradeGameError):
    """No such op."""

    code, status, before_key = "unknown_op", 404, True


class UnknownGameError(TradeGameError):
    """No such game."""

    code, status, before_key = "unknown_game", 404, True


class RuleError(TradeGameError):
    """What the rules of a game answer. Remembered with a command's ``key``, unless it is about the key itself."""

    status = 409


class UnknownGoodError(RuleError):
    """No such good in this game."""

    code, status = "unknown_good", 404


class UnknownPlayerError(RuleError):
    """No such player, or no such seat on the roster."""

    code, status = "unknown_player", 404


class UnknownOrderError(RuleError):
    """No such open order of this player; `became` says what became of it, where the game still knows."""

    code, status = "unknown_order", 404

    def __init__(self, message: str | Why, became: Became | None = None) -> None:
        super().__init__(message)
        self.became = became


class GameFullError(RuleError):
    """The game has as many accounts as it may. To `spectate` is still possible."""

    code = "game_full"


class NotAdmittedError(RuleError):
    """The host lets this player have no account in the game: `message` says why. To `spectate` is still possible."""

    code = "not_admitted"


class MutedError(RuleError):
    """The host has muted this player, or switched the chat off."""

    code = "muted"


class UnknownMessageError(RuleError):
    """No such message is kept."""

    code, status = "unknown_message", 404


class NotJoinedError(RuleError):
    """A command to a game in which the player has no account."""

    code, before_key = "not_joined", True


class NotOpenError(RuleError):
    """The game's phase takes no orders."""

    code = "not_open"


class NotReadyError(RuleError):
    """An order before the player has answered the whole quiz rightly, in a game that wants this first."""

    code = "not_ready"


class NoHouseError(RuleError):
    """News that shifts the anchor of a good that has no house."""

    code = "no_house"


class InsufficientCashError(RuleError):
    """Free (not held) cash does not cover it."""

    code = "insufficient_cash"


class InsufficientGoodsError(RuleError):
    """Free (not held) goods do not cover it."""

    code = "insufficient_goods"


class NoLiquidityError(RuleError):
    """Nothing on the other side at or within the limit."""

    code = "no_liquidity"


class InsufficientLiquidityError(RuleError):
    """With `fill_or_kill`: less than `qty` on the other side at or within the limit, so nothing was traded."""

    code = "insufficient_liquidity"


class WouldTradeError(RuleError):
    """With `post_only`: some of it would trade at once, so it was not placed."""

    code = "would_trade"


class OutsidePriceLimitsError(RuleError):
    """The order's price is below the floor or above the ceiling that this round has."""

    code = "outside_price_limits"


class TooManyOrdersError(RuleError):
    """The player's open orders reached the game's cap."""

    code = "too_many_orders"


class TooManyFillsError(RuleError):
    """It would meet more than 100 resting orders at once: make it smaller, or its price less good."""

    code = "too_many_fills"


class KeyReusedError(RuleError):
    """The `key` was used before, with another payload."""

    code = "key_reused"


class StaleError(RuleError):
    """This copy came too late to tell whether the command had been done: it was not done now, and never will be."""

    code, before_key = "stale", True


class AheadError(RuleError):
    """`since` is more than the game knows of: its store went back to an older state. Begin again from `keys`."""

    code, before_key = "ahead", True


class EpochOverError(RuleError):
    """The `epoch` is another life of the game, which was deleted and made anew: join again."""

    code, before_key = "epoch_over", True


class HttpError(TradeGameError):
    """What only HTTP answers."""


class ForbiddenError(HttpError):
    """A page of another origin; with status 421, a `Host` that is not the server's."""

    code, status = "forbidden", 403


class NotFoundError(HttpError):
    """Nothing is at this path."""

    code, status = "not_found", 404


class MethodNotAllowedError(HttpError):
    """The path is there, but not for this method: `Allow` names those that it is there for."""

    code, status = "method_not_allowed", 405


class GameThereError(HttpError):
    """A game of that id is already there."""

    code, status = "game_exists", 409


class TooLargeError(HttpError):
    """The body or the head of the request is longer than what is read."""

    code, status = "too_large", 413


class RequestTimeoutError(HttpError):
    """The request did not come whole in time, and was not looked at."""

    code, status = "timeout", 408


Errors = tuple[type[TradeGameError], ...]


def _below(kind: type[TradeGameError]) -> Iterator[type[TradeGameError]]:
    for each in kind.__subclasses__():
        if "code" in vars(each) and each.__module__ == __name__:
            yield each
        yield from _below(each)


ALL: Errors = tuple(_below(TradeGameError))
_NOT_HTTP = (UnknownOpError, NotAuthenticatedError, RequestTimeoutError)  # the last is `timeout`, which is there
OVER_HTTP: Errors = tuple(each for each in ALL if each not in _NOT_HTTP)
OVER_WEBSOCKET: Errors = tuple(each for each in ALL if not issubclass(each, HttpError))
RULE_ERRORS = {error.code: error for error in ALL if issubclass(error, RuleError)}
"""Every rule's error, by its code."""

NOT_TAKEN_IN = frozenset(each.code for each in ALL if not each.taken_in)
"""Refused this time: a client sends it again."""
BEFORE_THE_KEY = frozenset(each.code for each in ALL if each.before_key)
"""Said by a node before it looks at the key. Of an earlier sending whose answer was lost, these say nothing."""
TROUBLE = frozenset(each.code for each in OVER_WEBSOCKET if each.status >= 500)
"""The node cannot do its work now. Another may."""
