"""The whole state of a game, as plain data. The services change it, the snapshot writes it down."""

from __future__ import annotations

from collections import deque
from typing import Any, Final

from attrs import Factory, define, field

from tradegame.core.domain.account import FEES, HOUSE, MINT, Account
from tradegame.core.domain.book import Book
from tradegame.core.domain.definition import GameDefinition
from tradegame.core.domain.events import Result, Whispered
from tradegame.core.domain.mark import BidLows, Mark
from tradegame.core.domain.treatments import Terms, terms_of
from tradegame.protocol.bounds import MESSAGES_KEPT, NEWS_KEPT, RECENT_KEPT, PhaseName, Role, StrategyName
from tradegame.protocol.ops import HOST
from tradegame.protocol.pushes import PublicEvent
from tradegame.protocol.state import Headline, Message

LOBBY: Final = "lobby"
OPEN: Final = "open"
CLOSED: Final = "closed"
ROUNDS_KEPT = 10
BEST_LEVELS = 5
MICRO = 1_000_000
DUE_AN_ENTRY = 500
"""Once so many quotes and fills of the house, hints and withdrawals were due in one entry, the rest stays due for the
next: it bounds the time that an entry takes by itself (to about 5 ms). Rounds and news never wait."""


@define
class HouseState:
    """The anchor in millionths of a coin, the base around which it wanders, and the next quote's time in ms."""

    anchor: int
    base: int
    next_tick: int


@define
class SettlementState:
    """What the good will be paid at when the round closes, and how many hints were given so far.

    ``told``: how many players, in the order of dealing, know of the next hint already.
    """

    value: int
    hints: int = 0
    told: int = 0


@define
class Ohlcv:
    """Open, high, low, close and volume of one good in a round, in coins and units.

    ``notional``: the sum of price times quantity.
    """

    trades: int = 0
    volume: int = 0
    notional: int = 0
    open: int | None = None
    high: int | None = None
    low: int | None = None
    close: int | None = None

    def trade(self, price: int, qty: int) -> None:
        self.trades += 1
        self.volume += qty
        self.notional += price * qty
        if self.open is None or self.high is None or self.low is None:
            self.open = self.high = self.low = price
        elif price > self.high:
            self.high = price
        elif price < self.low:
            self.low = price
        self.close = price


@define
class Market:
    """One good's book and tape. ``recent``: time in ms, price, quantity, oldest first. ``ohlcv``: of this round.

    ``mark``: what a unit counts for; ``lows``: this round's bids, while it is open and the mark comes from them.
    """

    book: Book
    last: int | None = None
    volume: int = 0
    recent: deque[tuple[int, int, int]] = Factory(lambda: deque(maxlen=RECENT_KEPT))
    house: HouseState | None = None
    settlement: SettlementState | None = None
    ohlcv: Ohlcv = Factory(Ohlcv)
    mark: Mark = Factory(Mark)
    lows: BidLows | None = None


@define
class Hint:
    """``good`` will not settle at ``value``; told at ``at``, in ms."""

    good: str
    value: int
    at: int

    @property
    def text(self) -> str:
        return f"{self.good} will not settle at {self.value}"


@define
class Player:
    """``role`` and marginal ``values``, in coins, in a game with private values; ``score``: gains of closed rounds.

    ``seat``: how many had the role before, so which of the lists that are given is theirs. ``drawn``: the values that
    were drawn for them, of which ``values`` are made where no lists are given.
    ``keys``: each key of a command, and as one text what that command came to (see `remembered`), the oldest first;
    "" until the end of the command's entry. ``ever``: how many there were, see `keys`; it never falls. ``skeleton``:
    what all names have that look like this one, which is the ``number``-th. ``muted``: must not speak.
    ``ready``: they said so; ``right``: how many answers to the quiz were right at best, None before the first.
    ``group``: the number of theirs, from 1, in the entrance of several games.
    """

    name: str
    keys: dict[str, str] = Factory(dict)
    ever: int = 0
    role: Role | None = None
    values: tuple[int, ...] = ()
    score: int = 0
    hints: tuple[Hint, ...] = ()
    skeleton: str = ""
    number: int = 1
    muted: bool = False
    seat: int = 0
    drawn: tuple[int, ...] = ()
    ready: bool = False
    right: int | None = None
    group: int = 0


