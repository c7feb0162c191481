"""What the witnesses were told, held against what all can see: is anything lost, is anything doubled?

No I/O and no clock. A command that was acknowledged has its place, ``seq``; the frame with that number must show its
effect, exactly. An effect that no acknowledged command explains happened once too often. A witness has one command
under way at a time, which is what makes this exact: an effect that comes before its acknowledgement waits for that one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Literal

from attrs import define, field, frozen

from tradegame.client import Said, Trade
from tradegame.client.events import PublicEvent

WAITING_MOST = 20_000
FINDINGS_KEPT = 50

Side = Literal["buy", "sell"]


@frozen
class Traded:
    """``qty`` units taken from the book at once; ``notional`` is None where the reply does not tell."""

    good: str
    side: Side
    qty: int
    notional: int | None = None

    def __str__(self) -> str:
        return f"{self.side} of {self.qty} {self.good}" + (f" for {self.notional}" if self.notional is not None else "")


@frozen
class Spoken:
    """``text``: no other message says the same."""

    text: str

    def __str__(self) -> str:
        return f"message {self.text!r}"


Effect = Traded | Spoken


@frozen
class Acknowledged:
    """What a command was told to have done, in the frame ``seq``."""

    seq: int
    effect: Effect


@define(eq=False)
class _Account:
    """One witness. ``expected``: acknowledged, its frame not yet seen; ``unexplained``: seen, not yet acknowledged."""

    in_flight: bool = False
    expected: dict[int, Effect] = field(factory=dict)
    unexplained: dict[int, tuple[Effect, ...]] = field(factory=dict)


@define(eq=False)
class Ledger:
    """Counts. ``checked``: acknowledged effects that were found, once. ``unchecked``: those whose frame nobody saw.
    ``lost`` and ``doubled`` must stay 0; ``findings`` says what they were.
    """

    checked: int = field(default=0, init=False)
    unchecked: int = field(default=0, init=False)
    lost: int = field(default=0, init=False)
    doubled: int = field(default=0, init=False)
    findings: deque[str] = field(factory=lambda: deque(maxlen=FINDINGS_KEPT), init=False)
    _accounts: dict[str, _Account] = field(factory=dict, init=False)
    _head: int = field(default=0, init=False)
    _waiting: int = field(default=0, init=False)
    _unseen: deque[tuple[int, int]] = field(factory=lambda: deque(maxlen=1_000), init=False)

    @property
    def waiting(self) -> int:
        """Acknowledged effects whose frame has not come yet."""
        return self._waiting

    def watch(self, player: str) -> None:
        """From now on, whatever this player does is held against what it was told."""
        self._accounts.setdefault(player, _Account())

    def begin(self, player: str) -> None:
        """It sends a command. Until ``answered``, an effect of its may be that command's."""
        self._accounts[player].in_flight = True

    def answered(self, player: str, told: Acknowledged | None) -> None:
        """Its command has an answer that is final: None for one that has no effect here (refused, or rests)."""
        account = self._accounts[player]
        account.in_flight = False
        if told is not None:
            seen = account.unexplained.pop(told.seq, None)
            if seen is not None:
                self._compare(player, told.seq, told.effect, seen)
            elif told.seq > self._head:
                self._expect(account, told)
            elif any(first <= told.seq <= last for first, last in self._unseen):
                self.unchecked += 1
            else:
                self.find_lost(f"the {told.effect} of {player}, acknowledged at {told.seq}: not in that frame")
        for seq, effects in account.unexplained.items():
            self._too_often(player, seq, effects)
        account.unexplained.clear()

    def abandon(self, player: str) -> None:
        """Its command will have no answer, as the witness ends: it may have happened, at most once."""
        account = self._accounts[player]
        account.in_flight = False
        seen = [(seq, effect) for seq, effects in account.unexplained.items() for effect in effects]
        for seq, effect in seen[1:]:
            self._too_often(player, seq, (effect,))
        account.unexplained.clear()

    def begin_at(self, seq: int) -> None:
        """The first frame to come is the one after ``seq``: earlier ones are none of ours."""
        self._head = seq

    def frame(self, seq: int, events: Iterable[PublicEvent]) -> None:
        """The next frame, whole. A number that leaves some out says that nobody saw those."""
        if seq > self._head + 1:
            self._skip(self._head + 1, seq - 1)
        self._head = seq
        for player, effects in self._effects(events).items():
            account = self._accounts[player]
            expected = account.expected.pop(seq, None)
            if expected is not None:
                self._waiting -= 1
                self._compare(player, seq, expected, effects)
            elif account.in_flight:
                account.unexplained[seq] = effects
            else:
                self._too_often(player, seq, effects)
        self._overdue(seq)

    def close(self, patient: bool) -> None:
        """Nothing more will come. What still waits was lost if one was ``patient``, else it is unchecked."""
        for player, account in self._accounts.items():
            for seq, effect in account.expected.items():
                if patient:
                    self.find_lost(f"the {effect} of {player}, acknowledged at {seq}: never seen")
                else:
                    self.unchecked += 1
            account.expected.clear()
        self._waiting = 0

    def find_lost(self, what: str) -> None:
        self.lost += 1
        self.findings.append(f"lost: {what}")

    def find_doubled(self, what: str) -> None:
        self.doubled += 1
        self.findings.append(f"doubled: {what}")

    def _expect(self, account: _Account, told: Acknowledged) -> None:
        if self._waiting >= WAITING_MOST:
            self.unchecked += 1
            return
        account.expected[told.seq] = told.effect
        self._waiting += 1

    def _effects(self, events: Iterable[PublicEvent]) -> dict[str, tuple[Effect, ...]]:
        """What each witness did in a frame: trades of one good and side are one."""
        trades: dict[tuple[str, str, Side], tuple[int, int]] = {}
        found: dict[str, tuple[Effect, ...]] = {}
        for event in events:
            match event:
                case Said(player=player, text=text) if player in self._accounts:
                    found[player] = (*found.get(player, ()), Spoken(text))
                case Trade():
                    side: Side = "buy" if event.taker == "buy" else "sell"
                    player = event.buyer if side == "buy" else event.seller
                    if player in self._accounts:
                        qty, notional = trades.get((player, event.good, side), (0, 0))
                        trades[player, event.good, side] = (qty + event.qty, notional + event.qty * event.price)
        for (player, good, side), (qty, notional) in trades.items():
            found[player] = (*found.get(player, ()), Traded(good, side, qty, notional))
        return found

    def _compare(self, player: str, seq: int, told: Effect, seen: tuple[Effect, ...]) -> None:
        rest = list(seen)
        for effect in seen:
            if _same(told, effect):
                rest.remove(effect)
                self.checked += 1
                break
        else:
            alike = next((effect for effect in seen if _alike(told, effect)), None)
            if alike is None:
                self.find_lost(f"the {told} of {player}, acknowledged at {seq}: not in that frame")
            else:
                rest.remove(alike)
                more = isinstance(told, Traded) and isinstance(alike, Traded) and alike.qty > told.qty
                find = self.find_doubled if more else self.find_lost
                find(f"the {told} of {player}, acknowledged at {seq}, was a {alike} there")
        self._too_often(player, seq, tuple(rest))

    def _too_often(self, player: str, seq: int, effects: tuple[Effect, ...]) -> None:
        for effect in effects:
            self.find_doubled(f"a {effect} of {player} at {seq}, which no acknowledged command explains")

    def _overdue(self, seq: int) -> None:
        """A frame that came without the effect it should have had."""
        for player, account in self._accounts.items():
            effect = account.expected.pop(seq, None)
            if effect is not None:
                self._waiting -= 1
                self.find_lost(f"the {effect} of {player}, acknowledged at {seq}: not in that frame")

    def _skip(self, first: int, last: int) -> None:
        self._unseen.append((first, last))
        for account in self._accounts.values():
            for seq in [seq for seq in account.expected if first <= seq <= last]:
                del account.expected[seq]
                self._waiting -= 1
                self.unchecked += 1


def _same(told: Effect, seen: Effect) -> bool:
    if isinstance(told, Traded) and isinstance(seen, Traded) and told.notional is None:
        return _alike(told, seen) and told.qty == seen.qty
    return told == seen


def _alike(told: Effect, seen: Effect) -> bool:
    """Whether it may be the same command's, if not in full."""
    if isinstance(told, Traded) and isinstance(seen, Traded):
        return (told.good, told.side) == (seen.good, seen.side)
    return told == seen
