"""Other addresses for clients: what ``hello`` tells about the live nodes."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from attrs import field, frozen

from tradegame.core.repositories import NodeInfo

MOST = 64
"""A client needs a few to choose from, not all."""


@frozen
class Addresses:
    """``own`` is this node's address; ``nodes`` are the register's, with or without this one."""

    own: str
    nodes: Callable[[], Sequence[NodeInfo]]
    chance: random.Random = field(factory=random.Random)

    def told(self) -> list[str]:
        """This node's address first, then the others', each once, at most 64 in all.

        The others are shuffled for each client, so that a dead node's clients spread over all live nodes, even if they
        only take the next one.
        """
        others = list(dict.fromkeys(node.address for node in self.nodes() if node.address and node.address != self.own))
        return [self.own, *self.chance.sample(others, min(len(others), MOST - 1))]
