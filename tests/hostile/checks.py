"""What must hold in a siege by players: each a function with a sentence, that yields what breaks it, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.hostile.siege import Look, Record
from tests.robustness.recovery import percentile

Check = Callable[[Record], Iterator[str]]

MOST_SLOWER = 5.0
LEAST_P99_S = 0.05
"""A p99 below this is good, whatever it was without the attackers."""
MOST_HELD_MS = 10.0
MOST_LOG_BYTES, MOST_LOG_BYTES_PER_S = 500_000, 5_000
"""A hundred lines each of a dozen causes at once, then five a second."""
LEAST_SENT = 10_000
"""Bytes of each hostile client: a few seconds' worth."""
LOST = ("store_lost", "node_lease_lost", "game_stopped", "froze")
KEY_BYTES = 200
"""What a key that is remembered takes, with its result: see docs/OPERATIONS.md."""
ACCOUNT_BYTES = 5_000
"""What an account takes that trades: with its orders, its last fifty fills, which are packed, and its session."""
GROWTH = 1.15
"""So much more memory the last quarter of a siege may take than the second: what fills up has filled by then."""


def the_attackers_attack(record: Record) -> Iterator[str]:
    """A siege in which next to nothing was sent shows nothing."""
    sent = record.tally["bytes sent"]
    if sent < LEAST_SENT * record.hostile:
        yield f"{record.hostile} hostile clients sent {sent:,} bytes"


def nobody_honest_is_harmed(record: Record) -> Iterator[str]:
    """No honest connection is closed, no frame missed, no command refused for want of room or time, or done twice."""
    yield from record.log.complaints[:20]
    if len(record.log.complaints) > 20:
        yield f"and {len(record.log.complaints) - 20} more complaints"


def the_node_is_ready_all_along(record: Record) -> Iterator[str]:
    """/readyz is 200 whenever somebody asks."""
    bad = [look for look in record.looks if look.ready]
    if bad:
        yield f"not ready {len(bad)} times of {len(record.looks)}, first after {bad[0].at:.0f} s: {bad[0].ready}"


def nothing_is_lost(record: Record) -> Iterator[str]:
    """No lease and no store is lost, no game stops, the process does not stand still."""
    for name, count in record.logged.items():
        if any(lost in name for lost in LOST):
            yield f"{count} times {name}"


def no_fault_is_logged(record: Record) -> Iterator[str]:
    """No error, no stack trace, no `internal` with its reference."""
    yield from record.faults[:5]
    if len(record.faults) > 5:
        yield f"and {len(record.faults) - 5} more faults in the log"


def the_game_is_sound(record: Record) -> Iterator[str]:
    """It is served, no invariant is broken, and its log can be replayed."""
    yield from record.problems
    if record.metrics["tradegame_audit_violations"]:
        yield "an audit found an invariant broken"
    if record.metrics["tradegame_game_serving"] != 1:
        yield "the game is not served"


def nothing_is_left_behind(record: Record) -> Iterator[str]:
    """When all have gone no connection stays."""
    if record.metrics["tradegame_connections"]:
        yield f"{record.metrics['tradegame_connections']:.0f} connections stay behind"


def the_log_is_bounded(record: Record) -> Iterator[str]:
    """What clients do cannot fill the disk with the log."""
    looks = record.of("siege")
    if len(looks) > 1:
        grown, seconds = looks[-1].log_bytes - looks[0].log_bytes, looks[-1].at - looks[0].at
        if grown > MOST_LOG_BYTES + MOST_LOG_BYTES_PER_S * seconds:
            told = ", ".join(f"{count} × {name}" for name, count in record.logged.most_common(5))
            yield f"{grown:,} bytes of log in {seconds:.0f} s: {told}"


def memory_is_flat(record: Record) -> Iterator[str]:
    """What can fill up is full after half of the siege.

    But for the keys of commands, of which those of ten minutes are kept, accounts, of which a game has as many as its
    definition says, what SQLite keeps of its file, and malloc of what was freed.
    """
    looks = record.of("siege")
    quarter = len(looks) // 4
    if quarter >= 30:  # less says nothing
        second, last = (max(map(_besides, some)) for some in (looks[quarter : 2 * quarter], looks[-quarter:]))
        if last > GROWTH * second:
            there = f"{looks[-1].keys:,} keys and {looks[-1].accounts:,} accounts"
            yield f"{second >> 20} MiB besides keys and accounts grew to {last >> 20} MiB, with {there}"


def _besides(look: Look) -> int:
    return look.resident - KEY_BYTES * look.keys - ACCOUNT_BYTES * look.accounts - look.cached - look.freed


def honest_people_wait_little_longer(record: Record) -> Iterator[str]:
    """The p99 of their answers is at most five times what it was without the attackers."""
    quiet, siege = (percentile(record.log.latencies.get(phase, ()), 0.99) for phase in ("quiet", "siege"))
    if siege > max(LEAST_P99_S, MOST_SLOWER * quiet):
        yield f"p99 is {siege * 1e3:.0f} ms, {siege / quiet:.1f} times the {quiet * 1e3:.0f} ms without attackers"


def the_loop_is_not_held(record: Record) -> Iterator[str]:
    """No step holds the server's event loop for more than 10 ms of CPU."""
    long = [(ms, by) for ms, by in record.holds("siege") if ms > MOST_HELD_MS]
    if long:
        yield f"the loop was held for {long[0][0]:.0f} ms by {long[0][1]}; {len(long)} times too long"


CHECKS: tuple[Check, ...] = (
    the_attackers_attack,
    nobody_honest_is_harmed,
    the_node_is_ready_all_along,
    nothing_is_lost,
    no_fault_is_logged,
    the_game_is_sound,
    nothing_is_left_behind,
    the_log_is_bounded,
    memory_is_flat,
)
"""They hold however slow the machine is."""
CHECKS_OF_PACE: tuple[Check, ...] = (honest_people_wait_little_longer, the_loop_is_not_held)
"""They say something on a machine that does nothing else."""


def violations(record: Record, *, pace: bool) -> list[str]:
    """What breaks any of them, with the check's name."""
    checks = CHECKS + (CHECKS_OF_PACE if pace else ())
    return [f"{check.__name__}: {what}" for check in checks for what in check(record)]
