"""Each player's own report, made of one pass over a game's log: see `protocol.report` for what is in it.

A report has three parts: what everybody saw, what the player did, and how they did among all. They are encoded apart,
so that the first is there once, and that the last is told only while it gives no private value away.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from attrs import define, field, frozen

from tradegame.core.domain.account import HOUSE
from tradegame.core.domain.blotter import unpack_fills
from tradegame.core.domain.book import BID
from tradegame.core.domain.debrief import PLAYERS_KEPT, counted_results
from tradegame.core.domain.game import Game
from tradegame.core.domain.possible import equilibrium_price, possible
from tradegame.core.domain.private_values import BUYER, redemption
from tradegame.core.domain.recording import RecordingService
from tradegame.core.domain.state import OPEN, Effects, GameState
from tradegame.core.domain.views import positions
from tradegame.core.domain.worth import endowment
from tradegame.core.games.replay import Replay
from tradegame.core.tables.record import TOLD_EVERY
from tradegame.protocol.bounds import Role
from tradegame.protocol.http import Equilibrium
from tradegame.protocol.report import ComparedRound, OwnRound, OwnTrade, ReportedGood, ReportedRound

ROUNDS_TOLD = 30
"""The last so many rounds are in a report."""
TRADES_TOLD = 200
"""Of a player's trades in a round the last so many are told one by one."""
PRICES_TOLD = 1_000
"""So many prices of a round are told, of all goods together; of more trades, the highest and lowest of each few."""
_FILL_BYTES = 42
_encode = msgspec.json.Encoder().encode


@frozen
class Facts:
    """What is said of a report beside its three parts."""

    game: str
    title: str
    player: str
    name: str
    good: str | None
    partial: bool
    key: str = ""


def pieces(facts: Facts, rounds: bytes, own: bytes, compared: bytes | None) -> tuple[bytes, ...]:
    """A report as JSON. ``compared``: None while it is a secret."""
    head = {
        "game": facts.game,
        "title": facts.title,
        "player": facts.player,
        "name": facts.name,
        "good": facts.good,
        **({"partial": True} if facts.partial else {}),
        **({"key": facts.key} if facts.key else {}),
        **({"secret": True} if compared is None else {}),
    }
    rest = () if compared is None else (b',"compared":', compared)
    return _encode(head)[:-1] + b',"rounds":', rounds, b',"own":', own, *rest, b"}"


