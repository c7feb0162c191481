"""How an error is said on the wire."""

from __future__ import annotations

from msgspec import Struct

from tradegame.protocol.bounds import Ending, Epoch, GameId, Key, Keys, Since
from tradegame.protocol.reasons import Why


class Failure(Struct, kw_only=True, omit_defaults=True):
    """What went wrong. ``message`` is for a person; ``at`` says where in the request it is.

    ``definite``: whether it is certain that nothing happened. If not, send the same again with the same ``key``.
    ``retry_after_ms``: when to come again. ``replayed``: the key's first result again. ``keys``: how many keys of the
    player the game has counted. ``key``, ``since`` and ``epoch``: of a command in doubt, to send the same copy again.
    ``became``: of an order that is gone, where the game still knows. ``why``: what ``message`` says, as a
    name with parameters, for whoever says it in another language. ``games``: the groups that did not do it.
    """

    code: str
    message: str
    definite: bool
    at: str | None = None
    retry_after_ms: int | None = None
    replayed: bool = False
    keys: Keys | None = None
    key: Key | None = None
    since: Since | None = None
    epoch: Epoch | None = None
    became: Ending | None = None
    why: Why | None = None
    games: tuple[GameId, ...] = ()


class ErrorBody(Struct):
    """How HTTP says that something went wrong."""

    error: Failure
