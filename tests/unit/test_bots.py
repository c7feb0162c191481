from __future__ import annotations

import io
import os
import random
import signal

import pytest
import trio
from msgspec.structs import replace
from rich.console import Console

from tests.support.fake_server import FakeServer
from tests.unit.test_client_sockets import serving
from tradegame.bots import (
    KINDS,
    Amend,
    Bot,
    Informed,
    MarketMaker,
    Quote,
    Take,
    TrendFollower,
    Withdraw,
    ZeroIntelligence,
    fleet,
)
from tradegame.bots import run_bots as run
from tradegame.bots.terms import Terms
from tradegame.client import Account, Good, OpenOrder, State, connect
from tradegame.protocol.rules import GoodRules, GoodTerms, Rules, Treatment
from tradegame.protocol.state import Hint

NO_CASH = {"code": "insufficient_cash", "message": "needs 60 coins, has 12", "definite": True}
CLOSED = {"code": "not_open", "message": "the game is in its closed phase", "definite": True}


def account(cash: int = 10_000, grain: int = 0, orders: tuple[OpenOrder, ...] = ()) -> Account:
    return Account(cash, 0, {"grain": grain, "wool": 0}, {"grain": 0, "wool": 0}, orders, cash, cash, 0)


def state(price: int = 20) -> State:
    def good() -> Good:
        return Good(price, ((price - 1, 50),), ((price + 1, 50),))

    rules = Rules(
        cash=10_000,
        fee_bps=0,
        open_orders=50,
        rounds=None,
        goods={"grain": GoodRules(0, True, False, (10, 20, 30)), "wool": GoodRules(0, True, False, None)},
    )
    return State(phase="open", round=1, goods={"grain": good(), "wool": good()}, rules=rules)


def feed(market: State, prices: list[int]) -> None:
    market.goods["grain"].recent.extend((0, price, 1) for price in prices)


@pytest.mark.parametrize("kind", KINDS.values())
def test_the_same_seed_in_the_same_market_decides_the_same(kind: type[Bot]) -> None:
    def decisions(seed: int) -> list[object]:
        bot, market = kind(seed), state()
        walk = random.Random(1)
        made: list[object] = []
        for _ in range(60):
            feed(market, [walk.randint(15, 25) for _ in range(3)])
            made.append(bot.decide(market, account(grain=20)))
        return made

    assert decisions(1) == decisions(1)
    assert any(decisions(1))


