"""A game to play in a test: ``Table`` drives it in one line a command, ``random_log`` plays it at random."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from attrs import define

from tests.support.drawing import any_command
from tradegame.core.domain.account import Account
from tradegame.core.domain.definition import (
    GameDefinition,
    GoodDefinition,
    HouseDefinition,
    NewsDefinition,
    RoundsDefinition,
)
from tradegame.core.domain.events import Applied, Rejected, Result
from tradegame.core.domain.game import Game
from tradegame.core.domain.keys import stamp
from tradegame.core.domain.state import HouseState, Market
from tradegame.core.domain.views import told_fills
from tradegame.protocol.commands import (
    AddTime,
    Announce,
    Arrive,
    Command,
    Depart,
    Entry,
    Join,
    Mute,
    Pause,
    Remove,
    SetAccess,
    SetPhase,
    SetRobots,
    SitIn,
    Staff,
    Unsay,
)
from tradegame.protocol.pushes import BookChanged, MarkChanged, PublicEvent
from tradegame.protocol.requests import (
    REQUESTS,
    AmendOrder,
    BuyGood,
    CancelAll,
    CancelOrder,
    PlaceOrder,
    Say,
    SellGood,
)
from tradegame.protocol.state import Fill

BEGIN = 1_700_000_000_000
"""When the games of these tests were made, in ms since the Unix epoch."""
YEAR_3000 = 32_503_680_000_000


def house(**fields: Any) -> HouseDefinition:
    """A house that is easy to reckon with: one unit steps around 20 coins, an anchor that stays."""
    return HouseDefinition(
        **{"anchor": 20, "levels": 2, "size": 5, "stock": 100, "target": 100, "cash": 1_000, "drift_bps": 0, **fields}
    )


def define_game(**fields: Any) -> GameDefinition:
    """By default one good, ``grain``, that only players trade; 1 000 coins and 100 grain each, and no fee."""
    return GameDefinition(**{"id": "g", "cash": 1_000, "goods": {"grain": GoodDefinition(endowment=100)}, **fields})


@define
class Table:
    """A game and the time at it. Every call but ``entry`` is one entry of one command, at ``at``."""

    game: Game
    at: int = BEGIN

    @classmethod
    def of(cls, *players: str, seed: int = 1, **fields: Any) -> Table:
        """A game by ``define_game`` that these players have joined."""
        table = cls(Game.create(define_game(**fields), "epoch", BEGIN, seed))
        for player in players:
            table.join(player)
        return table

    def entry(self, *commands: Command) -> Applied:
        stamped(self.game, commands)
        return self.game.apply(Entry(self.at, commands))

    def wait(self, ms: int) -> Applied:
        """Let ``ms`` go by and apply what is due."""
        self.at += ms
        return self.entry()

    def do(self, command: Command) -> Result:
        (outcome,) = self.entry(command).outcomes
        return outcome.result

    def arrive(self, *players: str) -> Applied:
        return self.entry(Arrive(players=players))

    def depart(self, *players: str) -> Applied:
        return self.entry(Depart(players=players))

    def join(self, player: str, key: str | None = None, **choice: bool) -> Result:
        return self.do(Join(player=player, name=player.title(), key=key, **choice))

    def buy(self, player: str, qty: int, limit: int | None = None, good: str = "grain", **more: Any) -> Any:
        return self.do(BuyGood(player=player, good=good, qty=qty, limit=limit, **more))

    def sell(self, player: str, qty: int, limit: int | None = None, good: str = "grain", **more: Any) -> Any:
        return self.do(SellGood(player=player, good=good, qty=qty, limit=limit, **more))

    def bid(self, player: str, qty: int, price: int, good: str = "grain", **more: Any) -> Any:
        return self.do(PlaceOrder(player=player, good=good, side="bid", qty=qty, price=price, **more))

    def ask(self, player: str, qty: int, price: int, good: str = "grain", **more: Any) -> Any:
        return self.do(PlaceOrder(player=player, good=good, side="ask", qty=qty, price=price, **more))

    def amend(self, player: str, order: str, **fields: Any) -> Any:
        return self.do(AmendOrder(player=player, order=order, **fields))

    def cancel(self, player: str, order: str) -> Any:
        return self.do(CancelOrder(player=player, order=order))

    def cancel_all(self, player: str, **fields: Any) -> Any:
        return self.do(CancelAll(player=player, **fields))

    def say(self, player: str, text: str, to: str | None = None, key: str | None = None) -> Result:
        return self.do(Say(player=player, text=text, to=to, key=key))

    def phase(self, phase: str) -> Result:
        return self.do(SetPhase(phase=phase))

    def news(self, text: str = "!", good: str | None = None, anchor_bps: int = 0) -> Result:
        return self.do(Announce(text=text, good=good, anchor_bps=anchor_bps))

    def account(self, player: str) -> Account:
        return self.game.state.accounts[player]

    def market(self, good: str = "grain") -> Market:
        return self.game.state.markets[good]

    def cash(self, player: str) -> tuple[int, int]:
        """Free and held."""
        account = self.account(player)
        return account.cash, account.held_cash

    def goods(self, player: str, good: str = "grain") -> tuple[int, int]:
        """Free and held."""
        account = self.account(player)
        return account.goods[good], account.held_goods[good]

    def quoting(self, good: str = "grain") -> HouseState:
        """The house's state in a good that it has quoted."""
        house = self.market(good).house
        assert house is not None
        return house

    def book(self, good: str = "grain") -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Every level of bids and of asks, best first."""
        book = self.market(good).book
        return list(book.levels("bid", 1_000)), list(book.levels("ask", 1_000))


def stamped(game: Game, commands: Iterable[Command]) -> None:
    """Fill in what a node fills in, where it is not said: a command that is entered again is a copy of the first."""
    for command in commands:
        stamp(game.state, command)


def code(result: Result) -> str:
    """The error code of a command that a rule refused."""
    assert isinstance(result, Rejected), result
    return result.code


def events(applied: Applied, kind: type[PublicEvent] | None = None) -> list[Any]:
    """The public events of an entry; without a kind, all but those that say how a book or a mark changed."""
    found = applied.frame.events if applied.frame else ()
    changes = BookChanged | MarkChanged
    return [event for event in found if (isinstance(event, kind) if kind else not isinstance(event, changes))]


def fills(game: Game, applied: Applied) -> dict[str, list[Fill]]:
    """What an entry's trades were to each of their parties."""
    return {player: list(told_fills(game.state, packed)) for player, packed in applied.fills.items()}