@define
class RobotPlan:
    """How robots fill up the game, as the host said it (see `SetRobots`).

    ``wanted``: how many robots that takes, as a node counted it last. ``asked``: the host said it in this round.
    """

    fill_to: int = 0
    even_sides: bool = False
    strategy: StrategyName | None = None
    sit_in_after_s: int | None = None
    wanted: int = 0
    asked: bool = False

    @property
    def fills(self) -> bool:
        """Whether it asks for any robots."""
        return bool(self.fill_to or self.even_sides)


@define
class Seat:
    """A player's seat that a robot has, since the game had so many ``orders``. ``by_itself``: the host did not say so,
    the player is away.
    """

    strategy: StrategyName | None
    orders: int
    by_itself: bool = False


@define
class RosterSeat:
    """A place that the host's roster has for somebody. ``label``, ``group`` and ``team`` are the host's words, and for
    the host alone; ``name``: what its player is called, or "". ``listed``: on the present roster. ``links``: how often
    its personal link was renewed. ``barred``: nobody may take it. ``player``: whose account it is; "" before a join.
    """

    label: str
    name: str = ""
    group: str = ""
    team: str = ""
    number: int = 0
    listed: bool = False
    links: int = 0
    barred: bool = False
    player: str = ""


@define(eq=False)
class GameState:
    """``clock`` in ms since the Unix epoch. ``chance``: the generator's state. ``opened_at``: when this round opened.

    ``chain`` is a digest over every entry of the log so far, in hex. ``news_coming``: of this round, the next first;
    each its time in ms, and its place in the definition. ``settled``: what goods paid when this round closed.
    ``results`` of closed rounds: see `debrief`. ``revealed``: the host shows them to everybody, until the next opens.
    ``remembered``: how many keys the game ever remembered, of all players; ``known``: how many it knows. ``aging``: the
    players whose keys may be forgotten for their age, in the order of their turns, see `keys`. ``host``: the host's.
    ``dealt``: the players who take part in this round (in a lobby: in the last one), in the order in which they were
    dealt to. ``sides``: how many ever had each. ``grouped``: how many players each group has, in an entrance.
    ``removed``: the names whom the host removed. ``bought``, ``sold``: by private value, what those had traded in this
    round. ``locked``: nobody new may have one. ``chat``: people may speak. ``reports``: each may read their own report.
    ``roster``: the names that may join, by skeleton, each as often as it is there; empty: all may. ``seating``: the
    roster's seats by the look of their labels; ``looks``: those by the seats' numbers; ``seated`` counts all that there
    ever were, ``listed`` those on the present roster. ``by_number``, ``shared`` and ``pattern``: see `SetRoster`.
    ``said`` counts the messages to everyone. ``orders`` and ``trades`` count, too; ``past_orders``: how many orders
    there had been when this round opened. ``cancel_on_disconnect``: the players who chose it. ``departed``: those of
    them who have no connection, and since when, in ms; the first is who departed first. ``paused_at``: since when the
    game is paused, in ms; ``idle_ms``: how long this round was, before that. ``robots``: the players that are one, the
    oldest first, and whether the server runs it. ``seats``: the other players for whom a robot sits in. ``counts``: the
    present round has its number for good, since the clock opened it, or somebody traded in it; else the next round has
    this number. ``ended``: the host said that the present round is the last one. ``winners``: who has the greatest
    score, once the last round is closed. ``gone``: players gone since this was loaded. ``terms``: this round's.
    """

    definition: GameDefinition
    epoch: str
    clock: int
    chance: int
    chain: str
    seq: int = 0
    entries: int = 0
    commands: int = 0
    phase: PhaseName = OPEN
    round: int = 1
    counts: bool = False
    ended: bool = False
    ends_at: int | None = None
    opened_at: int | None = None
    paused_at: int | None = None
    idle_ms: int = 0
    news_coming: list[tuple[int, int]] = Factory(list)
    orders: int = 0
    past_orders: int = 0
    trades: int = 0
    remembered: int = 0
    known: int = 0
    accounts: dict[str, Account] = Factory(dict)
    players: dict[str, Player] = Factory(dict)
    dealt: dict[str, None] = Factory(dict)
    sides: dict[Role, int] = Factory(lambda: {"buyer": 0, "seller": 0})
    grouped: list[int] = Factory(list)
    removed: dict[str, str] = Factory(dict)
    bought: list[int] = Factory(list)
    sold: list[int] = Factory(list)
    locked: bool = False
    chat: bool = True
    reports: bool = False
    roster: dict[str, list[str]] = Factory(dict)
    seating: dict[str, RosterSeat] = Factory(dict)
    looks: dict[int, str] = Factory(dict)
    seated: int = 0
    listed: int = 0
    by_number: bool = False
    shared: bool = False
    pattern: str = ""
    said: int = 0
    cancel_on_disconnect: dict[str, None] = Factory(dict)
    departed: dict[str, int] = Factory(dict)
    plan: RobotPlan = Factory(RobotPlan)
    robots: dict[str, bool] = Factory(dict)
    seats: dict[str, Seat] = Factory(dict)
    markets: dict[str, Market] = Factory(dict)
    messages: deque[Message] = Factory(lambda: deque(maxlen=MESSAGES_KEPT))
    news: deque[Headline] = Factory(lambda: deque(maxlen=NEWS_KEPT))
    settled: dict[str, int] = Factory(dict)
    revealed: bool = False
    winners: list[str] = Factory(list)
    results: deque[dict[str, Any]] = Factory(deque)
    aging: deque[str] = Factory(deque)
    host: Player = Factory(lambda: Player(HOST))
    gone: int = field(default=0, eq=False)
    terms: Terms = field(eq=False, default=Factory(lambda self: terms_of(self.definition, self.round), takes_self=True))

    @property
    def last_results(self) -> list[dict[str, Any]]:
        """Of the last closed rounds. One more is kept while it may turn out that the last one does not count."""
        return list(self.results)[-ROUNDS_KEPT:]

    @property
    def practice(self) -> bool:
        """This round counts for nothing."""
        return self.round == 0

    @property
    def more(self) -> bool:
        """The clock has another round to come, after the present one or in its place."""
        rounds = self.definition.rounds
        if rounds is None or self.ended:
            return False
        return rounds.repeat == 0 or self.round + self.counts <= rounds.repeat

    @property
    def last(self) -> bool:
        """The present round is the last one, or comes after it."""
        return self.ended or (self.definition.rounds is not None and not self.more)

    @property
    def over(self) -> bool:
        """The last round is closed."""
        return self.phase == CLOSED and self.last

    def number(self, round_: int) -> None:
        """The present round is this one."""
        self.round, self.terms = round_, terms_of(self.definition, round_)

    @property
    def round_ms(self) -> int:
        """For how long there was trade in this round, without its pauses, in ms; 0 before the first."""
        now = self.clock if self.paused_at is None else self.paused_at
        return 0 if self.opened_at is None else now - self.opened_at - self.idle_ms

    @classmethod
    def blank(cls, definition: GameDefinition, epoch: str, clock: int, seed: int, chain: str) -> GameState:
        """A world with nothing in it but the three accounts that are nobody's."""
        goods = list(definition.goods)
        state = cls(definition, epoch, clock, seed, chain)
        state.grouped = [0] * len(definition.groups)
        state.accounts = {name: Account.empty(goods) for name in (MINT, HOUSE, FEES)}
        state.markets = {good: Market(Book()) for good in goods}
        return state

    def commander(self, player: str) -> Player | None:
        """Who gives commands under this name: a player with an account, or the host."""
        return self.host if player == HOST else self.players.get(player)

    def takes_part(self, player: str) -> bool:
        """Whether the player was dealt to in this round; in a lobby nobody was."""
        return self.phase != LOBBY and player in self.dealt


@define
class Effects:
    """What the entry that is being applied has done so far; ``at`` is its frame's time in ms. Dicts stand for sets.

    ``spent``: the house's quotes and fills, the hints and the withdrawals that were due. ``keys``: the new ones, by
    player and key: whose it is, the digest, the result. ``fills``: by player, packed (see `blotter`). ``marks``: the
    goods whose mark was set anew.
    """

    at: int
    events: list[PublicEvent] = Factory(list)
    whispers: list[Whispered] = Factory(list)
    fills: dict[str, list[bytes]] = Factory(dict)
    accounts: dict[str, None] = Factory(dict)
    books: dict[str, None] = Factory(dict)
    marks: dict[str, None] = Factory(dict)
    spent: int = 0
    keys: dict[tuple[str, str], tuple[Player, str, Result]] = Factory(dict)
