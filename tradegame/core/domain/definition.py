"""What a host defines: a game, its goods, the house, rounds and news. A ``[[games]]`` table of config.toml."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from attrs import asdict, frozen

RULES_VERSION = 2
"""The version of the rules that a new game is played by."""
RULES_KNOWN = (1, 2)
"""A game is played on by the rules that it was made with; one of any other version is not served.

2 keeps the results of rounds and the news, and has private values and goods that settle.
"""

MAX_QTY = 1_000_000
MAX_PRICE = 1_000_000_000
MAX_UNITS = 20
"""The most units of a good that one player has private values for."""
MAX_FUNDS = 1_000_000_000_000_000
"""The most coins or units that one account is endowed with."""

ID_PATTERN = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}\Z")
RESERVED_PLAYERS = ("house", "fees", "mint")


@frozen(kw_only=True)
class HouseDefinition:
    """How the house makes a market in one good.

    It quotes ``levels`` bids and asks of ``size`` units, ``step`` coins apart, ``spread`` coins around a mid price,
    anew every ``tick_s`` seconds. The mid moves with its stock around the anchor, ``slope`` times as fast as the
    stock moves around ``target``; the anchor takes a random walk of at most ``drift_bps`` basis points a tick.
    """

    anchor: int
    spread: int = 2
    step: int = 1
    levels: int = 5
    size: int = 20
    stock: int = 1_000
    cash: int = 100_000
    target: int = 1_000
    slope: int = 1
    tick_s: int = 2
    drift_bps: int = 50


@frozen(kw_only=True)
class SettlementDefinition:
    """A good that is paid at the close, at one of ``values`` that is drawn when the round opens.

    At each of ``hints_at_s``, in seconds after the opening, every player is told in private of one more value that it
    is not. There are at least two hints fewer than values, so that nobody is told everything.
    """

    values: tuple[int, ...]
    hints_at_s: tuple[int, ...] = ()


@frozen(kw_only=True)
class GoodDefinition:
    """A good. ``endowment``: what every player begins with. Without a ``house``, players trade among themselves."""

    endowment: int = 0
    house: HouseDefinition | None = None
    settlement: SettlementDefinition | None = None


@frozen(kw_only=True)
class PrivateValuesDefinition:
    """A double auction in ``good`` with private values: players are buyer, seller, buyer, … as they join.

    Each has ``units`` marginal values, drawn from ``low`` to ``high`` coins, a seller also that many units. Or they are
    given: the n-th buyer has the n-th of ``values``, the n-th seller the n-th of ``costs``, from the beginning again
    where there are more. ``redraw``: anew in every round.
    """

    good: str
    units: int = 3
    low: int = 20
    high: int = 180
    values: tuple[tuple[int, ...], ...] = ()
    costs: tuple[tuple[int, ...], ...] = ()
    redraw: bool = False


@frozen(kw_only=True)
class RoundsDefinition:
    """Rounds by the clock: a lobby, an open and a closed phase, in seconds; 0 skips the lobby or the closed phase.

    ``repeat`` is the number of rounds, 0 for no end. After the last one the game stays closed.
    """

    open_s: int
    lobby_s: int = 0
    closed_s: int = 0
    repeat: int = 1


@frozen(kw_only=True)
class NewsDefinition:
    """News at a set time: ``at_s`` seconds after each round opens (without rounds: after the game begins).

    ``anchor_bps`` shifts the anchor of ``good`` by that many basis points; above -10 000.
    """

    at_s: int
    text: str
    good: str | None = None
    anchor_bps: int = 0


@frozen(kw_only=True)
class GameDefinition:
    """A game. ``cash``: every player's endowment; ``fee_bps``: the taker's fee; ``open_orders``: a player's cap.

    ``about`` tells the players what it is about.
    """

    id: str
    title: str = ""
    about: str = ""
    cash: int = 10_000
    fee_bps: int = 0
    open_orders: int = 50
    goods: dict[str, GoodDefinition]
    rounds: RoundsDefinition | None = None
    news: tuple[NewsDefinition, ...] = ()
    private_values: PrivateValuesDefinition | None = None


def to_json(definition: GameDefinition) -> dict[str, Any]:
    """Plain JSON data that ``from_json`` reads back. What version 1 did not know is there only where it is used."""
    data = asdict(definition)
    data["news"] = list(data["news"])
    if not definition.about:
        del data["about"]
    if definition.private_values is None:
        del data["private_values"]
    else:
        private = data["private_values"]
        private["values"], private["costs"] = [list(v) for v in private["values"]], [list(v) for v in private["costs"]]
    for fields in data["goods"].values():
        if fields["settlement"] is None:
            del fields["settlement"]
        else:
            fields["settlement"] = {name: list(value) for name, value in fields["settlement"].items()}
    return data


def from_json(data: dict[str, Any]) -> GameDefinition:
    """A definition from ``to_json``'s data, which was checked when it was made."""
    goods = {
        good: GoodDefinition(
            endowment=fields["endowment"],
            house=None if fields["house"] is None else HouseDefinition(**fields["house"]),
            settlement=_settlement(fields.get("settlement")),
        )
        for good, fields in data["goods"].items()
    }
    rounds = None if data["rounds"] is None else RoundsDefinition(**data["rounds"])
    news = tuple(NewsDefinition(**item) for item in data["news"])
    private_values = _private_values(data.get("private_values"))
    return GameDefinition(**{**data, "goods": goods, "rounds": rounds, "news": news, "private_values": private_values})


