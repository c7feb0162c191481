"""What requests and the commands of a log have in common: the ``op`` that names each; and whose the host's are."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from tradegame.protocol import tag_of
from tradegame.protocol.bounds import Epoch, Key, Since


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
