"""Anything that players, hosts and clocks may do, and what must hold all the same.

The machine keeps books of its own: a ledger fed by the public events alone, the best levels as followers know
them, and every key that was used. None of it looks at how the game came to its state.
"""

from __future__ import annotations

import copy
import json
from collections import defaultdict
from typing import Any

from attrs import asdict, evolve
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, multiple, precondition, rule

from tests.support.domain import BEGIN, YEAR_3000
from tradegame.core.domain import snapshot, views
from tradegame.core.domain.audit import audit
from tradegame.core.domain.commands import (
    Announce,
    BuyGood,
    CancelOrder,
    Command,
    Entry,
    Join,
    PlaceOrder,
    Say,
    SellGood,
    SetPhase,
    encode_entry,
)
from tradegame.core.domain.definition import (
    GameDefinition,
    GoodDefinition,
    HouseDefinition,
    NewsDefinition,
    RoundsDefinition,
    problems,
)
from tradegame.core.domain.events import (
    Accepted,
    Applied,
    BookChanged,
    Bought,
    Joined,
    OrderCancelled,
    OrderPlaced,
    Outcome,
    Rejected,
    RoundChanged,
    Sold,
    Traded,
)
from tradegame.core.domain.game import Game

PLAYERS = ["ann", "bob", "cid", "dee"]
GOODS = ["grain", "wool", "salt"]

prices = st.one_of(st.integers(1, 12), st.integers(1, 12), st.integers(1, 60), st.sampled_from([1, 10**9]))
quantities = st.one_of(st.integers(1, 8), st.integers(1, 8), st.integers(1, 200), st.just(1_000_000))
funds = st.one_of(st.integers(0, 400), st.integers(0, 400), st.sampled_from([0, 1, 10**15]))
houses = st.builds(
    HouseDefinition,
    anchor=prices,
    spread=st.integers(1, 9),
    step=st.integers(1, 5),
    levels=st.integers(1, 7),
    size=quantities,
    stock=funds,
    cash=funds,
    target=st.one_of(st.integers(1, 300), st.just(10**15)),
    slope=st.sampled_from([0, 1, 2, 1_000]),
    tick_s=st.sampled_from([1, 2, 7, 86_400]),
    drift_bps=st.sampled_from([0, 50, 5_000]),
)
goods = st.dictionaries(
    st.sampled_from(GOODS),
    st.builds(GoodDefinition, endowment=funds, house=st.one_of(st.none(), houses)),
    min_size=1,
)
seconds = st.sampled_from([0, 0, 1, 5, 60, 86_400])
all_rounds = st.builds(
    RoundsDefinition,
    open_s=st.sampled_from([1, 5, 60, 31_536_000]),
    lobby_s=seconds,
    closed_s=seconds,
    repeat=st.sampled_from([0, 1, 2, 5, 1_000_000]),
)
bps = st.one_of(st.integers(-9_999, 20_000), st.sampled_from([-9_999, 1_000_000]))


@st.composite
def definitions(draw: st.DrawFn) -> GameDefinition:
    some = draw(goods)
    news = [
        NewsDefinition(at_s=draw(seconds), text="!", good=good, anchor_bps=draw(bps) if good else 0)
        for good in draw(st.lists(st.one_of(st.none(), st.sampled_from(list(some))), max_size=4))
    ]
    definition = GameDefinition(
        id="g",
        cash=draw(funds),
        fee_bps=draw(st.sampled_from([0, 0, 1, 30, 3_333, 10_000])),
        open_orders=draw(st.sampled_from([0, 1, 3, 50, 1_000])),
        goods=some,
        rounds=draw(st.one_of(st.none(), all_rounds)),
        news=tuple(news),
    )
    assert problems(definition) == []
    return definition


steps = st.one_of(
    st.just(0),
    st.integers(1, 999),
    st.integers(1_000, 20_000),
    st.integers(1, 40).map(lambda days: days * 86_400_000),
    st.integers(-10_000, -1),
    st.just(-30 * 86_400_000),
)
keys = st.one_of(st.none(), st.sampled_from(["k1", "k2", "k3"]))
players = st.sampled_from(PLAYERS)
known_goods = st.one_of(st.sampled_from(GOODS), st.sampled_from(GOODS), st.just("gold"))
orders = Bundle("orders")

commands = st.one_of(
    st.builds(Join, player=players, name=st.text(st.characters(codec="utf-8"), max_size=3), key=keys),
    st.builds(BuyGood, player=players, good=known_goods, qty=quantities, limit=st.none() | prices, key=keys),
    st.builds(SellGood, player=players, good=known_goods, qty=quantities, limit=st.none() | prices, key=keys),
    st.builds(
        PlaceOrder,
        player=players,
        good=known_goods,
        side=st.sampled_from(["bid", "ask"]),
        qty=quantities,
        price=prices,
        key=keys,
    ),
    st.builds(CancelOrder, player=players, order=st.integers(0, 60).map("o{}".format), key=keys),
    st.builds(
        Say,
        player=players,
        text=st.text(st.characters(codec="utf-8"), max_size=3),
        to=st.none() | st.sampled_from([*PLAYERS, "house", "nobody"]),
        key=keys,
    ),
    st.builds(Announce, text=st.just("news"), good=st.none() | known_goods, anchor_bps=bps),
    st.builds(SetPhase, phase=st.sampled_from(["lobby", "open", "closed"])),
)


