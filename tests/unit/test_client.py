"""The client against a fake server in memory, on a clock that jumps: back-offs of seconds take no time."""

from __future__ import annotations

import random
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from tests.support.fake_server import FakeServer
from tradegame import client as tg

BOTS = Path(__file__).parents[2] / "docs" / "bots.md"
BUSY = {"code": "rate_limited", "message": "slower", "definite": True, "retry_after_ms": 1500}
UNKNOWN = {"code": "unavailable", "message": "the store did not answer", "definite": False}
NO = {"code": "no_liquidity", "message": "no ask", "definite": True}


@pytest.fixture
async def server(nursery: trio.Nursery) -> FakeServer:
    return await nursery.start(FakeServer().run)  # type: ignore[no-any-return]


def connect(server: FakeServer, *urls: str, **options: Any) -> Any:
    return tg.connect(*(urls or ("ws://fake/ws",)), dial=server.dial, seed=1, **({"name": "ann"} | options))


def trade(qty: int = 1, price: int = 21) -> dict[str, Any]:
    fields = {"good": "grain", "price": price, "qty": qty, "buyer": "p1", "seller": "house", "taker": "buy"}
    return {"type": "trade", **fields}


async def next_of(events: AsyncIterator[tg.Event], kind: type) -> Any:
    with trio.fail_after(60):
        async for event in events:
            if isinstance(event, kind):
                return event
    raise AssertionError(f"the events ended without a {kind.__name__}")


# Calls


async def test_hello_tells_who_and_where_we_are(server: FakeServer, autojump_clock: MockClock) -> None:
    async with connect(server) as client:
        assert client.player == tg.PlayerInfo("p1", "ann")
        assert client.token == "t1"
        assert client.server.commands_per_s == 20
        assert (await client.ping()).at > 0
        assert await client.games() == []


async def test_every_call_returns_what_the_server_answered(server: FakeServer, autojump_clock: MockClock) -> None:
    async with connect(server) as client:
        game = await client.join("bazaar")
        bought = await game.buy("grain", 3, limit=24)
        assert bought == tg.Bought(filled=3, cost=60, fee=0, cash=9940, seq=1, keys=1)
        assert (await game.sell("grain", 1)).proceeds == 20
        ordered = await game.order("grain", "bid", 2, 15)
        assert (ordered.order, ordered.resting) == ("o1", 2)
        assert (await game.refresh_me()).orders == (tg.OpenOrder("o1", "grain", "bid", 2, 15),)
        amended = await game.amend(ordered, price=16, post_only=True)
        assert (amended.order, amended.resting) == ("o2", 2)
        assert (await game.cancel(amended)).released == tg.Released(0, 0)
        assert await game.cancel_all(side="bid") == tg.AllCancelled(0, tg.ReleasedAll(0, {}), seq=2, keys=6)
        assert (await game.say("hello")).seq == 3
        assert (await game.book("grain")).bids == ((19, 50),)
        assert (await game.standings())[0].name == "ann"
        assert server.requests("buy")[0] | {"id": 0, "key": ""} == {
            "id": 0,
            "op": "buy",
            "game": "bazaar",
            "good": "grain",
            "qty": 3,
            "limit": 24,
            "key": "",
            "since": 0,
            "epoch": "e1",
        }
        assert (server.requests("amend")[0]["post_only"], "qty" in server.requests("amend")[0]) == (True, False)


async def test_requoting_five_goods_as_the_docs_do_it_takes_half_of_what_a_second_allows(
    server: FakeServer, autojump_clock: MockClock
) -> None:
    (text,) = re.findall(r"```python\n(async def requote.*?)```", BOTS.read_text(), re.S)
    names: dict[str, Any] = {"TradeError": tg.TradeError}
    exec(text, names)
    goods = ["grain", "wool", "salt", "wood", "iron"]
    async with connect(server) as client:
        game = await client.join("bazaar")
        for good in goods:
            await game.order(good, "bid", 1, 18)
            await game.order(good, "ask", 1, 22)
        await game.refresh_me()
        server.plan("amend", NO | {"code": "would_trade"})
        await names["requote"](game, dict.fromkeys(goods, (19, 23)))
        assert len(server.requests("amend")) == 10 == client.server.commands_per_s / 2
        after = (await game.refresh_me()).orders
        assert [order.price for order in after] == [18, *[23, 19] * 4, 23]


