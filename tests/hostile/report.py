"""What sieges by players came to: one table, as Markdown, for the terminal and for docs/ROBUSTNESS.md."""

from __future__ import annotations

from collections.abc import Sequence

from tests.hostile.siege import Look, Record
from tests.robustness.recovery import percentile
from tests.robustness.words import counted


def lines(found: Sequence[tuple[Record, Sequence[str]]]) -> list[str]:
    """One row a siege. ``found``: each with its violations."""
    table = [
        "| | answers a second, quiet, siege | p50, ms | p99, ms | HTTP p99, ms | loop held, ms of CPU | memory, MiB "
        "| server's CPU | it waited for a core | attackers' CPU | log, bytes/s | violations |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for record, violations in found:
        quiet, siege = record.of("quiet"), record.of("siege")
        table.append(
            f"| {record.title} | {_rates(record)} | {_spread(record, 0.5)} | {_spread(record, 0.99)} "
            f"| {_spread(record, 0.99, http=True)} "
            f"| {_held(record)} | {_memory(quiet)}, {_memory(siege)} "
            f"| {_cpu(quiet)}, {_cpu(siege)} | {_starved(quiet)}, {_starved(siege)} | {_attackers(record)} "
            f"| {(siege[-1].log_bytes - siege[0].log_bytes) / max(1.0, siege[-1].at - siege[0].at):,.0f} "
            f"| {len(violations)} |"
        )
    return table


def details(record: Record, violations: Sequence[str]) -> list[str]:
    """What one siege came to, in lines."""
    tally = record.tally
    attacks = {name.removeprefix("attack "): n for name, n in tally.items() if name.startswith("attack ")}
    told = {name: n for name, n in tally.items() if name.startswith(("closed", "error"))}
    return [
        f"{record.title}, seed {record.seed}: {record.hostile} hostile clients for {record.seconds['siege']:.0f} s, "
        f"**{counted(len(violations), 'violation')}**.",
        "",
        f"- {sum(attacks.values()):,} attacks of {len(attacks)} kinds, "
        f"{tally['attacks cut short by the server']:,} cut short by the server; "
        f"{tally['connections']:,} connections, {tally['connections refused']:,} more refused; "
        f"{tally['bytes sent'] >> 20:,} MiB sent, {tally['bytes read'] >> 20:,} MiB read",
        f"- attackers were told: {', '.join(f'{name} ({n:,})' for name, n in sorted(told.items())) or 'nothing'}",
        f"- honest people: {record.log.frames:,} frames checked; refused: {record.log.refusals}; the harness itself "
        f"was late by at most {', '.join(f'{s * 1e3:.0f} ms ({phase})' for phase, s in record.harness_lag_s.items())}",
        f"- the loop was held longest by {_holders(record)}",
        f"- memory by eighths of the siege: {_growth(record.of('siege'))}",
        f"- logged: {', '.join(f'{name} ({n:,})' for name, n in record.logged.most_common(12))}",
        "",
        *[f"  {violation}" for violation in violations],
    ]


def _rates(record: Record) -> str:
    return ", ".join(
        f"{len(record.log.latencies.get(phase, ())) / record.seconds[phase]:.0f}" for phase in ("quiet", "siege")
    )


def _spread(record: Record, part: float, *, http: bool = False) -> str:
    found = record.log.http if http else record.log.latencies
    return ", ".join(f"{percentile(found.get(phase, ()), part) * 1e3:.0f}" for phase in ("quiet", "siege"))


def _held(record: Record) -> str:
    return ", ".join(f"{record.holds(phase)[0][0]:.0f}" for phase in ("quiet", "siege"))


def _memory(looks: Sequence[Look]) -> int:
    return max(look.resident for look in looks) >> 20


def _growth(looks: Sequence[Look]) -> str:
    """The most in each eighth, with the accounts and keys that there were."""
    size = max(1, len(looks) // 8)
    parts = [max(looks[at : at + size], key=lambda look: look.resident) for at in range(0, len(looks), size)]
    return ", ".join(
        f"{look.resident >> 20} MiB ({look.accounts:,} accounts, {look.keys:,} keys, {look.cached >> 20} MiB SQLite's, "
        f"{look.freed >> 20} MiB freed)"
        for look in parts
    )


def _cpu(looks: Sequence[Look]) -> str:
    first, last = looks[0], looks[-1]
    return f"{(last.cpu_s - first.cpu_s) / max(1.0, last.at - first.at):.0%}"


def _holders(record: Record) -> str:
    stolen_ms = sum(look.stolen_ms for look in record.of("siege"))
    stalls = [(end - begin) / 1e6 for begin, end in record.stalls.spans]
    return (
        ", ".join(f"{by} ({ms:.0f} ms)" for ms, by in record.holds("siege")[:6])
        + f"; {stolen_ms:.0f} ms of long stretches were other machines'; the whole machine stood still "
        + f"{len(stalls)} times, for {max(stalls, default=0):.0f} ms at most"
    )


def _starved(looks: Sequence[Look]) -> str:
    first, last = looks[0], looks[-1]
    return f"{(last.starved_s - first.starved_s) / max(1.0, last.at - first.at):.0%}"


def _attackers(record: Record) -> str:
    return f"{sum(each['cpu_s'] / each['seconds'] for each in record.attackers):.0%}"
