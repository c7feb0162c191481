"""Whose clock is wrong."""

from __future__ import annotations

import pytest

from tradegame.core.membership.clock_watch import ClockWatch
from tradegame.core.repositories import NodeInfo


class Cluster:
    """Nodes with clocks that are off by so many ms; ``beat`` lets all write their keys, some time later."""

    def __init__(self, **offsets: int) -> None:
        self.offsets = offsets
        self.time = 1_790_000_000_000
        self.watches = {node: ClockWatch(node, lambda node=node: self.clock(node)) for node in offsets}

    def clock(self, node: str) -> int:
        return self.time + self.offsets[node]

    def beat(self, late_ms: int = 0) -> None:
        self.time += 2_500
        nodes = [NodeInfo(node, "ws://", "1", 0, self.clock(node)) for node in self.offsets]
        self.time += late_ms
        for watch in self.watches.values():
            watch.observe(nodes)

    def wrong(self) -> list[str]:
        return [node for node, watch in self.watches.items() if watch.wrong() is not None]


@pytest.mark.parametrize("offset", [3_600_000, -3_600_000, 1_200])
def test_the_one_that_stands_alone_does_not_append(offset: int) -> None:
    cluster = Cluster(east=20, west=-30, north=offset)
    for _ in range(5):
        cluster.beat()
    assert cluster.wrong() == ["north"]
    assert str(abs(cluster.watches["north"].offset_ms())) in (cluster.watches["north"].wrong() or "")
    cluster.offsets["north"] = 0
    for _ in range(4):
        cluster.beat()
    assert cluster.wrong() == []


@pytest.mark.parametrize("offset", [3_600_000, -3_600_000])
def test_who_is_an_hour_off_does_not_append_from_the_first_look_on(offset: int) -> None:
    cluster = Cluster(east=20, west=-30, north=offset)
    cluster.beat(late_ms=9_000)
    assert cluster.wrong() == ["north"]


def test_clocks_that_agree_within_a_second_are_right() -> None:
    cluster = Cluster(east=0, west=400, north=-400)
    for _ in range(5):
        cluster.beat()
    assert cluster.wrong() == []


def test_of_two_that_differ_nobody_can_tell_and_both_say_so(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = Cluster(east=0, west=5_000)
    for _ in range(5):
        cluster.beat()
    assert cluster.wrong() == []
    assert capsys.readouterr().out.count("clocks_differ") == 2


def test_notices_that_come_late_are_no_wrong_clock() -> None:
    cluster = Cluster(east=0, west=0, north=0)
    for late_ms in (0, 0, 0, 0, 0, 30_000, 9_000, 4_000, 0):
        cluster.beat(late_ms)
        assert cluster.wrong() == []


def test_what_a_node_read_before_this_one_came_says_nothing() -> None:
    cluster = Cluster(east=0, west=0, north=0)
    cluster.beat(late_ms=9_000)
    assert cluster.wrong() == []


def test_a_node_that_is_gone_is_not_counted() -> None:
    cluster = Cluster(east=0, west=0, north=9_000)
    for _ in range(5):
        cluster.beat()
    assert cluster.wrong() == ["north"]
    cluster.watches["north"].observe([NodeInfo("east", "ws://", "1", 0, cluster.time)])
    assert cluster.wrong() == []
