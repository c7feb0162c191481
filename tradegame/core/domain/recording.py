"""What players do is written down in their blotters, and asked of them: see `blotter`.

An export wants to know more than a blotter keeps. What happens below an entry is told here, too, and a class derived
from this one may write it down.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from attrs import field, frozen

from tradegame.core.domain.account import HOUSE, Account
from tradegame.core.domain.blotter import BOUGHT, FILLED, MADE, WORDS, Blotter
from tradegame.core.domain.book import BID, Order
from tradegame.core.domain.state import Effects, GameState, Hint
from tradegame.protocol.bounds import Became, SideName
from tradegame.protocol.errors import UnknownOrderError

ORDER_ID = re.compile(r"o[1-9][0-9]{0,17}\Z")


@frozen
class RecordingService:
    """Fills and orders of one game's players. Nothing is written down of the house's: nobody asks."""

    state: GameState
    _indexes: dict[str, int] = field(init=False)
    """By good, its place among the game's."""

    @_indexes.default
    def _index(self) -> dict[str, int]:
        return {good: index for index, good in enumerate(self.state.markets)}

    def placed(self, order: Order, effects: Effects) -> None:
        """A limit order is taken in, before it trades. ``order``: as it is once it has met what it meets."""

    def taken(self, player: str, side: SideName, good: str, limit: int | None, qty: int, filled: int, at: int) -> None:
        """A `buy` or `sell`, before it trades. ``at``: in ms."""

    def dealt(self, player: str) -> None:
        """A round dealt to the player."""

    def hinted(self, player: str, hint: Hint) -> None:
        """The player was told of a hint."""

    def announced(self, text: str, good: str | None, bps: int, at: int) -> None:
        """News, which shift the anchor of the good. ``at``: in ms."""

    def closed(self, result: dict[str, Any], gains: Sequence[tuple[str, int, int]]) -> None:
        """A round is over: its result, as `debrief.round_result` has it; everybody's start and worth."""

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
        """A trade, the last that was counted, of ``qty`` units between ``order`` and who took them on the other side.

        ``ours``: the taker's account; ``theirs``: that of the order's player. ``side`` and ``number``: of the taker's
        order, 0 if it is none. ``fee`` and ``tax``: what the taker pays; ``makers_tax``: what the other one does.
        """
        trade, at, index, price = self.state.trades, effects.at, self._indexes[order.good], order.price
        bits, maker, fills = BOUGHT * (side == BID), order.player, effects.fills
        if taker != HOUSE:
            if (blotter := ours.blotter) is None:
                blotter = ours.blotter = Blotter()
            packed = blotter.fill(trade, at, number, fee + tax, price, qty, index, bits)
            if (told := fills.get(taker)) is None:
                told = fills[taker] = []
            told.append(packed)
        if maker != HOUSE:
            if (blotter := theirs.blotter) is None:
                blotter = theirs.blotter = Blotter()
            packed = blotter.fill(trade, at, order.number, makers_tax, price, qty, index, bits ^ BOUGHT | MADE)
            if (told := fills.get(maker)) is None:
                told = fills[maker] = []
            told.append(packed)

    def done(self, order: Order, became: Became, effects: Effects) -> None:
        """An order leaves the book, or never came into it. ``order``: as it was then."""
        if order.player != HOUSE:
            account = self.state.accounts[order.player]
            if (blotter := account.blotter) is None:
                blotter = account.blotter = Blotter()
            blotter.end(order, self._indexes[order.good], became, effects.at)

    def unknown(self, player: str, order: str) -> UnknownOrderError:
        """The error for an ``order``, by its id, that is no open one of the player's: with what became of it."""
        if ORDER_ID.match(order) is None:
            return UnknownOrderError(f"no open order {order!r} of yours")
        if (number := int(order[1:])) <= self.state.past_orders:
            return UnknownOrderError(f"{order} was of a round that is over", "round_over")
        blotter = self.state.accounts[player].blotter
        if blotter is None or (known := blotter.became(number)) is None:
            return UnknownOrderError(f"no open order {order!r} of yours, and none of your last that are done")
        became, filled = known
        units = f"{filled} unit" if filled == 1 else f"{filled} units"
        if became == FILLED:
            return UnknownOrderError(f"{order} was filled: {units}", became)
        partly = f"; {units} had been filled" if filled else ""
        return UnknownOrderError(f"{order} {WORDS[became]}{partly}", became)
