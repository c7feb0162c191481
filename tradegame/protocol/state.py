"""What is shown of a game: its line in the list, its public state, a player's account, a book, the standings."""

from __future__ import annotations

from msgspec import Struct, field

from tradegame.protocol.bounds import (
    Balance,
    Cents,
    Coins,
    Count,
    Ending,
    EntryKind,
    Epoch,
    GameCode,
    GameId,
    GoodId,
    Keys,
    Level,
    Millis,
    OrderId,
    Pattern,
    Phase,
    PlayerId,
    Price,
    Qty,
    RecentTrade,
    Role,
    RoundNumber,
    Seq,
    Side,
    Source,
    Taker,
    Units,
)
from tradegame.protocol.rules import Rules, Treatment


class Group(Struct, omit_defaults=True):
    """One of several games into which an entrance leads, and its name."""

    game: GameId
    name: str


class GroupOf(Struct, omit_defaults=True):
    """Of which entrance a game is a group, and the name that it has there."""

    of: GameId
    name: str


class GameSummary(Struct, omit_defaults=True):
    """A line of the list of games. `players`: how many have an account. `ends_at`: null until the host says so.

    `shared`: the number by which one enters is a team's. `groups`: it is the entrance to these. `group`: it is one of
    an entrance, by which players come in.
    """

    game: GameId
    title: str
    phase: Phase
    round: RoundNumber
    ends_at: Millis | None
    players: Count
    goods: tuple[GoodId, ...]
    epoch: Epoch
    seq: Seq
    code: GameCode
    entry: EntryKind = "open"
    pattern: Pattern = ""
    shared: bool = False
    groups: tuple[Group, ...] = ()
    group: GroupOf | None = None


class Good(Struct, omit_defaults=True):
    """A good in public: the best five levels a side, best first, and the recent trades, oldest first, at most 200.

    `last`: the last trade's price; until the first trade the house's anchor, or null where there is no house.
    `mark`: what a unit counts for in worth, and where that comes from; none where each has values of their own.
    """

    last: Coins | None
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    volume: Units
    recent: tuple[RecentTrade, ...]
    mark: Coins | None = None
    mark_source: Source | None = None


class Player(Struct, omit_defaults=True):
    """`robot`: the server plays it. `stand_in`: a robot sits in for this player, who is away."""

    name: str
    robot: bool = False
    stand_in: bool = False


class Message(Struct, omit_defaults=True):
    """What somebody said to everyone; `number` counts the game's messages."""

    player: PlayerId
    text: str
    at: Millis
    number: Count = 0


class Headline(Struct, omit_defaults=True):
    """Headline of the game's, or of the host's; `good` if they are about one."""

    text: str
    good: GoodId | None
    at: Millis


class State(Struct, omit_defaults=True):
    """A game's public state: at most 50 messages, oldest first.

    `opened_at`: when the round opened; `ends_at`: when the phase ends, null until the host says so. `settled`:
    what a unit of each good was paid, in a closed round. `paused_at`: since when the host has paused the game: nobody
    trades, and `ends_at` less `paused_at` is what is left of the phase. `treatment`: what is different in this round.
    `over`: the last round is closed; `winners`: who gained most in all rounds together, 10 at most.
    `groups`: nobody trades here, it is the entrance to these games. `group`: it is one of an entrance.
    """

    title: str
    about: str
    phase: Phase
    round: RoundNumber
    ends_at: Millis | None
    opened_at: Millis | None
    rules: Rules
    goods: dict[GoodId, Good]
    players: dict[PlayerId, Player]
    messages: tuple[Message, ...]
    news: tuple[Headline, ...]
    settled: dict[GoodId, Coins]
    locked: bool = False
    chat: bool = True
    paused_at: Millis | None = None
    reports: bool = False
    treatment: Treatment | None = None
    over: bool = False
    winners: tuple[PlayerId, ...] = ()
    groups: tuple[Group, ...] = ()
    group: GroupOf | None = None


class GameState(State, kw_only=True, omit_defaults=True):
    """One game's public state, with what says where it is: its `epoch` and `seq`."""

    game: GameId
    epoch: Epoch
    seq: Seq


class OpenOrder(Struct, omit_defaults=True):
    """An order that rests in the book; `qty` is what is left of it, `filled` how much of it has traded."""

    order: OrderId
    good: GoodId
    side: Side
    qty: Qty
    price: Price
    filled: Units = 0


