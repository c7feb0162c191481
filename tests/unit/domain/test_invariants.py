"""Anything that players, hosts and clocks may do, and what must hold all the same.

The machine keeps books of its own: a ledger and a follower's public state, both fed by the public events alone,
and every key that was used. None of it looks at how the game came to its state.
"""

from __future__ import annotations

import copy
import json
import random
from collections import defaultdict, deque
from typing import Any

import attrs
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, multiple, precondition, rule
from msgspec import Struct
from msgspec.structs import asdict, replace

from tests.support import views
from tests.support.domain import BEGIN, YEAR_3000, events, fills, stamped
from tests.unit.domain.shadows import Bids, Follower, Ledger
from tests.unit.domain.strategies import (
    PLAYERS,
    busy,
    commands,
    definitions,
    goods,
    keys,
    mostly,
    players,
    prices,
    steps,
)
from tradegame.core.domain import snapshot
from tradegame.core.domain import views as domain_views
from tradegame.core.domain.audit import audit
from tradegame.core.domain.definition import (
    GameDefinition,
)
from tradegame.core.domain.events import Applied, Outcome, Rejected
from tradegame.core.domain.game import Game
from tradegame.protocol.commands import Arrive, Command, Entry, Join, SetClock, SetPhase, SitIn, encode_entry
from tradegame.protocol.pushes import BookChanged, Removed, RoundChanged, Trade
from tradegame.protocol.replies import Bought, Cancelled, Ordered, Sent, Sold
from tradegame.protocol.requests import AmendOrder, BuyGood, CancelAll, CancelOrder, PlaceOrder, Say, SellGood

orders = Bundle("orders")


def best_levels(game: Game, good: str) -> tuple[Any, Any]:
    """The best five levels a side, out of the orders that the accounts know."""
    sides: dict[str, dict[int, int]] = {"bid": defaultdict(int), "ask": defaultdict(int)}
    for account in game.state.accounts.values():
        for order in account.orders.values():
            if order.good == good:
                sides[order.side][order.price] += order.qty
    bids, asks = sorted(sides["bid"].items(), reverse=True), sorted(sides["ask"].items())
    assert not bids or not asks or bids[0][0] < asks[0][0]
    return tuple(bids[:5]), tuple(asks[:5])


def without_traces(game: Game) -> list[Any]:
    """The state without what even a refused command may change."""
    head, *lines = [json.loads(line) for line in snapshot.lines(game)]
    for name in ("chain", "commands", "remembered"):
        del head[name]
    players = [row[:-2] for line in lines if line[0] == "player" for row in line[1:]]  # their lines are as long as keys
    return [head, players, *[line for line in lines if line[0] not in ("aging", "host", "player")]]


def contents(thing: Any) -> Any:
    """All that is in ``thing``, field by field, to compare what `snapshot` may have forgotten on both its sides.

    But for fields that do not count in a comparison: those were computed of the others, and kept.
    """
    if thing is None or isinstance(thing, int | str | bytearray | Struct):
        return thing
    if isinstance(thing, dict):
        return {key: contents(value) for key, value in thing.items()}
    if isinstance(thing, list | tuple | deque):
        return type(thing), [contents(value) for value in thing]
    fields = thing.__getstate__()
    if attrs.has(type(thing)):
        fields = {field.name: getattr(thing, field.name) for field in attrs.fields(type(thing)) if field.eq}
    return type(thing), contents(fields)


def of_its_own(account: Any) -> Any:
    """What changes of an account by nothing but what its player does, or an order of theirs."""
    positions = {good: {**position, "gain": 0} for good, position in account.get("positions", {}).items()}
    return {**account, "worth": 0, "start": 0, "keys": 0, "positions": positions}


AT_ONCE = {"key_reused", "epoch_over", "stale", "ahead"}
"""Refused before the rules look at the command: not even a sign that its player is here."""