LIVELY = define_game(
    cash=200,
    fee_bps=25,
    open_orders=3,
    goods={
        "grain": GoodDefinition(endowment=30, house=house(drift_bps=300, tick_s=2)),
        "wool": GoodDefinition(endowment=20, house=house(anchor=9, spread=1, slope=3, tick_s=3)),
        "salt": GoodDefinition(endowment=15),
    },
    rounds=RoundsDefinition(lobby_s=5, open_s=120, closed_s=10, repeat=0),
    news=(
        NewsDefinition(at_s=90, text="rain", good="grain", anchor_bps=2_500),
        NewsDefinition(at_s=30, text="a fair"),
        NewsDefinition(at_s=30, text="moths", good="wool", anchor_bps=-4_000),
    ),
)


def random_log(definition: GameDefinition, seed: int, commands: int) -> Iterator[Entry]:
    """At least that many commands of a lively game, in entries of 0 to 8; the same for the same seed."""
    rng, game = random.Random(seed), Game.create(definition, "epoch", BEGIN, seed)
    at, made = BEGIN, 0
    keyed: list[Command] = []
    goods = [*definition.goods, "gold"]
    players = [f"p{n}" for n in range(12)]
    while made < commands:
        at += rng.choice((0, 1, 30, 400, 2_500, -700, rng.randrange(30_000)))
        some = [_random_command(rng, game, players, goods) for _ in range(rng.randrange(8))]
        for command in some:
            if rng.random() < 0.02:
                command.since, command.epoch = rng.choice(((None, "other"), (10**9, None), (0, None)))
        stamped(game, some)
        if keyed and rng.random() < 0.1:
            some.append(rng.choice(keyed[-40:]))  # sent again
        keyed += [command for command in some if command.key is not None]
        made += len(some)
        entry = Entry(at, tuple(some))
        game.apply(entry)
        yield entry
    yield Entry(at + 86_400_000)


def _random_command(rng: random.Random, game: Game, players: list[str], goods: list[str]) -> Command:
    player, key, kind = rng.choice(players), rng.choice((None, f"k{rng.randrange(400)}")), rng.randrange(100)
    if game.state.robots and rng.random() < 0.1:
        player = rng.choice(list(game.state.robots))
    if rng.random() < 0.02:
        return _moderation(rng, player)
    if kind < 8:
        choice = rng.choice((None, None, None, True, False))
        return Join(player=player, name=f"{player} ü", cancel_on_disconnect=choice, key=key)
    if kind < 97:
        account = game.state.accounts.get(player)
        orders = [f"o{number}" for number in account.orders] if account else []
        fields = any_command(rng, goods, orders, rng.choice(("hi", "ünï ☂")))
        if fields["op"] == "say" and rng.random() < 0.9:
            fields["to"] = rng.choice(players)
        fields |= {"player": player, "key": key, "by_robot": player in game.state.seats and rng.random() < 0.8}
        command: Command = msgspec.convert(fields, REQUESTS[fields["op"]])
        return command
    if kind < 99:
        good, shift = rng.choice((None, *goods)), rng.randint(-500, 500)
        return Announce(text="news", good=good, anchor_bps=shift if good else 0)
    what = rng.choice(("lobby", "open", "open", "closed", "pause", "go on", "go on", "more"))
    if what == "more":
        return AddTime(add_s=30)
    return Pause(paused=what == "pause") if what in ("pause", "go on") else SetPhase(phase=what)


def _moderation(rng: random.Random, player: str) -> Command:
    """What a host does about people, and a node about who is here."""
    kind = rng.randrange(13)
    if kind < 5:
        return rng.choice((Arrive, Depart))(players=(player, "p0", "nobody"))
    if kind > 9:
        return rng.choice(
            (
                SetRobots(fill_to=rng.choice((0, 14)), even_sides=True, sit_in_after_s=rng.choice((None, 5))),
                Staff(robots=rng.randrange(4)),
                SitIn(account=player, sits=rng.random() < 0.8, by_itself=rng.random() < 0.5),
            )
        )
    if kind < 7:
        return Mute(account=player, muted=rng.random() < 0.3)
    if kind < 8:
        return Unsay(message=rng.randint(1, 60))
    if kind < 9:
        return SetAccess(locked=rng.random() < 0.2, chat=rng.random() < 0.8, reports=rng.random() < 0.5)
    return Remove(account=player) if rng.random() < 0.3 else Remove(account="nobody")
