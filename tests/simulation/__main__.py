"""``python -m tests.simulation SEED`` tells one seed's story; ``--seeds 1000`` runs many and names those that fail."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import sys
import time
import traceback
from collections import Counter

from attrs import evolve

from tests.simulation.scenario import Verdict, simulate


def main() -> int:
    """The exit code: 1 when a check found something."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("seed", nargs="?", type=int, help="tell the story of this seed (default: a random one)")
    parser.add_argument("--seeds", type=int, help="run so many seeds and tell only what fails")
    parser.add_argument("--from", dest="first", type=int, default=1, help="the first of them (default: 1)")
    parser.add_argument("--jobs", type=int, default=min(os.cpu_count() or 1, 8), help="processes")
    arguments = parser.parse_args()
    if arguments.seeds is not None:
        if arguments.seeds < 1 or arguments.seed is not None:
            parser.error("either one SEED, or --seeds 1 or more")
        return _run_many(range(arguments.first, arguments.first + arguments.seeds), arguments.jobs)
    return _tell(arguments.seed if arguments.seed is not None else random.randrange(1, 10**9))


def _tell(seed: int) -> int:
    begun = time.perf_counter()
    verdict = simulate(seed)
    print(f"seed {seed}: times in s, 'n1.2' is the second life of node n1, 'c3' is a client")
    print("\n".join(verdict.lines))
    print(
        f"\nseed {seed}: {verdict.commands} commands, {verdict.frames} frames seen, {verdict.entries} entries, "
        f"{verdict.generations} generations, {sum(verdict.faults.values())} faults, story {verdict.digest}, "
        f"settled {verdict.settled_s:.1f} s after the last fault, {time.perf_counter() - begun:.2f} s to run"
    )
    print(f"{len(verdict.violations)} violations" if verdict.violations else "all is well")
    return 1 if verdict.violations else 0


def run_one(seed: int) -> Verdict | str:
    """For a worker: a verdict without its story, or the traceback of a fault of the simulation's own."""
    try:
        verdict = simulate(seed)
    except Exception:  # noqa: BLE001 - a worker's edge: the seed is named, with the trace
        return f"seed {seed}\n{traceback.format_exc()}"
    return evolve(verdict, lines=())


def _run_many(seeds: range, jobs: int) -> int:
    begun, done, failed = time.perf_counter(), 0, 0
    totals: Counter[str] = Counter()
    settled: list[float] = []
    live = sys.stderr.isatty()
    with multiprocessing.Pool(jobs) as pool:
        for verdict in pool.imap_unordered(run_one, seeds, chunksize=4):
            done += 1
            if isinstance(verdict, str) or verdict.violations:
                failed += 1
                _show_failure(verdict)
            if not isinstance(verdict, str):
                totals.update(
                    commands=verdict.commands,
                    frames=verdict.frames,
                    entries=verdict.entries,
                    generations=verdict.generations,
                    faults=sum(verdict.faults.values()),
                )
                settled.append(verdict.settled_s)
            if live or done % 100 == 0:
                seconds = time.perf_counter() - begun
                text = f"{done} of {len(seeds)} seeds, {failed} failed, {seconds:.0f} s"
                print(f"\r{text}" if live else text, end="" if live else "\n", file=sys.stderr, flush=True)
    seconds = time.perf_counter() - begun
    counted = ", ".join(f"{count} {name}" for name, count in totals.items())
    slowest_s = max(settled, default=0.0)
    print(f"\n{done} seeds in {seconds:.0f} s: {failed} failed. {counted}; slowest to settle {slowest_s:.1f} s")
    return 1 if failed else 0


def _show_failure(verdict: Verdict | str) -> None:
    if isinstance(verdict, str):
        print(f"\nthe simulation itself failed: {verdict}", flush=True)
        return
    print(f"\nseed {verdict.seed} failed; its story: python -m tests.simulation {verdict.seed}")
    for violation in verdict.violations[:6]:
        print(f"    {violation[:300]}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
