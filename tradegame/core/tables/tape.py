"""What happens below an entry, as rows: orders, trades, private values, hints, news and closed rounds."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from attrs import field, frozen

from tradegame.core.domain.account import HOUSE, Account
from tradegame.core.domain.blotter import FILLED, REPLACED
from tradegame.core.domain.book import BID, Order
from tradegame.core.domain.debrief import PLAYERS_KEPT, counted_results
from tradegame.core.domain.recording import RecordingService
from tradegame.core.domain.state import Effects, Hint
from tradegame.core.tables.columns import Row
from tradegame.core.tables.rows import (
    GoodRow,
    HintRow,
    NewsRow,
    OrderRow,
    ResultRow,
    RoundRow,
    TradeRow,
    ValueRow,
)
from tradegame.protocol.bounds import Became, SideName

WIDE_ROUNDS = 30
"""So many rounds, the last ones, have a column of their own in the table of players."""
Put = Callable[[Row], None]


@frozen
class Tape(RecordingService):
    """``put`` takes the rows. It keeps the open orders, and the gains of the last rounds."""

    put: Put
    open_orders: dict[int, tuple[OrderRow, Order]] = field(factory=dict, init=False)
    gains: deque[tuple[int, dict[str, int]]] = field(factory=lambda: deque(maxlen=WIDE_ROUNDS), init=False)
    """The number of a round, and by player what they gained."""
    played: Counter[str] = field(factory=Counter, init=False)
    """By player, in how many closed rounds."""
    _replaced: list[str] = field(factory=list, init=False)
    """The order that the next one is an amendment of."""

    def begin(self) -> None:
        """What is there at the beginning of the log: closed rounds, open orders, values and hints of this round."""
        state = self.state
        for result in counted_results(state):
            rows = [(row["player"], row["role"], row["start"], row["worth"]) for row in result["players"]]
            self._closed(result, rows, None, len(rows) if len(rows) < PLAYERS_KEPT else None)
        for name, account in state.accounts.items():
            for order in account.orders.values() if name != HOUSE else ():
                seat = state.seats.get(name)
                by_robot = name in state.robots or (seat is not None and order.number > seat.orders)
                self._opened(order, None, None, by_robot=by_robot)
        for name in state.dealt:
            if state.takes_part(name):
                self.dealt(name)
                for hint in state.players[name].hints:
                    self.hinted(name, hint)

    def end_orders(self, became: str, at: int | None) -> None:
        """Write down the orders that are open for us, and for the game no more. ``became`` open: all that are left."""
        accounts = self.state.accounts
        for number, (_, order) in list(self.open_orders.items()):
            account = accounts.get(order.player)
            if at is None or account is None or number not in account.orders:
                self._ended(number, became, at)

    def placed(self, order: Order, effects: Effects) -> None:
        if order.player != HOUSE:
            self._opened(order, self.state.round, effects.at, by_robot=self._by_robot(order.player))

    def taken(self, player: str, side: SideName, good: str, limit: int | None, qty: int, filled: int, at: int) -> None:
        left = qty - filled
        became, now, by_robot = "expired" if left else FILLED, self.state.round, self._by_robot(player)
        what = now, player, good, side, qty, limit, at, filled, 0, left, became, at
        self.put(OrderRow(None, "market", *what, None, by_robot))

    def done(self, order: Order, became: Became, effects: Effects) -> None:
        super().done(order, became, effects)
        if order.player != HOUSE:
            self._ended(order.number, became, effects.at)
            if became == REPLACED:
                self._replaced.append(order.id)

    def fill(
        self,
        taker: str,
        ours: Account,
        side: SideName,
        number: int,
        order: Order,
        theirs: Account,
        qty: int,
        fee: int,
        tax: int,
        makers_tax: int,
        effects: Effects,
    ) -> None:
        super().fill(taker, ours, side, number, order, theirs, qty, fee, tax, makers_tax, effects)
        state, takers = self.state, f"o{number}" if number else None
        bought = side == BID
        buyer, seller = (taker, order.player) if bought else (order.player, taker)
        buyers, sellers = (takers, order.id) if bought else (order.id, takers)
        word, at, price = "buy" if bought else "sell", effects.at, order.price
        what = state.trades, at, state.round, order.good, price, qty
        taxes = (tax, makers_tax) if bought else (makers_tax, tax)
        self.put(TradeRow(*what, word, buyer, seller, buyers, sellers, fee, *taxes))

    def dealt(self, player: str) -> None:
        dealt = self.state.players[player]
        for unit, value in enumerate(dealt.values, 1):
            self.put(ValueRow(self.state.round, player, dealt.role or "", unit, value))

    def hinted(self, player: str, hint: Hint) -> None:
        self.put(HintRow(hint.at, self.state.round, player, hint.good, hint.value))

    def announced(self, text: str, good: str | None, bps: int, at: int) -> None:
        self.put(NewsRow(at, self.state.round, text, good, bps))

    def closed(self, result: dict[str, Any], gains: Sequence[tuple[str, int, int]]) -> None:
        players = self.state.players
        rows = [(name, players[name].role, start, worth) for name, start, worth in gains]
        self._closed(result, rows, self.state.round_ms, len(rows))

    def _by_robot(self, player: str) -> bool:
        """Whoever commands anything has their seat for themselves."""
        return player in self.state.robots or player in self.state.seats

    def _opened(self, order: Order, round_: int | None, at: int | None, *, by_robot: bool) -> None:
        replaces = self._replaced.pop() if self._replaced else None
        asked = order.qty + order.filled
        row = OrderRow(
            order.id,
            "limit",
            round_,
            order.player,
            order.good,
            order.side,
            asked,
            order.price,
            at,
            0,
            0,
            asked,
            "open",
            None,
            replaces,
            by_robot,
        )
        self.open_orders[order.number] = row, order

    def _ended(self, number: int, became: str, at: int | None) -> None:
        row, order = self.open_orders.pop(number)
        row.filled, row.left, row.became, row.ended_at = order.filled, order.qty, became, at
        row.reduced = row.qty - row.filled - row.left
        self.put(row)

    def _closed(
        self,
        result: dict[str, Any],
        gains: Iterable[tuple[str, str | None, int, int]],
        open_ms: int | None,
        players: int | None,
    ) -> None:
        number, practice = result["round"], result.get("practice", False)
        figures = result["surplus"], result["max_surplus"], result["efficiency_bps"]
        self.put(RoundRow(number, practice, result["opened_at"], result["closed_at"], open_ms, players, *figures))
        for good, told in result["goods"].items():
            words = "trades", "volume", "notional", "open", "high", "low", "close", "settled", "mark", "mark_source"
            equilibrium = told["equilibrium"] or {}
            band = [equilibrium.get(word) for word in ("low", "high", "qty", "surplus")]
            cells = [*(told[word] for word in words), told.get("tax", 0), *band]
            self.put(GoodRow(number, good, *cells))
        made, rank, before = dict[str, int](), 0, None
        for place, (name, role, start, worth) in enumerate(sorted(gains, key=lambda row: row[2] - row[3]), 1):
            gain = worth - start
            rank, before = rank if gain == before else place, gain
            made[name] = gain
            self.put(ResultRow(number, practice, name, role, start, worth, gain, rank))
        if not practice:
            self.gains.append((number, made))
            self.played.update(made.keys())
