"""What is wrong with a definition: what is outside the bounds of its types, and what does not fit together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, get_args, get_origin

from attrs import fields, has, resolve_types

from tradegame.core.domain.bounds import problem
from tradegame.core.domain.definition import GameDefinition
from tradegame.core.domain.treatments import changes, terms_of
from tradegame.protocol.bounds import ID_LENGTH
from tradegame.protocol.labels import is_label, look
from tradegame.protocol.reasons import Why, why


def problems(definition: GameDefinition) -> list[tuple[str, Why]]:
    """Every value that is out of its range: its path (``goods.grain.house.size``) and what was expected."""
    return [*_out_of_bounds("", GameDefinition, definition), *misfits(definition)]


def _out_of_bounds(path: str, kind: Any, value: Any) -> Iterator[tuple[str, Why]]:
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


def misfits(definition: GameDefinition) -> Iterator[tuple[str, Why]]:
    """What no bound of a single value can say."""
    for good, declared in definition.goods.items():
        settlement = declared.settlement
        if settlement is not None and len(settlement.hints_at_s) > max(0, len(settlement.values) - 2):
            yield f"goods.{good}.settlement.hints_at_s", why("hints_fewer")
        if declared.mark == "anchor" and declared.house is None:
            yield f"goods.{good}.mark", why("need_house")
    private = definition.private_values
    if private is not None:
        traded = definition.goods.get(private.good)
        if traded is None:
            yield "private_values.good", why("need_good", found=repr(private.good))
        elif traded.house is not None or traded.settlement is not None or traded.endowment:
            yield "private_values.good", why("need_bare_good")
        elif traded.mark is not None:
            yield f"goods.{private.good}.mark", why("need_no_mark")
        if private.high < private.low:
            yield "private_values.high", why("high_below_low", low=private.low, found=private.high)
    if definition.news_a_round > (listed := len(definition.news)):
        yield "news_a_round", why("more_than_news", listed=listed, found=definition.news_a_round)
    for index, item in enumerate(definition.news):
        if item.good is not None and item.good not in definition.goods:
            yield f"news[{index}].good", why("need_good", found=repr(item.good))
        if item.good is None and item.anchor_bps:
            yield f"news[{index}].anchor_bps", why("need_shifted_good")
    for index, question in enumerate(definition.quiz):
        if question.right >= (choices := len(question.choices)):
            yield f"quiz[{index}].right", why("need_choice", choices=choices, found=question.right)
    yield from _treatments(definition)
    yield from _groups(definition)


def _groups(definition: GameDefinition) -> Iterator[tuple[str, Why]]:
    if definition.group is not None:
        yield "group", why("group_is_made")
    if definition.groups and len(f"{definition.id}-{len(definition.groups)}") > ID_LENGTH:
        yield "id", why("id_with_groups", most=ID_LENGTH, suffix=f"-{len(definition.groups)}")
    seen = set[str]()
    for index, name in enumerate(definition.groups):
        if not is_label(name):
            yield f"groups[{index}]", why("need_group_name")
        elif look(name) in seen:
            yield f"groups[{index}]", why("group_again")
        seen.add(look(name))


def _treatments(definition: GameDefinition) -> Iterator[tuple[str, Why]]:
    for index, each in enumerate(definition.treatments):
        path = f"treatments[{index}]"
        if each.to_round is not None and each.to_round < each.from_round:
            yield f"{path}.to_round", why("ends_before", from_round=each.from_round, found=each.to_round)
        if each.good is not None and each.good not in definition.goods:
            yield f"{path}.good", why("need_good", found=repr(each.good))
        if definition.private_values is None:
            for name in ("demand_shift", "supply_shift", "values", "costs"):
                if getattr(each, name):
                    yield f"{path}.{name}", why("need_private_values")
    for number in changes(definition):
        for good, terms in terms_of(definition, number).goods.items():
            if terms.ceiling < terms.floor:
                limits = {"ceiling": terms.ceiling, "floor": terms.floor}
                yield "treatments", why("no_price", good=good, round=number, **limits)