class Ledger:
    """What every account owns, free and held together, by the events alone."""

    def __init__(self, definition: GameDefinition) -> None:
        self.definition = definition
        self.round = 1
        self.owned: dict[str, dict[str, int]] = {}
        self.endow()

    def endow(self) -> None:
        goods = self.definition.goods
        houses = {good: fields.house for good, fields in goods.items() if fields.house}
        self.owned["fees"] = dict.fromkeys(["cash", *goods], 0)
        self.owned["house"] = {**self.owned["fees"], **{good: house.stock for good, house in houses.items()}}
        self.owned["house"]["cash"] = sum(house.cash for house in houses.values())
        for player in self.owned.keys() - {"house", "fees"}:
            self.join(player)

    def join(self, player: str) -> None:
        goods = self.definition.goods
        self.owned[player] = {"cash": self.definition.cash, **{good: goods[good].endowment for good in goods}}

    def follow(self, applied: Applied) -> None:
        for event in applied.frame.events if applied.frame else ():
            if isinstance(event, Joined):
                self.join(event.player)
            elif isinstance(event, Traded):
                notional = event.price * event.qty
                fee = (notional * self.definition.fee_bps + 9_999) // 10_000
                buyer, seller = self.owned[event.buyer], self.owned[event.seller]
                buyer["cash"] -= notional
                buyer[event.good] += event.qty
                seller["cash"] += notional
                seller[event.good] -= event.qty
                (buyer if event.taker == "buy" else seller)["cash"] -= fee
                self.owned["fees"]["cash"] += fee
            elif isinstance(event, RoundChanged):
                assert event.round >= self.round
                if event.round > self.round:
                    self.round = event.round
                    self.endow()


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


def without_traces(game: Game) -> dict[str, Any]:
    """The state without what even a refused command may change."""
    data: dict[str, Any] = json.loads(snapshot.dump(game))
    for name in ("chain", "commands"):
        del data[name]
    data["players"] = [[player, name] for player, name, _ in data["players"]]
    return data