async def test_a_refusal_is_a_trade_error_with_its_facts(server: FakeServer, autojump_clock: MockClock) -> None:
    server.plan("buy", NO | {"at": "$.qty"})
    async with connect(server) as client:
        game = await client.join("bazaar")
        with pytest.raises(tg.TradeError) as caught:
            await game.buy("grain", 1, key="mine")
        error = caught.value
        assert (error.code, error.message, error.definite, error.at, error.key) == (
            "no_liquidity",
            "no ask",
            True,
            "$.qty",
            "mine",
        )
        assert len(server.requests("buy")) == 1


async def test_each_command_has_a_key_of_its_own(server: FakeServer, autojump_clock: MockClock) -> None:
    async with connect(server) as one, connect(server) as other:
        for client in (one, other):
            game = await client.join("bazaar")
            await game.buy("grain", 1)
            await game.say("hello")
    keys = [frame["key"] for frame in server.received if "key" in frame]
    assert len(keys) == len(set(keys)) == 6


async def test_a_rate_limited_call_waits_as_long_as_it_is_told_and_goes_again_with_its_key(
    server: FakeServer, autojump_clock: MockClock
) -> None:
    server.plan("buy", BUSY)
    async with connect(server) as client:
        game = await client.join("bazaar")
        began = trio.current_time()
        await game.buy("grain", 1)
        assert trio.current_time() - began >= 1.5
    first, second = server.requests("buy")
    assert first["key"] == second["key"]


async def test_with_retry_off_a_rate_limit_is_the_callers_business(
    server: FakeServer, autojump_clock: MockClock
) -> None:
    server.plan("buy", BUSY)
    async with connect(server, retry=False) as client:
        game = await client.join("bazaar")
        with pytest.raises(tg.TradeError) as caught:
            await game.buy("grain", 1)
        assert caught.value.retry_after_ms == 1500


async def test_what_nobody_knows_is_asked_again_with_the_same_key(
    server: FakeServer, autojump_clock: MockClock
) -> None:
    server.plan("buy", UNKNOWN, UNKNOWN)
    async with connect(server) as client:
        game = await client.join("bazaar")
        assert (await game.buy("grain", 2)).filled == 2
        assert client.statistics().retried == 2
    assert len({frame["key"] for frame in server.requests("buy")}) == 1
    assert len(server.requests("buy")) == 3


async def test_a_call_that_stays_unknown_until_its_deadline_is_not_called_definite(
    server: FakeServer, autojump_clock: MockClock
) -> None:
    server.plan("buy", UNKNOWN, *[BUSY] * 50)
    async with connect(server, call_deadline=10) as client:
        game = await client.join("bazaar")
        with pytest.raises(tg.TradeError) as caught:
            await game.buy("grain", 1)
        assert not caught.value.definite


async def test_a_call_without_an_answer_ends_at_its_deadline(server: FakeServer, autojump_clock: MockClock) -> None:
    server.plan("buy", "ignore")
    async with connect(server, call_deadline=7) as client:
        game = await client.join("bazaar")
        began = trio.current_time()
        with pytest.raises(tg.TradeError) as caught:
            await game.buy("grain", 1, key="k")
        assert (caught.value.code, caught.value.definite, caught.value.key) == ("timeout", False, "k")
        assert trio.current_time() - began == pytest.approx(7, abs=0.5)
        assert (await game.buy("grain", 1, key="k")).replayed
    assert len(server.games["bazaar"].effects) == 1