@frozen
class Reporter(RecordingService):
    """Writes down what a report tells of each round, once it closes.

    It keeps the prices and the last fills of the round that is open, and what was encoded of the last rounds.
    """

    fills: dict[str, bytearray] = field(factory=dict, init=False)
    """By player, packed as in a blotter."""
    prices: defaultdict[str, list[tuple[int, int]]] = field(factory=lambda: defaultdict(list), init=False)
    rounds: deque[bytes] = field(factory=lambda: deque(maxlen=ROUNDS_TOLD), init=False)
    own: dict[str, deque[bytes]] = field(factory=dict, init=False)
    compared: dict[str, deque[bytes]] = field(factory=dict, init=False)
    took_part: set[str] = field(factory=set, init=False)
    """In a round that counts."""
    begun: set[int] = field(factory=set, init=False)
    """The round that was open when the log begins."""

    def begin(self) -> None:
        """What is there at the beginning of the log."""
        state = self.state
        for result in counted_results(state):
            rows = [(row["player"], row["role"], row["start"], row["worth"]) for row in result["players"]]
            self._closed(result, rows, len(rows) if len(rows) < PLAYERS_KEPT else None, None)
        if state.phase == OPEN and state.trades:
            self.begun.add(state.round)
            for name in state.dealt:
                if (blotter := state.accounts[name].blotter) is not None:
                    self.fills[name] = bytearray(blotter.fills)
            for good, market in state.markets.items():
                if market.ohlcv.trades:
                    self.prices[good] += [(at, price) for at, price, _ in market.recent][-market.ohlcv.trades :]

    def dealt(self, player: str) -> None:
        """Whoever was removed and readmitted begins the round anew."""
        self.fills.pop(player, None)

    def fill(self, *told: Any) -> None:
        """A trade: see `RecordingService`, which has packed it for its two players."""
        super().fill(*told)
        effects: Effects = told[-1]
        taker, order = told[0], told[4]
        self.prices[order.good].append((effects.at, order.price))
        for player in (taker, order.player):
            if player != HOUSE:
                if (kept := self.fills.get(player)) is None:
                    kept = self.fills[player] = bytearray()
                kept += effects.fills[player][-1]
                del kept[: -TRADES_TOLD * _FILL_BYTES]

    def closed(self, result: dict[str, Any], gains: Sequence[tuple[str, int, int]]) -> None:
        players = self.state.players
        rows = [(name, players[name].role, start, worth) for name, start, worth in gains]
        self._closed(result, rows, len(rows), self.prices)
        self.fills.clear()
        self.prices.clear()

    def _closed(
        self,
        result: Mapping[str, Any],
        rows: Sequence[tuple[str, Role | None, int, int]],
        players: int | None,
        prices: Mapping[str, list[tuple[int, int]]] | None,
    ) -> None:
        """``prices`` None: it closed before the log begins, and nothing more is known of it than its ``result``."""
        self.rounds.append(_encode(_round(result, prices)))
        ranks: dict[int, int] = {}
        for place, gain in enumerate(sorted((worth - start for *_, start, worth in rows), reverse=True), 1):
            ranks.setdefault(gain, place)
        if not result.get("practice"):
            self.took_part.update(name for name, *_ in rows)
        for name, role, start, worth in rows:
            if prices is None:
                own = OwnRound(result["round"], role, None, start, worth, worth - start, {}, (), partial=True)
            else:
                own = self._own(result["round"], name, start, worth)
            compared = _compared(result, own, ranks[worth - start], len(rows) if players is None else players)
            for kept, made in ((self.own, own), (self.compared, compared)):
                kept.setdefault(name, deque(maxlen=ROUNDS_TOLD)).append(_encode(made))

    def _own(self, number: int, name: str, start: int, worth: int) -> OwnRound:
        state = self.state
        player, blotter = state.players[name], state.accounts[name].blotter
        traded = {} if blotter is None else positions(state, name, blotter)
        units = {
            good: endowment(state, name, good) + position.bought - position.sold for good, position in traded.items()
        }
        trades = []
        for fill in reversed(unpack_fills(self.fills.get(name, b""), list(state.markets))):
            bought = fill.side == BID
            before = units[fill.good] - fill.qty if bought else units[fill.good] + fill.qty
            value = abs(_value(state, name, fill.good, units[fill.good]) - _value(state, name, fill.good, before))
            units[fill.good] = before
            paid = fill.price * fill.qty
            gain = (value - paid if bought else paid - value) - fill.fee
            what = fill.trade, fill.at, fill.good, fill.side, fill.price, fill.qty, fill.fee
            trades.append(OwnTrade(*what, value, gain, fill.maker))
        partial = number in self.begun and sum(each.bought + each.sold for each in traded.values()) > sum(
            trade.qty for trade in trades
        )
        values = player.values if state.definition.private_values is not None else None
        told = player.role, values, start, worth, worth - start, traded, tuple(reversed(trades))
        return OwnRound(number, *told, partial=partial)


def _value(state: GameState, name: str, good: str, qty: int) -> int:
    """What ``qty`` units of a good count for to this player, in coins, by private values or the good's mark."""
    private = state.definition.private_values
    if private is not None and private.good == good:
        return redemption(state.players[name].values, qty)
    return state.markets[good].mark.value(qty)


