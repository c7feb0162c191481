"""A port that was free when ``tradegame cluster`` chose it, and is somebody else's when a node wants it."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import trio

from tests.e2e.test_cluster import END_DEADLINE_S, SMALL, START_DEADLINE_S, Cluster
from tradegame.cluster import ClusterError, ClusterOptions, EtcdMissing, etcd_binary
from tradegame.cluster.log import Log
from tradegame.cluster.processes import ports
from tradegame.cluster.processes.child import Shared
from tradegame.cluster.processes.gauges import Gauges
from tradegame.cluster.processes.ports import quiet_ports
from tradegame.cluster.processes.reaper import open_reaper
from tradegame.cluster.processes.stage import Stage

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and process groups")


@pytest.fixture(scope="module", autouse=True)
def _etcd() -> None:
    try:
        etcd_binary()
    except EtcdMissing as missing:
        pytest.skip(str(missing))


@asynccontextmanager
async def stage(directory: Path, port: int | None = None) -> AsyncIterator[Stage]:
    """One member and one node, to be started. Their processes are gone afterwards."""
    async with open_reaper() as reaper, trio.open_nursery() as processes:
        one = Stage(ClusterOptions(nodes=1, members=1, port=port), Shared(directory, Log(), reaper), processes)
        with trio.fail_after(START_DEADLINE_S):
            yield one
            await one.end()
        processes.cancel_scope.cancel()


async def _answer_well(stream: trio.SocketStream) -> None:
    """Whatever is asked."""
    await stream.receive_some()
    await stream.send_all(b"HTTP/1.1 200 OK\r\n\r\ntradegame_ready 1.0\n")
    await stream.aclose()


@asynccontextmanager
async def somebody_else(port: int) -> AsyncIterator[None]:
    """Who has the port, and says that all is well."""
    async with trio.open_nursery() as nursery:
        await nursery.start(partial(trio.serve_tcp, _answer_well, port, host="127.0.0.1"))
        yield
        nursery.cancel_scope.cancel()


@pytest.mark.slow
async def test_a_node_whose_port_was_taken_meanwhile_is_not_taken_for_who_answers_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ports, "FAVOURITE", quiet_ports(1)[0])
    async with stage(tmp_path) as one:
        (node,), before = one.nodes, one.nodes[0].port
        gauges = Gauges(one.nodes, one.members, one.log)
        async with somebody_else(before), trio.open_nursery() as nursery:
            nursery.start_soon(gauges.run)
            await one.start()
            one.check()
            nursery.cancel_scope.cancel()
        assert node.serves
        assert node.port != before
        assert one.urls == [f"ws://127.0.0.1:{node.port}/ws"]
        assert node.ended_by_itself == 0  # it is no crash
        texts = [line.text for line in one.log.lines if line.source == "node1"]
        assert f"port {before} was taken by another process; trying {node.port}" in texts
        itself = next(at for at, text in enumerate(texts) if text.startswith("tradegame "))
        assert "serves" not in texts[:itself]  # as who only answers in its place would have been said to


async def test_a_node_that_cannot_have_the_port_that_was_asked_for_ends_it_in_a_line(tmp_path: Path) -> None:
    (port,) = quiet_ports(1)
    async with stage(tmp_path, port) as one, somebody_else(port):
        with pytest.raises(ClusterError, match=rf"node1 ended while starting: .*port {port}: Address already in use"):
            await one.start()


@pytest.mark.slow
async def test_whoever_ends_after_it_looked_well_is_found_before_the_cluster_is_up(tmp_path: Path) -> None:
    async with stage(tmp_path) as one:
        await one.start()
        one.check()
        one.members[0].signal("SIGABRT")
        await one.members[0].wait_gone()
        with pytest.raises(ClusterError, match="etcd-a ended"):
            one.check()


@pytest.mark.slow
def test_two_clusters_that_start_at_once_each_play_their_own_game(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    with (
        Cluster(tmp_path / "one", *SMALL, "--seconds", "4", own_port=False) as one,
        Cluster(tmp_path / "two", *SMALL, own_port=False) as two,
    ):
        two.until("| up: ")
        assert one.wait(START_DEADLINE_S + END_DEADLINE_S) == 0, one.text
        two.process.terminate()
        assert two.wait(END_DEADLINE_S) == 0, two.text
        for cluster in (one, two):
            assert "lost: 0, doubled: 0" in cluster.text, cluster.text
