"""What holds in a siege beside the guarantees: faults are noticed, and clients are served again in time."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence, Set

from attrs import Factory, define

from tests.guarantees import checks
from tests.guarantees.history import Answered, Followed, History, Lost, Sent
from tests.robustness.recovery import percentile, recoveries
from tests.robustness.strike import Strike
from tradegame.protocol.bounds import DISCONNECT_GRACE_S

KILLED, KILLED_P99_S = "node: kill -9", 2.0
LEADER_KILLED, LEADER_S = "etcd: the leader, kill -9", 5.0
STALE_MOST = 0.001
ARRIVED_S = 6.0
"""So long before its grace is over a player who is back must have joined: an entry may wait while etcd elects."""
WITHDRAWN_S = 45.0
"""Within so long the orders of who left are gone: their node's lease, 10 s, the grace, 15, and faults on top of it."""
SLOW_MACHINE = 2.0
"""On a machine that runs all of this at once, only so many times a limit is a violation. The summary has the times."""


@define(repr=False)
class Run(checks.Run):
    """A siege's ``strikes``. ``careful``: the players who chose `cancel_on_disconnect`; ``left``: when some of them
    left for good, in s. ``offset_s``: so much later is it by the wall clock. ``ended_at``: the end of the trading.
    """

    strikes: Sequence[Strike] = ()
    careful: Set[str] = frozenset()
    left: Mapping[str, float] = Factory(dict)
    offset_s: float = 0.0
    ended_at: float = 0.0


def faults_are_borne(run: Run) -> Iterator[str]:
    """Each fault was noticed and got over as it must be, and no node appended that must not."""
    for strike in run.strikes:
        yield from strike.broken
        for node in strike.must_not_append:
            if entries := run.truth.appended[node]:
                yield f"{strike.failpoint} at {strike.place}: it appended {entries} entries all the same"


def clients_are_served_again(run: Run) -> Iterator[str]:
    """After a node's death its clients are served elsewhere within 2 s (p99), after a leader's commands flow in 5 s."""
    waited: list[float] = []
    for recovery in recoveries(run.histories, run.strikes):
        if recovery.strike.failpoint == KILLED:
            waited += recovery.clients
        elif recovery.strike.failpoint == LEADER_KILLED and (recovery.first or 0) > LEADER_S * SLOW_MACHINE:
            yield f"after a leader's death no command was answered for {recovery.first:.1f} s"
    if (p99 := percentile(waited, 0.99)) > KILLED_P99_S * SLOW_MACHINE:
        yield f"of the clients of a killed node one in a hundred waited {p99:.1f} s and more"


def stale_first_copies(history: History) -> int:
    """How many commands were told `stale` of the only copy that may have been taken in: they never happened."""
    copies: Counter[int] = Counter()
    found = 0
    for event in history.events:
        if isinstance(event, Sent):
            copies[event.command] += 1
        elif isinstance(event, Answered):
            copies[event.command] -= event.refuses
            found += event.stale and copies[event.command] == 1
    return found


def first_copies_are_not_stale(run: Run) -> Iterator[str]:
    """Of a thousand commands at most one has to be made anew because its only copy came too late."""
    stale = sum(stale_first_copies(history) for history in run.histories)
    commands = sum(command.key is not None for history in run.histories for command in history.commands)
    if stale > commands * STALE_MOST:
        yield f"of {commands} commands {stale} were stale in their only copy"


def who_comes_back_in_time_keeps_their_orders(run: Run) -> Iterator[str]:
    """No order is withdrawn of a player who did not choose it, or who followed the game, on whichever node and however
    many nodes died meanwhile, in the last seconds of the grace.
    """
    spans = {history.player: list(_following(history)) for history in run.histories}
    for each in run.truth.withdrawals:
        at = each.at / 1000 - run.offset_s
        if each.player not in run.careful:
            yield f"{each.player} did not choose it, and {each.entry.id} withdrew their orders"
        if any(since <= at - ARRIVED_S and at <= to for since, to in spans.get(each.player, ())):
            yield f"{each.player} was back, and {each.entry.id} withdrew their orders at {at:.1f}"


def who_leaves_has_their_orders_withdrawn_once(run: Run) -> Iterator[str]:
    """After the grace and what it takes to notice, and not before."""
    for player, left_at in run.left.items():
        found = [each.at / 1000 - run.offset_s - left_at for each in run.truth.withdrawals if each.player == player]
        found = [after_s for after_s in found if after_s > 0]
        if len(found) > 1 or any(after_s < DISCONNECT_GRACE_S for after_s in found):
            yield f"{player} left, and their orders were withdrawn after {found} s"
        if not found and left_at + WITHDRAWN_S < run.ended_at:
            yield f"{player} left {run.ended_at - left_at:.0f} s before the end, and their orders stayed"


def _following(history: History) -> Iterator[tuple[float, float]]:
    """From when to when it was connected and followed the game, in s."""
    since: float | None = None
    for event in history.events:
        if isinstance(event, Followed):
            since = event.asked_at if since is None else since
        elif isinstance(event, Lost) and since is not None:
            yield since, event.at
            since = None
    if since is not None:
        yield since, math.inf


def violations(run: Run) -> list[str]:
    """What the guarantees and these checks find, by name."""
    own: tuple[Callable[[Run], Iterator[str]], ...] = (
        faults_are_borne,
        clients_are_served_again,
        first_copies_are_not_stale,
        who_comes_back_in_time_keeps_their_orders,
        who_leaves_has_their_orders_withdrawn_once,
    )
    return checks.violations(run) + checks.found((check, check(run)) for check in own)
