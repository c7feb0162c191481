"""Node, and the packages that a directory's package-lock.json pins, installed beside it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

IN_CI = os.environ.get("CI") == "true"
INSTALL_DEADLINE_S = 180.0


def node_with_packages(directory: Path) -> str:
    """The node to run there, once every dependency of package.json is there as pinned.

    Without node the test is skipped; in CI, where nothing is skipped, it fails.
    """
    found, npm = shutil.which("node"), shutil.which("npm")
    if found is None or npm is None:
        missing = "node" if found is None else "npm"
        if IN_CI:
            pytest.fail(f"{missing} is not installed, and in CI nothing is skipped")
        pytest.skip(f"{missing} is not installed")
    if any(_installed(directory, name) != version for name, version in _pinned(directory).items()):
        subprocess.run(
            [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
            cwd=directory,
            check=True,
            timeout=INSTALL_DEADLINE_S,
        )
    return found


def _pinned(directory: Path) -> dict[str, str]:
    asked = json.loads((directory / "package.json").read_text())["dependencies"]
    lock = json.loads((directory / "package-lock.json").read_text())["packages"]
    return {name: str(lock[f"node_modules/{name}"]["version"]) for name in asked}


def _installed(directory: Path, name: str) -> str | None:
    package = directory / "node_modules" / name / "package.json"
    return str(json.loads(package.read_text())["version"]) if package.exists() else None
