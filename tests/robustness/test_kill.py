"""``kill -9`` under load from 20 clients: nothing acknowledged is lost, nothing happens twice, no stream tears."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
import trio

from tests.robustness.campaign import Campaign, Summary, node
from tests.robustness.proxy import Proxy
from tests.support.etcd import EtcdServer

Report = Callable[[Summary], None]

SHORT, FULL = 2, 8
ROUNDS = pytest.mark.parametrize("rounds", [SHORT, pytest.param(FULL, marks=pytest.mark.long)])


@pytest.fixture
def seed() -> int:
    """Another one each time; the summary tells it."""
    return random.SystemRandom().randrange(10**6)


@ROUNDS
async def test_an_embedded_server_that_is_killed_loses_nothing_and_does_nothing_twice(
    rounds: int, seed: int, tmp_path: Path, report: Report
) -> None:
    server = node(f"embedded:{tmp_path / 'tradegame.db'}", tmp_path)
    await _withstands(Campaign("embedded", [server], tmp_path, rounds, seed), Campaign.kill_a_node, report)


@pytest.mark.slow
@ROUNDS
async def test_a_node_on_etcd_that_is_killed_loses_nothing_and_does_nothing_twice(
    rounds: int, seed: int, tmp_path: Path, report: Report, etcd: EtcdServer
) -> None:
    server = node(etcd.url, tmp_path)
    await _withstands(Campaign("etcd, one node", [server], tmp_path, rounds, seed), Campaign.kill_a_node, report)


@pytest.mark.long
async def test_clients_of_a_killed_node_go_on_at_another_node_without_a_gap(
    seed: int, tmp_path: Path, report: Report, etcd: EtcdServer
) -> None:
    servers = [node(etcd.url, tmp_path, name) for name in ("east", "west")]
    await _withstands(Campaign("etcd, two nodes", servers, tmp_path, FULL, seed), Campaign.kill_a_node, report)


@pytest.mark.long
async def test_an_etcd_that_is_killed_or_freezes_or_loses_answers_has_nothing_done_twice(
    seed: int, tmp_path: Path, report: Report, etcd: EtcdServer
) -> None:
    proxy = Proxy(etcd.endpoint)
    servers = [node(proxy.url, tmp_path, name) for name in ("east", "west")]
    campaign = Campaign("etcd itself, under two nodes", servers, tmp_path, FULL, seed, etcd, proxy)
    await _withstands(campaign, Campaign.trouble_etcd, report)


async def _withstands(campaign: Campaign, strike: Callable[[Campaign], object], report: Report) -> None:
    with trio.fail_after(60 + campaign.rounds * 30):
        summary = await campaign.run(strike)
    report(summary)
    assert not summary.violations, "\n".join([f"seed {campaign.seed}", *summary.violations])