class AnyGame(RuleBasedStateMachine):
    @initialize(
        definition=definitions(),
        seed=st.integers(-(2**70), 2**70),
        joined=st.lists(players, unique=True),
        at=st.one_of(st.just(BEGIN), st.integers(0, YEAR_3000)),
    )
    def create(self, definition: GameDefinition, seed: int, joined: list[str], at: int) -> None:
        self.definition, self.seed, self.begin = definition, seed, at
        self.game = self.new_game()
        self.at = at
        self.log: list[bytes] = []
        self.ledger = Ledger(definition)
        self.best: dict[str, tuple[Any, Any]] = dict.fromkeys(definition.goods, ((), ()))
        self.keys: dict[str, dict[str, tuple[Command, Any]]] = {}
        self.enter([Join(player=player, name=player) for player in joined])

    def new_game(self) -> Game:
        return Game.create(self.definition, "e", self.begin, self.seed)

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

    @rule(at=st.sampled_from([YEAR_3000, YEAR_3000 + 1_000]))
    @precondition(lambda self: self.at % 7 == 0)
    def far_future(self, at: int) -> None:
        self.at = at
        self.enter([])

    @rule(
        target=orders,
        player=players,
        good=st.sampled_from(GOODS),
        side=st.sampled_from(["bid", "ask"]),
        qty=st.integers(1, 8),
        price=st.integers(1, 12),
    )
    def order(self, player: str, good: str, side: str, qty: int, price: int) -> Any:
        (outcome,) = self.enter([PlaceOrder(player=player, good=good, side=side, qty=qty, price=price)]).outcomes
        if isinstance(outcome.result, OrderPlaced) and outcome.result.resting:
            return player, outcome.result.order
        return multiple()

    @rule(order=consumes(orders), key=keys)
    def cancel(self, order: tuple[str, str], key: str | None) -> None:
        self.enter([CancelOrder(player=order[0], order=order[1], key=key)])

    @rule(player=players, command=commands, times=st.integers(2, 3))
    def repeat(self, player: str, command: Command, times: int) -> None:
        """The same command with the same key, in one entry and again in another."""
        command = evolve(command, key="k9")
        self.enter([command] * times)
        self.enter([command])

    @rule(player=players, some=st.integers(1, 300))
    @precondition(lambda self: self.at % 5 == 0)
    def many_keys(self, player: str, some: int) -> None:
        self.enter([Say(player=player, text="", key=f"m{number}") for number in range(some)])

    @rule()
    def reload(self) -> None:
        dumped = snapshot.dump(self.game)
        self.game = snapshot.load(dumped)
        assert snapshot.dump(self.game) == dumped

    def teardown(self) -> None:
        if hasattr(self, "game"):
            again = self.new_game()
            for value in self.log:
                again.apply_value(value)
            assert snapshot.state_hash(again) == snapshot.state_hash(self.game)

    # One entry, and everything that must hold after it

    def enter(self, some: list[Command]) -> Applied:
        game, entry = self.game, Entry(self.at, tuple(some))
        before, state = snapshot.dump(game), game.state
        seq, clock = state.seq, state.clock
        accounts = {player: copy.deepcopy(views.account(state, player)) for player in state.players}
        applied = game.apply(entry)
        self.log.append(encode_entry(entry))

        assert audit(state) == []
        self.check_frame(applied, seq, clock)
        self.check_books(applied)
        self.ledger.follow(applied)
        self.check_ledger()
        for player in state.players:
            now = views.account(state, player)
            if player not in applied.accounts:
                assert {**now, "worth": 0} == {**accounts[player], "worth": 0}
        assert set(applied.accounts) <= set(state.players)
        for command, outcome in zip(some, applied.outcomes, strict=True):
            self.check_key(command, outcome)
            self.check_result(command, outcome, applied)
        self.check_no_trace(before, entry, applied)
        return applied

    def check_frame(self, applied: Applied, seq: int, clock: int) -> None:
        state = self.game.state
        assert state.clock == applied.at == max(clock, self.at)
        if applied.frame is None:
            assert state.seq == applied.seq == seq
        else:
            assert applied.frame.events
            assert state.seq == applied.seq == applied.frame.seq == seq + 1
            assert applied.frame.at == state.clock

    def check_books(self, applied: Applied) -> None:
        changed = [event for event in (applied.frame.events if applied.frame else ()) if isinstance(event, BookChanged)]
        assert len({event.good for event in changed}) == len(changed)
        for event in changed:
            assert self.best[event.good] != (event.bids, event.asks)
            self.best[event.good] = event.bids, event.asks
        for good in self.game.state.markets:
            assert self.best[good] == best_levels(self.game, good)

    def check_ledger(self) -> None:
        state = self.game.state
        assert self.ledger.round == state.round
        owned = {}
        for name, account in state.accounts.items():
            if name != "mint":
                owned[name] = {good: qty + account.held_goods[good] for good, qty in account.goods.items()}
                owned[name]["cash"] = account.cash + account.held_cash
        assert owned == self.ledger.owned

    def check_key(self, command: Command, outcome: Outcome) -> None:
        """One effect a key, and the first result again."""
        known = self.keys.setdefault(command.player, {}) if command.player in self.game.state.players else {}
        if command.key is None or command.player not in self.game.state.players:
            assert not outcome.replayed
            return
        if command.key in known:
            first, result = known[command.key]
            if payload(command) == payload(first):
                assert outcome == Outcome(result, replayed=True)
            else:
                assert isinstance(outcome.result, Rejected)
                assert outcome.result.code == "key_reused"
                assert not outcome.replayed
            return
        assert not outcome.replayed
        if isinstance(outcome.result, Rejected) and outcome.result.code == "not_joined":
            return  # joined later in this very entry: nobody was there to remember a key for
        known[command.key] = command, copy.deepcopy(outcome.result)
        if len(known) > 256:
            del known[next(iter(known))]

    def check_result(self, command: Command, outcome: Outcome, applied: Applied) -> None:
        result = outcome.result
        if isinstance(result, Rejected) or outcome.replayed:
            return
        assert result.seq == applied.seq
        if isinstance(command, BuyGood | SellGood):
            assert isinstance(result, Bought | Sold)
            assert 1 <= result.filled <= command.qty
            total = result.cost if isinstance(result, Bought) else result.proceeds
            if command.limit is not None:
                assert total <= command.limit * result.filled or isinstance(result, Sold)
                assert total >= command.limit * result.filled or isinstance(result, Bought)
        elif isinstance(command, PlaceOrder):
            assert isinstance(result, OrderPlaced)
            assert result.filled + result.resting == command.qty
        elif isinstance(command, CancelOrder):
            assert isinstance(result, OrderCancelled)
            assert (result.cash > 0) != (result.qty > 0)
        else:
            assert isinstance(result, Accepted)

    def check_no_trace(self, before: bytes, entry: Entry, applied: Applied) -> None:
        """What was refused or replayed might as well not have been in the entry."""
        effective = tuple(
            command
            for command, outcome in zip(entry.commands, applied.outcomes, strict=True)
            if not (outcome.replayed or isinstance(outcome.result, Rejected))
        )
        if len(effective) < len(entry.commands):
            twin = snapshot.load(before)
            same = twin.apply(Entry(entry.at, effective))
            assert without_traces(twin) == without_traces(self.game)
            assert (same.frame, same.accounts, same.whispers) == (applied.frame, applied.accounts, applied.whispers)


def payload(command: Command) -> dict[str, Any]:
    """What a key stands for; a joining player's name is no part of it."""
    return {"op": command.op, **asdict(command), "name": None}


TestAnyGame = AnyGame.TestCase
