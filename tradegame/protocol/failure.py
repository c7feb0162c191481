"""What all errors have, and how one is said on the wire."""

from __future__ import annotations

from copy import copy
from typing import ClassVar, Self

import msgspec
from msgspec import Struct

from tradegame.protocol.bounds import Became, Ending, Epoch, GameId, Key, Keys, Since
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


class TradeGameError(Exception):
    """The base. ``message`` is for a person, ``why`` says the same for programs, if there is a reason with a name.
    ``at`` says where in a request, ``retry_after_ms`` when to come again.

    Of a class: ``definite``: it is certain that nothing happened. ``wait_ms``: when to come again where the
    error itself does not say. ``taken_in``: False for what was refused for want of room, and may simply be sent again.
    ``before_key``: it is said before a node looks at the ``key``, so it tells nothing of an earlier sending.
    """

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    definite: ClassVar[bool] = True
    wait_ms: ClassVar[int | None] = None
    taken_in: ClassVar[bool] = True
    before_key: ClassVar[bool] = False
    became: Became | None = None
    """Of an order that is gone."""

    def __init__(self, message: str | Why, *, at: str | None = None, retry_after_ms: int | None = None) -> None:
        self.message = str(message)
        super().__init__(self.message)
        self.why = message if isinstance(message, Why) else None
        self.at = at
        self.retry_after_ms = self.wait_ms if retry_after_ms is None else retry_after_ms
        self.copy: tuple[str, int | None, str | None] = "", None, None
        self.games: tuple[str, ...] = ()

    def of_copy(self, key: str, since: int | None, epoch: str | None) -> Self:
        """The same error, which gives back what another copy of the command has to say."""
        error = copy(self)
        error.copy = key, since, epoch
        return error

    def failure(self) -> Failure:
        """The ``error`` object, over WebSocket and HTTP alike."""
        key, since, epoch = self.copy
        return Failure(
            code=self.code,
            message=self.message,
            definite=self.definite,
            at=self.at,
            retry_after_ms=self.retry_after_ms,
            key=key or None,
            since=since,
            epoch=epoch,
            became=self.became,
            why=self.why,
            games=self.games,
        )

    def body(self) -> bytes:
        """The body of an HTTP response."""
        return msgspec.json.encode(ErrorBody(self.failure()))
