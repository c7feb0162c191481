"""Two nodes on one etcd, and one node started again."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from tests.e2e.conftest import fresh_etcd_url
from tests.support.etcd import EtcdServer, etcd_binary
from tests.support.player import Player
from tests.support.server import ServerThread
from tradegame.core.games.settings import HostSettings


def test_two_nodes_serve_one_game_with_the_same_frames(etcd: EtcdServer) -> None:
    url = fresh_etcd_url(etcd)
    with ServerThread(url) as east, ServerThread(url) as west:
        with Player(east.url, "ann") as ann, Player(west.url, "bob") as bob:
            ann.ask("join", game="bazaar")
            bob.ask("join", game="bazaar")
            placed = ann.ask("order", game="bazaar", good="wood", side="ask", qty=4, price=30)
            bob.until_seq(placed["seq"])
            bought = bob.ask("buy", game="bazaar", good="wood", qty=3)
            assert bought["cost"] == 90
            for number in range(20):
                asked = ann.send("say", game="bazaar", text=f"east {number}")
                bob.ask("say", game="bazaar", text=f"west {number}")
                ann.reply(asked)
            last = max(player.ask("say", game="bazaar", text="done")["seq"] for player in (ann, bob))
            ann.until_seq(last)
            bob.until_seq(last)
            ours, theirs = (
                {push["seq"]: raw for push, raw in zip(p.pushes, p.raw, strict=True) if push["push"] == "events"}
                for p in (ann, bob)
            )
            shared = ours.keys() & theirs.keys()
            assert len(shared) > 10
            assert all(ours[seq] == theirs[seq] for seq in shared)
            assert ann.push(lambda push: push["push"] == "presence" and bob.id in push["online"])


def test_a_session_made_on_one_node_works_on_the_other_and_resumes_there(etcd: EtcdServer) -> None:
    url = fresh_etcd_url(etcd)
    with ServerThread(url) as east, ServerThread(url) as west:
        with Player(east.url, "ann") as ann:
            joined = ann.ask("join", game="bazaar")
            first = ann.ask("buy", game="bazaar", good="grain", qty=2, key="k1")
            seen = ann.until_seq(first["seq"])[-1]["seq"]
        with Player(west.url, token=ann.token) as moved:
            assert moved.id == ann.id
            again = moved.ask("join", game="bazaar", after={"epoch": joined["epoch"], "seq": seen})
            assert again["recovered"] is True
            assert moved.ask("buy", game="bazaar", good="grain", qty=2, key="k1") == {**first, "replayed": True}
            assert moved.ask("me", game="bazaar")["goods"]["grain"] == 2


def test_a_node_that_ends_takes_its_keys_with_it(etcd: EtcdServer) -> None:
    url = fresh_etcd_url(etcd)
    prefix = url.rsplit("/", 1)[1]
    with ServerThread(url) as server, Player(server.url) as ann:
        ann.ask("join", game="bazaar")
        ann.push(lambda push: push["push"] == "presence" and ann.id in push["online"])
        assert len(_keys(etcd, f"{prefix}/nodes/")) == 1
        values = list(_keys(etcd, f"{prefix}/connections/").values())
        assert [(value["player"], value["games"]) for value in values] == [(ann.id, ["bazaar"])]
    assert not _keys(etcd, f"{prefix}/nodes/")
    assert not _keys(etcd, f"{prefix}/connections/")


def test_a_node_started_again_has_the_same_state(store: str) -> None:
    with ServerThread(store) as server, Player(server.url) as ann:
        joined = ann.ask("join", game="bazaar")
        ann.ask("buy", game="bazaar", good="grain", qty=7, key="k")
        ann.ask("order", game="bazaar", good="wood", side="ask", qty=4, price=30)
        account, state = ann.ask("me", game="bazaar"), None
        token, seen = ann.token, ann.ask("say", game="bazaar", text="see you")["seq"]
    with ServerThread(store) as server, Player(server.url, token=token) as ann:
        again = ann.ask("join", game="bazaar", after={"epoch": joined["epoch"], "seq": seen})
        state = again["recovered"]
        assert state is True
        assert _steady(again["me"]) == _steady(account)


def test_generations_turn_and_nodes_agree_while_players_trade(etcd: EtcdServer) -> None:
    url = fresh_etcd_url(etcd)
    settings = HostSettings(snapshot_every=100, generation_frames=50)
    with ServerThread(url, host_settings=settings) as east, ServerThread(url, host_settings=settings) as west:
        with Player(east.url, "ann") as ann, Player(west.url, "bob") as bob:
            ann.ask("join", game="bazaar")
            bob.ask("join", game="bazaar")
            for number in range(100):
                for seller, buyer in ((ann, bob), (bob, ann)):
                    seller.ask("order", game="bazaar", good="wood", side="ask", qty=1, price=30 + number % 7)
                    assert buyer.ask("order", game="bazaar", good="wood", side="bid", qty=1, price=40)["filled"] == 1
            ann.ask("buy", game="bazaar", good="grain", qty=5)
            token = ann.token
        (meta,) = _keys(etcd, f"{url.rsplit('/', 1)[1]}/games/bazaar/meta").values()
        assert meta["generation"] >= 3
        assert len(meta["snapshots"]) == 2
    with ServerThread(url) as server, Player(server.url, token=token) as back:
        assert back.ask("join", game="bazaar")["me"]["goods"]["grain"] == 5


def _steady(account: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in account.items() if key != "worth"}


def _keys(etcd: EtcdServer, prefix: str) -> dict[str, Any]:
    """What etcdctl shows under a prefix."""
    import base64

    answer = subprocess.run(
        [etcd_binary() + "ctl", "--endpoints", etcd.endpoint, "get", "--prefix", prefix, "-w", "json"],
        check=True,
        capture_output=True,
        env={"ETCDCTL_API": "3"},
    )
    pairs = json.loads(answer.stdout).get("kvs", [])
    return {base64.b64decode(pair["key"]).decode(): json.loads(base64.b64decode(pair["value"])) for pair in pairs}