async def test_a_cancelled_call_leaves_the_client_usable_and_nothing_behind(
    server: FakeServer, autojump_clock: MockClock
) -> None:
    server.plan("buy", "ignore")
    async with connect(server) as client:
        game = await client.join("bazaar")
        with trio.move_on_after(3) as scope:
            await game.buy("grain", 1)
        assert scope.cancelled_caught
        assert client.statistics().waiting == 0
        assert (await game.buy("grain", 1)).filled == 1


async def test_a_call_cancelled_before_it_was_sent_never_is(server: FakeServer, autojump_clock: MockClock) -> None:
    async with connect(server) as client:
        game = await client.join("bazaar")
        server.refuse_dials = 4
        await server.break_all()
        await server.until_peers(0)
        with trio.move_on_after(0.001) as scope:
            await game.buy("grain", 1)
        assert scope.cancelled_caught
        await game.sell("grain", 1)
    assert server.requests("buy") == []


# Reconnecting


@pytest.mark.parametrize("how", ["drop", "lose"])
async def test_an_unanswered_command_is_sent_again_with_its_key_and_has_one_effect(
    server: FakeServer, autojump_clock: MockClock, how: str
) -> None:
    server.plan("buy", how)
    async with connect(server) as client:
        game = await client.join("bazaar")
        bought = await game.buy("grain", 3)
        assert (bought.filled, bought.replayed) == (3, how == "drop")
        assert client.statistics().resent == 1
        assert game.me is not None
        assert (game.me.goods["grain"], game.state.goods["grain"].volume) == (3, 3)
    assert len(server.games["bazaar"].effects) == 1
    assert len({frame["key"] for frame in server.requests("buy")}) == 1


async def test_reads_are_sent_again_too(server: FakeServer, autojump_clock: MockClock) -> None:
    server.plan("book", "lose")
    async with connect(server) as client:
        game = await client.join("bazaar")
        assert (await game.book("grain")).good == "grain"


async def test_a_join_that_was_cut_off_is_completed(server: FakeServer, autojump_clock: MockClock) -> None:
    server.plan("join", "drop")
    async with connect(server) as client:
        game = await client.join("bazaar")
        await server.publish(trade())
        with trio.fail_after(60):
            await game.until(lambda game: game.state.seq == 1)


@pytest.mark.parametrize("code", [1001, 4001, 4002, 1006])
async def test_after_a_break_the_game_is_resumed_without_gap_or_repeat(
    server: FakeServer, autojump_clock: MockClock, code: int
) -> None:
    async with connect(server) as client:
        game = await client.join("bazaar")
        events = game.events()
        await server.publish(trade(1))
        await (server.break_all() if code == 1006 else server.close_all(code, "as a test"))
        for qty in (2, 3):
            await server.publish(trade(qty))
        with trio.fail_after(60):
            await game.until(lambda game: game.state.seq == 3)
        await server.publish(trade(4))
        assert [(await next_of(events, tg.Trade)).qty for _ in range(4)] == [1, 2, 3, 4]
        assert game.state.goods["grain"].volume == 10
        assert client.player.id == "p1"
    first, second = server.requests("hello")
    assert (first["name"], second["token"]) == ("ann", "t1")
    assert server.requests("join")[1]["after"] == {"epoch": "e1", "seq": 1}


async def test_a_server_that_goes_away_is_left_at_once_and_others_with_back_off(
    server: FakeServer, autojump_clock: MockClock
) -> None:
    waits: list[float] = []

    def note(status: tg.Status) -> None:
        if status.kind == "waiting":
            waits.append(status.retry_in_s)

    async with connect(server, on_status=note) as client:
        await client.ping()
        await server.close_all(1001)
        await server.until_received("hello", 2)
        await client.ping()
        await server.close_all(4001)
        await server.until_received("hello", 3)
    assert waits[0] == 0
    assert waits[1] > 0


