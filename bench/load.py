#!/usr/bin/env python3
"""Loads a `tradegame serve` over tradegame.v1 and prints what it cost that server's process. Standard library only.

python bench/load.py PORT PID say|buy|idle CLIENTS SECONDS [SAYS_PER_SECOND] [--window N] [--game ID] [--good NAME]

say: one player says 200 characters at a fixed pace, every client is joined and counts them.
buy: every client buys one unit, waits for the reply, buys again; with a window, N of them are under way all the time.
idle: they stay.
The server's limits (commands_per_s, burst, connections_per_address) must be raised, and the game's cash be ample.
"""

import argparse
import base64
import contextlib
import json
import os
import select
import socket
import struct
import time
from pathlib import Path

args = argparse.ArgumentParser()
args.add_argument("port", type=int)
args.add_argument("pid", type=int)
args.add_argument("job", choices=["say", "buy", "idle"])
args.add_argument("clients", type=int)
args.add_argument("seconds", type=float)
args.add_argument("pace", type=float, nargs="?", default=50)
args.add_argument("--window", type=int, default=1)
args.add_argument("--game", default="bazaar")
args.add_argument("--good", default="grain")
a = args.parse_args()


def cpu():
    fields = Path(f"/proc/{a.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss():
    lines = Path(f"/proc/{a.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def frame(obj):
    """A masked text frame (mask 0: the payload is unchanged)."""
    body = json.dumps(obj).encode()
    head = bytes([0x81, 0x80 | len(body)]) if len(body) < 126 else b"\x81\xfe" + struct.pack(">H", len(body))
    return head + b"\0\0\0\0" + body


class Connection:
    def __init__(self):
        self.sock = socket.create_connection(("127.0.0.1", a.port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        key = base64.b64encode(os.urandom(16)).decode()
        self.sock.sendall(
            f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{a.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Protocol: tradegame.v1\r\n\r\n".encode()
        )
        self.buffer = b""
        while b"\r\n\r\n" not in self.buffer:
            self.buffer += self.sock.recv(4096)
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        assert b" 101 " in head.split(b"\r\n")[0], head

    def frames(self, data):
        """The payloads of the whole text frames in what has come; pings are answered."""
        self.buffer += data
        out, buffer, at = [], self.buffer, 0
        while len(buffer) - at >= 2:
            size, start = buffer[at + 1] & 127, at + 2
            if size == 126:
                if len(buffer) - at < 4:
                    break
                size, start = int.from_bytes(buffer[at + 2 : at + 4], "big"), at + 4
            elif size == 127:
                if len(buffer) - at < 10:
                    break
                size, start = int.from_bytes(buffer[at + 2 : at + 10], "big"), at + 10
            if len(buffer) < start + size:
                break
            opcode, body = buffer[at] & 15, buffer[start : start + size]
            if opcode == 1:
                out.append(body)
            elif opcode == 9:
                self.sock.send(bytes([0x8A, 0x80 | size]) + b"\0\0\0\0" + body)
            elif opcode == 8:
                raise SystemExit(f"server closed: {body!r}")
            at = start + size
        self.buffer = buffer[at:]
        return out

    def ask(self, obj):
        self.sock.sendall(frame(obj))
        while True:
            for body in self.frames(self.sock.recv(1 << 18)):
                reply = json.loads(body)
                if reply.get("id") == obj["id"]:
                    assert "ok" in reply, reply
                    return reply["ok"]


before, connections = rss(), []
for i in range(a.clients):
    c = Connection()
    c.ask({"id": 1, "op": "hello", "name": f"load{i}"})
    c.ask({"id": 2, "op": "join", "game": a.game})
    connections.append(c)
poll, by_fd = select.epoll(), {}
for c in connections:
    c.sock.setblocking(False)
    poll.register(c.sock.fileno(), select.EPOLLIN)
    by_fd[c.sock.fileno()] = c


def drain(until):
    while (left := until - time.monotonic()) > 0:
        for fd, _ in poll.poll(min(left, 0.2)):
            with contextlib.suppress(BlockingIOError):
                by_fd[fd].frames(by_fd[fd].sock.recv(1 << 18))


drain(time.monotonic() + 2)
out = {
    "server": "tradegame",
    "job": a.job,
    "clients": a.clients,
    "kib_per_connection": round((rss() - before) / a.clients, 1),
}
latency, done, sent = [], 0, 0
cpu0, t0 = cpu(), time.monotonic()
end = t0 + a.seconds
if a.job == "say":
    sampled = {c.sock.fileno() for c in connections[::50]}
    while (now := time.monotonic()) < end + 1:
        if now < end and now >= t0 + sent / a.pace:
            sent += 1
            text = f"{time.monotonic():.6f}".ljust(20).ljust(200, "x")
            connections[0].sock.send(frame({"id": 10 + sent, "op": "say", "game": a.game, "text": text}))
        for fd, _ in poll.poll(0.002):
            for body in by_fd[fd].frames(by_fd[fd].sock.recv(1 << 18)):
                n = body.count(b'"said"')
                done += n
                if n and fd in sampled:
                    at = time.monotonic()
                    latency += [at - float(e["text"][:20]) for e in json.loads(body)["events"] if e["type"] == "said"]
elif a.job == "buy":
    asked = {c: {} for c in connections}  # by id, when

    def buy(c, ids):
        now = time.monotonic()
        asked[c].update(dict.fromkeys(ids, now))
        buys = [{"id": n, "op": "buy", "game": a.game, "good": a.good, "qty": 1, "key": f"k-{n}"} for n in ids]
        c.sock.send(b"".join(map(frame, buys)))

    errors = 0
    for c in connections:
        buy(c, range(10, 10 + a.window))
    while time.monotonic() < end:
        for fd, _ in poll.poll(0.1):
            c = by_fd[fd]
            replied = []
            for body in c.frames(c.sock.recv(1 << 18)):
                if body.startswith(b'{"id":'):
                    n = int(body[6 : body.index(b",", 6)])
                    errors += b'"error"' in body
                    replied.append(n)
                    latency.append(time.monotonic() - asked[c].pop(n))
            if replied:
                done += len(replied)
                buy(c, [n + a.window for n in replied])
    out["errors"] = errors
else:
    drain(end)
wall, used = time.monotonic() - t0, cpu() - cpu0
if done:
    latency.sort()
    out |= {
        "per_second": round(done / wall),
        "cpu_us_each": round(used / done * 1e6, 2),
        "p50_ms": round(latency[len(latency) // 2] * 1e3, 2),
        "p99_ms": round(latency[int(len(latency) * 0.99)] * 1e3, 2),
    }
if a.job == "say":
    out["delivered"] = round(done / (sent * a.clients), 4)
print(json.dumps(out))
