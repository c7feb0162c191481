"""What of a definition is valid, and yet will not do what its author expects."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import evolve

from tradegame.core.domain.definition import GameDefinition, HouseDefinition, TreatmentDefinition
from tradegame.core.domain.treatments import changes, terms_of


def warnings(definition: GameDefinition) -> list[tuple[str, str]]:
    """The path of each doubtful value (``news[0].at_s``), and what comes of it."""
    return [
        *_too_late(definition),
        *_without_effect(definition),
        *_unable(definition),
        *_opens_at_once(definition),
        *_treated(definition),
        *_slow_to_change(definition),
    ]


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


def _opens_at_once(definition: GameDefinition) -> Iterator[tuple[str, str]]:
    """A lesson that is over before anybody came."""
    lesson = definition.private_values is not None or any(good.settlement for good in definition.goods.values())
    if lesson and definition.rounds is None and not definition.wait_for_host:
        yield "wait_for_host", "opens at once, before anybody is there: true lets the host open the first round"


def _treated(definition: GameDefinition) -> Iterator[tuple[str, str]]:
    """What treatments do not do, and what they keep anybody from doing."""
    rounds = definition.rounds
    nothing = TreatmentDefinition(from_round=1)
    for index, each in enumerate(definition.treatments):
        if rounds is not None and 0 < rounds.repeat < each.from_round:
            yield f"treatments[{index}].from_round", f"never comes by the clock: there are {rounds.repeat} rounds"
        if evolve(each, from_round=1, to_round=None, good=None) == nothing:
            yield f"treatments[{index}]", "changes nothing"
    for number in changes(definition):
        terms = terms_of(definition, number)
        for good, limits in terms.goods.items():
            house = definition.goods[good].house
            if house is not None and _ask(house) > limits.ceiling:
                yield "treatments", f"in round {number} the house offers no {good}: its best ask is {_ask(house)}"
            if house is not None and house.anchor - house.spread // 2 < limits.floor:
                bid = house.anchor - house.spread // 2
                yield "treatments", f"in round {number} the house bids for no {good}: its best bid is {bid}"
        if (private := definition.private_values) is not None:
            taxes = terms.goods[private.good].buyer_tax + terms.goods[private.good].seller_tax
            best = max(map(max, terms.values), default=private.high) + terms.demand_shift
            least = max(0, min(map(min, terms.costs), default=private.low) + terms.supply_shift)
            if best - taxes <= least:
                yield (
                    "treatments",
                    f"in round {number} nobody can gain: the best unit is worth {best}, and costs {least}",
                )


def _slow_to_change(definition: GameDefinition) -> Iterator[tuple[str, str]]:
    if definition.most_players > definition.in_time:
        yield "max_players", f"with more than {definition.in_time} players a round change holds everybody up"


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