def test_zero_intelligence_stays_within_its_budget_whatever_it_rolls() -> None:
    bot, chance = ZeroIntelligence(3), random.Random(3)
    seen = set()
    for _ in range(2000):
        me = account(cash=chance.randint(0, 100), grain=chance.randint(0, 3))
        for action in bot.decide(state(chance.randint(1, 30)), me):
            assert isinstance(action, Quote)
            assert action.price >= 1
            assert 1 <= action.qty <= (me.cash // action.price if action.side == "bid" else me.goods[action.good])
            seen.add(action.side)
    assert seen == {"bid", "ask"}


def test_zero_intelligence_takes_its_oldest_order_back_when_it_has_many() -> None:
    orders = tuple(OpenOrder(f"o{number}", "grain", "bid", 1, 15) for number in range(6))
    assert ZeroIntelligence(1).decide(state(), account(orders=orders))[0] == Withdraw("o0")


def test_the_market_maker_quotes_both_sides_around_the_middle() -> None:
    maker = MarketMaker(target=20, size=10, half_spread=1)
    assert maker.decide(state(), account(grain=20)) == [Quote("grain", "bid", 10, 19), Quote("grain", "ask", 10, 21)]


def test_the_market_maker_with_too_much_stock_asks_and_bids_less() -> None:
    maker = MarketMaker(target=20, lean=10)
    prices = [action.price for action in maker.decide(state(), account(grain=70)) if isinstance(action, Quote)]
    assert prices == [14, 16]


def test_the_market_maker_leaves_good_quotes_and_replaces_stale_ones() -> None:
    good_bid, stale_ask = OpenOrder("o1", "grain", "bid", 9, 19), OpenOrder("o2", "grain", "ask", 10, 25)
    actions = MarketMaker(target=20).decide(state(), account(grain=20, orders=(good_bid, stale_ask)))
    assert actions == [Amend("o2", 10, 21)]


def test_the_market_maker_moves_the_quote_first_that_would_be_in_the_others_way() -> None:
    maker, low, high = (
        MarketMaker(target=20),
        OpenOrder("o1", "grain", "bid", 10, 9),
        OpenOrder("o2", "grain", "ask", 9, 11),
    )
    assert maker.decide(state(), account(orders=(low, high), grain=20)) == [Amend("o2", 10, 21), Amend("o1", 10, 19)]
    maker, low, high = (
        MarketMaker(target=20),
        OpenOrder("o1", "grain", "bid", 10, 39),
        OpenOrder("o2", "grain", "ask", 9, 41),
    )
    assert maker.decide(state(), account(orders=(low, high), grain=20)) == [Amend("o1", 10, 19), Amend("o2", 10, 21)]


def test_the_market_maker_takes_back_what_is_too_many_and_what_it_cannot_quote() -> None:
    bids = tuple(OpenOrder(f"o{number}", "grain", "bid", 9, price) for number, price in enumerate((18, 19, 17)))
    assert MarketMaker(target=0).decide(state(), account(orders=bids)) == [Withdraw("o0"), Withdraw("o2")]
    maker, spent = MarketMaker(target=0), account(cash=0, orders=(OpenOrder("o1", "grain", "bid", 1, 18),))
    assert maker.decide(state(), spent) == [Withdraw("o1")]
    nearly = account(cash=0, orders=(OpenOrder("o1", "grain", "bid", 2, 19),))
    assert MarketMaker(target=0).decide(state(), nearly) == []  # a new one would be as small


def test_the_trend_follower_buys_on_the_cross_up_and_sells_out_on_the_cross_down() -> None:
    bot, market = TrendFollower(short=2, long=4), state()
    feed(market, [20, 20, 19, 18])
    assert bot.decide(market, account()) == []
    feed(market, [22, 24])
    assert bot.decide(market, account()) == [Take("grain", "buy", 10, 22)]
    assert bot.decide(market, account(grain=10)) == []
    feed(market, [15, 14])
    assert bot.decide(market, account(grain=4)) == [Take("grain", "sell", 4, 18)]


def test_the_market_maker_earns_its_spread_after_taxes() -> None:
    market = state()
    market.treatment = Treatment(goods={"grain": GoodTerms(buyer_tax=6, seller_tax=2)})
    bid, ask = MarketMaker(target=20, half_spread=1).decide(market, account(grain=20))
    assert isinstance(bid, Quote)
    assert isinstance(ask, Quote)
    assert (ask.price - 2) - (bid.price + 6) == 2
    assert bid.price < 20 < ask.price


@pytest.mark.parametrize("kind", [ZeroIntelligence, MarketMaker, Informed])
@pytest.mark.parametrize("price", [5, 20, 60])
def test_quotes_are_within_the_price_limits(kind: type[Bot], price: int) -> None:
    bot, market = kind(1), state(price)
    for good in market.goods.values():
        good.recent.append((0, price, 1))
    limits = GoodTerms(floor=18, ceiling=22)
    market.treatment = Treatment(goods={"grain": limits, "wool": limits})
    made = [action for _ in range(200) for action in bot.decide(market, account(grain=20))]
    quotes = [action for action in made if isinstance(action, Quote)]
    assert quotes
    assert all(18 <= quote.price <= 22 for quote in quotes)


@pytest.mark.parametrize("value", [1, 19, 20, 41, 90, 1_000])
@pytest.mark.parametrize("bps", [0, 10, 333, 10_000])
def test_the_price_that_loses_nothing_is_the_last_that_does(value: int, bps: int) -> None:
    terms = Terms(fee_bps=bps, buyer_tax=4, seller_tax=3)
    bid, ask = terms.highest_bid(value), terms.lowest_ask(value)
    assert terms.paid(bid + 1) > value
    assert not bid or terms.paid(bid) <= value
    fee = -(-ask * bps // 10_000)
    assert (ask == 0) == (bps == 10_000)
    assert not ask or ask - fee - 3 >= value > ask - 1 - (-(-(ask - 1) * bps // 10_000)) - 3


@pytest.mark.parametrize("kind", KINDS.values())
def test_a_market_that_nobody_has_named_a_price_in_is_no_trouble(kind: type[Bot]) -> None:
    bot = kind(1)
    for _ in range(20):
        bot.decide(State(goods={"grain": Good()}), account())
        bot.decide(State(), account())


async def test_bots_take_no_for_an_answer_and_wait_while_the_game_is_closed(
    autojump_clock: trio.testing.MockClock,
) -> None:
    fake = FakeServer()
    bot = ZeroIntelligence(1, pace=0.2)
    async with trio.open_nursery() as nursery:
        await nursery.start(fake.run)
        fake.plan("order", NO_CASH, CLOSED, NO_CASH)
        async with connect("ws://fake/ws", dial=fake.dial) as client:
            game = await client.join("bazaar")
            nursery.start_soon(bot.run, game)
            with trio.fail_after(600):
                await fake.until_received("order", 5)
            assert bot.tally.refused == 3
            await fake.publish({"type": "round", "phase": "closed", "round": 1, "ends_at": None})
            await trio.sleep(20)
            made = len(fake.received)
            await trio.sleep(600)
            assert len(fake.received) == made
            await fake.publish({"type": "round", "phase": "open", "round": 2, "ends_at": None})
            with trio.fail_after(60):
                await fake.until_received("order", len(fake.requests("order")) + 1)
            nursery.cancel_scope.cancel()


async def test_a_bot_stays_below_the_rate_that_the_server_told(autojump_clock: trio.testing.MockClock) -> None:
    fake = FakeServer()
    fake.server_info["commands_per_s"] = 5
    async with trio.open_nursery() as nursery:
        await nursery.start(fake.run)
        async with connect("ws://fake/ws", dial=fake.dial) as client:
            game = await client.join("bazaar")
            nursery.start_soon(ZeroIntelligence(1, pace=0.001).run, game)
            await trio.sleep(20)
            assert 20 <= client.statistics().sent <= 5 * 20
            nursery.cancel_scope.cancel()


def console(terminal: bool) -> Console:
    return Console(file=io.StringIO(), force_terminal=terminal, width=140, height=30)


def shown(screen: Console) -> str:
    assert isinstance(screen.file, io.StringIO)
    return screen.file.getvalue()


@pytest.mark.parametrize("terminal", [True, False])
async def test_a_crowd_plays_on_one_connection_each_and_ends_on_ctrl_c(terminal: bool) -> None:
    screen = console(terminal)
    async with serving() as (fake, url):
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def _() -> None:
                await fake.until_peers(6)
                await fake.until_received("order", 10)
                if terminal:
                    await trio.sleep(1)  # two refreshes
                os.kill(os.getpid(), signal.SIGINT)

            await run(url, "bazaar", 6, seed=1, pace=0.05, console=screen)
        await fake.until_peers(0)
    names = {frame["name"] for frame in fake.requests("hello")}
    assert names == {f"bot-{number}" for number in range(1, 7)}  # before the game is known nobody knows what suits it
    assert ("bot-2" in shown(screen)) == terminal
    assert ("market_maker" in shown(screen)) == terminal
    assert "bazaar: " in shown(screen)
    assert "6 bots are done" in shown(screen)


async def test_the_bots_of_a_node_that_dies_go_on_at_another_and_it_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet, "LINE_EVERY_S", 0.2)
    screen = console(False)
    async with serving() as (east, east_url), serving(FakeServer("n2", beside=east)) as (west, west_url):
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def _() -> None:
                await east.until_peers(3)
                await west.until_peers(3)
                await east.close_all(1001, "the server is going away")
                await west.until_peers(6)
                await west.until_received("order", 10)
                with trio.fail_after(20):
                    while "3 failovers" not in shown(screen):  # noqa: ASYNC110 - a line comes when it comes
                        await trio.sleep(0.05)
                nursery.cancel_scope.cancel()

            await run([east_url, west_url], "bazaar", 6, seed=1, pace=0.05, console=screen)


async def test_an_absent_server_is_said_once_and_tried_again(unused_port: int) -> None:
    screen = console(False)
    with trio.move_on_after(2):
        await run(f"ws://127.0.0.1:{unused_port}/ws", "bazaar", 3, seed=1, console=screen)
    lines = [line for line in shown(screen).splitlines() if "trying again" in line]
    assert len(lines) == 1
    assert f"127.0.0.1:{unused_port}" in lines[0]


@pytest.fixture
async def unused_port() -> int:
    listener = (await trio.open_tcp_listeners(0, host="127.0.0.1"))[0]
    port: int = listener.socket.getsockname()[1]
    await listener.aclose()
    return port


async def test_a_game_that_is_not_there_yet_is_waited_for() -> None:
    screen = console(False)
    async with serving() as (fake, url):
        bazaar = fake.games.pop("bazaar")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lambda: run(url, "bazaar", 1, ["zero_intelligence"], seed=1, pace=0.05, console=screen))
            await fake.until_received("join", 2)
            fake.games["bazaar"] = bazaar
            await fake.until_received("order")
            nursery.cancel_scope.cancel()


async def test_when_all_are_kicked_it_is_over() -> None:
    screen = console(False)
    async with serving() as (fake, url):
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def _() -> None:
                await fake.until_received("join", 2)
                await fake.close_all(4501, "kicked")

            await run(url, "bazaar", 2, seed=1, console=screen)
    assert len(fake.requests("hello")) == 2


def test_a_kind_may_be_shortened() -> None:
    assert fleet._kind("zero") == "zero_intelligence"
    assert fleet._kind("market-maker") == "market_maker"


async def test_an_unknown_kind_is_told_with_the_ones_there_are() -> None:
    with pytest.raises(ValueError, match="oracle; there are zero_intelligence"):
        await run("ws://127.0.0.1:1/ws", "bazaar", 1, ["oracle"])


def by_values(role: str, values: tuple[int, ...], owned: int) -> Account:
    return replace(account(grain=owned), role=role, values={"grain": values})


@pytest.mark.parametrize("seed", range(40))
def test_zero_intelligence_loses_nothing_by_its_private_values(seed: int) -> None:
    bot = ZeroIntelligence(seed)
    (bid,) = bot.decide(state(), by_values("buyer", (90, 40), 1))
    assert isinstance(bid, Quote)
    assert (bid.side, bid.qty) == ("bid", 1)
    assert 1 <= bid.price <= 40
    (ask,) = bot.decide(state(), by_values("seller", (90, 40), 1))
    assert isinstance(ask, Quote)
    assert (ask.side, ask.qty) == ("ask", 1)
    assert ask.price >= 90


def test_zero_intelligence_rests_when_it_has_all_that_is_worth_something() -> None:
    bot = ZeroIntelligence(1)
    assert bot.decide(state(), by_values("buyer", (90, 40), 2)) == []
    assert bot.decide(state(), by_values("seller", (90, 40), 0)) == []


def test_informed_rules_out_what_it_was_told() -> None:
    hints = (Hint("grain", 10, "", 0), Hint("grain", 20, "", 0))
    market = state()
    market.goods["grain"] = Good()
    bot, me = Informed(1), replace(account(grain=20), hints=hints)
    made = [action for _ in range(50) for action in bot.decide(market, me) if isinstance(action, Quote)]
    assert made
    assert all(25 <= quote.price <= 35 for quote in made)
    assert {quote.side for quote in made} == {"bid", "ask"}