def _settlement(data: dict[str, Any] | None) -> SettlementDefinition | None:
    if data is None:
        return None
    return SettlementDefinition(values=tuple(data["values"]), hints_at_s=tuple(data["hints_at_s"]))


def _private_values(data: dict[str, Any] | None) -> PrivateValuesDefinition | None:
    if data is None:
        return None
    schedules = {name: tuple(tuple(schedule) for schedule in data[name]) for name in ("values", "costs")}
    return PrivateValuesDefinition(**{**data, **schedules})


def problems(definition: GameDefinition) -> list[tuple[str, str]]:
    """Every value that is out of its range: its path (``goods.grain.house.size``) and what was expected."""
    return list(_problems(definition))


def _problems(definition: GameDefinition) -> Iterator[tuple[str, str]]:
    if not ID_PATTERN.match(definition.id):
        yield "id", "expected 1 to 32 of a-z, 0-9, _ and -, the first a letter or digit"
    if len(definition.title) > 100 or not _is_utf8(definition.title):
        yield "title", "expected at most 100 characters"
    if len(definition.about) > 2_000 or not _is_utf8(definition.about):
        yield "about", "expected at most 2000 characters"
    yield from _range("cash", definition.cash, 0, MAX_FUNDS)
    yield from _range("fee_bps", definition.fee_bps, 0, 10_000)
    yield from _range("open_orders", definition.open_orders, 0, 1_000)
    if not 1 <= len(definition.goods) <= 100:
        yield "goods", f"expected 1 to 100 goods, found {len(definition.goods)}"
    for good, fields in definition.goods.items():
        if not ID_PATTERN.match(good):
            yield f"goods.{good}", "expected 1 to 32 of a-z, 0-9, _ and -, the first a letter or digit"
        yield from _range(f"goods.{good}.endowment", fields.endowment, 0, MAX_FUNDS)
        if fields.house is not None:
            yield from _house_problems(f"goods.{good}.house", fields.house)
        if fields.settlement is not None:
            yield from _settlement_problems(f"goods.{good}.settlement", fields.settlement)
    if definition.private_values is not None:
        yield from _private_problems("private_values", definition.private_values, definition)
    if definition.rounds is not None:
        yield from _range("rounds.open_s", definition.rounds.open_s, 1, 31_536_000)
        yield from _range("rounds.lobby_s", definition.rounds.lobby_s, 0, 31_536_000)
        yield from _range("rounds.closed_s", definition.rounds.closed_s, 0, 31_536_000)
        yield from _range("rounds.repeat", definition.rounds.repeat, 0, 1_000_000)
    if len(definition.news) > 1_000:
        yield "news", "expected at most 1000 items"
    for index, item in enumerate(definition.news):
        path = f"news[{index}]"
        yield from _range(f"{path}.at_s", item.at_s, 0, 31_536_000)
        yield from _range(f"{path}.anchor_bps", item.anchor_bps, -9_999, 1_000_000)
        if not 1 <= len(item.text) <= 500 or not _is_utf8(item.text):
            yield f"{path}.text", "expected 1 to 500 characters"
        if item.good is not None and item.good not in definition.goods:
            yield f"{path}.good", f"expected one of the game's goods, found {item.good!r}"
        if item.good is None and item.anchor_bps:
            yield f"{path}.anchor_bps", "expected a good whose anchor it shifts"


