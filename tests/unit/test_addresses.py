"""What ``hello`` tells of the nodes."""

from __future__ import annotations

import random
from collections import Counter

from tradegame.core.membership.addresses import MOST, Addresses
from tradegame.core.repositories import NodeInfo


def node(number: int, address: str = "") -> NodeInfo:
    return NodeInfo(f"n{number}", address or f"ws://n{number}/ws", "1", 0)


def test_a_nodes_own_address_comes_first_and_each_once() -> None:
    told = Addresses("ws://n1/ws", lambda: [node(0), node(1), node(2), node(9, "ws://n2/ws")]).told()
    assert told[0] == "ws://n1/ws"
    assert sorted(told) == ["ws://n0/ws", "ws://n1/ws", "ws://n2/ws"]


def test_before_the_register_was_read_there_is_at_least_this_node() -> None:
    assert Addresses("ws://n1/ws", list).told() == ["ws://n1/ws"]


def test_of_very_many_each_client_is_told_some_of_its_own() -> None:
    addresses = Addresses("ws://n1/ws", lambda: [node(number) for number in range(500)], random.Random(1))
    seen = Counter(address for _ in range(100) for address in addresses.told())
    assert all(len(addresses.told()) == MOST for _ in range(10))
    assert len(seen) == 500


def test_the_next_in_the_list_is_another_for_each_client() -> None:
    addresses = Addresses("ws://n0/ws", lambda: [node(number) for number in range(3)], random.Random(1))
    assert Counter(addresses.told()[1] for _ in range(300)).most_common()[-1][1] > 100
