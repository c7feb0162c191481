"""The log of a server whose clients want to fill it, and whose reader has stopped."""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.raw import Raw, ask
from tradegame.cluster.processes.ports import quiet_ports

DEADLINE_S = 60.0
pytestmark = pytest.mark.skipif(not hasattr(fcntl, "F_SETPIPE_SZ"), reason="needs a small pipe, as Linux makes it")


@pytest.mark.slow
def test_a_log_that_nobody_reads_holds_up_nobody(tmp_path: Path) -> None:
    reads, writes = os.pipe()
    fcntl.fcntl(writes, fcntl.F_SETPIPE_SZ, 4_096)
    (port,) = quiet_ports(1)
    command = [sys.executable, "-m", "tradegame", "serve", "--port", str(port), "--store", "memory:"]
    server = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=writes)
    os.close(writes)
    try:
        assert server.stdout is not None
        assert b" serves " in server.stdout.readline()
        link = server.stdout.readline()
        assert re.fullmatch(rb"host it at http://127\.0\.0\.1:%d/host#token=[\w-]{32}\n" % port, link)
        for _ in range(60):  # a line each, of some 250 bytes
            with Raw.upgraded(port) as peer:
                peer.send(ask("ping", id=1))
                assert peer.reply()["id"] == 1
        server.terminate()
        assert server.wait(DEADLINE_S) == 0
    finally:
        server.kill()
        server.wait()
        os.close(reads)
        if server.stdout is not None:
            server.stdout.close()


def test_a_flood_of_connections_makes_few_lines(tmp_path: Path) -> None:
    (port,) = quiet_ports(1)
    log = tmp_path / "log"
    command = [sys.executable, "-m", "tradegame", "serve", "--port", str(port), "--store", "memory:"]
    with log.open("wb") as output:
        server = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=output)
    try:
        assert server.stdout is not None
        assert b" serves " in server.stdout.readline()
        for _ in range(200):
            with Raw(port) as peer:
                peer.send(b"GET /ws HTTP/1.1\r\nHost: x\r\n\r\n")
                assert peer.until_closed().startswith(b"HTTP/1.1 426 ")
        server.terminate()
        assert server.wait(DEADLINE_S) == 0
    finally:
        server.kill()
        server.wait()
        if server.stdout is not None:
            server.stdout.close()
    text = log.read_text()
    written = text.count("] request_refused ")
    left_out = sum(int(count) for count in re.findall(r"log_lines_left_out +count=(\d+)", text))
    assert 50 <= written < 200
    assert written + left_out == 200, "what is not written is counted"