async def test_an_absence_too_long_to_resume_resets_the_mirror_and_says_so(
    server: FakeServer, autojump_clock: MockClock
) -> None:
    async with connect(server) as client:
        game = await client.join("bazaar")
        events = game.events()
        await server.break_all()
        await server.until_peers(0)
        bazaar = server.games["bazaar"]
        bazaar.epoch, bazaar.seq = "e2", 7
        bazaar.goods["grain"]["last"] = 99
        assert await next_of(events, tg.Reset) == tg.Reset("e2", 7)
        assert game.state.goods["grain"].last == 99
        await server.publish(trade())
        assert (await next_of(events, tg.Trade)).seq == 8


async def test_a_gap_makes_it_join_again_and_lose_nothing(server: FakeServer, autojump_clock: MockClock) -> None:
    async with connect(server) as client:
        game = await client.join("bazaar")
        events = game.events()
        await server.publish(trade(1))
        await server.publish(trade(2), deliver=False)
        await server.publish(trade(3))
        assert [(await next_of(events, tg.Trade)).seq for _ in range(3)] == [1, 2, 3]
        assert game.state.goods["grain"].volume == 6
        assert client.statistics().reconnects == 0
    assert server.requests("join")[1]["after"]["seq"] == 1


async def test_a_rejoin_that_is_rate_limited_is_tried_again(server: FakeServer, autojump_clock: MockClock) -> None:
    async with connect(server) as client:
        game = await client.join("bazaar")
        server.plan("join", BUSY)
        await server.publish(trade(1), deliver=False)
        await server.publish(trade(2))
        with trio.fail_after(60):
            await game.until(lambda game: game.state.seq == 2)


async def test_a_game_that_is_gone_ends_its_events_with_the_reason(
    server: FakeServer, autojump_clock: MockClock
) -> None:
    async with connect(server) as client:
        game = await client.join("bazaar")
        events = game.events()
        del server.games["bazaar"]
        await server.break_all()
        with pytest.raises(tg.TradeError, match="unknown_game"):
            await next_of(events, tg.Trade)


@pytest.mark.parametrize("frame", [{"events": 7}, {"events": [trade() | {"price": "20"}]}, {"at": None}])
async def test_a_malformed_frame_ends_that_connection_and_not_the_client(
    server: FakeServer, autojump_clock: MockClock, frame: dict[str, Any]
) -> None:
    async with connect(server) as client:
        game = await client.join("bazaar")
        events = game.events()
        good = {"push": "events", "game": "bazaar", "epoch": "e1", "seq": 1, "at": 1, "events": []}
        await server.push(good | frame)
        await next_of(events, tg.Reset)
        assert client.statistics().reconnects == 1
        await game.buy("grain", 1)


async def test_unknown_events_fields_and_pushes_are_ignored(server: FakeServer, autojump_clock: MockClock) -> None:
    async with connect(server) as client:
        game = await client.join("bazaar")
        await server.push({"push": "fireworks", "game": "bazaar"})
        await server.publish({"type": "eclipse"}, trade() | {"colour": "red", "at": 5})
        with trio.fail_after(60):
            await game.until(lambda game: game.state.seq == 1)
        assert list(game.state.goods["grain"].recent) == [(5, 21, 1)]
        assert client.statistics().reconnects == 0


async def test_a_silent_server_is_left(server: FakeServer, autojump_clock: MockClock) -> None:
    server.server_info["heartbeat_s"] = 20
    async with connect(server) as client:
        game = await client.join("bazaar")
        server.freeze()
        await server.until_dialled(2)
        assert 30 <= trio.current_time() <= 41
        server.thaw()
        assert (await game.buy("grain", 1)).filled == 1
        assert client.statistics().reconnects == 1


