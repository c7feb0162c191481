"""What holds in a siege beside the guarantees: faults are noticed, and clients are served again in time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from attrs import define

from tests.guarantees import checks
from tests.guarantees.history import Answered, History, Sent
from tests.robustness.recovery import percentile, recoveries
from tests.robustness.strike import Strike

KILLED, KILLED_P99_S = "node: kill -9", 2.0
LEADER_KILLED, LEADER_S = "etcd: the leader, kill -9", 5.0
STALE_MOST = 0.001
SLOW_MACHINE = 2.0
"""On a machine that runs all of this at once, only so many times a limit is a violation. The summary has the times."""


@define(repr=False)
class Run(checks.Run):
    """A siege's ``strikes``."""

    strikes: Sequence[Strike] = ()


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


def violations(run: Run) -> list[str]:
    """What the guarantees and these checks find, by name."""
    own = (faults_are_borne, clients_are_served_again, first_copies_are_not_stale)
    return checks.violations(run) + checks.found((check, check(run)) for check in own)
