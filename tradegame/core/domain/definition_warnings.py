"""What of a definition is valid, and yet will not do what its author expects."""

from __future__ import annotations

from collections.abc import Iterator

from tradegame.core.domain.definition import GameDefinition, HouseDefinition


def warnings(definition: GameDefinition) -> list[tuple[str, str]]:
    """The path of each doubtful value (``news[0].at_s``), and what comes of it."""
    return [*_too_late(definition), *_without_effect(definition), *_unable(definition)]


def _too_late(definition: GameDefinition) -> Iterator[tuple[str, str]]:
    """What is due when the round is over."""
    if definition.rounds is None:
        return
    open_s = definition.rounds.open_s
    for index, news in enumerate(definition.news):
        if news.at_s >= open_s:
            yield f"news[{index}].at_s", f"never comes: the round closes after {open_s} s"
        elif news.at_s + news.jitter_s >= open_s:
            yield f"news[{index}].jitter_s", f"may not come: the round closes after {open_s} s"
    for good, declared in definition.goods.items():
        for index, at_s in enumerate(declared.settlement.hints_at_s if declared.settlement is not None else ()):
            if at_s >= open_s:
                yield f"goods.{good}.settlement.hints_at_s[{index}]", f"never comes: the round closes after {open_s} s"


def _without_effect(definition: GameDefinition) -> Iterator[tuple[str, str]]:
    for index, news in enumerate(definition.news):
        if news.good is not None and news.anchor_bps and definition.goods[news.good].house is None:
            yield f"news[{index}].anchor_bps", f"moves nothing: {news.good} has no house"


def _unable(definition: GameDefinition) -> Iterator[tuple[str, str]]:
    """Who cannot trade at the prices that a round begins with."""
    for good, declared in definition.goods.items():
        house = declared.house
        if house is None:
            continue
        bid = house.anchor - house.spread // 2
        if bid < 1:
            yield f"goods.{good}.house.spread", f"never bids: around {house.anchor} its best bid is {bid}"
        elif house.cash < bid:
            yield f"goods.{good}.house.cash", f"never bids: its best bid is {bid}"
        if not house.stock:
            yield f"goods.{good}.house.stock", "offers nothing until it has bought"
    if (price := _cheapest(definition)) is not None and definition.cash < price:
        yield "cash", f"buys nothing: the cheapest unit costs {price}"


def _cheapest(definition: GameDefinition) -> int | None:
    """The least that a unit costs, where nobody needs to sell it cheaper; None where players set the prices."""
    private, prices = definition.private_values, []
    for good, declared in definition.goods.items():
        if private is not None and private.good == good:
            prices.append(min(map(min, private.costs), default=private.low))
        elif declared.house is not None and not declared.endowment:
            prices.append(_ask(declared.house))
        else:
            return None
    return min(prices)


def _ask(house: HouseDefinition) -> int:
    return house.anchor + -(-house.spread // 2)
