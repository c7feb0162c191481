"""A script of faults: ``5 kill node1; 8 revive node1; 12 kill leader; 20 rolling``.

A step is a time in seconds since the cluster was up, what to do, and to whom: ``node1`` to ``node9`` (or ``1``), member
``a`` to ``e``, ``leader`` (whichever leads then), ``members``, ``nodes`` or ``all``. Semicolons or lines part steps.
"""

from __future__ import annotations

import math
import re
from typing import Literal, get_args

from attrs import frozen

Action = Literal["kill", "revive", "freeze", "thaw", "stop", "rolling", "quit"]
"""``stop`` is SIGTERM, an orderly end. ``revive`` starts what is down and thaws what is frozen. ``rolling`` (all nodes,
one after the other) and ``quit`` take no target.
"""
ACTIONS: tuple[str, ...] = get_args(Action)
ALONE = ("rolling", "quit")

_TARGET = re.compile(r"(?:node-?)?([1-9])\Z|(?:member-?|etcd-?)?([a-e])\Z|(leader|members|nodes|all)\Z")


class PlanError(ValueError):
    """The plan is invalid; the message names the step."""


@frozen
class Step:
    """``target``: ``1`` to ``9``, ``a`` to ``e``, ``leader``, ``members``, ``nodes``, ``all``, or empty."""

    at: float
    action: Action
    target: str = ""

    def __str__(self) -> str:
        return f"{self.action} {target_name(self.target)}".rstrip()


def target_name(target: str) -> str:
    """``node1``, ``etcd-a``, or the name of a group."""
    if len(target) != 1:
        return target
    return f"node{target}" if target.isdigit() else f"etcd-{target}"


def parse_plan(text: str, nodes: int, members: int) -> tuple[Step, ...]:
    """The steps, ordered by time. Raises PlanError, also for a node or member that will not exist."""
    steps = [_step(part.strip(), nodes, members) for part in re.split(r"[;\n]", text) if part.strip()]
    return tuple(sorted(steps, key=lambda step: step.at))


def _step(text: str, nodes: int, members: int) -> Step:
    words = text.lower().split()
    try:
        at = float(words[0])
    except ValueError:
        at = math.nan
    if not 0 <= at <= 86_400:
        raise PlanError(f"{text!r}: a step begins with its time in seconds")
    if len(words) < 2 or words[1] not in ACTIONS:
        raise PlanError(f"{text!r}: after the time comes one of {', '.join(ACTIONS)}")
    if words[1] in ("rolling", "rolling-restart") and words[2:] == ["restart"]:
        words = words[:2]
    action: Action = words[1]  # type: ignore[assignment]  # looked up just above
    rest = [word for word in words[2:] if word not in ("node", "member")]
    if action in ALONE:
        if rest:
            raise PlanError(f"{text!r}: {action} takes no target")
        return Step(at, action)
    found = _TARGET.match(rest[0]) if len(rest) == 1 else None
    if found is None:
        raise PlanError(f"{text!r}: {action} what? node1, a member (a, b, …), leader, members, nodes or all")
    target = found[1] or found[2] or found[3]
    if target.isdigit() and int(target) > nodes:
        raise PlanError(f"{text!r}: there are {nodes} nodes")
    if len(target) == 1 and target.isalpha() and ord(target) - ord("a") >= members:
        raise PlanError(f"{text!r}: there are {members} members, from a to {chr(ord('a') + members - 1)}")
    if action in ("revive", "thaw") and target == "leader":
        raise PlanError(f"{text!r}: the leader is never down; name the member, or all members")
    return Step(at, action, target)
