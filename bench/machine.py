"""Which machine, and which versions of what."""

from __future__ import annotations

import datetime
import os
import platform
import re
import shutil
import sqlite3
import subprocess
from pathlib import Path

from tests.support.etcd import etcd_version, steadfast_etcd_binary


def about() -> str:
    """One line: the day, CPU, cores, OS, and what runs on it."""
    parts = (
        f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}",
        f"{_cpu()}, {os.cpu_count()} cores",
        f"{_system()}, Linux {platform.release()}" if platform.system() == "Linux" else platform.platform(),
        f"{platform.python_implementation()} {platform.python_version()}",
        f"Node {_node()}",
        f"etcd {etcd_version(steadfast_etcd_binary())}",
        f"SQLite {sqlite3.sqlite_version}",
    )
    return "; ".join(parts)


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    found = re.search(r"^model name\s*: (.+)$", info.read_text(), re.MULTILINE) if info.exists() else None
    return found[1].strip() if found else platform.processor() or platform.machine()


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return platform.system()


def _node() -> str:
    node = shutil.which("node")
    if node is None:
        return "missing"
    return subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip().lstrip("v")
