"""The state written down: lines of JSON, the same bytes for the same state, and their hash.

A large state takes seconds to write and to read. So both go line by line, none of which takes more than about 2 ms:
whoever has other things to do does them between two lines. The state must stand still from the first line to the last.

The first line is an object with everything that there is one of. Each other line is a list: its kind, then rows of that
kind. The last line is ``["end"]``.
"""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any, TypeVar

from attrs import astuple

from tradegame.core.domain import definition as definitions
from tradegame.core.domain.account import Account
from tradegame.core.domain.blotter import Blotter
from tradegame.core.domain.book import ASK, BID, Order
from tradegame.core.domain.game import Game
from tradegame.core.domain.mark import BidLows, Mark
from tradegame.core.domain.state import (
    GameState,
    Hint,
    HouseState,
    Market,
    Ohlcv,
    Player,
    RobotPlan,
    RosterSeat,
    Seat,
    SettlementState,
)
from tradegame.protocol.bounds import SideName
from tradegame.protocol.ops import HOST
from tradegame.protocol.state import Headline, Message

SNAPSHOT_SCHEMA = 3
LINE_WORK = 2_000
"""Numbers and short texts in one line, about: some 64 KiB, which take 1 to 2 ms to write or to read."""
_PLAIN = (
    "epoch",
    "clock",
    "chance",
    "chain",
    "seq",
    "entries",
    "commands",
    "phase",
    "round",
    "counts",
    "ended",
    "ends_at",
    "opened_at",
    "paused_at",
    "idle_ms",
    "orders",
    "past_orders",
    "trades",
    "remembered",
    "settled",
    "locked",
    "chat",
    "reports",
    "roster",
    "seated",
    "listed",
    "by_number",
    "shared",
    "pattern",
    "said",
    "sides",
    "grouped",
    "bought",
    "sold",
    "revealed",
    "winners",
)
_Item = TypeVar("_Item")
_END = b'["end"]\n'
_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def lines(game: Game) -> Iterator[bytes]:
    """The whole state, line by line. Orders of dicts that mean something are kept as lists."""
    state = game.state
    head = {
        "schema": SNAPSHOT_SCHEMA,
        "definition": definitions.to_json(state.definition),
        **{name: getattr(state, name) for name in _PLAIN},
        "messages": [[message.player, message.text, message.at, message.number] for message in state.messages],
        "news": [[news.text, news.good, news.at] for news in state.news],
        "news_coming": state.news_coming,
        "plan": astuple(state.plan),
    }
    yield _line(head)
    for result in state.results:
        yield _line(["result", result])
    yield from _batches("market", state.markets.items(), _market)
    yield from _batches("account", state.accounts.items(), _account)
    yield from _batches("player", state.players.items(), _player)
    blotters = ((name, account.blotter) for name, account in state.accounts.items() if account.blotter is not None)
    yield from _batches("blotter", blotters, _blotter)
    yield _line(["host", [state.host.ever, state.host.keys]])
    yield from _batches("aging", state.aging, lambda name: (name, 1))
    yield from _batches("dealt", state.dealt, lambda player: (player, 1))
    yield from _batches("seating", state.seating.items(), lambda seat: ([seat[0], *astuple(seat[1])], 10))
    yield from _batches("removed", state.removed.items(), lambda removed: (removed, 2))
    yield from _batches("cancel_on_disconnect", state.cancel_on_disconnect, lambda player: (player, 1))
    yield from _batches("departed", state.departed.items(), lambda departed: (departed, 2))
    yield from _batches("robot", state.robots.items(), lambda robot: (robot, 2))
    yield from _batches("seat", state.seats.items(), lambda seat: ((seat[0], *astuple(seat[1])), 4))
    for good, market in state.markets.items():
        for side in (BID, ASK):
            yield from _batches([good, side], market.book.from_worst(side), _order)
    yield _END


def _line(data: Any) -> bytes:
    return _encode(data).encode() + b"\n"


