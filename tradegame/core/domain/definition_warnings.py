"""What of a definition is valid, and yet will not do what its author expects."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import evolve

from tradegame.core.domain.definition import GameDefinition, HouseDefinition, TreatmentDefinition
from tradegame.core.domain.treatments import changes, terms_of
from tradegame.protocol.reasons import Why, why


def warnings(definition: GameDefinition) -> list[tuple[str, Why]]:
    """The path of each doubtful value (``news[0].at_s``), and what comes of it."""
    return [
        *_too_late(definition),
        *_without_effect(definition),
        *_unable(definition),
        *_opens_at_once(definition),
        *_treated(definition),
        *_slow_to_change(definition),
    ]


def _too_late(definition: GameDefinition) -> Iterator[tuple[str, Why]]:
    """What is due when the round is over."""
    if definition.rounds is None:
        return
    open_s = definition.rounds.open_s
    for index, news in enumerate(definition.news):
        if news.at_s >= open_s:
            yield f"news[{index}].at_s", why("never_comes", open_s=open_s)
        elif news.at_s + news.jitter_s >= open_s:
            yield f"news[{index}].jitter_s", why("may_not_come", open_s=open_s)
    for good, declared in definition.goods.items():
        for index, at_s in enumerate(declared.settlement.hints_at_s if declared.settlement is not None else ()):
            if at_s >= open_s:
                yield f"goods.{good}.settlement.hints_at_s[{index}]", why("never_comes", open_s=open_s)


def _without_effect(definition: GameDefinition) -> Iterator[tuple[str, Why]]:
    for index, news in enumerate(definition.news):
        if news.good is not None and news.anchor_bps and definition.goods[news.good].house is None:
            yield f"news[{index}].anchor_bps", why("moves_nothing", good=news.good)
    if definition.quiz_first and not definition.quiz:
        yield "quiz_first", why("no_quiz")


def _unable(definition: GameDefinition) -> Iterator[tuple[str, Why]]:
    """Who cannot trade at the prices that a round begins with."""
    for good, declared in definition.goods.items():
        house = declared.house
        if house is None:
            continue
        bid = house.anchor - house.spread // 2
        if bid < 1:
            yield f"goods.{good}.house.spread", why("never_bids_around", anchor=house.anchor, bid=bid)
        elif house.cash < bid:
            yield f"goods.{good}.house.cash", why("never_bids", bid=bid)
        if not house.stock:
            yield f"goods.{good}.house.stock", why("offers_nothing")
    if (price := _cheapest(definition)) is not None and definition.cash < price:
        yield "cash", why("buys_nothing", price=price)


def _opens_at_once(definition: GameDefinition) -> Iterator[tuple[str, Why]]:
    """A lesson that is over before anybody came."""
    lesson = definition.private_values is not None or any(good.settlement for good in definition.goods.values())
    if lesson and definition.rounds is None and not definition.wait_for_host:
        yield "wait_for_host", why("opens_at_once")


def _treated(definition: GameDefinition) -> Iterator[tuple[str, Why]]:
    """What treatments do not do, and what they keep anybody from doing."""
    rounds = definition.rounds
    nothing = TreatmentDefinition(from_round=1)
    for index, each in enumerate(definition.treatments):
        if rounds is not None and 0 < rounds.repeat < each.from_round:
            yield f"treatments[{index}].from_round", why("treatment_never_comes", repeat=rounds.repeat)
        if evolve(each, from_round=1, to_round=None, good=None) == nothing:
            yield f"treatments[{index}]", why("changes_nothing")
    for number in changes(definition):
        terms = terms_of(definition, number)
        for good, limits in terms.goods.items():
            house = definition.goods[good].house
            if house is not None and _ask(house) > limits.ceiling:
                yield "treatments", why("house_offers_none", round=number, good=good, ask=_ask(house))
            if house is not None and house.anchor - house.spread // 2 < limits.floor:
                bid = house.anchor - house.spread // 2
                yield "treatments", why("house_bids_for_none", round=number, good=good, bid=bid)
        if (private := definition.private_values) is not None:
            taxes = terms.goods[private.good].buyer_tax + terms.goods[private.good].seller_tax
            best = max(map(max, terms.values), default=private.high) + terms.demand_shift
            least = max(0, min(map(min, terms.costs), default=private.low) + terms.supply_shift)
            if best - taxes <= least:
                yield "treatments", why("nobody_gains", round=number, worth=best, cost=least)


def _slow_to_change(definition: GameDefinition) -> Iterator[tuple[str, Why]]:
    if definition.most_players > definition.in_time:
        yield "max_players", why("round_change_slow", most=definition.in_time)


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
