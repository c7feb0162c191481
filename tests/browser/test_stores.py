"""Two people trade, whatever the store; on etcd each is at a node of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Newcomer, Serve
from tests.browser.pages import Play
from tests.support.etcd import EtcdServer

pytestmark = pytest.mark.slow


@pytest.fixture
def etcd() -> Iterator[EtcdServer]:
    with EtcdServer() as server:
        yield server


@pytest.mark.parametrize("store", ["memory", "embedded"])
def test_two_people_trade_on_one_node(newcomer: Newcomer, serve: Serve, tmp_path: Path, store: str) -> None:
    server = serve("memory:" if store == "memory" else f"embedded:{tmp_path / 'tradegame.db'}")
    trade(Play(newcomer(), server.http), Play(newcomer(), server.http))


def test_two_people_trade_on_two_nodes_of_one_etcd(newcomer: Newcomer, serve: Serve, etcd: EtcdServer) -> None:
    one, two = serve(etcd.url, name="one"), serve(etcd.url, name="two")
    assert one.http != two.http
    trade(Play(newcomer(), one.http), Play(newcomer(), two.http))


def trade(seller: Play, buyer: Play) -> None:
    seller.enter("Ann")
    buyer.enter("Ben")
    seller.choose("wood")
    buyer.choose("wood")
    seller.rest("Sell", 2, 37)
    expect(buyer.show("Order book").get_by_role("button", name="Ask 37, 2 units")).to_be_visible()
    buyer.trade("Buy", 2)
    for page in (seller, buyer):
        page.reads("Trades", "37")
    buyer.reads("Portfolio", "9,926")
    seller.reads("Portfolio", "10,074")
    expect(seller.show("Your orders").get_by_role("button", name=re.compile("^Cancel"))).to_have_count(0)
    seller.say("thank you")
    buyer.reads("Chat", "thank you")
