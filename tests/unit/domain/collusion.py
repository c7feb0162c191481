"""Two players who help each other among honest robots: what can their scores together be pushed up by?

A plan is a list of moves of the two, each over a span of time. ``search`` draws plans, and varies the best ones. Time
is simulated, and everything comes from one seed. The robots know what a good is worth: they ask more, bid less, and
take whatever is offered beyond it within about a second. So nobody gives anything away, and what the two gain together
is what they did to the marks.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from typing import Final

from attrs import define, evolve, field, frozen

from tests.support.domain import BEGIN
from tradegame.core.domain.account import Account
from tradegame.core.domain.definition import GameDefinition
from tradegame.core.domain.game import Game
from tradegame.core.domain.private_values import redemption
from tradegame.core.domain.state import MICRO, OPEN
from tradegame.protocol.bounds import SideName
from tradegame.protocol.commands import Command, Entry, Join
from tradegame.protocol.requests import BuyGood, CancelOrder, PlaceOrder, SellGood

PAIR = ("ann", "ben")
STEP_MS = 500
MAX_QTY: Final = 1_000_000
MOVES = ("print", "wash", "corner", "sweep", "bid", "ask", "flash", "pass")


@frozen
class Move:
    """What one of the two does from ``begin`` to ``end``, in parts of the round, at ``factor`` times what it is worth.

    print: sell one unit to the other at that price. wash: ``qty`` units there and back. corner: buy what is offered up
    to it. sweep: sell down to it. bid, ask: rest ``qty`` there, again whenever it was taken, until the end (``bell``:
    the very end, and then withdraw it). flash: bid, and withdraw at once. pass: give ``qty`` units to the other.
    """

    kind: str
    who: int
    good: int
    begin: float
    end: float
    factor: float
    qty: int
    bell: bool


@define
class World:
    """A game of one definition, its robots, and the two; ``fair``: what goods without a house are worth, in coins.

    ``acts``: how probably a robot acts within half a second. When a house's price moved, all of them do.
    """

    definition: GameDefinition
    fair: dict[str, int]
    seed: int
    robots: int = 8
    acts: float = 0.4
    game: Game = field(init=False)
    at: int = field(init=False)
    last: int = field(init=False, default=0)
    rng: random.Random = field(init=False)
    drifted: int = 0
    """What the two gained because the house's anchors moved under what they had, up to now."""

    def __attrs_post_init__(self) -> None:
        self.game, self.at = Game.create(self.definition, "e", BEGIN, self.seed), BEGIN
        self.rng = random.Random(self.seed)
        names = [*PAIR, *(f"r{number}" for number in range(self.robots))]
        self.enter([Join(player=name, name=name) for name in names])
        while self.game.state.phase != OPEN:
            self.at += 1_000
            self.enter([])

    def enter(self, commands: list[Command]) -> bool:
        """Whether a house's price moved, before the commands; what the two gained by it is noted.

        They gain on what they have beyond what they were given: that counts on both sides of a score.
        """
        accounts, given = self.game.state.accounts, self.definition.goods
        before = {good: self.worth(good) for good in self.fair}
        had = {
            good: sum(owned(accounts[name], good) - given[good].endowment for name in PAIR if name in accounts)
            for good in self.fair
        }
        self.game.apply(Entry(self.at, tuple(commands)))
        moved = {good: self.worth(good) - price for good, price in before.items()}
        self.drifted += sum(moved[good] * had[good] for good in moved)
        return any(moved.values())

    def worth(self, good: str) -> int:
        """What a unit is worth now, in whole coins. Only the robots know."""
        market = self.game.state.markets[good]
        if market.house is not None:
            return max(1, (market.house.anchor + MICRO // 2) // MICRO)
        return self.fair[good] if market.settlement is None else market.settlement.value

    def play(self, plan: tuple[Move, ...]) -> int:
        """One round; returns the two's scores together, less what they gained by chance."""
        state = self.game.state
        opened, ends = state.opened_at, state.ends_at
        assert opened is not None
        assert ends is not None
        goods, self.drifted, self.last = list(self.fair), 0, ends - 1
        while self.at + STEP_MS < self.last:
            self.at += STEP_MS
            self.robots_act(all_of_them=self.enter([]))
            part = (self.at - opened) / (ends - opened)
            for move in plan:
                if move.begin <= part <= move.end:
                    for commands in self.colluding(move, goods[move.good % len(goods)]):
                        if self.enter(commands):
                            self.robots_act(all_of_them=True)
        self.at = self.last
        bell = any(move.bell and move.end >= 1 for move in plan)
        self.enter([cancel for name in PAIR for cancel in self.cancels(name)] if bell else [])
        expected = self.real() + self.drifted
        self.at = ends
        self.game.apply(Entry(self.at))
        return sum(state.players[name].score for name in PAIR) - expected

    def real(self) -> int:
        """With private values, what the two have truly gained by now: by what units are worth to them, and cash."""
        state, private = self.game.state, self.definition.private_values
        if private is None:
            return 0
        gained = 0
        for name in PAIR:
            values, account = state.players[name].values, state.accounts[name]
            given = len(values) if state.players[name].role == "seller" else 0
            gained += redemption(values, owned(account, private.good)) - redemption(values, given)
            gained += account.cash + account.held_cash - self.definition.cash
        return gained

    # Robots

    def robots_act(self, *, all_of_them: bool) -> None:
        for number in self.rng.sample(range(self.robots), self.robots):
            if all_of_them or self.rng.random() < self.acts:
                self.enter(list(self.robot(f"r{number}")))

    def robot(self, name: str) -> Iterator[Command]:
        account = self.game.state.accounts[name]
        for good in self.fair:
            bid_at, ask_at = self.limits(name, good)
            offset = self.rng.choice((0, 0, 1, 2))
            book = self.game.state.markets[good].book
            kept = {}
            for order in list(account.orders.values()):
                if order.good == good:
                    fit = order.price <= bid_at if order.side == "bid" else order.price >= ask_at
                    if fit and order.qty > 3 and order.side not in kept and self.rng.random() < 0.9:
                        kept[order.side] = order
                    else:
                        yield CancelOrder(player=name, order=order.id)
            best_bid, best_ask = book.best("bid"), book.best("ask")
            if best_bid is not None and best_bid >= ask_at and owned(account, good):
                yield SellGood(player=name, good=good, qty=MAX_QTY, limit=ask_at)
            if best_ask is not None and best_ask <= bid_at and (qty := (account.cash + account.held_cash) // bid_at):
                yield BuyGood(player=name, good=good, qty=min(qty, MAX_QTY), limit=bid_at)
            price = max(1, bid_at - offset)
            if "bid" not in kept and bid_at > 0 and (qty := min(10, account.cash // price)):
                yield PlaceOrder(player=name, good=good, side="bid", qty=qty, price=price)
            if "ask" not in kept and (qty := min(10, account.goods[good])):
                yield PlaceOrder(player=name, good=good, side="ask", qty=qty, price=ask_at + offset)

    def limits(self, name: str, good: str) -> tuple[int, int]:
        """The most that this robot bids, and the least that it asks."""
        private = self.definition.private_values
        if private is None or private.good != good:
            fair = self.worth(good)
            return fair - 1, fair + 1
        values, have = self.game.state.players[name].values, owned(self.game.state.accounts[name], good)
        return (values[have] - 1 if have < len(values) else 0), (values[have - 1] + 1 if 0 < have <= len(values) else 1)

    # The two

    def colluding(self, move: Move, good: str) -> Iterator[list[Command]]:
        name, other = PAIR[move.who], PAIR[1 - move.who]
        me, friend = self.game.state.accounts[name], self.game.state.accounts[other]
        price = max(1, round(self.worth(good) * move.factor))
        match move.kind:
            case "print" | "pass" | "wash":
                qty = min(move.qty if move.kind != "print" else 1, me.goods[good], friend.cash // price)
                if qty > 0:
                    yield hand_over(name, other, good, qty, price)
                    if move.kind == "wash":
                        yield hand_over(other, name, good, min(qty, me.cash // price) or 1, price)
            case "corner":
                best = self.game.state.markets[good].book.best("ask")
                if best is not None and best <= price and (qty := min(move.qty, me.cash // price)):
                    yield [BuyGood(player=name, good=good, qty=qty, limit=price)]
            case "sweep":
                if me.goods[good]:
                    yield [SellGood(player=name, good=good, qty=min(move.qty, me.goods[good]), limit=min(price, 10**9))]
            case "flash":
                price = min(price, me.cash)
                if price and (qty := min(move.qty, me.cash // price)) and self.at + 100 < self.last:
                    yield [PlaceOrder(player=name, good=good, side="bid", qty=qty, price=price)]
                    self.at += 100
                    yield list(self.cancels(name))
            case _:
                side: SideName = "bid" if move.kind == "bid" else "ask"
                resting = sum(order.qty for order in me.orders.values() if order.side == side and order.good == good)
                price = min(price, me.cash) if side == "bid" else price
                most = me.cash // price if side == "bid" and price else me.goods[good]
                if price and (qty := min(move.qty - resting, most)) > 0:
                    yield [PlaceOrder(player=name, good=good, side=side, qty=qty, price=price)]

    def cancels(self, name: str) -> Iterator[Command]:
        for order in self.game.state.accounts[name].orders.values():
            yield CancelOrder(player=name, order=order.id)


def hand_over(name: str, other: str, good: str, qty: int, price: int) -> list[Command]:
    """Both in one entry: nobody comes between, but for who rests at a better price."""
    return [
        PlaceOrder(player=name, good=good, side="ask", qty=qty, price=price),
        BuyGood(player=other, good=good, qty=qty, limit=price),
    ]


def owned(account: Account, good: str) -> int:
    return account.goods[good] + account.held_goods[good]


def a_move(rng: random.Random, goods: int) -> Move:
    begin = rng.choice((0.0, rng.random(), rng.uniform(0.6, 1.0), 0.95))
    return Move(
        kind=rng.choice(MOVES),
        who=rng.randrange(2),
        good=rng.randrange(goods),
        begin=begin,
        end=rng.choice((1.0, 1.0, min(1.0, begin + rng.random() * 0.5))),
        factor=rng.choice(
            (rng.uniform(0.9, 1.1), rng.uniform(1.0, 2.0), rng.uniform(0.1, 1.0), 10 ** rng.uniform(0, 3))
        ),
        qty=rng.choice((1, 5, 20, 100, 1_000)),
        bell=rng.random() < 0.4,
    )


def varied(rng: random.Random, plan: tuple[Move, ...], goods: int) -> tuple[Move, ...]:
    moves = list(plan)
    for _ in range(rng.randint(1, 2)):
        how = rng.randrange(4)
        if how == 0 or not moves:
            moves.append(a_move(rng, goods))
        elif how == 1 and len(moves) > 1:
            moves.pop(rng.randrange(len(moves)))
        else:
            index, fresh = rng.randrange(len(moves)), a_move(rng, goods)
            name = rng.choice(("who", "good", "begin", "end", "factor", "qty", "bell"))
            moves[index] = evolve(moves[index], **{name: getattr(fresh, name)})
    return tuple(moves)


def known(good: int) -> Iterator[tuple[Move, ...]]:
    """What a person would try with a good, the most dangerous first."""
    printed = Move(kind="print", who=0, good=good, begin=0.95, end=1.0, factor=20, qty=1, bell=False)
    corner = [evolve(printed, kind="corner", who=who, begin=0.0, factor=1.1, qty=1_000) for who in (0, 1)]
    swept = [evolve(printed, kind="sweep", who=who, begin=0.0, factor=0.9, qty=1_000) for who in (0, 1)]
    others = [evolve(each, good=other, end=0.4) for each in swept for other in range(3) if other != good]
    bid = evolve(printed, kind="bid", begin=0.5, qty=1_000)
    yield (corner[0], printed)
    yield (corner[0], evolve(bid, who=1, begin=0.99, factor=1.5))
    yield (evolve(bid, begin=0.99, factor=1.5), evolve(bid, who=1, begin=0.99, factor=1.5))
    yield (*corner, bid, evolve(bid, who=1))
    yield (*others, *corner, evolve(bid, begin=0.45, factor=20, qty=1))
    yield (corner[0], evolve(bid, kind="flash", who=1, qty=1))
    yield (swept[0], evolve(swept[1], begin=0.3, factor=0.1))
    for begin, factor in itertools.product((0.3, 0.9, 0.98), (1.03, 1.5, 4)):
        later = evolve(bid, begin=begin, factor=factor)
        yield (*corner, later, evolve(later, who=1))
        yield (corner[0], evolve(later, who=1))
        yield (*others, *corner, evolve(later, qty=1))
        yield (corner[0], evolve(later, who=1, qty=1))
        yield (corner[0], evolve(later, who=1, qty=1, bell=True))
        yield (corner[0], evolve(later, kind="flash", who=1, qty=1))
        yield (swept[0], evolve(later, kind="sweep", who=1, factor=1 / factor))
        yield (swept[0], evolve(later, kind="print", who=1, factor=1 / factor))


def search(world: Callable[[], World], seed: int, rounds: int) -> tuple[int, tuple[Move, ...]]:
    """The most that the two gained together, and by what: of three plans one is known, one varies one of the best five
    so far, and one is drawn.
    """
    rng, goods = random.Random(seed), len(world().fair)
    tried = itertools.chain.from_iterable(zip(*map(known, range(goods)), strict=True))
    found: list[tuple[int, int, tuple[Move, ...]]] = []
    for number in range(rounds):
        if number % 3 == 0 and (kept := next(tried, None)) is not None:
            plan = kept
        elif number % 3 == 1:
            plan = varied(rng, rng.choice(found[:5])[2], goods)
        else:
            plan = tuple(a_move(rng, goods) for _ in range(rng.randint(1, 6)))
        found.append((world().play(plan), -number, plan))
        found.sort(key=lambda each: each[:2], reverse=True)
    return found[0][0], found[0][2]
