"""``python -m bench.floors.writes CONNECTIONS SECONDS``: what a bare loop of ``os.write`` takes for a message, as JSON.

It writes one frame, ready made, to each socket in turn, at the pace of the load ``say``; a process on the load's core
reads. Nothing else is done: no event loop, no look at who can take how much.
"""

from __future__ import annotations

import json
import os
import resource
import select
import socket
import sys
import time

from bench.load.closed import SAID_CHARACTERS, SAYS_A_SECOND
from bench.servers import LOAD, process

ENVELOPE_BYTES = 130
"""What a frame that says something has besides the text."""


def main() -> None:
    connections, seconds = int(sys.argv[1]), float(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    with socket.create_server(("127.0.0.1", 0), backlog=connections) as listener:
        port = listener.getsockname()[1]
        with process(sys.executable, "-m", "bench.floors.writes", "read", port, connections, core=LOAD):
            sockets = [listener.accept()[0] for _ in range(connections)]
            for each in sockets:
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            print(json.dumps({"cpu_us_each": round(_write(sockets, seconds) * 1e6, 2)}))


def _write(sockets: list[socket.socket], seconds: float) -> float:
    """CPU of a write, in s."""
    frame = b"x" * (SAID_CHARACTERS + ENVELOPE_BYTES)
    fds = [each.fileno() for each in sockets]
    rounds, begun, used = 0, time.monotonic(), time.process_time()
    while rounds < seconds * SAYS_A_SECOND:
        time.sleep(max(0.0, begun + rounds / SAYS_A_SECOND - time.monotonic()))
        for fd in fds:
            os.write(fd, frame)
        rounds += 1
    return (time.process_time() - used) / (rounds * len(fds))


def read(port: int, connections: int) -> None:
    """The other side, until it is ended."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    sockets = [socket.create_connection(("127.0.0.1", port)) for _ in range(connections)]
    poll = select.epoll()
    for each in sockets:
        poll.register(each.fileno(), select.EPOLLIN)
    while True:
        for fd, _ in poll.poll():
            if not os.read(fd, 1 << 18):
                return


if __name__ == "__main__":
    if sys.argv[1] == "read":
        read(int(sys.argv[2]), int(sys.argv[3]))
    else:
        main()