def _house_problems(path: str, house: HouseDefinition) -> Iterator[tuple[str, str]]:
    for name, low, high in (
        ("anchor", 1, MAX_PRICE),
        ("spread", 1, MAX_PRICE),
        ("step", 1, MAX_PRICE),
        ("levels", 1, 50),
        ("size", 1, MAX_QTY),
        ("stock", 0, MAX_FUNDS),
        ("cash", 0, MAX_FUNDS),
        ("target", 1, MAX_FUNDS),
        ("slope", 0, 1_000),
        ("tick_s", 1, 86_400),
        ("drift_bps", 0, 5_000),
    ):
        yield from _range(f"{path}.{name}", getattr(house, name), low, high)


def _settlement_problems(path: str, settlement: SettlementDefinition) -> Iterator[tuple[str, str]]:
    values, hints = settlement.values, settlement.hints_at_s
    if not 2 <= len(values) <= 20 or len(dict.fromkeys(values)) != len(values):
        yield f"{path}.values", "expected 2 to 20 values, each another"
    for index, value in enumerate(values):
        yield from _range(f"{path}.values[{index}]", value, 0, MAX_PRICE)
    if len(hints) > max(0, len(values) - 2):
        yield f"{path}.hints_at_s", "expected at least two hints fewer than values, so that nobody is told everything"
    for index, at_s in enumerate(hints):
        yield from _range(f"{path}.hints_at_s[{index}]", at_s, 0, 31_536_000)


def _private_problems(
    path: str, private: PrivateValuesDefinition, definition: GameDefinition
) -> Iterator[tuple[str, str]]:
    good = definition.goods.get(private.good)
    if good is None:
        yield f"{path}.good", f"expected one of the game's goods, found {private.good!r}"
    elif good.house is not None or good.settlement is not None or good.endowment:
        yield f"{path}.good", "expected a good without house, settlement and endowment: only sellers have it"
    yield from _range(f"{path}.units", private.units, 1, MAX_UNITS)
    yield from _range(f"{path}.low", private.low, 0, MAX_PRICE)
    yield from _range(f"{path}.high", private.high, max(1, private.low), MAX_PRICE)
    for name, schedules in (("values", private.values), ("costs", private.costs)):
        if len(schedules) > 1_000:
            yield f"{path}.{name}", "expected at most 1000 lists"
        for index, schedule in enumerate(schedules):
            if not 1 <= len(schedule) <= MAX_UNITS:
                yield f"{path}.{name}[{index}]", f"expected 1 to {MAX_UNITS} units"
            for unit, value in enumerate(schedule):
                yield from _range(f"{path}.{name}[{index}][{unit}]", value, 0, MAX_PRICE)


def _is_utf8(text: str) -> bool:
    """False for a text with a lone surrogate, which JSON can spell and a snapshot could not be encoded with."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _range(path: str, value: int, low: int, high: int) -> Iterator[tuple[str, str]]:
    if not low <= value <= high:
        yield path, f"expected {low} to {high}, found {value}"
