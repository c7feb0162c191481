"""Node, with what a directory's package-lock.json pins; and scripts in it that ask the test to do things meanwhile."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

IN_CI = os.environ.get("CI") == "true"
INSTALL_DEADLINE_S = 120.0


def node_with_packages(directory: Path) -> str:
    """The node to run, with the packages of ``directory`` installed there. Skips without Node; in CI it fails."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        missing = "node" if node is None else "npm"
        if IN_CI:
            pytest.fail(f"{missing} is not installed, and in CI nothing is skipped")
        pytest.skip(f"{missing} is not installed: nothing in JavaScript can run")
    lock = directory / "package-lock.json"
    with lock.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # tests in several processes want the same packages
        if _installed(directory) != _pinned(lock):
            subprocess.run(
                [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
                cwd=directory,
                check=True,
                timeout=INSTALL_DEADLINE_S,
            )
    return node


def _pinned(lock: Path) -> dict[str, str]:
    packages = json.loads(lock.read_text())["packages"]
    return {path: package["version"] for path, package in packages.items() if path}


def _installed(directory: Path) -> dict[str, str]:
    hidden = directory / "node_modules" / ".package-lock.json"
    return _pinned(hidden) if hidden.exists() else {}


def run(command: list[str], directory: Path, deadline_s: float) -> str:
    """What it printed. Fails with that when it ends otherwise than with 0."""
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=deadline_s, check=False)
    assert done.returncode == 0, f"{done.stdout[-6000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def play(
    command: list[str],
    directory: Path,
    deeds: Mapping[str, Callable[[], Any]] | None = None,
    deadline_s: float = 60.0,
) -> dict[str, Any]:
    """Run a script that says a JSON object a line: ``{"do": …}`` asks for one of ``deeds``, and is answered when it is
    done, with what it returned; the last one is what this returns.

    Fails when the script does not end with 0 before the deadline.
    """
    said: dict[str, Any] = {}
    with subprocess.Popen(
        command, cwd=directory, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        late = threading.Timer(deadline_s, process.kill)
        late.start()
        errors: list[str] = []
        reading = threading.Thread(target=lambda: errors.extend(process.stderr or ()))
        reading.start()
        try:
            for line in process.stdout:
                said = json.loads(line)
                if "do" in said:
                    process.stdin.write(json.dumps((deeds or {})[said["do"]]()) + "\n")
                    process.stdin.flush()
            code = process.wait()
        finally:
            late.cancel()
            process.kill()
            reading.join()
    assert code == 0, f"it ended with {code}, or had not ended in {deadline_s} s; last said: {said}\n{''.join(errors)}"
    return said
