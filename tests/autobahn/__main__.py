"""``python -m tests.autobahn [CASES]``: the Autobahn|Testsuite against the transport, with an echo on it.

The suite needs Python 2.7 with pip: the one that PYTHON2 names, else one on the PATH or of pyenv. Where there is none
this says so, and that is all. It is installed below ``build/`` once. CASES: such as ``1.*,2.*``; by default all but
performance (9) and compression (12, 13), which this protocol does not have.

The exit code is 1 if a case fails. *Non-strict* is allowed: it failed by another way than the suite would like.
"""

from __future__ import annotations

import collections
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import trio

from tests.controller.wire import serving
from tradegame.controller.websocket import frames
from tradegame.controller.websocket.transport import WebSocket
from tradegame.utils.logging import configure_logging

SUITE = "autobahntestsuite==0.8.2"
CASES = "1.*,2.*,3.*,4.*,5.*,6.*,7.*,10.*"
LIBRARY = Path(__file__).parents[2] / "build" / "autobahn"
FRAME_BYTES = 1 << 20
"""Its messages have at most 64 KiB; ours, in a game, 16."""
WITHIN_S = 600.0

RUN = "import sys; from autobahntestsuite.wstest import run; sys.argv = ['wstest'] + sys.argv[1:]; run()"


def python2() -> str | None:
    """A Python 2.7 with pip."""
    installed = sorted(Path.home().glob(".pyenv/versions/2.7.*/bin/python"))
    for each in (os.environ.get("PYTHON2"), shutil.which("python2.7"), shutil.which("python2"), *map(str, installed)):
        if each and subprocess.run([each, "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0:
            return each
    return None


def install(python: str) -> None:
    """The suite, into a folder of its own. Raises SystemExit."""
    mark = LIBRARY / "zope" / "__init__.py"  # which pip leaves out, and Python 2 needs
    if not mark.exists():
        pip = (python, "-m", "pip", "--quiet", "--disable-pip-version-check", "install")
        done = subprocess.run([*pip, "--target", str(LIBRARY), SUITE], capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{SUITE} cannot be installed:\n{done.stderr}")
        mark.touch()


async def echo(websocket: WebSocket) -> None:
    """Text as text, bytes as bytes."""
    while True:
        message = await websocket.receive()
        if isinstance(message, str):
            websocket.send(frames.text_frame(message.encode()))
        else:
            websocket.send(_binary_frame(message))


def _binary_frame(payload: bytes) -> bytes:
    """The server itself never sends one: a text frame with the other opcode."""
    frame = frames.text_frame(payload)
    return bytes((frame[0] - frames.TEXT + frames.BINARY,)) + frame[1:]


async def verdicts(python: str, cases: str, folder: Path) -> dict[str, Any]:
    """What the suite says of each case."""
    async with serving(echo, frame_bytes=FRAME_BYTES, outbox_bytes=16 * FRAME_BYTES) as served:
        spec = {
            "outdir": str(folder / "report"),
            "servers": [{"agent": "transport", "url": f"ws://127.0.0.1:{served.port}/ws"}],
            "cases": cases.split(","),
            "exclude-cases": [],
            "exclude-agent-cases": {},
        }
        (folder / "spec.json").write_text(json.dumps(spec))
        with trio.fail_after(WITHIN_S):
            await trio.run_process(
                [python, "-c", RUN, "-m", "fuzzingclient", "-s", str(folder / "spec.json")],
                env={**os.environ, "PYTHONPATH": str(LIBRARY), "PYTHONWARNINGS": "ignore"},
                cwd=folder,
                capture_stdout=True,
            )
    found: dict[str, Any] = json.loads((folder / "report" / "index.json").read_text())["transport"]
    return found


def main() -> None:
    python = python2()
    if python is None:
        print("autobahn: skipped (needs a Python 2.7 with pip: PYTHON2 names one)", file=sys.stderr)
        return
    install(python)
    configure_logging("warning", "console")
    with tempfile.TemporaryDirectory() as folder:
        found = trio.run(verdicts, python, sys.argv[1] if len(sys.argv) > 1 else CASES, Path(folder))
    failed = sorted(case for case, said in found.items() if "FAILED" in (said["behavior"], said["behaviorClose"]))
    counts = collections.Counter(said["behavior"] for said in found.values())
    summed = ", ".join(f"{count} {behavior}" for behavior, count in counts.most_common())
    print(f"{len(found)} cases: {summed}; failed: {', '.join(failed) or 'none'}")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
