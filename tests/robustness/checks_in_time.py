"""What must hold beside the log: nobody is shown the past, no error lies, and what breaks is mended in time."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator

from tests.robustness.history import Answered, Followed, Sent
from tests.robustness.recovery import percentile, recoveries
from tests.robustness.run import Check, Run, settling

KILLED, KILLED_P99_S = "node: kill -9", 2.0
LEADER_KILLED, LEADER_S = "etcd: the leader, kill -9", 5.0
SLOW_MACHINE = 2.0
"""A machine that runs all of this at once is slow: so many times a limit is a violation. The summary has the times."""


def no_stale_join(run: Run) -> Iterator[str]:
    """Whoever joins is shown nothing older than what anybody had been told, at any node, before it asked."""
    told = sorted(
        (answered.at, answered.body["seq"])
        for history in run.histories
        for answered in settling(history)
        if answered.ok and answered.at and not answered.body.get("replayed")
    )
    times, newest, most = [at for at, _ in told], [], 0
    for _, seq in told:
        most = max(most, seq)
        newest.append(most)

    def least(asked_at: float) -> int:
        index = bisect_right(times, asked_at)
        return newest[index - 1] if index else 0

    for history in run.histories:
        known = 0
        for event in history.events:
            if isinstance(event, Answered):
                if event.ok and not event.body.get("replayed"):
                    known = max(known, event.body["seq"])
            elif isinstance(event, Followed) and event.asked_at and not event.recovered:
                own, others = max(known, event.after or 0), least(event.asked_at)
                if event.seq < own:
                    yield f"{history.name}: knew of {own}, and was shown the state at {event.seq}"
                elif event.seq < others:
                    yield f"{history.name}: was shown {event.seq} at {event.asked_at:.1f}, {others} was known"
    for visit in run.visits:
        if visit.seq < least(visit.asked_at):
            yield f"{visit.url} showed {visit.seq} at {visit.asked_at:.1f}, {least(visit.asked_at)} was known"


def definite_means_definite(run: Run) -> Iterator[str]:
    """What was refused for certain is in the log only as often as it was sent besides; unsaid, if it has no key."""
    for history in run.histories:
        refused = Counter(answered.command for answered in history.of(Answered) if answered.refuses)
        if not refused:
            continue
        sent = Counter(event.command for event in history.of(Sent))
        for number, times in refused.items():
            command = history.commands[number]
            if command.key is None:
                logged = run.truth.said[command.fields["text"]]
            else:
                logged = run.truth.logged[history.player, command.key]
            if logged > sent[number] - times:
                yield (
                    f"{history.name}: {command} was sent {sent[number]} times and refused for certain {times} times, "
                    f"and is in the log {logged} times"
                )


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
    for recovery in recoveries(run.histories, run.strikes) if run.strikes else ():
        if recovery.strike.failpoint == KILLED:
            waited += recovery.clients
        elif recovery.strike.failpoint == LEADER_KILLED and (recovery.first or 0) > LEADER_S * SLOW_MACHINE:
            yield f"after a leader's death no command was answered for {recovery.first:.1f} s"
    if (p99 := percentile(waited, 0.99)) > KILLED_P99_S * SLOW_MACHINE:
        yield f"of the clients of a killed node one in a hundred waited {p99:.1f} s and more"


CHECKS_IN_TIME: tuple[Check, ...] = (
    no_stale_join,
    definite_means_definite,
    faults_are_borne,
    clients_are_served_again,
)