class DoneOrder(Struct, omit_defaults=True):
    """An order that is done, at `at`: what it `became`, how much of it had traded, and the `qty` that was left."""

    order: OrderId
    good: GoodId
    side: Side
    qty: Units
    price: Price
    filled: Units
    became: Ending
    at: Millis


class OwnOrders(Struct, omit_defaults=True):
    """The player's orders as they were at frame `seq`: the `open` ones, and of this round the last that are `done`.

    The oldest first; of those that are done, the one that was done first.
    """

    open: tuple[OpenOrder, ...]
    done: tuple[DoneOrder, ...]
    seq: Seq


class Fill(Struct, omit_defaults=True):
    """The player's part in the trade with the number `trade`: `bid` bought, `ask` sold.

    `taker`: the side that did not rest. `order`: the player's own that traded; a `buy` and a `sell` have none.
    `maker`: it was the player's order that rested. `fee`: what the player paid: the taker's fee, and their side's tax.
    """

    trade: Count
    at: Millis
    good: GoodId
    side: Side
    price: Price
    qty: Qty
    taker: Taker
    fee: Coins
    order: OrderId | None = None
    maker: bool = False


class OwnFills(Struct, omit_defaults=True):
    """The player's last trades of this round, the oldest first, as they were at frame `seq`."""

    fills: tuple[Fill, ...]
    seq: Seq


class Position(Struct, omit_defaults=True):
    """What a player has traded of a good in this round: `cost` and `proceeds` are without the `fees`.

    `gain`: what that made so far, at the marks: the good's part of `worth - start`. `average_bought`, `average_sold`:
    what a unit cost and brought; none where nothing was bought or sold.
    """

    bought: Units
    cost: Coins
    sold: Units
    proceeds: Coins
    fees: Coins
    gain: Balance
    average_bought: Cents | None = None
    average_sold: Cents | None = None


class Hint(Struct, omit_defaults=True):
    """What a good will not settle at, told to this player alone."""

    good: GoodId
    not_: Coins = field(name="not")
    text: str
    at: Millis


class Account(Struct, omit_defaults=True):
    """A player's own: `cash` and `goods` are what is free, `held_…` what open orders hold.

    `worth`: everything at the marks; `start`: what the round began with, at the same, null while the player takes no
    part in a round; `score`: what was gained over all closed rounds. `role` and `values`, each unit's value to this
    player, only in a game with private values; `hints` only where goods settle. `keys`: `since` of the player's next
    commands. `positions`: by good, what was traded in this round; their gains together are `worth - start`.
    `cancel_on_disconnect`: as the player chose at a `join`. `ready`: the player said so; `right`: how many
    answers to the quiz were right, at best. `group`: in an entrance, the game to join.
    """

    cash: Coins
    held_cash: Coins
    goods: dict[GoodId, Units]
    held_goods: dict[GoodId, Units]
    orders: tuple[OpenOrder, ...]
    worth: Balance
    start: Balance | None
    score: Balance
    role: Role | None = None
    values: dict[GoodId, tuple[Coins, ...]] | None = None
    hints: tuple[Hint, ...] | None = None
    muted: bool = False
    keys: Keys | None = None
    positions: dict[GoodId, Position] = field(default_factory=dict)
    cancel_on_disconnect: bool = False
    ready: bool = False
    right: Count | None = None
    group: GameId | None = None


class Book(Struct, omit_defaults=True):
    """One good's book: levels best first."""

    good: GoodId
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    last: Coins | None
    seq: Seq


class Standing(Struct, omit_defaults=True):
    """A place in the standings. Equal `worth` (by total: `score`) is equal `rank`; who joined first stands first.

    In a game with private values, and in an anonymous one, `worth` is the `score`: the gains of the closed rounds.
    `robot`, `stand_in`: as in the players of the state.
    """

    rank: Count
    player: PlayerId
    name: str
    worth: Balance
    score: Balance
    robot: bool = False
    stand_in: bool = False


class Standings(Struct, omit_defaults=True):
    """The richest players, the richest first, as they were at frame `seq`: a second ago at most.

    `secret`: they would tell private values that last, so nobody is listed until the host reveals them. `practice`:
    this round counts for nothing.
    """

    standings: tuple[Standing, ...]
    seq: Seq
    secret: bool = False
    practice: bool = False


class Games(Struct, omit_defaults=True):
    """Every game that this node serves."""

    games: tuple[GameSummary, ...]
