"""``python -m tools.lock``: write down again which version of each package is installed.

``requirements/*.txt`` are what ``make`` and an image install, with hashes, for every Python and system. Each file has
what the ones before it do not: ``build`` what makes the package, ``tradegame`` what the server needs, then what tests,
a browser's tests and the documentation need. ``oldest.txt`` has the oldest version of everything that pyproject.toml
names, for ``make test-oldest``. ``--upgrade`` takes the newest of everything; without it, what is locked stays.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOCKS = ROOT / "requirements"
NOTE = "# Written by `make lock` from pyproject.toml. Do not edit.\n"
LAYERS = {"build": "build", "tradegame": "", "dev": "dev", "browser": "browser", "docs": "docs"}
"""The files, in the order in which they are installed, and the dependency group of each."""
EVERYWHERE = re.compile(r"(?m)^([a-z0-9][a-z0-9._-]*)==[^ ;]+ \\$")
"""The name of a package that is needed on every Python and system: other layers may need one with a marker on more."""


def resolve(target: Path, *options: str) -> None:
    """Let uv choose versions for every Python that the project supports, and write them to ``target``."""
    command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"]
    subprocess.run(
        [*command, "--no-header", "--no-annotate", *options, "--output-file", str(target)], cwd=ROOT, check=True
    )


def groups(names: Sequence[str]) -> list[str]:
    return [option for name in names if name for option in ("--group", name)]


def main(arguments: Sequence[str]) -> None:
    """Write all files."""
    upgrade = ["--upgrade"] if "--upgrade" in arguments else []
    with tempfile.TemporaryDirectory() as directory:
        everything = Path(directory) / "everything.txt"
        everything.write_text(
            "".join(file.read_text() for layer in LAYERS if (file := LOCKS / f"{layer}.txt").exists())
        )
        resolve(everything, "pyproject.toml", *groups(list(LAYERS.values())), *upgrade)
        before: list[str] = []
        for layer, group in LAYERS.items():
            made = Path(directory) / f"{layer}.txt"
            sources = groups([group]) if layer == "build" else ["pyproject.toml", *groups([group])]
            without = [option for name in before for option in ("--no-emit-package", name)]
            resolve(made, *sources, "--constraints", str(everything), "--generate-hashes", *without)
            locked = made.read_text()
            before += EVERYWHERE.findall(locked)
            (LOCKS / f"{layer}.txt").write_text(NOTE + locked)
        oldest = Path(directory) / "oldest.txt"
        resolve(oldest, "pyproject.toml", *groups(["build", "dev"]), "--resolution", "lowest-direct")
        (LOCKS / "oldest.txt").write_text(NOTE + oldest.read_text())


if __name__ == "__main__":
    main(sys.argv[1:])
