"""What is wrong with a definition: what is outside the bounds of its types, and what does not fit together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, get_args, get_origin

from attrs import fields, has, resolve_types

from tradegame.core.domain.bounds import problem
from tradegame.core.domain.definition import GameDefinition
from tradegame.core.domain.treatments import changes, terms_of


def problems(definition: GameDefinition) -> list[tuple[str, str]]:
    """Every value that is out of its range: its path (``goods.grain.house.size``) and what was expected."""
    return [*_out_of_bounds("", GameDefinition, definition), *misfits(definition)]


def _out_of_bounds(path: str, kind: Any, value: Any) -> Iterator[tuple[str, str]]:
    """``kind`` is the type that ``value`` has been declared with, and is of."""
    if get_origin(kind) is Annotated:
        kind, *bounds = get_args(kind)
        for bound in bounds:
            if (wrong := problem(bound, value)) is not None:
                yield path, wrong
    if has(kind):
        for field in fields(resolve_types(kind)):
            yield from _out_of_bounds(
                f"{path}.{field.name}" if path else field.name, field.type, getattr(value, field.name)
            )
    elif isinstance(value, dict):
        key_kind, item_kind = get_args(kind)
        for key, item in value.items():
            yield from _out_of_bounds(f"{path}.{key}", key_kind, key)
            yield from _out_of_bounds(f"{path}.{key}", item_kind, item)
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _out_of_bounds(f"{path}[{index}]", get_args(kind)[0], item)
    elif type(None) in get_args(kind) and value is not None:
        yield from _out_of_bounds(path, get_args(kind)[0], value)


def misfits(definition: GameDefinition) -> Iterator[tuple[str, str]]:
    """What no bound of a single value can say."""
    for good, declared in definition.goods.items():
        settlement = declared.settlement
        if settlement is not None and len(settlement.hints_at_s) > max(0, len(settlement.values) - 2):
            expected = "expected at least two hints fewer than values, so that nobody is told everything"
            yield f"goods.{good}.settlement.hints_at_s", expected
        if declared.mark == "anchor" and declared.house is None:
            yield f"goods.{good}.mark", "expected a house, whose anchor it is"
    private = definition.private_values
    if private is not None:
        traded = definition.goods.get(private.good)
        if traded is None:
            yield "private_values.good", f"expected one of the game's goods, found {private.good!r}"
        elif traded.house is not None or traded.settlement is not None or traded.endowment:
            expected = "expected a good without house, settlement and endowment: only sellers have it"
            yield "private_values.good", expected
        elif traded.mark is not None:
            yield f"goods.{private.good}.mark", "expected none: a unit counts for what it is worth to its owner"
        if private.high < private.low:
            yield "private_values.high", f"expected at least {private.low}, which is low, found {private.high}"
    if definition.news_a_round > (listed := len(definition.news)):
        yield "news_a_round", f"expected at most {listed}, as many as there are news, found {definition.news_a_round}"
    for index, item in enumerate(definition.news):
        if item.good is not None and item.good not in definition.goods:
            yield f"news[{index}].good", f"expected one of the game's goods, found {item.good!r}"
        if item.good is None and item.anchor_bps:
            yield f"news[{index}].anchor_bps", "expected a good whose anchor it shifts"
    yield from _treatments(definition)


def _treatments(definition: GameDefinition) -> Iterator[tuple[str, str]]:
    for index, each in enumerate(definition.treatments):
        path = f"treatments[{index}]"
        if each.to_round is not None and each.to_round < each.from_round:
            yield f"{path}.to_round", f"expected at least {each.from_round}, which is from_round, found {each.to_round}"
        if each.good is not None and each.good not in definition.goods:
            yield f"{path}.good", f"expected one of the game's goods, found {each.good!r}"
        if definition.private_values is None:
            for name in ("demand_shift", "supply_shift", "values", "costs"):
                if getattr(each, name):
                    yield f"{path}.{name}", "expected private_values, which it changes"
    for number in changes(definition):
        for good, terms in terms_of(definition, number).goods.items():
            if terms.ceiling < terms.floor:
                limits = f"a ceiling of {terms.ceiling} under a floor, or a tax on sellers, of {terms.floor}"
                yield "treatments", f"expected prices at which {good} can be traded in round {number}, found {limits}"