def _batches(kind: Any, items: Iterable[_Item], row: Callable[[_Item], tuple[Any, int]]) -> Iterator[bytes]:
    """Lines of rows. ``row`` gives one, and how much there is in it."""
    rows: list[Any] = [kind]
    work = 0
    for item in items:
        made, size = row(item)
        rows.append(made)
        work += size
        if work >= LINE_WORK:
            yield _line(rows)
            rows, work = [kind], 0
    if work:
        yield _line(rows)


def _order(order: Order) -> tuple[Any, int]:
    return (order.number, order.player, order.qty, order.price, order.filled), 5


def _market(item: tuple[str, Market]) -> tuple[Any, int]:
    good, market = item
    house, ohlcv, settlement, lows = market.house, market.ohlcv, market.settlement, market.lows
    row = [
        good,
        market.last,
        market.volume,
        list(market.recent),
        None if house is None else [house.anchor, house.base, house.next_tick],
        None if settlement is None else [settlement.value, settlement.hints, settlement.told],
        [market.mark.price, market.mark.source, market.mark.levels],
        None if lows is None else [lows.second, lows.low, lows.bid, list(lows.runs)],
        [
            ohlcv.trades,
            ohlcv.volume,
            ohlcv.notional,
            ohlcv.open,
            ohlcv.high,
            ohlcv.low,
            ohlcv.close,
        ],
    ]
    runs = 0 if lows is None else len(lows.runs)
    return row, 26 + 3 * len(market.recent) + 2 * len(market.mark.levels) + 2 * runs


def _account(item: tuple[str, Account]) -> tuple[Any, int]:
    name, account = item
    goods = list(account.goods.values())
    return [name, account.cash, account.held_cash, goods, list(account.held_goods.values())], 4 + 2 * len(goods)


def _blotter(item: tuple[str, Blotter]) -> tuple[Any, int]:
    name, blotter = item
    fills, done, traded = blotter.rows()
    return [name, fills, done, traded], 1 + 8 * len(fills) + 7 * len(done) + 6 * len(traded)


def _player(item: tuple[str, Player]) -> tuple[Any, int]:
    name, player = item
    hints = [[hint.good, hint.value, hint.at] for hint in player.hints]
    called = [player.name, player.skeleton, player.number, player.muted]
    dealt = [player.role, player.seat, player.drawn, player.values]
    marks = [player.ready, player.right, player.group]
    row = [name, called, dealt, player.score, hints, marks, player.ever, player.keys]
    # 15: about what a player has once; a hint has three fields, and a key with its long text counts as three
    return row, 15 + len(player.drawn) + len(player.values) + 3 * len(hints) + 3 * len(player.keys)


def loading(written: Iterable[bytes]) -> Generator[None, None, Game]:
    """Reads what ``lines`` wrote; takes no more of ``written`` than its lines. Yields after each step.

    Returns the game. Raises ValueError if it is not of a known schema, or ends early.
    """
    source = iter(written)
    head: dict[str, Any] = json.loads(next(source, b"null")) or {}
    if head.get("schema") != SNAPSHOT_SCHEMA:
        raise ValueError(f"a snapshot of schema {head.get('schema')}, where {SNAPSHOT_SCHEMA} is known")
    state = GameState.blank(definitions.from_json(head["definition"]), "", 0, 0, "")
    for name in _PLAIN:
        setattr(state, name, head[name])
    state.number(state.round)
    state.messages.extend(Message(*message) for message in head["messages"])
    state.news.extend(Headline(*news) for news in head["news"])
    state.news_coming = [(at, number) for at, number in head["news_coming"]]
    state.plan = RobotPlan(*head["plan"])
    state.accounts = {}
    reader = _Reader(state)
    for line in source:
        yield
        if line == _END:
            break
        kind, *rows = json.loads(line)
        reader.read(kind, rows)
    else:
        raise ValueError("a snapshot that ends early")
    yield from reader.sort_orders()
    return Game(state)


