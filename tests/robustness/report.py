"""What a siege came to: a table by failpoint, as Markdown, for the terminal and for docs/ROBUSTNESS.md."""

from __future__ import annotations

import resource
from collections.abc import Sequence

from tests.guarantees.history import Answered, FrameSeen, Lost, Sent, Stalled
from tests.robustness.checks import stale_first_copies
from tests.robustness.recovery import Recovery, percentile, recoveries
from tests.robustness.siege import Record
from tests.robustness.words import counted


def lines(record: Record, violations: Sequence[str]) -> list[str]:
    """The summary. Times in s."""
    histories, strikes = record.run.histories, record.strikes
    seconds = record.ended_at - record.began_at
    answers = [answered for history in histories for answered in history.settling]
    commands = len({(id(history), answered.command) for history in histories for answered in history.settling})
    refused = [a for history in histories for a in history.of(Answered) if not a.settles]
    sent = sum(len(history.of(Sent)) for history in histories)
    lost = [event for history in histories for event in history.of(Lost)]
    stalls = sum(len(history.of(Stalled)) for history in histories)
    slow = sum(event.code == 4001 for event in lost)
    return [
        f"Seed {record.seed}, {record.etcd}, {len(histories)} clients, {seconds / 60:.1f} minutes: "
        f"{counted(len(strikes), 'fault')}, **{counted(len(violations), 'violation')}**.",
        "",
        f"- {commands:,} commands settled, {commands / seconds:.0f} a second; {sent:,} times one was sent, "
        f"{len(answers) - commands:,} answers to one sent again; "
        f"{sum(event.unanswered for event in lost):,} were unanswered when a connection went",
        f"- {sum(map(stale_first_copies, histories)):,} commands were made anew, as their only copy was stale",
        f"- {len(refused):,} times a client was told to ask again ({_codes(refused)})",
        f"- {sum(len(history.of(FrameSeen)) for history in histories):,} frames checked, "
        f"{record.run.truth.seq:,} different ones; {len(lost):,} connections ended, {slow} of them for reading too "
        f"slowly; {stalls} times a client stopped reading; {len(record.run.visits):,} times a newcomer looked in",
        f"- {record.entries:,} entries in the log, {record.generations} generations; "
        f"the harness took {_most_memory() >> 20:,} MiB at most",
        "",
        *_table(recoveries(histories, strikes)),
    ]


def _most_memory() -> int:
    """Bytes that this process had in RAM at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _table(found: Sequence[Recovery]) -> list[str]:
    waited = "to a client's first answer: p50 | p99 | max | to anyone's"
    table = [
        f"| fault | times | unanswered at once | told to ask again | {waited} | besides |",
        "|---|--:|--:|--:|--:|--:|--:|--:|---|",
    ]
    for name in dict.fromkeys(sorted(recovery.strike.failpoint for recovery in found)):
        each = [recovery for recovery in found if recovery.strike.failpoint == name]
        clients = [value for recovery in each for value in recovery.clients]
        firsts = [recovery.first for recovery in each if recovery.first is not None]
        unanswered = [recovery.strike.unanswered for recovery in each]
        spread = " | ".join(f"{percentile(clients, part):.2f}" for part in (0.5, 0.99, 1))
        table.append(
            f"| {name} | {len(each)} | {percentile(unanswered, 0.5):.0f}, most {max(unanswered)} "
            f"| {sum(recovery.put_off for recovery in each):,} | {spread} "
            f"| {max(firsts, default=0):.2f} | {_besides(each)} |"
        )
    return table


def _besides(each: Sequence[Recovery]) -> str:
    notes: dict[str, list[float]] = {}
    for recovery in each:
        for what, took in recovery.strike.notes.items():
            notes.setdefault(what, []).append(took)
    return "; ".join(f"{what} {percentile(took, 0.5):.1f}, most {max(took):.1f}" for what, took in notes.items())


def _codes(refused: Sequence[Answered]) -> str:
    counts: dict[str, int] = {}
    for answered in refused:
        body = answered.body
        code = f"{body['code']}{'' if body['definite'] else ', nobody knows'}"
        counts[code] = counts.get(code, 0) + 1
    return "; ".join(f"{code}: {count:,}" for code, count in sorted(counts.items())) or "none"
