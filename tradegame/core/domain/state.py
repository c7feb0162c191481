"""The whole state of a game, as plain data. The services change it, the snapshot writes it down."""

from __future__ import annotations

from collections import deque

from attrs import Factory, define

from tradegame.core.domain.account import FEES, HOUSE, MINT, Account
from tradegame.core.domain.book import Book
from tradegame.core.domain.definition import GameDefinition
from tradegame.core.domain.events import PublicEvent, Result, Whispered

LOBBY = "lobby"
OPEN = "open"
CLOSED = "closed"
RECENT_TRADES = 200
MESSAGES_KEPT = 50
BEST_LEVELS = 5
MICRO = 1_000_000


@define
class HouseState:
    """The anchor in millionths of a coin, the base around which it wanders, and the next quote's time in ms."""

    anchor: int
    base: int
    next_tick: int


@define
class Market:
    """One good's book and tape. ``recent``: time in ms, price, quantity, oldest first."""

    book: Book
    last: int | None = None
    volume: int = 0
    recent: deque[tuple[int, int, int]] = Factory(lambda: deque(maxlen=RECENT_TRADES))
    house: HouseState | None = None


@define
class RememberedKey:
    """What a key stood for, and the first result."""

    digest: str
    result: Result


@define
class Player:
    name: str
    keys: dict[str, RememberedKey] = Factory(dict)


@define
class Message:
    player: str
    text: str
    at: int


@define(eq=False)
class GameState:
    """``clock`` in ms since the Unix epoch. ``chance``: the generator's state. ``opened_at``: when this round opened.

    ``chain`` is a digest over every entry of the log so far, in hex. ``news_due`` counts the scheduled
    news of this round that are out.
    """

    definition: GameDefinition
    epoch: str
    clock: int
    chance: int
    chain: str
    seq: int = 0
    entries: int = 0
    commands: int = 0
    phase: str = OPEN
    round: int = 1
    ends_at: int | None = None
    opened_at: int | None = None
    news_due: int = 0
    orders: int = 0
    accounts: dict[str, Account] = Factory(dict)
    players: dict[str, Player] = Factory(dict)
    markets: dict[str, Market] = Factory(dict)
    messages: deque[Message] = Factory(lambda: deque(maxlen=MESSAGES_KEPT))

    @classmethod
    def blank(cls, definition: GameDefinition, epoch: str, clock: int, seed: int, chain: str) -> GameState:
        """A world with nothing in it but the three accounts that are nobody's."""
        goods = list(definition.goods)
        state = cls(definition, epoch, clock, seed, chain)
        state.accounts = {name: Account.empty(goods) for name in (MINT, HOUSE, FEES)}
        state.markets = {good: Market(Book()) for good in goods}
        return state


@define
class Effects:
    """What the entry that is being applied has done so far; ``at`` is its frame's time in ms. Dicts stand for sets."""

    at: int
    events: list[PublicEvent] = Factory(list)
    whispers: list[Whispered] = Factory(list)
    accounts: dict[str, None] = Factory(dict)
    books: dict[str, None] = Factory(dict)