@pytest.mark.parametrize("code", [4500, 4501, 4502, 4999])
async def test_a_kick_stops_everything_and_does_not_connect_again(
    server: FakeServer, autojump_clock: MockClock, code: int
) -> None:
    server.plan("buy", "ignore")
    async with connect(server) as client:
        game = await client.join("bazaar")
        events = game.events()
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def _() -> None:
                await server.until_received("buy")
                await server.close_all(code, "out")

            with pytest.raises(tg.ConnectionStopped) as caught:
                await game.buy("grain", 1)
        assert (caught.value.code, caught.value.reason) == (code, "out")
        with pytest.raises(tg.ConnectionStopped):
            await next_of(events, tg.Reset)
        with pytest.raises(tg.ConnectionStopped):
            await game.say("hello?")
        with pytest.raises(tg.ConnectionStopped):
            await game.until(lambda _: False)
        await trio.sleep(100)
    assert server.dials == 1


async def test_a_session_that_ended_is_not_replaced_by_a_new_player(
    server: FakeServer, autojump_clock: MockClock
) -> None:
    async with connect(server) as client:
        game = await client.join("bazaar")
        server.tokens.clear()
        await server.break_all()
        with pytest.raises(tg.TradeError, match="unauthorized"):
            await game.until(lambda _: False)
    assert len(server.requests("hello")) == 2


# Connecting


async def test_a_server_that_comes_late_is_waited_for(server: FakeServer, autojump_clock: MockClock) -> None:
    server.refuse_dials = 5
    seen: list[str] = []
    async with connect(server, on_status=lambda status: seen.append(status.kind)) as client:
        assert client.status.kind == "connected"
    assert seen.count("waiting") == 5
    assert server.dials == 6


async def test_a_server_that_does_not_come_is_named_with_the_reason(
    server: FakeServer, autojump_clock: MockClock
) -> None:
    server.refuse_dials = 1000
    with pytest.raises(tg.NotConnected, match=r"ws://fake/ws within 5 s: .*refused"):
        async with connect(server, connect_deadline=5):
            pytest.fail("connected to nothing")


async def test_the_next_url_is_tried_at_once(server: FakeServer, autojump_clock: MockClock) -> None:
    server.refuse_dials = 2
    async with connect(server, "ws://a/ws", "ws://b/ws", "ws://c/ws") as client:
        assert client.status.url == "ws://c/ws"
        assert trio.current_time() == 0


async def test_a_refused_handshake_is_told_at_once_with_its_body(server: FakeServer, autojump_clock: MockClock) -> None:
    server.reject_status = 403
    with pytest.raises(tg.NotConnected, match="HTTP 403: not here"):
        async with connect(server):
            pytest.fail("connected")
    assert server.dials == 1


async def test_a_busy_handshake_is_tried_again(server: FakeServer, autojump_clock: MockClock) -> None:
    server.reject_status = 503

    def note(status: tg.Status) -> None:
        if status.kind == "waiting":
            server.reject_status = None

    async with connect(server, on_status=note):
        assert server.dials == 2


async def test_a_token_that_is_no_good_is_told(server: FakeServer, autojump_clock: MockClock) -> None:
    with pytest.raises(tg.TradeError, match="unauthorized"):
        async with connect(server, token="nonsense"):
            pytest.fail("connected")


@pytest.mark.parametrize("url", ["http://host/ws", "host:80", "ws:///ws"])
async def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="URL"):
        async with tg.connect(url):
            pytest.fail("connected")


async def test_what_the_block_raises_comes_out_as_it_is(server: FakeServer, autojump_clock: MockClock) -> None:
    with pytest.raises(LookupError, match="mine"):
        async with connect(server):
            raise LookupError("mine")
    await server.until_peers(0)


async def test_a_closed_client_says_so(server: FakeServer, autojump_clock: MockClock) -> None:
    async with connect(server) as client:
        game = await client.join("bazaar")
        events = game.events()
    with pytest.raises(trio.ClosedResourceError):
        await game.buy("grain", 1)
    assert [event async for event in events if isinstance(event, tg.Trade)] == []
    await server.until_peers(0)


# Following


