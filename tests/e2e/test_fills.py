"""Each player is told of their own fills, in any game, and may ask for them and for what became of their orders."""

from __future__ import annotations

import pytest
import trio

from tests.support.player import Player, Refused
from tests.support.server import ServerThread
from tradegame.client import Fills, OwnOrders, TradeError, connect
from tradegame.protocol.state import Fill

PIT = {"id": "pit", "fee_bps": 100, "goods": {"oil": {"endowment": 9}}}


def test_fills_come_to_each_tab_of_their_player_and_to_nobody_else() -> None:
    with ServerThread("memory:", games=[PIT]) as server, Player(server.url, "ann") as ann:
        with Player(server.url, None, ann.token) as tab, Player(server.url, "ben") as ben, Player(server.url) as wall:
            for player in (ann, tab, ben):
                player.ask("join", game="pit")
            wall.ask("join", game="pit", spectate=True)
            order = ann.ask("order", game="pit", good="oil", side="ask", qty=5, price=30)["order"]
            done = ben.ask("buy", game="pit", good="oil", qty=3)
            told = {}
            for player in (ann, tab, ben, wall):
                player.until_seq(done["seq"], "pit")
                player.ask("ping")
                told[player] = [push for push in player.pushes if push["push"] == "fills"]
                trades = [push for push in player.frames("pit") for event in push["events"] if event["type"] == "trade"]
                assert len(trades) == 1
            (hers,), (his,) = told[ann], told[ben]
            assert told[tab] == [hers]
            assert told[wall] == []
            assert (hers["game"], hers["seq"]) == ("pit", done["seq"])
            common = {"trade": 1, "at": hers["at"], "good": "oil", "price": 30, "qty": 3, "taker": "buy"}
            assert hers["fills"] == [{**common, "side": "ask", "fee": 0, "order": order, "maker": True}]
            assert his["fills"] == [{**common, "side": "bid", "fee": 1}]
            assert ben.ask("fills", game="pit", limit=1) == {"fills": his["fills"], "seq": done["seq"]}
            assert ben.ask("orders", game="pit") == {"open": [], "done": [], "seq": done["seq"]}
            with pytest.raises(Refused, match="bad_request"):
                ben.ask("fills", game="pit", limit=51)


def test_a_cancel_that_comes_too_late_says_what_became_of_the_order_however_often_it_comes() -> None:
    with ServerThread("memory:", games=[PIT]) as server, Player(server.url, "ann") as ann:
        with Player(server.url, "ben") as ben:
            ann.ask("join", game="pit")
            ben.ask("join", game="pit")
            order = ann.ask("order", game="pit", good="oil", side="ask", qty=3, price=30)["order"]
            ben.ask("buy", game="pit", good="oil", qty=3)
            for replayed in ({}, {"replayed": True}):
                with pytest.raises(Refused) as late:
                    ann.ask("cancel", game="pit", order=order, key="k", since=0)
                assert late.value.error == {
                    "code": "unknown_order",
                    "message": f"{order} was filled: 3 units",
                    "definite": True,
                    "keys": 1,
                    "became": "filled",
                    **replayed,
                }


async def test_the_python_client_is_told_and_asks() -> None:
    with ServerThread("memory:", games=[PIT]) as server, trio.fail_after(20):
        async with connect(server.url, name="ann") as client, connect(server.url, name="ben") as other:
            game, his = await client.join("pit"), await other.join("pit")
            events = game.events()
            order = await game.order("oil", "ask", 5, 30)
            await his.buy("oil", 3)
            async for event in events:
                if isinstance(event, Fills):
                    break
            (fill,) = event.fills
            assert fill == Fill(1, event.at, "oil", "ask", 30, 3, "buy", 0, order.order, maker=True)
            assert await game.fills() == [fill]
            await game.cancel(order)
            with pytest.raises(TradeError, match="was cancelled; 3 units had been filled") as late:
                await game.cancel(order)
            assert (late.value.code, late.value.became) == ("unknown_order", "cancelled")
            mine: OwnOrders = await game.orders()
            assert mine.open == ()
            assert [(each.order, each.became, each.filled, each.qty) for each in mine.done] == [
                (order.order, "cancelled", 3, 2)
            ]
            me = await his.refresh_me()
            assert me.start is not None
            assert (me.positions["oil"].average_bought, me.positions["oil"].fees) == (3_000, 1)
            assert me.positions["oil"].gain == me.worth - me.start
