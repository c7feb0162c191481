"""Following a game: gap-free streams, resume, private news, presence."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.player import Player
from tests.support.server import ServerThread
from tradegame.core.games.settings import HostSettings

BUY = {"game": "bazaar", "good": "grain", "qty": 1}


def test_two_players_trade_with_each_other(server: ServerThread) -> None:
    with Player(server.url, "ann") as ann, Player(server.url, "bob") as bob:
        joined = ann.ask("join", game="bazaar")
        bob.ask("join", game="bazaar")
        placed = ann.ask("order", game="bazaar", good="wood", side="ask", qty=4, price=30)
        assert placed == {"order": placed["order"], "filled": 0, "resting": 4, "cash": 10_000, "seq": placed["seq"]}
        bought = bob.ask("buy", game="bazaar", good="wood", qty=3)
        assert (bought["filled"], bought["cost"], bought["fee"], bought["cash"]) == (3, 90, 0, 9_910)
        frames = ann.until_seq(bought["seq"])
        assert [frame["seq"] for frame in frames] == list(range(joined["seq"] + 1, bought["seq"] + 1))
        trade = next(event for event in frames[-1]["events"] if event["type"] == "trade")
        assert trade == {
            "type": "trade",
            "good": "wood",
            "price": 30,
            "qty": 3,
            "buyer": bob.id,
            "seller": ann.id,
            "taker": "buy",
            "number": 1,
        }
        book = next(event for event in frames[-1]["events"] if event["type"] == "book")
        assert book == {"type": "book", "good": "wood", "bids": [], "asks": [[30, 1]]}
        account = ann.push(lambda push: push["push"] == "account" and push["seq"] == bought["seq"])["account"]
        assert account == ann.ask("me", game="bazaar")
        assert (account["cash"], account["goods"]["wood"], account["held_goods"]["wood"]) == (10_090, 6, 1)
        cancelled = ann.ask("cancel", game="bazaar", order=placed["order"])
        assert cancelled["released"] == {"cash": 0, "qty": 1}


def test_the_state_and_the_events_lead_to_the_next_state(server: ServerThread) -> None:
    with Player(server.url, "ann") as ann, Player(server.url, "bob") as bob:
        state = ann.ask("join", game="bazaar")["state"]
        bob.ask("join", game="bazaar")
        for qty in range(1, 6):
            bob.ask("buy", **{**BUY, "qty": qty})
            bob.ask("say", game="bazaar", text=f"bought {qty}")
        seq = bob.ask("sell", **{**BUY, "qty": 3})["seq"]
        for frame in ann.until_seq(seq):
            _apply(state, frame)
        with Player(server.url, "eve") as eve:
            fresh = eve.ask("join", game="bazaar", spectate=True)
            for frame in ann.until_seq(fresh["seq"]) if fresh["seq"] > seq else ():
                if frame["seq"] > seq:
                    _apply(state, frame)
            assert fresh["state"] == state
            assert "me" not in fresh


def test_a_client_that_comes_back_gets_exactly_what_it_missed(server: ServerThread) -> None:
    with Player(server.url, "bob") as bob:
        bob.ask("join", game="bazaar")
        ann = Player(server.url, "ann")
        joined = ann.ask("join", game="bazaar")
        seen = ann.until_seq(bob.ask("say", game="bazaar", text="before")["seq"])[-1]["seq"]
        ann.abort()
        for number in range(30):
            last = bob.ask("say", game="bazaar", text=f"missed {number}")["seq"]
        with Player(server.url, token=ann.token) as back:
            again = back.ask("join", game="bazaar", after={"epoch": joined["epoch"], "seq": seen})
            assert (again["recovered"], again["seq"]) == (True, seen)
            assert "state" not in again
            assert "me" in again
            missed = back.until_seq(last)
            assert [frame["seq"] for frame in missed] == list(range(seen + 1, last + 1))
            theirs = {frame["seq"]: raw for frame, raw in _raw_frames(bob)}
            assert [raw for _, raw in _raw_frames(back)] == [theirs[frame["seq"]] for frame in missed]


@pytest.mark.parametrize("after", [{"epoch": "another", "seq": 1}, {"seq": 10**9}])
def test_a_place_that_cannot_be_had_gets_the_whole_state(server: ServerThread, after: dict[str, Any]) -> None:
    with Player(server.url) as ann:
        joined = ann.ask("join", game="bazaar")
        again = ann.ask("join", game="bazaar", after={"epoch": joined["epoch"], **after})
        assert again["recovered"] is False
        assert again["state"]["goods"].keys() == {"grain", "wood"}


@pytest.mark.slow
def test_at_least_a_thousand_frames_can_be_had_again_after_a_restart_with_snapshots(store: str) -> None:
    settings = HostSettings(snapshot_every=500)
    with ServerThread(store, host_settings=settings) as server, Player(server.url) as ann:
        joined = ann.ask("join", game="bazaar")
        ids = [ann.send("say", game="bazaar", text=str(number)) for number in range(1_300)]
        last = max(ann.reply(request_id)["ok"]["seq"] for request_id in ids)
        # commands that wait share a frame: single ones make a thousand of them
        while last - joined["seq"] < 1_200:
            last = ann.ask("say", game="bazaar", text="one")["seq"]
        frames = {frame["seq"]: frame for frame in ann.until_seq(last)}
        token = ann.token
    with ServerThread(store, host_settings=settings) as server, Player(server.url, token=token) as ann:
        again = ann.ask("join", game="bazaar", after={"epoch": joined["epoch"], "seq": last - 1_000})
        assert again["recovered"] is True
        recovered = {frame["seq"]: frame for frame in ann.until_seq(last)}
        for seq in range(last - 999, last + 1):
            assert recovered[seq] == frames[seq]


def test_a_whisper_reaches_two_and_nobody_else(server: ServerThread) -> None:
    with Player(server.url, "ann") as ann, Player(server.url, "bob") as bob, Player(server.url, "eve") as eve:
        for player in (ann, bob, eve):
            player.ask("join", game="bazaar")
        ann.ask("say", game="bazaar", text="psst", to=bob.id)
        for player in (ann, bob):
            whisper = player.push(lambda push: push["push"] == "whisper")
            assert (whisper["player"], whisper["to"], whisper["text"]) == (ann.id, bob.id, "psst")
        seq = eve.ask("say", game="bazaar", text="loud")["seq"]
        eve.until_seq(seq)
        assert not any(push["push"] == "whisper" for push in eve.pushes)


def test_presence_tells_who_is_there_who_comes_and_who_goes(server: ServerThread) -> None:
    with Player(server.url, "ann") as ann:
        ann.ask("join", game="bazaar")
        assert ann.push(lambda push: push["push"] == "presence" and ann.id in push["online"])
        bob = Player(server.url, "bob")
        bob.ask("join", game="bazaar")
        listed = bob.push(lambda push: push["push"] == "presence")
        assert {ann.id} <= set(listed["online"])
        assert ann.push(lambda push: push["push"] == "presence" and bob.id in push["online"])
        bob.close()
        assert ann.push(lambda push: push["push"] == "presence" and bob.id in push["offline"])


def test_after_leave_there_is_no_more_news(server: ServerThread) -> None:
    with Player(server.url, "ann") as ann, Player(server.url, "bob") as bob:
        ann.ask("join", game="bazaar")
        bob.ask("join", game="bazaar")
        assert ann.ask("leave", game="bazaar") == {}
        heard = len(ann.frames())
        seq = bob.ask("say", game="bazaar", text="still here?")["seq"]
        bob.until_seq(seq)
        assert ann.ask("ping")
        assert len(ann.frames()) == heard


def test_the_house_requotes_while_somebody_follows(store: str) -> None:
    house = {"anchor": 10_000, "tick_s": 1, "drift_bps": 5_000}
    with ServerThread(store, games=[{"id": "bazaar", "goods": {"gold": {"house": house}}}]) as server:
        with Player(server.url, "ann") as ann:
            seq = ann.ask("join", game="bazaar", spectate=True)["seq"]
            ann.until_seq(seq + 3)
            assert len(ann.events("book")) >= 3


def test_unicode_and_markup_come_through_as_they_were_sent(server: ServerThread) -> None:
    name, text = "Änne 🦊 <b>", '<img src=x onerror="alert(1)"> ‮ 🥖" \\ \u2028'
    with Player(server.url, name) as ann:
        ann.ask("join", game="bazaar")
        ann.until_seq(ann.ask("say", game="bazaar", text=text)["seq"])
        assert ann.events("said")[-1]["text"] == text
        assert ann.ask("standings", game="bazaar")["standings"][0]["name"] == name


def _raw_frames(player: Player) -> list[tuple[dict[str, Any], str]]:
    return [(push, raw) for push, raw in zip(player.pushes, player.raw, strict=True) if push["push"] == "events"]


def _apply(state: dict[str, Any], frame: dict[str, Any]) -> None:
    """What a client does with an events frame."""
    for event in frame["events"]:
        kind = event["type"]
        if kind == "joined":
            state["players"][event["player"]] = {"name": event["name"]}
        elif kind == "trade":
            good = state["goods"][event["good"]]
            good["last"] = event["price"]
            good["volume"] += event["qty"]
            good["recent"] = [*good["recent"], [frame["at"], event["price"], event["qty"]]][-200:]
        elif kind == "book":
            state["goods"][event["good"]].update(bids=event["bids"], asks=event["asks"])
        elif kind == "mark":
            state["goods"][event["good"]].update(mark=event["mark"], mark_source=event["mark_source"])
        elif kind == "said":
            message = {name: event[name] for name in ("player", "text", "number")} | {"at": frame["at"]}
            state["messages"] = [*state["messages"], message][-50:]
        elif kind == "round":
            state.update(phase=event["phase"], round=event["round"], ends_at=event["ends_at"])