async def test_the_mirror_follows_every_event(server: FakeServer, autojump_clock: MockClock) -> None:
    async with connect(server) as client:
        game = await client.join("bazaar")
        await server.publish(
            {"type": "joined", "player": "p9", "name": "bob"},
            trade(4, 22),
            {"type": "book", "good": "grain", "bids": [[18, 1]], "asks": [[23, 2], [24, 3]]},
            {"type": "said", "player": "p9", "text": "hi"},
            {"type": "news", "text": "rain", "good": "grain"},
        )
        with trio.fail_after(60):
            await game.until(lambda game: game.state.seq == 1)
        grain = game.state.goods["grain"]
        assert (grain.last, grain.volume, grain.best_bid, grain.best_ask, grain.price) == (22, 4, 18, 23, 20)
        assert [trade[1:] for trade in grain.recent] == [(22, 4)]
        assert game.state.players["p9"].name == "bob"
        assert [(message.player, message.text) for message in game.state.messages] == [("p9", "hi")]
        await server.publish({"type": "round", "phase": "closed", "round": 1, "ends_at": 5})
        await server.publish({"type": "round", "phase": "lobby", "round": 2, "ends_at": 9})
        with trio.fail_after(60):
            await game.until(lambda game: game.state.round == 2)
        assert (game.state.phase, game.state.ends_at) == ("lobby", 9)
        # the tape goes on, as it does at the server
        assert (grain.last, grain.volume, len(grain.recent)) == (22, 4, 1)
        assert [news.text for news in game.state.news] == ["rain"]


async def test_private_news_and_presence_arrive(server: FakeServer, autojump_clock: MockClock) -> None:
    async with connect(server) as client:
        game = await client.join("bazaar")
        events = game.events()
        whisper = {"push": "whisper", "game": "bazaar", "seq": 0, "player": "p9", "to": "p1", "text": "psst", "at": 5}
        await server.push(whisper)
        assert await next_of(events, tg.Whisper) == tg.Whisper("bazaar", 0, "p9", "p1", "psst", 5)
        await server.push({"push": "presence", "game": "bazaar", "online": ["p9"], "offline": ["p1"]})
        await next_of(events, tg.Presence)
        assert game.state.online == {"p9"}
        await game.buy("grain", 1)
        assert (await next_of(events, tg.AccountChanged)).account == game.me


async def test_a_slow_consumer_is_told_how_many_it_missed_and_the_mirror_lacks_none(
    server: FakeServer, autojump_clock: MockClock
) -> None:
    async with connect(server) as client:
        game = await client.join("bazaar")
        await game.until(lambda game: bool(game.state.online))
        slow, fast = game.events(buffer=3), game.events()
        for qty in range(1, 11):
            await server.publish(trade(qty))
        with trio.fail_after(60):
            await game.until(lambda game: game.state.seq == 10)
        assert game.state.goods["grain"].volume == 55
        assert await anext(slow) == tg.Lagged(7)
        assert [(await next_of(slow, tg.Trade)).qty for _ in range(3)] == [8, 9, 10]
        assert [(await next_of(fast, tg.Trade)).qty for _ in range(10)] == list(range(1, 11))


async def test_leaving_ends_the_events_and_the_news(server: FakeServer, autojump_clock: MockClock) -> None:
    async with connect(server) as client:
        game = await client.join("bazaar")
        events = game.events()
        await game.leave()
        await game.leave()
        assert [event async for event in events if isinstance(event, tg.Trade)] == []
        with pytest.raises(trio.ClosedResourceError):
            await game.until(lambda _: False)
        assert len(server.requests("leave")) == 1
        again = await client.join("bazaar")
        assert again is not game
        await server.publish(trade())
        with trio.fail_after(60):
            await again.until(lambda game: game.state.seq == 1)