class AnyGame(RuleBasedStateMachine):
    @initialize(
        definition=definitions(),
        seed=st.integers(-(2**70), 2**70),
        joined=mostly(st.just(PLAYERS), st.lists(players, unique=True)),
        at=st.one_of(st.just(BEGIN), st.integers(0, YEAR_3000)),
    )
    def create(self, definition: GameDefinition, seed: int, joined: list[str], at: int) -> None:
        self.definition, self.seed, self.begin = definition, seed, at
        self.game = self.new_game()
        self.at = at
        self.log: list[bytes] = []
        self.ledger = Ledger(definition)
        self.follower = Follower(self.game)
        self.bids = Bids(self.game)
        self.first: dict[tuple[str, str], tuple[Command, Any]] = {}
        self.done: set[tuple[Any, ...]] = set()
        self.filled: dict[str, int] = defaultdict(int)
        self.trades = 0
        self.enter([Join(player=player, name=player) for player in joined])

    def new_game(self) -> Game:
        return Game.create(self.definition, "e", self.begin, self.seed)

    @rule(step=steps, seed=st.integers(0, 2**32), count=st.integers(1, 30))
    def market(self, step: int, seed: int, count: int) -> None:
        """A busy day: the market is open, all are there, and prices are close together."""
        self.at += step
        joins = [Join(player=player, name=player) for player in PLAYERS]
        self.enter([*joins, SetPhase(phase="open"), *busy(random.Random(seed), count)])
        self.enter(list(busy(random.Random(seed + 1), 3)))

    @rule(step=steps, some=st.lists(commands, min_size=1, max_size=5))
    def many(self, step: int, some: list[Command]) -> None:
        self.at += step
        self.enter(some)

    @rule(command=commands)
    def one(self, command: Command) -> None:
        self.enter([command])

    @rule(step=steps)
    def time(self, step: int) -> None:
        self.at += step
        self.enter([])
        due = self.game.due_at()
        assert due is None or due > self.game.state.clock

    @rule(awake=st.integers(-2_000, 90_000), slept=st.integers(-1_000, 200_000))
    def sleep(self, awake: int, slept: int) -> None:
        """A node wakes that may have served the game alone."""
        slept_at = self.at + awake
        self.at = slept_at + slept
        self.enter([], slept_at)

    @rule(at=st.sampled_from([YEAR_3000, YEAR_3000 + 1_000]))
    @precondition(lambda self: len(self.log) % 5 == 0)
    def far_future(self, at: int) -> None:
        self.at = at
        self.enter([])

    @rule(
        target=orders,
        player=players,
        good=goods,
        side=st.sampled_from(["bid", "ask"]),
        qty=st.integers(1, 8),
        price=prices,
    )
    def order(self, player: str, good: str, side: str, qty: int, price: int) -> Any:
        (outcome,) = self.enter([PlaceOrder(player=player, good=good, side=side, qty=qty, price=price)]).outcomes
        if isinstance(outcome.result, Ordered) and outcome.result.resting:
            return player, outcome.result.order
        return multiple()

    @rule(
        target=orders,
        order=consumes(orders),
        qty=st.none() | st.integers(1, 8),
        price=st.integers(3, 12),
        post_only=st.booleans(),
    )
    def amend(self, order: tuple[str, str], qty: int | None, price: int, post_only: bool) -> Any:
        player, order_id = order
        command = AmendOrder(player=player, order=order_id, qty=qty, price=price, post_only=post_only)
        result = self.enter([command]).outcomes[0].result
        if isinstance(result, Ordered) and result.resting:
            return player, result.order
        return multiple()

    @rule(order=consumes(orders), key=keys)
    def cancel(self, order: tuple[str, str], key: str | None) -> None:
        self.enter([CancelOrder(player=order[0], order=order[1], key=key)])

    @rule(command=commands, times=st.integers(2, 3))
    def repeat(self, command: Command, times: int) -> None:
        """The same command with the same key, in one entry and again in another."""
        command = replace(command, key=f"r{len(self.log)}")
        self.enter([command] * times)
        self.enter([command])

    @rule(player=players, some=st.sampled_from([3, 300]))
    @precondition(lambda self: len(self.log) % 3 == 0)
    def many_keys(self, player: str, some: int) -> None:
        """Enough to forget the first ones."""
        self.enter([Join(player=player, name="")])
        self.enter([Say(player=player, text="!", key=f"m{number}") for number in range(some)])

    @rule()
    def reload(self) -> None:
        dumped, before = snapshot.dump(self.game), contents(self.game.state)
        self.game = snapshot.load(dumped)
        assert contents(self.game.state) == before
        assert snapshot.dump(self.game) == dumped

    def teardown(self) -> None:
        if hasattr(self, "game"):
            again = self.new_game()
            for value in self.log:
                again.apply_value(value)
            dumped = snapshot.dump(again)
            assert snapshot.dump(self.game) == dumped
            assert contents(snapshot.load(dumped).state) == contents(again.state)

    # One entry, and everything that must hold after it

    def enter(self, some: list[Command], slept_at: int | None = None) -> Applied:
        game, entry = self.game, Entry(self.at, tuple(some), slept_at)
        stamped(game, some)
        before, state = snapshot.dump(game), game.state
        seq, clock, withdrawal = state.seq, state.clock, game.withdrawal_at()
        accounts = {player: copy.deepcopy(views.account(state, player)) for player in state.players}
        applied = game.apply(entry)
        self.log.append(encode_entry(entry))

        assert audit(state) == []
        assert state.known == sum(len(player.keys) for player in (*state.players.values(), state.host))
        self.check_frame(some, applied, seq, clock)
        self.follower.follow(applied)
        assert self.follower.shown() == views.public_state(state)
        self.check_books(applied)
        self.ledger.follow(applied, () if state.phase == "lobby" else state.dealt)
        self.check_ledger()
        self.bids.follow(applied, some, late=withdrawal is not None and withdrawal < state.clock)
        self.check_marks()
        self.check_fills(applied)
        for player in state.players:
            now = views.account(state, player)
            self.check_gain(now)
            if player not in applied.accounts:
                assert of_its_own(now) == of_its_own(accounts[player])
        gone = {event.player for event in events(applied, Removed)}
        assert set(applied.accounts) <= set(state.players) | gone
        for command, outcome in zip(some, applied.outcomes, strict=True):
            self.check_key(command, outcome)
            self.check_result(command, outcome, applied)
        if len(some) == 1:
            self.check_amounts(some[0], applied)
        self.check_no_trace(before, entry, applied)
        return applied

    def check_frame(self, some: list[Command], applied: Applied, seq: int, clock: int) -> None:
        state = self.game.state
        at = max(clock, self.at)
        set_to = [command.time for command in some if isinstance(command, SetClock)]
        assert state.clock == applied.at
        assert state.clock in (at, *set_to)
        assert state.clock >= at
        if applied.frame is None:
            assert state.seq == applied.seq == seq
        else:
            assert applied.frame.events
            assert state.seq == applied.seq == applied.frame.seq == seq + 1
            assert applied.frame.at == at

    def check_books(self, applied: Applied) -> None:
        state = self.game.state
        changed = [event.good for event in events(applied, BookChanged)]
        assert len(set(changed)) == len(changed)
        for good in state.markets:
            shown = self.follower.state.goods[good]
            assert (shown.bids, shown.asks) == best_levels(self.game, good)
        assert state.phase == "open" or not any(account.orders for account in state.accounts.values())

    def check_ledger(self) -> None:
        state = self.game.state
        assert self.ledger.round == state.round
        if self.definition.private_values is not None:
            return  # what a unit is redeemed at is no public event
        owned = {}
        for name, account in state.accounts.items():
            if name != "mint":
                owned[name] = {good: qty + account.held_goods[good] for good, qty in account.goods.items()}
                owned[name]["cash"] = account.cash + account.held_cash
        told, (least, most) = copy.deepcopy(self.ledger.owned), self.ledger.unknown
        if not self.ledger.exact:
            self.ledger.owned, self.ledger.unknown = owned, (0, 0)
            return
        paid = told["house"]["cash"] - owned["house"]["cash"]
        assert least <= paid <= most
        told["house"]["cash"] -= paid
        told["fees"]["cash"] += paid
        assert owned == told

    def check_gain(self, account: Any) -> None:
        """What trading each good has made is, all together, what the player has made."""
        positions = account.get("positions", {}).values()
        if account["start"] is None:
            assert not positions
        else:
            assert sum(position["gain"] for position in positions) == account["worth"] - account["start"]

    def check_fills(self, applied: Applied) -> None:
        """Each trade is told to its parties alone, by the number that everybody is told; orders sum their fills up."""
        by_player = fills(self.game, applied)
        told = {(fill.trade, player): fill for player, each in by_player.items() for fill in each}
        at = None if applied.frame is None else applied.frame.at
        moved = bool(events(applied, RoundChanged))
        for trade in events(applied, Trade):
            self.trades += 1
            assert trade.number == self.trades
            for party, side, word in ((trade.buyer, "bid", "buy"), (trade.seller, "ask", "sell")):
                if party == "house":
                    continue
                fill = told.pop((trade.number, party))
                assert (fill.at, fill.good, fill.side, fill.price) == (at, trade.good, side, trade.price)
                assert (fill.qty, fill.taker, fill.maker) == (trade.qty, trade.taker, trade.taker != word)
                tax = fill.qty * self.ledger.tax(side, trade.good)
                assert moved or (fill.fee == tax if fill.maker else fill.fee >= tax)
                self.filled[fill.order or ""] += fill.qty
        assert not told
        for player in self.game.state.players:
            mine = domain_views.orders(self.game.state, player)
            orders = [*mine.open, *mine.done]
            assert len({order.order for order in orders}) == len(orders)
            assert all(order.filled == self.filled[order.order] for order in orders)
            assert all((order.qty == 0) == (order.became == "filled") for order in mine.done)

    def check_marks(self) -> None:
        """What each round was scored by is what its public bids make it."""
        results = list(self.game.state.results)
        numbers = [result["round"] for result in results]
        assert numbers == sorted({*numbers})
        for result in results:
            for good, mark in (self.bids.marks[result["round"]] or {}).items():
                settled = result["goods"][good]["settled"]
                assert result["goods"][good]["mark"] == (mark if settled is None else settled)
        for good, market in self.game.state.markets.items():
            lows = market.lows
            assert lows is None or len(lows.runs) <= 61
            if market.mark.source == "book" and self.game.state.phase == "open":
                assert market.mark.levels == market.book.levels("bid", 100)
            if market.mark.source == "last":
                assert market.mark.price == (market.last or 0), good

    def check_key(self, command: Command, outcome: Outcome) -> None:
        """One effect a copy, and the first result again: see test_keys.py for when."""
        if command.key is None:
            assert not outcome.replayed
            return
        refused = outcome.result.code if isinstance(outcome.result, Rejected) else ""
        if outcome.replayed:
            first, result = self.first[command.player, command.key]
            assert payload(command) == payload(first)
            assert outcome == Outcome(result, replayed=True)
        elif refused == "key_reused":
            first, _ = self.first[command.player, command.key]
            assert payload(command) != payload(first)
        elif refused not in (*AT_ONCE, "not_joined", "not_admitted") and not isinstance(command, Join):
            copy_of = (command.player, command.key, command.since)
            assert copy_of not in self.done
            self.done.add(copy_of)
        if outcome.keys is not None and not outcome.replayed and refused not in ("key_reused", "stale", "ahead"):
            self.first[command.player, command.key] = command, copy.deepcopy(outcome.result)

    def check_result(self, command: Command, outcome: Outcome, applied: Applied) -> None:
        result = outcome.result
        if isinstance(result, Rejected) or outcome.replayed:
            return
        assert result.seq == applied.seq
        assert isinstance(result, getattr(command, "ok", Sent))
        if isinstance(command, BuyGood | SellGood):
            assert isinstance(result, Bought | Sold)
            assert 1 <= result.filled <= command.qty
            total = result.cost if isinstance(result, Bought) else result.proceeds
            assert result.filled == command.qty or not command.fill_or_kill
            if command.limit is not None:
                assert total <= command.limit * result.filled or isinstance(result, Sold)
                assert total >= command.limit * result.filled or isinstance(result, Bought)
        elif isinstance(command, PlaceOrder):
            assert isinstance(result, Ordered)
            assert result.filled + result.resting == command.qty
            assert not (command.post_only and result.filled)
        elif isinstance(command, AmendOrder):
            assert isinstance(result, Ordered)
            assert result.filled + result.resting == command.qty or command.qty is None
            assert not (result.filled and (command.post_only or result.order == command.order))
        elif isinstance(command, CancelOrder):
            assert isinstance(result, Cancelled)
            assert (result.released.cash > 0) != (result.released.qty > 0)

    def check_amounts(self, command: Command, applied: Applied) -> None:
        """What a lone command is told is what its trades and its account say."""
        result = applied.outcomes[0].result
        if isinstance(command, CancelAll) and not isinstance(result, Rejected) and not applied.outcomes[0].replayed:
            for order in self.game.state.accounts[command.player].orders.values():
                assert command.good not in (None, order.good) or command.side not in (None, order.side)
        if not isinstance(result, Bought | Sold | Ordered | Cancelled) or applied.outcomes[0].replayed:
            return
        account = self.game.state.accounts[command.player]
        if isinstance(result, Cancelled):
            assert result.order not in {order.id for order in account.orders.values()}
            return
        assert result.cash == account.cash
        if isinstance(result, Ordered):
            resting = {order.id: order.qty for order in account.orders.values()}
            assert resting.get(result.order, 0) == result.resting
            if isinstance(command, AmendOrder) and result.order != command.order:
                assert command.order not in resting
        taken = [trade for trade in events(applied, Trade) if is_taker(command.player, trade)]
        assert result.filled == sum(trade.qty for trade in taken)
        if not isinstance(result, Ordered):
            notional = sum(trade.price * trade.qty for trade in taken)
            assert (result.cost if isinstance(result, Bought) else result.proceeds) == notional
            side = "bid" if isinstance(result, Bought) else "ask"
            assert result.fee == self.ledger.fee(notional) + result.filled * self.ledger.tax(side, command.good)

    def check_no_trace(self, before: bytes, entry: Entry, applied: Applied) -> None:
        """What was refused or replayed might as well not have been in the entry, but that its player is here."""
        effective = tuple(
            each
            for command, outcome in zip(entry.commands, applied.outcomes, strict=True)
            for each in ((command,) if not isinstance(outcome.result, Rejected) else traces(command))
            if not (outcome.replayed or (isinstance(outcome.result, Rejected) and outcome.result.code in AT_ONCE))
            if not turned_away(command, outcome)
        )
        if effective != entry.commands:
            twin = snapshot.load(before)
            same = twin.apply(Entry(entry.at, effective, entry.slept_at))
            assert without_traces(twin) == without_traces(self.game)
            assert (same.frame, same.accounts, same.whispers) == (applied.frame, applied.accounts, applied.whispers)


def traces(command: Command) -> tuple[Command, ...]:
    """What is left of a refused command: its player is here, or a robot in the seat."""
    by_robot = getattr(command, "by_robot", False) and not isinstance(command, Arrive)
    arrives = Arrive(players=(command.player,), by_robot=by_robot)
    return (arrives,) if by_robot else (SitIn(account=command.player, sits=False), arrives)


def turned_away(command: Command, outcome: Outcome) -> bool:
    """Whether it is of a robot that has no seat."""
    refused = outcome.result.code if isinstance(outcome.result, Rejected) else ""
    return refused == "not_admitted" and not isinstance(command, Join)


def is_taker(player: str, trade: Trade) -> bool:
    return (trade.buyer if trade.taker == "buy" else trade.seller) == player


def payload(command: Command) -> dict[str, Any]:
    """What a key stands for; a joining player's name and its skeleton are no part of it."""
    return {"op": command.op, **asdict(command), "name": None, "skeleton": None, "since": None, "epoch": None}


TestAnyGame = AnyGame.TestCase
TestAnyGame.settings = settings(max_examples=settings.default.max_examples // 2)
