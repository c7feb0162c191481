"""What requests and the commands of a log have in common: the ``op`` that names each, and whose they are."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from tradegame.protocol import tag_of
from tradegame.protocol.bounds import Epoch, GameId, Key, RequestId, Since
from tradegame.protocol.replies import CommandOk, Sent


class WithOp(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, tag_field="op"):
    """The base of all that an ``op`` names: a request, or a command in a game's log.

    What its ``__post_init__`` checks between fields: of ``one_of`` at least one must be there, and of each pair in
    ``needs`` the first, if it says anything, needs the second.
    """

    one_of: ClassVar[tuple[str, ...]] = ()
    needs: ClassVar[tuple[tuple[str, str], ...]] = ()

    @property
    def op(self) -> str:
        return tag_of(type(self))


HOST = "host"
"""Whose commands the host's are."""


class HostCommand(WithOp, kw_only=True):
    """The base of what no player commands: the host, or a node. ``key``: the `Idempotency-Key` of the host's call."""

    rules_from: ClassVar[int] = 3
    player: ClassVar[str] = HOST

    key: Key | None = None
    since: Since | None = None
    epoch: Epoch | None = None


class Request(WithOp, kw_only=True):
    """The base of every request.

    ``ok``: what its reply holds when all went well. ``id``: the client's own, None if it wants no reply; the
    envelope's, not the log's.
    """

    ok: ClassVar[type[Struct]]

    id: RequestId | None = None


class GameRequest(Request, kw_only=True):
    """The base of what goes to one game. ``game`` must be there; in the game's own log it is left out."""

    game: GameId = ""


class PlayerCommand(GameRequest, kw_only=True):
    """The base of a request that goes through the log as it is.

    ``player``: whose it is, and ``by_robot``: a robot of the server's sent it, as a player of its own or in the seat of
    one. The server says so, never the client. ``key``: it happens at most once for that player;
    ``since`` tells late copies from new commands. ``epoch``: the life of the game that it is meant for.
    ``ok``: ``Sent``, unless there is more to tell. ``rules_from``: the first version of the rules that has it.
    """

    ok: ClassVar[type[CommandOk]] = Sent
    rules_from: ClassVar[int] = 3

    player: str = ""
    by_robot: bool = False
    key: Key | None = None
    since: Since | None = None
    epoch: Epoch | None = None