async def test_joining_twice_is_one_game_and_a_spectator_may_become_a_player(
    server: FakeServer, autojump_clock: MockClock
) -> None:
    async with connect(server) as client:
        game = await client.join("bazaar", spectate=True)
        assert game.me is None
        assert await client.join("bazaar", spectate=True) is game
        assert await client.join("bazaar") is game
        assert game.me is not None
        assert await client.join("bazaar") is game
        assert len(server.requests("join")) == 2
        await server.break_all()
        await server.until_received("join", 3)
        assert "spectate" not in server.requests("join")[2]


def chosen(server: FakeServer) -> list[bool | None]:
    """What each join said of `cancel_on_disconnect`."""
    return [request.get("cancel_on_disconnect") for request in server.requests("join")]


async def test_each_choice_for_a_disconnect_is_said_and_the_join_that_resumes_a_game_is_none(
    server: FakeServer, autojump_clock: MockClock
) -> None:
    """Of two clients of one player the last choice holds, whichever of them resumes."""
    async with connect(server) as client:
        game = await client.join("bazaar", cancel_on_disconnect=True)
        assert await client.join("bazaar") is game
        assert await client.join("bazaar", cancel_on_disconnect=False) is game
        assert await client.join("bazaar", cancel_on_disconnect=True) is game
        assert chosen(server) == [True, False, True]
        await server.break_all()
        await server.until_received("join", 4)
        assert chosen(server) == [True, False, True, None]


async def test_a_choice_whose_answer_was_lost_is_said_again_and_undone_by_nothing(
    server: FakeServer, autojump_clock: MockClock
) -> None:
    async with connect(server) as client:
        await client.join("bazaar", cancel_on_disconnect=True)
        server.plan("join", "drop")
        await client.join("bazaar", cancel_on_disconnect=False)
        assert chosen(server)[:2] == [True, False]
        assert sorted(map(str, chosen(server)[2:])) == ["False", "None"]


async def test_what_was_chosen_for_a_disconnect_is_said_once_more_to_a_game_that_was_made_anew(
    server: FakeServer, autojump_clock: MockClock
) -> None:
    bazaar = server.games["bazaar"]
    async with connect(server) as client:
        await client.join("bazaar", cancel_on_disconnect=True)
        bazaar.epoch, bazaar.accounts = "e2", {}
        await server.break_all()
        await server.until_received("join", 3)
        assert chosen(server) == [True, None, True]
        await server.break_all()
        await server.until_received("join", 4)
        bazaar.epoch = "e3"  # another client of the player has told it
        await server.break_all()
        await server.until_received("join", 5)
        await trio.sleep(5)
        assert chosen(server)[3:] == [None, None]


async def test_a_join_that_fails_or_is_cancelled_leaves_nothing_behind(
    server: FakeServer, autojump_clock: MockClock
) -> None:
    server.plan("join", "ignore")
    async with connect(server) as client:
        with trio.move_on_after(1):
            await client.join("bazaar")
        with pytest.raises(tg.TradeError, match="unknown_game"):
            await client.join("nowhere")
        with trio.fail_after(60):
            await server.until_received("leave", 2)
        await server.break_all()
        await server.until_received("hello", 2)
        await client.ping()
        assert len(server.requests("join")) == 2


async def test_many_calls_through_many_breaks_each_have_one_effect(
    server: FakeServer, autojump_clock: MockClock
) -> None:
    chance = random.Random(5)
    steps: list[dict[str, Any] | str] = ["drop", "lose", "", "", UNKNOWN, BUSY]
    server.plan("buy", *[chance.choice(steps) for _ in range(200)])
    results: list[tg.Bought] = []
    async with connect(server, call_deadline=3600) as client:
        game = await client.join("bazaar")

        async def buyer() -> None:
            for _ in range(10):
                results.append(await game.buy("grain", 1))

        async with trio.open_nursery() as nursery:
            for _ in range(10):
                nursery.start_soon(buyer)
        assert (await game.refresh_me()).goods["grain"] == 100
    assert len(results) == 100
    assert len(server.games["bazaar"].effects) == 100
