"""One witness's resting orders: compares what it was told with its account. No I/O and no clock.

The account is read now and then. It may be from before a trade that was already seen, or from after one that was not.
So a mismatch is a finding only if it is still there two reads later, with all frames until then seen.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from attrs import define, field

from tradegame.cluster.witness.effects import Finding

GONE_KEPT = 500

BookSide = Literal["bid", "ask"]


@define
class Resting:
    """An order of the witness; ``qty`` is what still rests."""

    good: str
    side: BookSide
    qty: int
    price: int


@define
class _Doubt:
    """A mismatch seen ``times`` times; ``until``: the frame that must be seen before it becomes a finding."""

    times: int = 1
    until: int = 0


@define(eq=False)
class OrderBook:
    """``open``: by id, oldest first, as far as the witness knows."""

    open: dict[str, Resting] = field(factory=dict, init=False)
    checked: int = field(default=0, init=False)
    """Orders that were found in the account, each once."""
    _found: set[str] = field(factory=set, init=False)
    _gone: dict[str, bool] = field(factory=dict, init=False)
    _early: dict[tuple[str, str, int], int] = field(factory=dict, init=False)
    _doubts: dict[str, _Doubt] = field(factory=dict, init=False)

    def side_in(self, good: str) -> BookSide | None:
        """The side on which an order rests in a good, if any. The witness keeps to it, so that it never trades with
        itself.
        """
        return next((order.side for order in self.open.values() if order.good == good), None)

    def placed(self, order: str, resting: Resting) -> None:
        """An order was acknowledged, and that much of it rests."""
        place = (resting.good, resting.side, resting.price)
        early = min(self._early.pop(place, 0), resting.qty)
        resting.qty -= early
        if resting.qty:
            self.open[order] = resting
        else:
            self._forget(order, cancelled=False)

    def begin(self) -> None:
        """An order is being sent: it may trade before it is acknowledged."""
        self._early.clear()

    def cancelled(self, order: str) -> None:
        """A cancel was acknowledged."""
        self.open.pop(order, None)
        self._forget(order, cancelled=True)

    def filled(self, good: str, side: BookSide, price: int, qty: int) -> None:
        """Somebody took ``qty`` of what rested at a price: the rules take the oldest order first."""
        for name, order in list(self.open.items()):
            if (order.good, order.side, order.price) != (good, side, price):
                continue
            part = min(qty, order.qty)
            order.qty -= part
            qty -= part
            if not order.qty:
                del self.open[name]
                self._forget(name, cancelled=False)
            if not qty:
                return
        self._early[good, side, price] = self._early.get((good, side, price), 0) + qty

    def new_round(self) -> None:
        """Every order is cancelled by the rules when a round closes."""
        for name in list(self.open):
            self.cancelled(name)
        self._gone = dict.fromkeys(self._gone, False)
        self._doubts.clear()

    def audit(self, account: Collection[str], seen: int, head: int) -> list[Finding]:
        """Compare with the ids of the orders in a fresh account, while nothing is under way.

        ``seen``: the last frame that the witness's own connection brought; ``head``: the last that the checker saw.
        Returns the findings, each once.
        """
        for name in account:
            if name in self.open and name not in self._found:
                self._found.add(name)
                self.checked += 1
        self._found.intersection_update(self.open)
        odd = {name for name in self.open if name not in account}
        odd |= {name for name in account if name not in self.open and self._gone.get(name, True)}
        self._doubts = {name: doubt for name, doubt in self._doubts.items() if name in odd}
        findings: list[Finding] = []
        for name in sorted(odd):
            doubt = self._doubts.get(name)
            if doubt is None:
                self._doubts[name] = _Doubt()
            elif doubt.times == 1:
                doubt.times, doubt.until = 2, seen
            elif head >= doubt.until:
                findings.append(self._finding(name))
                del self._doubts[name]
        return findings

    def _finding(self, name: str) -> Finding:
        order = self.open.pop(name, None)
        if order is not None:
            self._forget(name, cancelled=False)
            what = f"order {name} ({order.side} {order.qty} {order.good} at {order.price})"
            return "lost", f"{what}: acknowledged, neither traded nor cancelled, and missing"
        known = name in self._gone
        self._gone[name] = False
        if known:
            return "lost", f"the cancel of order {name}: acknowledged, and it is still there"
        return "doubled", f"order {name}, which no acknowledged command explains"

    def _forget(self, name: str, *, cancelled: bool) -> None:
        self._gone[name] = cancelled
        if len(self._gone) > GONE_KEPT:
            del self._gone[next(iter(self._gone))]
