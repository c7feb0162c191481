"""What a load cost the server's process, and how long its answers took."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def rss_kib(pid: int) -> int:
    """Resident memory of a process, in KiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def cpu_s(pid: int) -> float:
    """What a process has used so far, user and system, in s; in steps of 10 ms."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Meter:
    """Begins when it is made: CPU of the process ``pid``, wall time, and the load's own CPU."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._cpu, self._own, self._begun = cpu_s(pid), time.process_time(), time.monotonic()

    def cpu_percent(self) -> float:
        """Of a core, since it was made."""
        return round(100 * (cpu_s(self._pid) - self._cpu) / (time.monotonic() - self._begun), 2)

    def report(self, done: int, latencies_s: Iterable[float] = ()) -> dict[str, Any]:
        """What ``done`` things cost each. ``load_busy`` near 1: the load was too slow for the server."""
        wall, used = time.monotonic() - self._begun, cpu_s(self._pid) - self._cpu
        report: dict[str, Any] = {
            "per_second": round(done / wall),
            "cpu_us_each": round(used / done * 1e6, 2),
            "load_busy": round((time.process_time() - self._own) / wall, 2),
        }
        if latencies := sorted(latencies_s):
            report |= {f"p{part}_ms": round(percentile(latencies, part) * 1e3, 3) for part in (50, 99)}
        return report


def percentile(ascending: list[float], part: float) -> float:
    """The value that ``part`` per cent of them do not exceed."""
    return ascending[max(0, -int(-len(ascending) * part // 100) - 1)]
