"""What can be put into a game's log: the commands, and the entry that carries them.

A command is frozen, holds plain integers and strings, and knows its ``op``. ``payload_digest`` is what
a ``key`` is compared by: everything a player said but the key itself.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
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


@frozen(kw_only=True)
class SetClock(Command):
    """A node's clock was set, and no round is open: the game's goes forward to ``time``, in ms since the Unix epoch.

    A phase that is under way ends as much later, so that none is lost.
    """

    op = "clock"
    time: int
    player: str = "host"


COMMANDS: dict[str, type[Command]] = {
    command.op: command
    for command in (Join, BuyGood, SellGood, PlaceOrder, CancelOrder, Say, SetPhase, Announce, SetClock)
}
_FIELDS = {command: tuple(field.name for field in fields(command)) for command in COMMANDS.values()}


def _is_text(value: object) -> bool:
    return type(value) is str


def _is_integer(value: object) -> bool:
    return type(value) is int


def _is_amount(value: object) -> bool:
    return type(value) is int and value > 0


def _or_none(holds: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: value is None or holds(value)


_HOLDS: dict[str, Callable[[object], bool]] = {
    "qty": _is_amount,
    "price": _is_amount,
    "limit": _or_none(_is_amount),
    "anchor_bps": _is_integer,
    "time": _is_amount,
    "side": ("bid", "ask").__contains__,
    "phase": ("lobby", "open", "closed").__contains__,
}
"""What the fields hold; those not named here are text."""
_SHAPES = {
    command: tuple(
        (field.name, _HOLDS.get(field.name) or (_or_none(_is_text) if field.default is None else _is_text))
        for field in fields(command)
    )
    for command in COMMANDS.values()
}


@frozen
class Entry:
    """What one append carries: the commands in their order, and the appending node's clock ``at`` in ms."""

    at: int
    commands: tuple[Command, ...] = ()


def payload_digest(command: Command) -> str:
    """16 hex digits that differ when the payload differs; the key is left out, and so is a joining player's name."""
    payload: list[object] = [command.op]
    payload += [getattr(command, name) for name in _FIELDS[type(command)] if name not in ("player", "key", "name")]
    return hashlib.blake2b(json.dumps(payload).encode(), digest_size=8).hexdigest()


def encode_command(command: Command) -> str:
    """A command as JSON, without what is left at None."""
    data: dict[str, Any] = {"op": command.op}
    for name in _FIELDS[type(command)]:
        value = getattr(command, name)
        if value is not None:
            data[name] = value
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False)


def encode_entry(entry: Entry) -> bytes:
    """An entry as the log keeps it: one line of JSON, readable."""
    return join_entry(entry.at, [encode_command(command) for command in entry.commands])


def join_entry(at: int, commands: Iterable[str]) -> bytes:
    """An entry made of commands that are encoded already."""
    return f'{{"schema":{ENTRY_SCHEMA},"at":{at},"commands":[{",".join(commands)}]}}'.encode()


def decode_entry(value: bytes) -> Entry:
    """The entry that ``encode_entry`` wrote.

    Raises ValueError for anything else, an entry of an unknown schema included.
    """
    try:
        text = value.decode()
        data = json.loads(text)
        if data["schema"] != ENTRY_SCHEMA:
            raise ValueError(f"an entry of schema {data['schema']}, where {ENTRY_SCHEMA} is known")
        commands = tuple(COMMANDS[item.pop("op")](**item) for item in data["commands"])
        at = data["at"]
    except (TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"not an entry of a game's log: {error!r}") from error
    if type(at) is not int:
        raise ValueError("not an entry of a game's log: `at` is no integer")
    for command in commands:
        for name, holds in _SHAPES[type(command)]:
            if not holds(getattr(command, name)):
                raise ValueError(f"not an entry of a game's log: {name} of {command!r}")
    if "\\u" in text:  # a lone surrogate, spelled so, is text that no snapshot could write down again
        json.dumps(data, ensure_ascii=False).encode()
    return Entry(at, commands)