class _Reader:
    def __init__(self, state: GameState) -> None:
        self._state = state
        self._names: dict[str, str] = {}
        """So that an order's player is the very text that the account is kept by."""
        self._goods = list(state.markets)

    def read(self, kind: Any, rows: list[Any]) -> None:
        if kind == "account":
            for name, cash, held_cash, goods, held_goods in rows:
                self._names[name] = name
                self._state.accounts[name] = Account(
                    cash,
                    dict(zip(self._goods, goods, strict=True)),
                    dict(zip(self._goods, held_goods, strict=True)),
                    held_cash,
                )
        elif kind == "player":
            for player, (name, *look), (role, seat, drawn, values), score, hints, marks, ever, keys in rows:
                told = tuple(Hint(*hint) for hint in hints)
                plain, more = (name, keys, ever, role, tuple(values), score, told), (*look, seat, tuple(drawn), *marks)
                self._state.players[self._names[player]] = Player(*plain, *more)
                self._state.known += len(keys)
        elif kind == "blotter":
            for name, *written in rows:
                self._state.accounts[name].blotter = Blotter.of_rows(*written)
        elif kind == "aging":
            self._state.aging.extend(self._names.get(name, name) for name in rows)
        elif kind == "host":
            ((ever, keys),) = rows
            self._state.host = Player(HOST, keys, ever)
            self._state.known += len(keys)
        elif kind == "dealt":
            self._state.dealt.update((self._names[player], None) for player in rows)
        elif kind == "seating":
            for look, *written in rows:
                seat = self._state.seating[look] = RosterSeat(*written)
                self._state.looks[seat.number] = look
        elif kind == "removed":
            self._state.removed.update(rows)
        elif kind == "cancel_on_disconnect":
            self._state.cancel_on_disconnect.update((self._names[player], None) for player in rows)
        elif kind == "departed":
            self._state.departed.update((self._names[player], at) for player, at in rows)
        elif kind == "robot":
            self._state.robots.update((self._names[player], ours) for player, ours in rows)
        elif kind == "seat":
            self._state.seats.update((self._names[player], Seat(*seat)) for player, *seat in rows)
        elif kind == "market":
            self._markets(rows)
        elif kind == "result":
            self._state.results.extend(rows)
        else:
            self._orders(kind, rows)

    def sort_orders(self) -> Iterator[None]:
        """An account's orders in the order in which they came."""
        work = 0
        for account in self._state.accounts.values():
            work += 1 + len(account.orders)
            if len(account.orders) > 1:
                account.orders = dict(sorted(account.orders.items()))
            if work >= LINE_WORK:
                work = 0
                yield

    def _markets(self, rows: list[Any]) -> None:
        for good, last, volume, recent, house, settlement, mark, lows, ohlcv in rows:
            market = self._state.markets[good]
            market.last, market.volume = last, volume
            market.recent.extend(tuple(trade) for trade in recent)
            market.house = None if house is None else HouseState(*house)
            market.settlement = None if settlement is None else SettlementState(*settlement)
            market.ohlcv = Ohlcv(*ohlcv)
            price, source, levels = mark
            market.mark = Mark(price, source, tuple([tuple(level) for level in levels]))
            if lows is not None:
                second, low, bid, runs = lows
                market.lows = BidLows(second, low, bid, deque([tuple(run) for run in runs]))

    def _orders(self, kind: Any, rows: list[Any]) -> None:
        good = next(known for known in self._goods if known == kind[0])
        side: SideName = BID if kind[1] == BID else ASK
        book, accounts = self._state.markets[good].book, self._state.accounts
        for number, player, qty, price, filled in rows:
            order = Order(number, self._names[player], good, side, qty, price, filled)
            accounts[player].orders[number] = order
            book.add(order)


def dump(game: Game) -> bytes:
    """All lines at once. Takes time in proportion to the state, like `load` and `state_hash`."""
    return b"".join(lines(game))


def load(value: bytes) -> Game:
    """The game that ``dump`` wrote down. Raises ValueError as `loading` does."""
    return read(value.splitlines(keepends=True))


def read(written: Iterable[bytes]) -> Game:
    """`loading` in one go."""
    steps = loading(written)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            game: Game = end.value
            return game


def digest(value: bytes) -> str:
    """The hash of a state, in hex: SHA-256 over all that ``dump`` wrote."""
    return hashlib.sha256(value).hexdigest()


def state_hash(game: Game) -> str:
    """The same on every node that applied the same entries."""
    hashed = hashlib.sha256()
    for line in lines(game):
        hashed.update(line)
    return hashed.hexdigest()
