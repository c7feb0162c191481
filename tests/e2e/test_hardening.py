"""What one bad record, one hasty client or one crowd must not bring about."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.e2e.conftest import fresh_etcd_url
from tests.support.certificate import certified
from tests.support.etcd import EtcdServer, etcd_binary
from tests.support.player import Player, Refused
from tests.support.raw import ask
from tests.support.server import ADMIN_TOKEN, ServerThread

FOXES = "\N{FOX FACE}" * 500
HOST = {"Authorization": f"Bearer {ADMIN_TOKEN}"}


@pytest.fixture
def url(etcd: EtcdServer) -> str:
    return fresh_etcd_url(etcd)


def etcdctl(etcd: EtcdServer, *arguments: str) -> None:
    command = [etcd_binary() + "ctl", "--endpoints", etcd.endpoint, *arguments]
    subprocess.run(command, check=True, capture_output=True, env={"ETCDCTL_API": "3"})


def test_a_session_that_cannot_be_read_ends_and_nothing_else_does(etcd: EtcdServer, url: str) -> None:
    prefix = url.rsplit("/", 1)[1]
    with ServerThread(url, flags={"session.expires_s": 4}) as server:
        with Player(server.url) as ann, Player(server.url, "bob") as bob:
            session = hashlib.sha256(ann.token.encode()).hexdigest()
            etcdctl(etcd, "put", f"{prefix}/sessions/{session}", "zzz")
            assert ann.closed() == (4502, "the session is over")
            assert bob.ask("ping")
        with pytest.raises(Refused, match="unauthorized"):
            Player(server.url, token=ann.token)


def test_a_game_whose_log_cannot_be_read_stops_alone_and_can_be_deleted(etcd: EtcdServer, url: str) -> None:
    prefix = url.rsplit("/", 1)[1]
    with ServerThread(url) as server, Player(server.url) as ann:
        body = {"id": "pit", "goods": {"oil": {}}}
        httpx.post(f"{server.http}/v1/games", json=body, headers=HOST).raise_for_status()
        ann.ask("join", game="pit")
        etcdctl(etcd, "put", f"{prefix}/games/pit/log/00000001/zz-1", "zzz")
        ann.push(lambda push: push["push"] == "gone")
        # not unknown: another node may serve it
        assert ann.refused("join", game="pit")["code"] == "unavailable"
        assert ann.ask("join", game="bazaar")
        assert httpx.get(f"{server.http}/readyz").status_code == 200
        assert 'tradegame_game_serving{game="pit"} 0.0' in httpx.get(f"{server.http}/metrics").text
        assert httpx.delete(f"{server.http}/v1/games/pit", headers=HOST).status_code == 200
        httpx.post(f"{server.http}/v1/games", json=body, headers=HOST).raise_for_status()
        assert ann.ask("join", game="pit")["me"]["goods"] == {"oil": 0}


def test_a_catalog_key_that_is_nobodys_keeps_no_game_from_being_served(etcd: EtcdServer, url: str) -> None:
    with ServerThread(url):
        pass  # the prefix is ours from then on
    etcdctl(etcd, "put", f"{url.rsplit('/', 1)[1]}/catalog/BAD ID/x", "zzz")
    with ServerThread(url) as server, Player(server.url) as ann:
        assert [game["game"] for game in ann.ask("games")["games"]] == ["bazaar"]


def test_what_is_sent_behind_a_join_finds_the_account_and_a_leave_leaves(server: ServerThread) -> None:
    with Player(server.url) as ann, Player(server.url, "bob") as bob:
        bob.ask("join", game="bazaar")
        join, me, leave = (
            ann.send("join", game="bazaar"),
            ann.send("me", game="bazaar"),
            ann.send("leave", game="bazaar"),
        )
        assert ann.reply(join)["ok"]["me"] == ann.reply(me)["ok"]
        assert ann.reply(leave)["ok"] == {}
        bob.ask("say", game="bazaar", text="anyone?")
        assert ann.ask("ping")
        assert ann.frames() == []


def test_a_game_of_more_players_than_an_outbox_holds_can_be_joined(store: str) -> None:
    with ServerThread(store, flags={"limits.outbox_bytes": 4_096}) as server:
        for number in range(60):
            with Player(server.url, f"player {number} {'🦊' * 16}") as player:
                player.ask("join", game="bazaar")
        with Player(server.url) as ann:
            assert len(ann.ask("join", game="bazaar")["state"]["players"]) == 61
            assert ann.ask("say", game="bazaar", text="room for all")


@pytest.mark.parametrize("secure", [False, True], ids=["tcp", "tls"])
def test_a_frame_larger_than_an_outbox_reaches_who_reads_at_once_and_later(secure: bool, tmp_path: Path) -> None:
    files, context = certified(tmp_path) if secure else ({}, None)
    most = 4_096
    with (
        ServerThread(f"embedded:{tmp_path / 'a.db'}", flags={**files, "limits.outbox_bytes": most}) as server,
        Player(url := f"{'wss' if secure else 'ws'}://127.0.0.1:{server.running.port}/ws", ssl=context) as talker,
        Player(url, "bob", ssl=context) as follower,
    ):
        epoch = talker.ask("join", game="bazaar")["epoch"]
        follower.ask("join", game="bazaar", spectate=True)
        asked = range(100, 140)  # in one write, so that an entry has many of them
        talker.socket.socket.sendall(b"".join(ask("say", id=id, game="bazaar", text=FOXES) for id in asked))
        seq = max(talker.reply(id)["ok"]["seq"] for id in asked)
        follower.until_seq(seq)
        assert max(len(frame.encode()) for frame in follower.raw) > most
        with Player(url, token=follower.token, ssl=context) as again:
            again.ask("join", game="bazaar", spectate=True, after={"epoch": epoch, "seq": 0})
            assert [frame["seq"] for frame in again.until_seq(seq)] == list(range(1, seq + 1))


def test_new_players_from_one_address_are_bounded(store: str) -> None:
    with ServerThread(store, flags={"limits.connections_per_address": 5}) as server:
        players = []
        for _ in range(5):
            with Player(server.url) as player:
                players.append(player.token)
        for _ in range(50):  # the sixth, unless that took so long that there may be more
            with Player(server.url, hello=False) as one_more:
                reply = one_more.reply(one_more.send("hello", name="six"))
                if "error" in reply:
                    error = reply["error"]
                    assert (error["code"], error["retry_after_ms"] > 0) == ("rate_limited", True)
                    assert one_more.ask("hello", token=players[0])
                    return
        pytest.fail("nobody was refused")


@pytest.mark.parametrize(
    "name",
    [
        *("", " ", " ann", "\u202eevil", "\u200b\u200b", "\ufeff", "a\nb", "x" * 33),
        *("\u2800", "a\u2800", "a\ufffc", "\u3164", "\u115f", "\u1160", "\uffa0"),
        *("House", "The House", "NEWS", "mint"),
    ],
)
def test_a_name_that_would_mislead_is_refused(shared_server: ServerThread, name: str) -> None:
    with Player(shared_server.url, hello=False) as player:
        error = player.refused("hello", name=name)
        assert (error["code"], error["at"]) == ("bad_request", "$.name")


def test_names_of_many_scripts_are_welcome(server: ServerThread) -> None:
    for name in ("Ørsted", "李雷", "עדי", "👩‍👩‍👧", "O'Neill-42"):
        with Player(server.url, name) as player:
            assert player.welcome["player"]["name"] == name