def _round(result: Mapping[str, Any], prices: Mapping[str, list[tuple[int, int]]] | None) -> ReportedRound:
    traded = {good: told for good, told in result["goods"].items() if told["trades"]}
    most = max(4, PRICES_TOLD // max(1, len(traded)))
    goods = {}
    for good, told in traded.items():
        known = [(at, price) for at, price, _ in told["tape"]] if prices is None else prices.get(good, [])
        facts = told["trades"], told["settled"], told["mark"], told["mark_source"]
        goods[good] = ReportedGood(*facts, tuple(thinned(known, most)))
    practice = result.get("practice", False)
    return ReportedRound(result["round"], result["opened_at"], result["closed_at"], goods, practice)


def _compared(result: Mapping[str, Any], own: OwnRound, rank: int, players: int) -> ComparedRound:
    good = next((good for good, told in result["goods"].items() if told["equilibrium"] is not None), None)
    if good is None:
        return ComparedRound(result["round"], rank, players, None, None, None)
    found = result["goods"][good]["equilibrium"]
    price, terms = equilibrium_price(found), result.get("treatment", {}).get("goods", {}).get(good, {})
    most = None
    if own.values is not None and own.role is not None:
        bought_at, sold_at = price + terms.get("buyer_tax", 0), price - terms.get("seller_tax", 0)
        most = possible(own.role, own.values, bought_at if own.role == BUYER else sold_at)
    return ComparedRound(result["round"], rank, players, msgspec.convert(found, Equilibrium), price, most)


def thinned(prices: Sequence[tuple[int, int]], most: int) -> list[tuple[int, int]]:
    """At most ``most`` of these times and prices, of each few in a row the lowest and the highest; the last one, too.

    ``most``: at least 4.
    """
    if len(prices) <= most:
        return list(prices)
    few = -(-len(prices) // (most // 2 - 1))
    kept = []
    for first in range(0, len(prices), few):
        some = range(first, min(first + few, len(prices)))
        kept += sorted({min(some, key=lambda at: prices[at][1]), max(some, key=lambda at: prices[at][1])})
    return [prices[at] for at in (kept if kept[-1] == len(prices) - 1 else [*kept, len(prices) - 1])]


@define
class Reports:
    """The reports of all players who have an account at the end of the log that ``replay`` reads."""

    replay: Replay
    _game: Game = field(init=False)
    _reporter: Reporter = field(init=False)
    _scores: list[int] = field(factory=list, init=False)
    """Of those who took part, ascending."""

    def make(self, progress: Callable[[int], None] = lambda done: None) -> GameState:
        """Replay the log; the game at its end. ``progress`` is told how many bytes were read.

        Raises WrongLogError and OSError.
        """
        self._game = self.replay.begin(self._reporting)
        for _ in self.replay.entries():
            if self.replay.applied % TOLD_EVERY == 0:
                progress(self.replay.done)
        state = self._game.state
        took_part = self._reporter.took_part
        self._scores = sorted(each.score for name, each in state.players.items() if name in took_part or each.score)
        progress(self.replay.done)
        return state

    def _reporting(self, game: Game) -> Game:
        self._reporter = reporter = Reporter(game.state)
        reporter.begin()
        return Game(game.state, lambda _: reporter)

    @property
    def partial(self) -> bool:
        """Whether the log does not begin with the game."""
        return bool(self.replay.head["state"])

    @property
    def rounds(self) -> bytes:
        """What everybody saw of the rounds, as JSON."""
        return b"[%b]" % b",".join(self._reporter.rounds)

    def of(self, player: str) -> tuple[bytes, bytes]:
        """What the player did, and how they did among all, as JSON."""
        score = self._game.state.players[player].score
        own = b",".join(self._reporter.own.get(player, ()))
        compared = b",".join(self._reporter.compared.get(player, ()))
        rank = 1 + len(self._scores) - bisect_right(self._scores, score)
        return (
            b'{"total":%d,"rounds":[%b]}' % (score, own),
            b'{"rank":%d,"players":%d,"rounds":[%b]}' % (rank, len(self._scores), compared),
        )
