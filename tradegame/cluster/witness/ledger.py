"""Compares what the witnesses were told with what everybody can see. Is anything lost, is anything doubled?

No I/O and no clock. An acknowledged command has its place, ``seq``: the frame with that number must show its effect,
exactly (``effects``). An effect that no acknowledged command explains happened once too often. A witness has only one
command under way at a time, which makes this exact: an effect that comes before its acknowledgement waits for that one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from attrs import define, field, frozen

from tradegame.client.vocabulary import PublicEvent
from tradegame.cluster.witness.effects import Effect, Kind, compare, shown

WAITING_MOST = 20_000
FINDINGS_KEPT = 50


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
    """``checked``: acknowledged effects that were found, once. ``unchecked``: those whose frame nobody saw.
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
        """From now on, whatever this player does is compared with what it was told."""
        self._accounts.setdefault(player, _Account())

    def begin(self, player: str) -> None:
        """The player sends a command. Until ``answered``, an effect of theirs may be that command's."""
        self._accounts[player].in_flight = True

    def answered(self, player: str, told: Acknowledged | None) -> None:
        """The command has its final answer. ``told``: None if it has no visible effect (refused, or only rests)."""
        account = self._accounts[player]
        account.in_flight = False
        if told is not None:
            seen = account.unexplained.pop(told.seq, None)
            if seen is not None:
                self._compare(player, told.seq, [told.effect], seen)
            elif told.seq > self._head:
                self._expect(account, told)
            elif any(first <= told.seq <= last for first, last in self._unseen):
                self.unchecked += 1
            else:
                self._compare(player, told.seq, [told.effect], [])
        for seq, effects in account.unexplained.items():
            self._compare(player, seq, [], effects)
        account.unexplained.clear()

    def abandon(self, player: str) -> None:
        """The command will get no answer, since the witness ends: it may have happened, at most once."""
        account = self._accounts[player]
        account.in_flight = False
        seen = [(seq, effect) for seq, effects in account.unexplained.items() for effect in effects]
        for seq, effect in seen[1:]:
            self._compare(player, seq, [], [effect])
        account.unexplained.clear()

    def begin_at(self, seq: int) -> None:
        """The first frame to come is the one after ``seq``."""
        self._head = seq

    def frame(self, seq: int, events: Iterable[PublicEvent]) -> None:
        """The next whole frame. If its number skips some, nobody saw those."""
        if seq > self._head + 1:
            self._skip(self._head + 1, seq - 1)
        self._head = seq
        for player, effects in shown(events, self._accounts).items():
            account = self._accounts[player]
            expected = account.expected.pop(seq, None)
            if expected is not None:
                self._waiting -= 1
                self._compare(player, seq, [expected], effects)
            elif account.in_flight:
                account.unexplained[seq] = effects
            else:
                self._compare(player, seq, [], effects)
        self._overdue(seq)

    def close(self, patient: bool) -> None:
        """Nothing more will come. What is still expected counts as lost if ``patient``, else as unchecked."""
        for player, account in self._accounts.items():
            for seq, effect in account.expected.items():
                if patient:
                    self.find("lost", f"the {effect} of {player} at {seq} was acknowledged and never seen")
                else:
                    self.unchecked += 1
            account.expected.clear()
        self._waiting = 0

    def find(self, kind: Kind, what: str) -> None:
        """Count a finding."""
        self.lost += kind == "lost"
        self.doubled += kind == "doubled"
        self.findings.append(f"{kind}: {what}")

    def _expect(self, account: _Account, told: Acknowledged) -> None:
        if self._waiting >= WAITING_MOST:
            self.unchecked += 1
            return
        account.expected[told.seq] = told.effect
        self._waiting += 1

    def _compare(self, player: str, seq: int, told: Sequence[Effect], seen: Sequence[Effect]) -> None:
        matched, findings = compare(f"{player} at {seq}", told, seen)
        self.checked += matched
        for kind, what in findings:
            self.find(kind, what)

    def _overdue(self, seq: int) -> None:
        """The frame came without the effect that it should show."""
        for player, account in self._accounts.items():
            effect = account.expected.pop(seq, None)
            if effect is not None:
                self._waiting -= 1
                self._compare(player, seq, [effect], [])

    def _skip(self, first: int, last: int) -> None:
        self._unseen.append((first, last))
        for account in self._accounts.values():
            for seq in [seq for seq in account.expected if first <= seq <= last]:
                del account.expected[seq]
                self._waiting -= 1
                self.unchecked += 1
