"""Marks: what goods count for in worth and score. No trade between two players moves what a round is scored by.

A last price can be printed by two players who pass one unit to and fro. So the final mark of a good with a house is the
house's anchor; that of any other is the median of the last minute's bids, second by second, each with its lowest best
bid. A bid that counts has stood for most of that minute, funded, and whoever had the good could have sold to it.
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import field, frozen

from tradegame.core.domain.book import BID
from tradegame.core.domain.mark import LADDER, BidLows, Mark
from tradegame.core.domain.state import MICRO, OPEN, Effects, GameState
from tradegame.protocol.bounds import MarkKind

RENEWED_MS = 5_000
"""Estimates from bids are renewed this often while a round is open, with the first entry thereafter."""


@frozen
class MarkService:
    """Keeps every good's mark: an estimate while a round is open, and what counts at its close."""

    state: GameState
    _kinds: dict[str, MarkKind] = field(init=False)
    """What the final mark of each good is; none for the good with private values."""

    @_kinds.default
    def _by_good(self) -> dict[str, MarkKind]:
        definition = self.state.definition
        kinds = {good: definition.mark_of(good) for good in definition.goods}
        return {good: kind for good, kind in kinds.items() if kind is not None}

    def open(self, effects: Effects) -> None:
        """A round opens, or the game begins: nobody has bid yet, and the house stands by its first anchor."""
        for good, kind in self._kinds.items():
            market, house = self.state.markets[good], self.state.definition.goods[good].house
            if kind == "anchor" and house is not None:
                self._set(good, Mark(house.anchor, "estimate"), effects)
            elif kind == "last":
                self._set(good, Mark(market.last or 0, "last"), effects)
            else:
                market.lows = BidLows() if kind == "bid" else None
                self._set(good, Mark(0, kind), effects)

    def quoted(self, good: str, mid: int, effects: Effects) -> None:
        """The house has quoted around ``mid``, in coins. Its anchor is a secret until the close."""
        if self._kinds[good] == "anchor":
            self._set(good, Mark(mid, "estimate"), effects)
        self.follow((good,), effects)

    def follow(self, goods: Iterable[str], effects: Effects) -> None:
        """The books of these goods changed. Takes about 1 µs for each; from a book of 100 levels, 10 µs."""
        state = self.state
        if state.phase != OPEN:
            return
        for good in goods:
            kind, market = self._kinds.get(good), state.markets[good]
            if kind == "bid" and market.lows is not None:
                market.lows.see(self._second(), market.book.best(BID) or 0)
            elif kind == "book":
                self._set(good, self._final(good, kind), effects)
            elif kind == "last":
                self._set(good, Mark(market.last or 0, "last"), effects)

    def renew(self, before: int, effects: Effects) -> None:
        """Estimate anew from bids, if that is due: the round was ``before`` old (`round_ms`) when the entry began."""
        if self.state.phase == OPEN and before // RENEWED_MS != self.state.round_ms // RENEWED_MS:
            for good, kind in self._kinds.items():
                if kind == "bid":
                    self._set(good, self._final(good, kind), effects)

    def close(self, effects: Effects) -> None:
        """The round is over, and orders are still there: from now on the final marks count."""
        for good, kind in self._kinds.items():
            self._set(good, self._final(good, kind), effects)
            self.state.markets[good].lows = None

    def settle(self, good: str, price: int, effects: Effects) -> None:
        """Every unit was paid ``price`` coins."""
        self._set(good, Mark(price, "settled"), effects)

    def _final(self, good: str, kind: MarkKind) -> Mark:
        """What the mark would be if the round closed now."""
        market = self.state.markets[good]
        if kind == "anchor" and market.house is not None:
            return Mark(max(1, (market.house.anchor + MICRO // 2) // MICRO), "anchor")
        if kind == "bid" and market.lows is not None:
            second = self._second()
            market.lows.see(second, market.book.best(BID) or 0)
            return Mark(market.lows.median(second), "bid")
        if kind == "book":
            levels = market.book.levels(BID, LADDER)
            return Mark(levels[0][0] if levels else 0, "book", levels)
        return market.mark

    def _second(self) -> int:
        return self.state.round_ms // 1000

    def _set(self, good: str, mark: Mark, effects: Effects) -> None:
        market = self.state.markets[good]
        if mark != market.mark:
            effects.marks[good] = None
            market.mark = mark
