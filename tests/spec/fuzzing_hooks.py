"""What schemathesis is told of this server, beside the OpenAPI document: its hooks, as SCHEMATHESIS_HOOKS names them.

JSON Schema cannot say that a name stands elsewhere in the same document, nor that 1.0 is no integer: where a request is
meant to be right, such things are put right. And half of what is asked of some game is asked of one in which something
has happened.
"""

from __future__ import annotations

import os
from typing import Any

import schemathesis
from schemathesis import Case, GenerationMode, HookContext

from tests.spec.lively import GROUPED, LIVELY, WEBSOCKET
from tests.support.player import Player

OF_VALUES = ("demand_shift", "supply_shift", "values", "costs")
"""What a treatment changes of private values."""


@schemathesis.hook
def before_call(context: HookContext, case: Case, kwargs: dict[str, Any]) -> None:
    if case.meta is None or case.meta.generation.mode is not GenerationMode.POSITIVE:
        return
    if isinstance(case.body, dict):
        case.body = whole(case.body)
    names, label = case.path_parameters or {}, case.operation.label
    if "game" in names and case.method != "DELETE" and case.meta.phase.name != "stateful" and len(names["game"]) % 2:
        names["game"] = LIVELY
    if "/roster" in label or "/seats/" in label or "/links" in label:
        names["game"] = names["game"].rpartition("-")[0] or names["game"]  # the game that has the roster of its groups
    if label == "POST /v1/games":
        put_right(case.body)
    elif label == "POST /v1/games/{game}/news" and names["game"] == LIVELY and case.body.get("good"):
        case.body["good"] = "grain"
        case.body.pop("anchor_bps", None)  # needs a house, and a round that is open
    elif label == "POST /v1/games/{game}/news":
        case.body = {"text": case.body["text"]}
    elif label == "POST /v1/games/{game}/roster":
        names_and_seats(case.body)
    elif label == "POST /v1/games/{game}/phase" and case.body.get("last"):
        case.body["phase"] = "closed"
    elif label == "POST /v1/games/{game}/players/{player}/group":
        names["game"], case.body["group"] = GROUPED, f"{GROUPED}-1"
    elif label == "DELETE /v1/players/{player}" and len(names["player"]) % 2:
        with Player(os.environ[WEBSOCKET]) as newcomer:
            names["player"] = newcomer.id


def whole(value: Any) -> Any:
    """1.0 as 1: to JSON Schema both are integers, to this server one is."""
    if isinstance(value, dict):
        return {name: whole(each) for name, each in value.items()}
    if isinstance(value, list):
        return [whole(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def names_and_seats(roster: dict[str, Any]) -> None:
    """Names that are names, labels that are others each, and a table or lists, not both."""
    roster["names"] = [f"name {number}" for number in range(len(roster.get("names") or ()))]
    seats = enumerate(roster.get("seats") or ())
    roster["seats"] = [{"label": f"{number}", "name": f"name {number}"} for number, _ in seats]
    roster.pop("csv", None)
    roster["pattern"] = "##"


def put_right(definition: dict[str, Any]) -> None:
    """What does not fit together in a definition that is right in every single value."""
    goods = definition["goods"]
    for question in definition.get("quiz") or ():
        question["right"] = 0
    definition["groups"] = [f"G{number}" for number in range(len(definition.get("groups") or ()))]
    for item in definition.get("news") or ():
        if item.get("good") is None:
            item.pop("anchor_bps", None)
        else:
            item["good"] = next(iter(goods))
    definition["news_a_round"] = min(definition.get("news_a_round") or 0, len(definition.get("news") or ()))
    for good in goods.values():
        if good.get("mark") == "anchor" and not good.get("house"):
            del good["mark"]
        if settlement := good.get("settlement"):
            hints = settlement.get("hints_at_s", [])
            settlement["hints_at_s"] = hints[: max(0, len(settlement["values"]) - 2)]
    for treatment in definition.get("treatments") or ():
        for limit in ("floor", "ceiling", "seller_tax", *(() if definition.get("private_values") else OF_VALUES)):
            treatment.pop(limit, None)
        if treatment.get("good") is not None:
            treatment["good"] = next(iter(goods))
        if treatment.get("to_round") is not None:
            treatment["to_round"] = max(treatment["to_round"], treatment["from_round"])
    if private := definition.get("private_values"):
        goods[private["good"]] = {}
        low, high = private.get("low", 20), private.get("high", 180)
        private["low"], private["high"] = min(low, high), max(low, high, 1)
        if len(goods) > 100:
            del goods[next(name for name in goods if name != private["good"])]
