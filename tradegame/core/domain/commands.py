"""What can be put into a game's log: the commands, and the entry that carries them.

A command is frozen, holds plain integers and strings, and knows its ``op``. ``payload_digest`` is what
a ``key`` is compared by: everything a player said but the key itself.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, ClassVar

from attrs import fields, frozen

ENTRY_SCHEMA = 1


@frozen(kw_only=True)
class Command:
    """The base. ``player`` is who commands; ``key`` makes it happen at most once for that player."""

    op: ClassVar[str]
    player: str
    key: str | None = None


@frozen(kw_only=True)
class Join(Command):
    """Open an account, endowed by the game's definition. With an account already there, nothing happens."""

    op = "join"
    name: str


@frozen(kw_only=True)
class BuyGood(Command):
    """Take up to ``qty`` units from the cheapest ask up, none dearer than ``limit``."""

    op = "buy"
    good: str
    qty: int
    limit: int | None = None


@frozen(kw_only=True)
class SellGood(Command):
    """Give up to ``qty`` units to the dearest bid down, none cheaper than ``limit``."""

    op = "sell"
    good: str
    qty: int
    limit: int | None = None


@frozen(kw_only=True)
class PlaceOrder(Command):
    """A limit order. ``side`` is ``bid`` or ``ask``; what does not trade at once rests."""

    op = "order"
    good: str
    side: str
    qty: int
    price: int


@frozen(kw_only=True)
class CancelOrder(Command):
    """Take a resting order out of the book and release what it held."""

    op = "cancel"
    order: str


@frozen(kw_only=True)
class Say(Command):
    """Say ``text`` to everyone in the game, or to the player ``to`` alone."""

    op = "say"
    text: str
    to: str | None = None


@frozen(kw_only=True)
class SetPhase(Command):
    """The host opens or closes the game, or calls a lobby for a new round."""

    op = "phase"
    phase: str
    player: str = "host"


@frozen(kw_only=True)
class Announce(Command):
    """The host's news; ``anchor_bps`` shifts the anchor of ``good`` by that many basis points."""

    op = "news"
    text: str
    good: str | None = None
    anchor_bps: int = 0
    player: str = "host"


COMMANDS: dict[str, type[Command]] = {
    command.op: command for command in (Join, BuyGood, SellGood, PlaceOrder, CancelOrder, Say, SetPhase, Announce)
}
_FIELDS = {command: tuple(field.name for field in fields(command)) for command in COMMANDS.values()}


@frozen
class Entry:
    """What one append carries: the commands in their order, and the appending node's clock ``at`` in ms."""

    at: int
    commands: tuple[Command, ...] = ()


def payload_digest(command: Command) -> str:
    """16 hex digits that differ when the payload differs; the key is left out, and so is a joining player's name."""
    payload = [command.op]
    payload += [str(getattr(command, name)) for name in _FIELDS[type(command)] if name not in ("player", "key", "name")]
    return hashlib.blake2b("\0".join(payload).encode(), digest_size=8).hexdigest()


def encode_entry(entry: Entry) -> bytes:
    """An entry as the log keeps it: one line of JSON, readable, without what is left at None."""
    commands = []
    for command in entry.commands:
        data: dict[str, Any] = {"op": command.op}
        for name in _FIELDS[type(command)]:
            value = getattr(command, name)
            if value is not None:
                data[name] = value
        commands.append(data)
    return json.dumps(
        {"schema": ENTRY_SCHEMA, "at": entry.at, "commands": commands},
        separators=(",", ":"),
        ensure_ascii=False,
    ).encode()


def decode_entry(value: bytes) -> Entry:
    """The entry that ``encode_entry`` wrote.

    Raises ValueError for anything else, an entry of an unknown schema included.
    """
    try:
        data = json.loads(value)
        if data["schema"] != ENTRY_SCHEMA:
            raise ValueError(f"an entry of schema {data['schema']}, where {ENTRY_SCHEMA} is known")
        commands = tuple(COMMANDS[item.pop("op")](**item) for item in data["commands"])
        at = data["at"]
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"not an entry of a game's log: {error!r}") from error
    if type(at) is not int:
        raise ValueError("not an entry of a game's log: `at` is no integer")
    return Entry(at, commands)
